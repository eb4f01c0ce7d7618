"""The portfolio model of a local chain: 35 scenarios of ether and of bitcoin each, and what is charged besides.

The grid and most of the figures are those that Derive's PMRM_2 is deployed with (their deployment script; options at
plus and minus 4.5, 9 and 13.5 % at three volatilities, 18 % with volatility up, damped tails, two skews). Ours besides:
two joint scenarios of spot and skew, size tiers, and netting between the two underlyings.
"""

from __future__ import annotations

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import Claim, Kind, Parameters, Scenario, Underlying

PERCENT = WAD // 100
MILLE = WAD // 1000

#: Spot shock and damping, mille: what lies far away counts for what it is likely.
TAILS = ((340, 210), (670, 420), (1500, 277), (2000, 139), (3000, 69), (4000, 46), (5000, 35), (6000, 28))


def scenarios() -> tuple[Scenario, ...]:
    """The same for every underlying."""
    core = [Scenario(spot * MILLE, Kind.UP) for spot in (820, 1180)]
    for spot in (865, 910, 955, 1000, 1045, 1090, 1135):
        core += [Scenario(spot * MILLE, kind) for kind in (Kind.UP, Kind.NONE, Kind.DOWN)]
    tails = [Scenario(spot * MILLE, Kind.UP if spot < 1000 else Kind.NONE, damping * MILLE) for spot, damping in TAILS]
    skews = [Scenario(WAD, Kind.LINEAR), Scenario(WAD, Kind.ABSOLUTE)]
    joint = [Scenario(spot * MILLE, Kind.JOINT_LINEAR) for spot in (910, 1090)]
    return (*core, *tails, *skews, *joint)


def underlying(feed: int) -> Underlying:
    """Options and perps on one feed."""
    return Underlying(
        feed=feed,
        scenarios=scenarios(),
        vol_up=50 * PERCENT,
        vol_down=30 * PERCENT,
        min_vol=40 * PERCENT,
        short_power=30 * PERCENT,
        long_power=13 * PERCENT,
        dte_floor=86_400,
        min_k_star=PERCENT,
        width=4 * WAD,
        vol_static=60 * PERCENT,
        vol_scale=-10 * PERCENT,
        linear_cap=25 * PERCENT,
        linear_base=-10 * PERCENT,
        abs_cap=25 * PERCENT,
        abs_base=-10 * PERCENT,
        long_discount=95 * PERCENT,
        long_mult=WAD,
        long_add=8 * PERCENT,
        short_discount=104 * PERCENT,
        short_mult=50 * PERCENT,
        short_add=8 * PERCENT,
        basis_up=1045 * MILLE,
        basis_down=955 * MILLE,
        basis_add=50 * PERCENT,
        basis_mult=2 * WAD,
        mm_perp=3 * PERCENT,
        im_perp=PERCENT,
        mm_option=3 * MILLE,
        im_option=2 * MILLE,
        tier_rate1=PERCENT,
        tier_bound1=10_000_000,
        tier_bound2=50_000_000,
        tier_rate2=2 * PERCENT,
    )


def portfolio(feeds: tuple[int, ...] = (1, 2)) -> Parameters:
    """The model over `feeds`, ascending; collateral of a feed cancels the risk of what is traded on it.

    Without a settlement window: shocks do not fade in the last half hour, since nobody need have observed its prices.
    """
    return Parameters(
        underlyings=tuple(underlying(feed) for feed in feeds),
        im_factor=WAD,
        mm_factor=80 * PERCENT,
        rho=300_000,
        pnl_share=8_000,
        peg_threshold=98 * PERCENT,
        peg_factor=2 * WAD,
        confidence_threshold=99 * PERCENT,
        confidence_margin=WAD,
        mm_floor=20 * WAD,
        im_floor=40 * WAD,
        feeds={feed: Claim(number, cancels=True) for number, feed in enumerate(feeds)},
    )
