"""R-4: a premium is paid at one skew scale and refunded at another.

Parameters wait in the timelock, so everybody knows of a new scale before it holds. Who built the skew at 1,000,000
and unwinds it at 600,000 is refunded five thirds of what he paid: at 5,000 ETH about 25,000 more than the premium,
out of the pool.
"""

from __future__ import annotations

import dataclasses

from desk import ETH, SIZE, expect

from plimsoll.actions import trade_perp
from plimsoll.deploy.protocol import trade_tuple


def proposal(desk, **changes):
    return trade_tuple(dataclasses.replace(desk.deployed.parameters.markets[ETH], **changes))


def test_r04_the_scale_stands_while_there_is_a_skew(desk):
    holder = desk.trader("holder", 200_000)
    desk.trade(holder, ETH, 100 * SIZE)
    narrower = proposal(desk, skew_scale=600_000 * SIZE, max_skew=3_000 * SIZE)
    with expect("ScaleNotReplaceable", ETH, 100 * SIZE):
        desk.config.write("setMarketTrade", ETH, narrower, sender=desk.admin)
    desk.config.write("setMarketTrade", ETH, proposal(desk, max_skew=4_000 * SIZE), sender=desk.admin)
    # Without the rule: 5,000 ETH at 3,000, premium skew²·p/(2·scale).
    paid, refunded = (5_000**2 * 3_000 / (2 * scale) for scale in (1_000_000, 600_000))
    assert round(refunded - paid) == 25_000


def test_r04_without_a_skew_it_may_change(desk):
    holder = desk.trader("holder", 200_000)
    desk.trade(holder, ETH, 100 * SIZE)
    desk.act(holder, trade_perp(holder, ETH, -100 * SIZE))
    narrower = proposal(desk, skew_scale=600_000 * SIZE, max_skew=3_000 * SIZE)
    receipt = desk.config.write("setMarketTrade", ETH, narrower, sender=desk.admin)
    assert desk.events(receipt, "Configured")[0].args["word"] & (2**64 - 1) == 600_000 * SIZE
