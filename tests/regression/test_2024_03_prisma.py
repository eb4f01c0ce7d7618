"""28 March 2024, Prisma: 11 million dollars.

A zap took a flash loan to move a user's position from one contract to another, and did the moving in the loan's
callback. Whoever made the lender call it directly, with data of his own, moved the positions of all who had permitted
the zap.

Property: nothing of ours has a callback. No contract answers a selector that is not in its ABI, with or without ether;
what an exchange calls back in the middle of a swap finds nobody; and a forged callback at the exchange's own router
takes nothing from an account or from Executor.
"""

from __future__ import annotations

import random

import pytest
from desk import QUOTE, USDC, WAD, WETH, Desk

from plimsoll.abi import encoder, keccak
from plimsoll.actions import call
from plimsoll.errors import Reverted

CALLBACKS = (
    "uniswapV2Call(address,uint256,uint256,bytes)",
    "uniswapV3SwapCallback(int256,int256,bytes)",
    "uniswapV3FlashCallback(uint256,uint256,bytes)",
    "uniswapV3MintCallback(uint256,uint256,bytes)",
    "pancakeV3SwapCallback(int256,int256,bytes)",
    "unlockCallback(bytes)",
    "onFlashLoan(address,address,uint256,uint256,bytes)",
    "executeOperation(address[],uint256[],uint256[],address,bytes)",
    "executeOperation(address,uint256,uint256,address,bytes)",
    "receiveFlashLoan(address[],uint256[],uint256[],bytes)",
    "onMorphoFlashLoan(uint256,bytes)",
    "onMorphoLiquidate(uint256,bytes)",
    "callFunction(address,(address,uint256),bytes)",
    "tokensReceived(address,address,address,uint256,bytes,bytes)",
    "tokensToSend(address,address,address,uint256,bytes,bytes)",
    "onTokenTransfer(address,uint256,bytes)",
    "onTransferReceived(address,address,uint256,bytes)",
    "onERC721Received(address,address,uint256,bytes)",
    "onERC1155Received(address,address,uint256,uint256,bytes)",
    "onApprovalReceived(address,uint256,bytes)",
    "multicall(bytes[])",
    "execute((address,uint256,bytes)[])",
)
PARTS = (
    "MarginEngine",
    "LiquidityPool",
    "InsuranceStake",
    "Executor",
    "MarketConfig",
    "OracleRouter",
    "Lens",
    "RuleMargin",
)


def parts(desk):
    return [desk.deployed[name] for name in PARTS] + [desk.vault(asset) for asset in range(3)]


def selector(signature):
    return keccak(signature.encode())[:4]


def answers(desk, contract, data, value=0):
    """Whether the contract does anything but revert without a word."""
    try:
        desk.chain.send(desk.actor("mallory"), contract.address, data, value=value)
    except Reverted as refused:
        return bool(refused.data)
    return True


def test_nobody_answers_a_lender_or_an_exchange(desk):
    """Any of the usual callbacks, with empty, plausible and much data: no such function."""
    for contract in parts(desk):
        for signature in CALLBACKS:
            for body in (b"", bytes(32 * 8), random.Random(1).randbytes(32 * 8)):
                assert not answers(desk, contract, selector(signature) + body), (contract, signature)


def test_no_contract_has_a_fallback(desk):
    draw = random.Random(7)
    for contract in parts(desk):
        known = {selector(signature(entry)) for entry in contract.artifact.abi if entry["type"] == "function"}
        assert not [e for e in contract.artifact.abi if e["type"] in ("fallback", "receive")]
        assert not answers(desk, contract, b"")
        for _ in range(60):
            data = draw.randbytes(4)
            if data not in known:
                assert not answers(desk, contract, data + draw.randbytes(96))


def signature(entry):
    def kind(item):
        if not item["type"].startswith("tuple"):
            return item["type"]
        return "(" + ",".join(kind(part) for part in item["components"]) + ")" + item["type"][5:]

    return f"{entry['name']}({','.join(kind(item) for item in entry['inputs'])})"


@pytest.fixture
def desk_with_exchange():
    desk = Desk.create(exchange=True)
    account = desk.trader("mallory", 100_000)
    victim = desk.trader("victim", 100_000)
    owner = desk.owner(victim)
    desk.mint(owner, QUOTE, 10_000 * USDC)
    desk.token(QUOTE).write("approve", desk.exchange.router.address, 2**255, sender=owner)
    return desk, account, victim


def test_a_swap_without_the_router_finds_nobody_to_pay(desk_with_exchange):
    """The pool itself as the target: it pays out first and calls its caller back, and Executor is no payer."""
    desk, account, _ = desk_with_exchange
    pool = desk.exchange.pool(WETH, QUOTE)
    encode = encoder("(address,bool,int256,uint160,bytes)")
    for zero_for_one, limit in ((True, 4_295_128_740), (False, 2**160 - 2**150)):
        for recipient in (desk.owner(account), desk.deployed["Executor"].address, desk.vault(WETH).address):
            data = selector("swap(address,bool,int256,uint160,bytes)") + encode(
                (recipient, zero_for_one, 1_000 * USDC, limit, b"")
            )
            with pytest.raises(Reverted) as caught:
                desk.act(account, call(account, QUOTE, 1_000 * USDC, WETH, 0, pool.address, data))
            assert caught.value.name == "CallReverted"
    assert desk.held(account) == 100_000 * USDC


@pytest.mark.parametrize("payer", ["victim", "executor", "vault"])
def test_a_forged_callback_at_the_router_takes_nothing(desk_with_exchange, payer):
    """From outside and from within a Call: the router believes its own pools only, and the payer in the data no one."""
    desk, account, victim = desk_with_exchange
    quote, weth = desk.token(QUOTE).address, desk.token(WETH).address
    who = {
        "victim": desk.owner(victim),
        "executor": desk.deployed["Executor"].address,
        "vault": desk.vault(QUOTE).address,
    }[payer]
    fee = desk.exchange.pool(WETH, QUOTE).fee
    path = bytes.fromhex(quote[2:]) + fee.to_bytes(3) + bytes.fromhex(weth[2:])
    inner = encoder("((bytes,address))")(((path, who),))
    data = selector("uniswapV3SwapCallback(int256,int256,bytes)") + encoder("(int256,int256,bytes)")(
        (1_000 * USDC, 1_000 * USDC, inner)
    )
    router = desk.exchange.router
    before = desk.token(QUOTE).read("balanceOf", who)
    with pytest.raises(Reverted):
        desk.chain.send(desk.owner(account), router.address, data)
    with pytest.raises(Reverted) as caught:
        desk.act(account, call(account, QUOTE, 1_000 * USDC, WETH, 0, router.address, data))
    assert caught.value.name == "CallReverted"
    assert desk.token(QUOTE).read("balanceOf", who) == before


def test_what_is_permitted_to_the_exchange_is_not_ours_to_spend(desk_with_exchange):
    """The victim's own allowance for the router: a Call swaps what Executor was given, and asks for no one else's."""
    desk, account, victim = desk_with_exchange
    owner = desk.owner(victim)
    before = desk.token(QUOTE).read("balanceOf", owner)
    route = desk.exchange.routes(QUOTE, WETH)[0]
    desk.act(account, desk.exchange.sell_action(account, QUOTE, 5_000 * USDC, WETH, WAD, route=route))
    assert desk.token(QUOTE).read("balanceOf", owner) == before == 10_000 * USDC
    assert desk.held(account) == 95_000 * USDC
