"""Signed orders."""

from __future__ import annotations

from .row import Mutant, contract

VERIFIER = contract("OrderVerifier")

ROWS = (
    Mutant(
        "nonce-word-starts-anew",
        VERIFIER,
        "= used | 1 << uint8(nonce);",
        "= 1 << uint8(nonce);",
        "test_a_used_nonce_stays_used_when_its_neighbours_are",
        units=(VERIFIER,),
    ),
    Mutant(
        "groups-are-never-cancelled",
        VERIFIER,
        "if (order.group == 0) return;\n",
        "return;\n",
        "test_orders_of_a_cancelled_group_are_refused",
        units=(VERIFIER,),
    ),
    Mutant(
        "expiry-a-second-late",
        VERIFIER,
        "if (block.timestamp > order.expiry) revert",
        "if (block.timestamp > order.expiry + 1) revert",
        "test_an_order_is_refused_one_second_after_its_expiry",
        units=(VERIFIER,),
    ),
    Mutant(
        "filled-beyond-its-size",
        VERIFIER,
        "if (fillSize > size - filled)",
        "if (fillSize > size)",
        "test_a_fill_beyond_the_size_is_refused",
        units=(VERIFIER,),
    ),
    Mutant(
        "one-nonce-two-orders",
        VERIFIER,
        "if (word ^ _tag(hash) > type(uint64).max) revert NonceSuperseded(owner, nonce);\n",
        "",
        "test_two_orders_of_one_nonce_are_not_both_filled_in_part",
        units=(VERIFIER,),
    ),
    Mutant(
        "domain-of-surfaces",
        VERIFIER,
        '"Plimsoll Orders"',
        '"Plimsoll Surfaces"',
        "test_the_domain_is_the_contracts",
        units=(VERIFIER,),
    ),
    Mutant(
        "wallets-burn-all",
        VERIFIER,
        "_WALLET_GAS = 400_000;",
        "_WALLET_GAS = 4_000_000;",
        "test_a_wallet_that_burns_gas_costs_its_bound",
        units=(VERIFIER,),
    ),
    Mutant(
        "wallets-are-starved",
        contract("libraries/BoundedCall"),
        "if (gasleft() < required) revert GasShortage(gasleft(), required);",
        "",
        "test_the_sender_cannot_starve_a_wallet",
        units=(VERIFIER,),
    ),
    Mutant(
        "both-halves-of-a-signature",
        VERIFIER,
        "|| uint256(s) > _MAX_S) return false;",
        "|| uint256(s) == 0) return false;",
        "test_the_other_signature_of_the_same_order_is_refused",
        units=(VERIFIER,),
    ),
)
