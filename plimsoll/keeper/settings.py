"""Everything a keeper can be told, read once at start and never changed.

Two disjoint parts: `Settings`, which may be printed, and the key, which is only ever a `Signer` (its repr is the
address). The key comes from PLIMSOLL_KEEPER_KEY (hex) or the file named by PLIMSOLL_KEEPER_KEY_FILE (hex, or a keystore
whose password is in PLIMSOLL_KEY_PASSWORD). No key: dry run. There is no flag to forget.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll.abi import checksum, keccak
from plimsoll.errors import BadInput, PlimsollError

if TYPE_CHECKING:
    from plimsoll.chain.signer import Signer
    from plimsoll.deploy import Deployment

KEY = "PLIMSOLL_KEEPER_KEY"
KEY_FILE = "PLIMSOLL_KEEPER_KEY_FILE"
SECRET_NAMES = frozenset({KEY, KEY_FILE, "PLIMSOLL_KEY_PASSWORD"})

GWEI = 10**9
SETTLE = ("own", "all", "off")


class CodeDiffers(PlimsollError):
    """The chain has other code at an address than the manifest says: it is another deployment."""

    exit_code = 6

    def __init__(self, name: str, address: str, found: str) -> None:
        super().__init__(f"{name} at {address} is not what was deployed: {found}; use the manifest of this chain")
        self.name, self.address = name, address


@dataclass(frozen=True, slots=True)
class Settings:
    """The public part. Money in quote is WAD; gas prices are wei; times seconds."""

    rpc: str = "http://127.0.0.1:8545"
    deployments: Path = Path("deployments")
    state: Path = Path("keeper-state")  # the journal lives here
    profit_to: str | None = None  # None: the keeper's own address
    account_index: int = 0
    reserve: int = 50 * 10**18  # profit that stays in the account as a cushion for rounding and drift
    max_batch: int = 40
    max_batches: int = 4
    page: int = 1_000
    readers: int = 4  # pages under way at a time
    max_range: int = 2_000  # blocks of logs read at once; beyond it accounts are enumerated again
    poll: float = 0.5
    min_profit: int = 0  # of one liquidation, gas deducted
    min_withdrawal: int = 10**18
    collateral_discount: int = 50  # bps below the last price at which collateral that was taken counts
    max_slippage: int = 30  # bps by which a swap may turn out worse than quoted at the plan's block
    exchange: bool = True  # sell on the exchange that the manifest lists
    delay: int = 15  # seconds by which a batch may land late: what that would cost is not withdrawn
    headroom: int = 1_000  # bps of its initial margin that the portfolio account keeps when it takes options
    option_gas: int = 12_000_000  # of one transaction about options
    hedge: bool = True  # an operator who funds the portfolio account wants the bonus, not the direction
    hedge_band: int = 500  # bps of the portfolio account's equity that its delta may be worth
    hedge_slippage: int = 100  # bps of index by which a hedge may be filled worse
    hedge_least: int = 100 * 10**18  # quote: smaller trades are not worth a transaction
    settle: str = "own"  # expiries: own, all that are mirrored, or off
    observe_every: int = 60  # seconds between looks at a price that an expiry will settle at
    orders: Path | None = None  # folder or file of signed orders that may be taken to sell what is held
    order_discount: int = 100  # bps below the mark at which what is held may be sold
    rescue: bool = True  # take bankrupt accounts at a loss too, as long as the batch can pay for it
    gas_feed: int | None = None  # price feed of the chain's own coin; None: gas counts as free
    max_gas_price: int = 500 * GWEI
    stuck_blocks: int = 3
    max_failures: int = 8
    max_backoff: float = 30.0
    health_seconds: float = 120.0
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    ack: Path | None = None
    log_json: bool = False

    def __post_init__(self) -> None:
        bounds: tuple[tuple[str, float, float], ...] = (
            ("account_index", 0, 2**72 - 1),
            ("reserve", 0, 10**30),
            ("max_batch", 1, 400),
            ("max_batches", 1, 64),
            ("page", 1, 100_000),
            ("readers", 1, 64),
            ("max_range", 1, 1_000_000),
            ("poll", 0.001, 3600),
            ("min_profit", -(10**30), 10**30),
            ("min_withdrawal", 0, 10**30),
            ("collateral_discount", 0, 10_000),
            ("max_slippage", 0, 2_000),
            ("delay", 0, 600),
            ("headroom", 0, 100_000),
            ("option_gas", 500_000, 10**9),
            ("hedge_band", 0, 10_000),
            ("hedge_slippage", 0, 2_000),
            ("hedge_least", 0, 10**30),
            ("observe_every", 1, 120),
            ("order_discount", 0, 5_000),
            ("max_gas_price", 0, 10**15),
            ("stuck_blocks", 1, 10_000),
            ("max_failures", 1, 10_000),
            ("max_backoff", 0.001, 3600),
            ("health_seconds", 1, 86_400),
        )
        for name, low, high in bounds:
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(name.replace("_", "-"), value, f"it must lie between {low:g} and {high:g}")
        if self.settle not in SETTLE:
            raise BadInput("settle", self.settle, f"write one of {', '.join(SETTLE)}")
        if self.profit_to is not None:
            try:
                object.__setattr__(self, "profit_to", checksum(self.profit_to))
            except ValueError:
                raise BadInput("profit-to", self.profit_to, "it is not an address") from None

    def public(self) -> dict[str, Any]:
        """What may be logged: every field, and no secret."""
        from plimsoll.chain.jsonrpc import shown

        values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        return values | {"rpc": shown(self.rpc)}


assert not SECRET_NAMES & {field.name for field in fields(Settings)}


def find_key() -> Signer | None:
    """The keeper's key, or None for a dry run. A key that is there and unreadable is an error, never a dry run."""
    from plimsoll.chain.signer import Signer

    if os.environ.get(KEY, "").strip():
        return Signer.from_env(KEY)
    if path := os.environ.get(KEY_FILE, "").strip():
        return Signer.from_file(path)
    return None


def validate(deployment: Deployment) -> None:
    """The chain is the manifest's, and each contract's code is what was deployed. Raises before anything is sent."""
    manifest = deployment.manifest
    if deployment.chain.chain_id != manifest.chain_id:
        raise BadInput("chain", deployment.chain.chain_id, f"the manifest is that of chain {manifest.chain_id}")
    for name, entry in manifest.contracts.items():
        code = deployment.chain.code(entry.address)
        if not code:
            raise CodeDiffers(name, entry.address, "there is no code")
        found = "0x" + keccak(code).hex()
        if found != entry.code_hash:
            raise CodeDiffers(name, entry.address, f"its code hashes to {found}, the manifest has {entry.code_hash}")
