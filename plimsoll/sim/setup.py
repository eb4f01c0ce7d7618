"""What a replay is made of besides prices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Listing:
    """Collateral that the local deployment does not list, priced by a symbol of the path; `market`: a perp as well.

    Symbols without a perp market come last in a path. `borrowed` bounds its debts, whole quote at the first price;
    `insured` is what insurance pays a day for its debts, and as much again for its market.
    """

    symbol: str
    haircut_im: int
    haircut_mm: int
    sigma: int
    decimals: int = 18
    market: bool = True
    borrowed: int = 50_000_000
    insured: int = 25_000


@dataclass(frozen=True)
class Setup:
    """What a replay is made of besides prices. Money in whole quote. `keeper_limit`: liquidations per step.

    `stretched`: accounts at their tier's maximum leverage, on each side of each market, by tier. `borrowers`: accounts
    with borrowed spot. `volatility`: whether requirements follow it. `listings`: collateral beside that of the local
    deployment. `exchange`: they swap on the deployment's Uniswap, and the keeper sells on it. `lent`: of the quote
    asset, and of each other one. `quote_symbol`: the path's symbol of the quote asset's own price, by which initial
    margin rises.
    """

    traders: int = 400
    seed: int = 1
    keeper: bool = True
    liquidity: int = 12_000_000
    insurance: int = 150_000
    keeper_float: int = 200_000
    spot_float: int = 3_000_000
    keeper_limit: int | None = None
    stretched: tuple[int, int, int] = (0, 0, 0)
    borrowers: int = 0
    exchange: bool = False
    lent: tuple[int, int] = (20_000_000, 6_000_000)
    volatility: bool = True
    listings: tuple[Listing, ...] = ()
    quote_symbol: str | None = None
