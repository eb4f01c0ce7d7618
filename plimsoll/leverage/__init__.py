"""Leverage on assets: more of it, less of it, none of it, each as one batch with a preview.

    from plimsoll.leverage import plan_close, plan_delever, plan_lever

    plan = plan_lever(deployment, account, to="3.5", asset=WETH)
    plan.after.leverage, plan.liquidation_after.below, plan.borrow_rate_after, plan.swap.impact, plan.break_even
    plan.execute(deployment, sender=owner)

A plan's batch borrows, swaps on the deployment's exchange and, for less leverage, repays. Its hard limits are on chain:
`swap.least_out` and `swap.most_in`, and `max_leverage` for the account at the end. If either is missed, nothing has
happened. Leverage is exposure / equity: the notional of perps and the net value of everything but the quote asset.
"""

from plimsoll.leverage.errors import CannotLever
from plimsoll.leverage.plan import LeverPlan
from plimsoll.leverage.planning import plan_close, plan_delever, plan_lever

__all__ = ["CannotLever", "LeverPlan", "plan_close", "plan_delever", "plan_lever"]
