"""What people and attackers do. Each step is a function of the run and its own random numbers, named in `STEPS`.

A step looks at the state it meets and sends what makes sense there, or what an attacker would try. Refusals with a
documented error are fine; `must` marks what may never be refused, `refused` what may never succeed.
"""

from __future__ import annotations

from campaign.steps.attackers import flash, insolvency_in_a_batch, pair, round_trip, self_liquidation, stale_prices
from campaign.steps.crashes import crash, exit_in_the_batch, self_liquidation_of_loans, spot_crash
from campaign.steps.intruders import donate, exchange, reenter, strangers
from campaign.steps.lending import (
    borrow,
    borrow_in_pair,
    lend_held,
    lending_errands,
    loop,
    recall,
    repay,
    run_on_a_vault,
    stake,
)
from campaign.steps.liquidators import (
    aim,
    cure,
    liquidate,
    liquidate_and_leave,
    liquidate_many,
    margin_call,
    seize_collateral,
)
from campaign.steps.lps import execute_requests, lend, pool_errands, request_entry, request_exit
from campaign.steps.operators import operators
from campaign.steps.parameters import deleverage, parameters, wind_down
from campaign.steps.prices import bad_feeds, tick, wait
from campaign.steps.traders import open_beside_a_dead_feed, open_position, reduce, trade
from campaign.steps.users import deposit, move, settle, transfer, withdraw, withdraw_to_the_limit

STEPS = {
    "open": open_position,
    "trade": trade,
    "reduce": reduce,
    "deposit": deposit,
    "withdraw": withdraw,
    "withdraw_to_the_limit": withdraw_to_the_limit,
    "transfer": transfer,
    "move": move,
    "settle": settle,
    "open_beside_a_dead_feed": open_beside_a_dead_feed,
    "seize_collateral": seize_collateral,
    "margin_call": margin_call,
    "cure": cure,
    "liquidate": liquidate,
    "liquidate_many": liquidate_many,
    "liquidate_and_leave": liquidate_and_leave,
    "operators": operators,
    "request_entry": request_entry,
    "request_exit": request_exit,
    "execute_requests": execute_requests,
    "pool_errands": pool_errands,
    "lend": lend,
    "tick": tick,
    "aim": aim,
    "wait": wait,
    "bad_feeds": bad_feeds,
    "donate": donate,
    "exchange": exchange,
    "flash": flash,
    "insolvency_in_a_batch": insolvency_in_a_batch,
    "self_liquidation": self_liquidation,
    "pair": pair,
    "round_trip": round_trip,
    "stale_prices": stale_prices,
    "reenter": reenter,
    "strangers": strangers,
    "lend_held": lend_held,
    "recall": recall,
    "borrow": borrow,
    "borrow_in_pair": borrow_in_pair,
    "repay": repay,
    "loop": loop,
    "lending_errands": lending_errands,
    "run_on_a_vault": run_on_a_vault,
    "stake": stake,
    "parameters": parameters,
    "wind_down": wind_down,
    "deleverage": deleverage,
    "crash": crash,
    "spot_crash": spot_crash,
    "self_liquidation_of_loans": self_liquidation_of_loans,
    "exit_in_the_batch": exit_in_the_batch,
}
WEIGHTS = dict.fromkeys(STEPS, 3) | {
    "open": 12,
    "trade": 8,
    "liquidate": 8,
    "aim": 8,
    "tick": 5,
    "reduce": 5,
    "self_liquidation": 5,
    "operators": 7,
    "request_exit": 4,
    "execute_requests": 4,
    "lend": 4,
    "strangers": 1,
    "donate": 2,
    "request_entry": 2,
    "pool_errands": 2,
    "bad_feeds": 2,
    "wait": 2,
    "borrow": 8,
    "borrow_in_pair": 4,
    "repay": 5,
    "parameters": 5,
    "crash": 5,
    "spot_crash": 5,
    "run_on_a_vault": 1,
    "stake": 2,
    "deleverage": 1,
    "wind_down": 2,
}
