"""What a mutant is, and where one can be."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    killer: str  # expected; the table shows what really noticed
    reason: str = ""  # of a survivor that is known
    units: tuple[str, ...] = ()  # what has other code for it; found from the imports where none is named


def contract(path: str) -> str:
    return f"contracts/{path}.sol"


#: What the campaign deploys and a mutant can change; compiling the rest (mocks, lens, configuration) would be waiting.
DEPLOYED = {
    contract(name)
    for name in ("MarginEngine", "PerpTrading", "MarginCheck", "LiquidityPool", "CollateralVault")
    + ("logic/LiquidationLogic", "logic/LossLogic", "logic/LendingLogic", "logic/ExitLogic", "logic/PoolLogic")
    + ("logic/MarketClosing", "libraries/OperatorGrants", "margin/RuleMargin", "oracle/OracleRouter")
    + ("MarketConfig", "InsuranceStake", "OptionCheck", "OptionBook", "OrderVerifier", "margin/PortfolioMargin")
    + ("logic/OptionLogic", "logic/OptionSettlement", "oracle/VolatilityFeed")
}
