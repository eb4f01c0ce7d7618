"""plimsoll keeper run, plimsoll keeper once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, From, Json, Rpc, emit, handled
from plimsoll.commands.keeper_options import about_options, takes

if TYPE_CHECKING:
    from plimsoll.keeper.cycle import Done, Keeper
    from plimsoll.keeper.settings import Settings

keeper_app = typer.Typer(
    help="Calls margin and liquidates. The key comes from PLIMSOLL_KEEPER_KEY or the file PLIMSOLL_KEEPER_KEY_FILE; "
    "without one nothing is sent (dry run). Manual: docs/keeper.md.",
    no_args_is_help=True,
)


State = Annotated[
    Path, typer.Option("--state", envvar="PLIMSOLL_KEEPER_STATE", help="Folder of the journal (one keeper per key).")
]
ProfitTo = Annotated[
    str | None,
    typer.Option("--profit-to", envvar="PLIMSOLL_KEEPER_PROFIT_TO", help="Who gets the profit; the sender by default."),
]
Reserve = Annotated[
    str, typer.Option("--reserve", envvar="PLIMSOLL_KEEPER_RESERVE", help="Quote that stays in the keeper's account.")
]
MinProfit = Annotated[
    str, typer.Option("--min-profit", envvar="PLIMSOLL_KEEPER_MIN_PROFIT", help="Least quote a liquidation must bring.")
]
MaxBatch = Annotated[
    int, typer.Option("--max-batch", envvar="PLIMSOLL_KEEPER_MAX_BATCH", help="Liquidations per transaction.")
]
MaxSlippage = Annotated[
    int,
    typer.Option(
        "--max-slippage",
        envvar="PLIMSOLL_KEEPER_MAX_SLIPPAGE",
        help="Bps that a swap may turn out worse than planned.",
    ),
]
UseExchange = Annotated[
    bool,
    typer.Option(
        "--exchange/--no-exchange",
        envvar="PLIMSOLL_KEEPER_EXCHANGE",
        help="Sell collateral on the exchange that the manifest lists.",
    ),
]
GasFeed = Annotated[
    int | None,
    typer.Option(
        "--gas-feed", envvar="PLIMSOLL_KEEPER_GAS_FEED", help="Price feed of the chain's coin; without it gas is free."
    ),
]
MaxGasPrice = Annotated[
    str, typer.Option("--max-gas-price", envvar="PLIMSOLL_KEEPER_MAX_GAS_PRICE", help="Cap in gwei.")
]
Poll = Annotated[float, typer.Option("--poll", envvar="PLIMSOLL_KEEPER_POLL", help="Seconds between looks.")]
Ack = Annotated[
    str | None,
    typer.Option("--ack", envvar="PLIMSOLL_KEEPER_ACK", help="File with the last block done; - prints lines."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", envvar="PLIMSOLL_KEEPER_METRICS_PORT", help="Serve /metrics and /health there."),
]
MaxFailures = Annotated[
    int,
    typer.Option("--max-failures", envvar="PLIMSOLL_KEEPER_MAX_FAILURES", help="Failed cycles before it ends."),
]
Index = Annotated[
    int,
    typer.Option("--account-index", envvar="PLIMSOLL_KEEPER_ACCOUNT_INDEX", help="Which cross account."),
]
LogJson = Annotated[bool, typer.Option("--log-json", envvar="PLIMSOLL_KEEPER_LOG_JSON", help="Log lines as JSON.")]


def register(app: typer.Typer) -> None:
    keeper_app.command()(run)
    keeper_app.command()(once)
    app.add_typer(keeper_app, name="keeper")


@handled
@takes(about_options)
def run(
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    state: State = Path("keeper-state"),
    sender: From = None,
    profit_to: ProfitTo = None,
    account_index: Index = 0,
    reserve: Reserve = "50",
    min_profit: MinProfit = "0",
    max_batch: MaxBatch = 40,
    exchange: UseExchange = True,
    max_slippage: MaxSlippage = 30,
    gas_feed: GasFeed = None,
    max_gas_price: MaxGasPrice = "500",
    poll: Poll = 0.5,
    max_failures: MaxFailures = 8,
    metrics_port: MetricsPort = None,
    ack: Ack = None,
    log_json: LogJson = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Work until SIGTERM: one cycle per block. Logs go to standard error.

    Options that it takes over come into its portfolio account (deposit quote there), are hedged, and paid when they
    expire.

    Examples: PLIMSOLL_KEEPER_KEY_FILE=keeper.key plimsoll keeper run --profit-to 0x7099…79C8 --metrics-port 9101;
    plimsoll keeper run --hedge-band 200 --settle all --orders bids/ --order-discount 50
    """
    from plimsoll.keeper.loop import Loop

    keeper = _keeper(_settings(locals()), sender)
    Loop(keeper).run()
    emit(as_json, {"stopped": True, **keeper.journal.totals}, [])


@handled
@takes(about_options)
def once(
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    state: State = Path("keeper-state"),
    sender: From = None,
    profit_to: ProfitTo = None,
    account_index: Index = 0,
    reserve: Reserve = "50",
    min_profit: MinProfit = "0",
    max_batch: MaxBatch = 40,
    exchange: UseExchange = True,
    max_slippage: MaxSlippage = 30,
    gas_feed: GasFeed = None,
    max_gas_price: MaxGasPrice = "500",
    ack: Ack = None,
    log_json: LogJson = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """One cycle at the newest block, then end. Without a key: say what would be done.

    Examples: plimsoll keeper once --rpc http://127.0.0.1:8545 --json; plimsoll keeper once --settle all --no-hedge
    """
    keeper = _keeper(_settings(locals()), sender)
    try:
        done = keeper.cycle()
    finally:
        keeper.journal.close()
    assert done is not None
    data = done.to_json()
    emit(as_json, data, [_acted(done)])


def _acted(done: Done) -> str:
    """What there was nothing of, and is rare, is left out."""
    counts = {"liquidations": done.liquidations, "calls": done.calls, "cures": done.cures}
    rare = {"hedges": done.hedges, "sales": done.sales, "looks at an expiry's price": done.observations}
    rare["settlements"] = done.settlements
    counts |= {what: count for what, count in rare.items() if count}
    acted = ", ".join(f"{count} {what}" for what, count in counts.items())
    verb = "would send" if done.dry_run else "sent"
    return f"block {done.block}: {done.accounts} accounts, {verb} {acted}; {done.deferred} deferred"


def _settings(given: dict[str, Any]) -> Settings:
    from plimsoll.keeper.settings import Settings

    names = [
        *("rpc", "deployments", "state", "profit_to", "account_index", "max_batch"),
        *("exchange", "max_slippage", "gas_feed", "log_json"),
    ]
    optional = {name: given[name] for name in ("poll", "max_failures", "metrics_port") if name in given}
    return Settings(
        **{name: given[name] for name in names},
        **optional,
        **about_options(**given["given"]),
        reserve=units.parse(given["reserve"], units.WAD_DECIMALS, "reserve"),
        min_profit=units.parse(given["min_profit"], units.WAD_DECIMALS, "min-profit"),
        max_gas_price=units.parse(given["max_gas_price"], 9, "max-gas-price"),
        ack=Path(given["ack"]) if given["ack"] else None,
    )


def _keeper(settings: Settings, unlocked: str | None) -> Keeper:
    """Connects, validates chain, code and key, and says under which settings. Sends nothing."""
    import structlog

    from plimsoll.chain.rpc import connect
    from plimsoll.deploy import Deployment
    from plimsoll.keeper import logs
    from plimsoll.keeper.cycle import Keeper
    from plimsoll.keeper.journal import Journal
    from plimsoll.keeper.settings import find_key, validate
    from plimsoll.keeper.wallet import RpcWallet

    logs.configure(as_json=settings.log_json)
    signer = None if unlocked else find_key()
    chain = connect(settings.rpc)
    deployment = Deployment.open(chain, settings.deployments)
    validate(deployment)
    wallet = RpcWallet(chain, signer=signer, unlocked=unlocked) if signer or unlocked else None
    journal = Journal.open(settings.state, chain.chain_id, wallet.address) if wallet else Journal()
    keeper = Keeper(deployment, settings, wallet, journal)
    log = structlog.get_logger("plimsoll.keeper")
    log.info("keeper starts", sender=wallet.address if wallet else None, dry_run=wallet is None, **settings.public())
    if journal.damaged:
        log.warning("journal was damaged", put_aside=str(journal.damaged), remedy="nonces of the chain take its place")
    return keeper
