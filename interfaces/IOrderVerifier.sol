// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Signed orders of two parties that trade with each other through `Match`
/// @notice An order offers up to `size` packages of its legs. It is valid for as long as its time, its nonce, its group's epoch and
/// its owner's lockdown last, and it takes any number of fills until they add up to `size`.
/// @dev EIP-712, domain: name "Plimsoll Orders", version "1", chainId, verifyingContract = the OrderVerifier; types as the structs
/// below. Exactly one spelling: legs ascend strictly by instrument and have a quantity, and size × quantity is whole at 1e-8.
///
/// Who may sign: the owner of the account, by 65 bytes (r, s, v) with the lower s, or, where he is a contract, by whatever his
/// isValidSignature (ERC-1271) takes, asked statically and with bounded gas. 64-byte signatures (EIP-2098) are a contract's business
/// only. An empty signature is valid exactly when the owner himself sends the batch.
interface IOrderVerifier {
    /// @param instrument A series, or market << 56 for a perp; see OptionSeries. @param quantity Per package, 1e-8; negative sells.
    struct Leg {
        uint64 instrument;
        int64 quantity;
    }

    /// @param size Packages, 1e-8.
    /// @param limit The most it pays per package, fees excluded, 1e-10 quote; negative: the least it receives.
    /// @param expiry The last second, unix time, in which it can be filled.
    /// @param nonce Bit nonce & 255 of the owner's word nonce >> 8. Of several orders of one nonce the one that is filled first counts.
    /// @param group Cancelled as a whole by raising the owner's epoch of it; zero: in no group.
    /// @param groupEpoch What that epoch was when he signed. @param lockdown The same of his lockdowns.
    /// @param taker The only owner it trades with; zero: any.
    /// @param reduceOnly No leg may add to what the account has.
    struct Order {
        bytes32 account;
        Leg[] legs;
        uint64 size;
        int128 limit;
        uint32 expiry;
        uint256 nonce;
        uint64 group;
        uint32 groupEpoch;
        uint32 lockdown;
        address taker;
        bool reduceOnly;
    }

    struct SignedOrder {
        Order order;
        bytes signature;
    }

    /// @dev CLOSED: all of it was filled, or its nonce was cancelled. SUPERSEDED: another order of the same nonce was filled in part.
    enum OrderStatus {
        OPEN,
        CLOSED,
        SUPERSEDED,
        EXPIRED,
        GROUP_CANCELLED,
        LOCKED_DOWN
    }

    // ------------------------------------------------------------------ events: the whole state can be rebuilt from these

    /// @param size What this fill took. @param filled All of its fills. @param complete The nonce is used up.
    event OrderFilled(
        bytes32 indexed hash,
        address indexed owner,
        bytes32 indexed account,
        uint256 nonce,
        uint256 size,
        uint256 filled,
        bool complete
    );
    /// @param mask The bits of the word that cannot be used any more, whether or not they could before.
    event NoncesCancelled(address indexed owner, uint256 indexed word, uint256 mask);
    /// @param epoch What orders of the group must name from now on.
    event GroupCancelled(address indexed owner, uint256 indexed group, uint256 epoch);

    // ------------------------------------------------------------------ errors

    error CounterpartyNotAllowed(address taker, address counterparty);
    error FillBeyondSize(bytes32 hash, uint256 filled, uint256 fillSize, uint256 size);
    error GroupEpochMismatch(uint256 group, uint256 epoch, uint256 current);
    error GroupMissing();
    error LegCountInvalid(uint256 legs, uint256 maximum);
    error LegQuantityZero(uint256 instrument);
    error LegsNotAscending(uint256 instrument, uint256 previous);
    error LockdownMismatch(uint256 lockdown, uint256 current);
    error NonceSuperseded(address owner, uint256 nonce);
    error NonceUsed(address owner, uint256 nonce);
    error OnlyEngine(address caller);
    error OrderExpired(uint256 deadline, uint256 time);
    error QuantityInexact(uint256 instrument, uint256 size, int256 quantity);
    error QuantityOverflow(uint256 instrument, uint256 size, int256 quantity);
    error SignatureInvalid(address owner, bytes32 hash);
    error SignatureLengthInvalid(uint256 length);
    error SignatureMalleable(uint256 s);
    error SignatureMissing(address owner, address caller);
    error ZeroAmount();

    /// @notice Verifies everything but the limit, the reduce-only flag and what the instruments are, which are the engine's to hold,
    /// and records the fill. Only the engine.
    /// @param caller Who sent the batch. @param counterparty Owner of the account on the other side.
    /// @param lockdown The owner's lockdowns so far. @param fillSize Packages, 1e-8.
    /// @return hash The order's EIP-712 digest.
    function fill(
        Order calldata order,
        bytes calldata signature,
        address caller,
        address counterparty,
        uint256 lockdown,
        uint64 fillSize
    ) external returns (bytes32 hash);

    /// @notice Uses up nonces of the caller. Those of one word, one after the other, cost one write.
    function cancel(uint256[] calldata nonces) external;

    /// @notice Uses up the nonces of the caller that have a bit in `mask`: nonce = word << 8 | bit.
    function cancelWord(uint256 word, uint256 mask) external;

    /// @notice Cancels every order of the caller that is in `group`; a new one names the epoch that this returns.
    function cancelGroup(uint64 group) external returns (uint256 epoch);

    /// @notice What is signed: the EIP-712 digest.
    function hashOf(Order calldata order) external view returns (bytes32);

    /// @notice Whether the order can be filled now, if its owner has signed it, and how much of it is left (zero when it cannot). Reverts
    /// as a fill would for an order that is not canonical.
    function statusOf(Order calldata order) external view returns (OrderStatus status, uint256 remaining);

    /// @notice The owner's word of used nonces.
    function noncesOf(address owner, uint256 word) external view returns (uint256);

    /// @notice The owner's epoch of a group.
    function groupEpochOf(address owner, uint256 group) external view returns (uint256);

    function engine() external view returns (address);
}
