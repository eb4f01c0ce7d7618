"""The invariants of DESIGN section 8 as functions, each named after its number, asked after every transaction.

`tx` is what was sent, with the books before and after. Prices and time are the same in both: a transaction that brings
prices is compared with the state after its prologue. A function raises `Broken`.
"""

from __future__ import annotations

from campaign.checks.authority import a1_only_owners_move_what_is_theirs, a2_operators_stay_within_their_limits
from campaign.checks.conservation import (
    i1_claims_are_what_vaults_owe,
    i2_perp_pnl_sums_to_zero,
    i3_market_sums_are_those_of_positions,
    i4_shares_are_those_of_holders,
    i5_vault_cash_covers_held,
    o1_no_balance_is_negative,
)
from campaign.checks.gains import s3_values_flow_only_as_documented
from campaign.checks.liquidation import (
    s4_a_slice_never_lowers_health,
    s4_calls_follow_the_levels,
    s4_slices_cost_what_the_rule_says,
)
from campaign.checks.losses import i6_lent_indices_fall_by_losses_only, w1_what_is_socialised_is_the_loss
from campaign.checks.markets import (
    f1_limits_hold_where_risk_grew,
    f2_a_feed_moves_once_per_block_and_forward,
    f2_loans_stay_within_caps,
    p1_assessments_are_the_twins,
    r1_rounding_is_against_the_caller,
)
from campaign.checks.solvency import (
    s1_risk_taken_is_margined,
    s2_configuration_calls_nobody,
    s2_no_batch_makes_an_account_liquidatable,
)

CHECKS = (
    o1_no_balance_is_negative,  # first: the twins refuse to value an account that owes
    i1_claims_are_what_vaults_owe,
    i2_perp_pnl_sums_to_zero,
    i3_market_sums_are_those_of_positions,
    i4_shares_are_those_of_holders,
    i5_vault_cash_covers_held,
    i6_lent_indices_fall_by_losses_only,
    w1_what_is_socialised_is_the_loss,
    s1_risk_taken_is_margined,
    s2_no_batch_makes_an_account_liquidatable,
    s2_configuration_calls_nobody,
    s3_values_flow_only_as_documented,
    s4_a_slice_never_lowers_health,
    s4_slices_cost_what_the_rule_says,
    s4_calls_follow_the_levels,
    a1_only_owners_move_what_is_theirs,
    a2_operators_stay_within_their_limits,
    r1_rounding_is_against_the_caller,
    p1_assessments_are_the_twins,
    f1_limits_hold_where_risk_grew,
    f2_loans_stay_within_caps,
    f2_a_feed_moves_once_per_block_and_forward,
)
