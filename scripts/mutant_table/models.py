"""What options need by the margin models, and the surfaces that they are valued by."""

from __future__ import annotations

from .row import Mutant, contract

PORTFOLIO, RULES, MODEL = (
    contract("margin/PortfolioMargin"),
    contract("margin/RuleOptions"),
    contract("margin/RuleMargin"),
)
SURFACES, SHAPES = contract("oracle/VolatilityFeed"), contract("libraries/SurfaceChecks")

ROWS = (
    # ---------------------------------------------------------------- models
    Mutant(
        "im-without-mm",
        PORTFOLIO,
        "b.im0 += mm + more;",
        "b.im0 += more;",
        "test_twin_and_contract_agree_under_any_parameters",
        units=(PORTFOLIO,),
    ),
    Mutant(
        "rho-the-wrong-way",
        PORTFOLIO,
        "(span * (FixedMath.PPM - rho) + joint * rho +",
        "(span * rho + joint * (FixedMath.PPM - rho) +",
        "test_twin_and_contract_agree_under_any_parameters",
        units=(PORTFOLIO,),
    ),
    Mutant(
        "second-tier-for-first",
        PORTFOLIO,
        "more += B.up(",
        "more = B.up(",
        "test_twin_and_contract_agree_under_any_parameters",
        units=(PORTFOLIO,),
    ),
    Mutant(
        "witness-of-half",
        PORTFOLIO,
        "if iszero(and(mask, 1)) { continue }\n",
        "",
        "test_no_witness_exceeds_the_full_requirement_and_the_best_one_reaches_it",
        units=(PORTFOLIO,),
    ),
    Mutant(
        "worst-payoff-is-no-cap",
        RULES,
        "FixedMath.min(alone, together)",
        "alone",
        "test_the_twin_agrees_to_the_wei",
        units=(MODEL,),
    ),
    Mutant(
        "bare-calls-lose-nothing",
        RULES,
        "book.calls < 0 ? uint256(-book.calls) * book.forward : 0;",
        "0;",
        "test_the_published_formula_in_mpmath_agrees",
        units=(MODEL,),
    ),
    Mutant(
        "longs-count-in-full",
        RULES,
        "longs * (FixedMath.BPS - OptionTerms.longShare(terms))",
        "longs * 0",
        "test_the_twin_agrees_to_the_wei",
        units=(MODEL,),
    ),
    # ---------------------------------------------------------------- surfaces
    Mutant(
        "butterflies-pass",
        SHAPES,
        "if (g < 0) return _refuse",
        "if (false) return _refuse",
        "test_at_the_edge_of_arbitrage_one_unit_decides",
        units=(SURFACES,),
    ),
    Mutant(
        "calendar-at-the-money",
        SURFACES,
        "if (lower[i] > upper[i]) return",
        "if (i == SurfaceMath.GRID / 2 && lower[i] > upper[i]) return",
        "test_wings_that_cross_are_refused_though_the_middle_is_in_order",
        units=(SURFACES,),
    ),
    Mutant(
        "surfaces-never-old",
        SURFACES,
        "if (block.timestamp > word1.publishedAt() + uint32(market)) status = SurfaceWord.STALE;",
        "",
        "test_status_tells_what_takes_no_new_risk",
        units=(SURFACES,),
    ),
    Mutant(
        "same-surface-twice",
        SURFACES,
        "if (publishedAt <= current.publishedAt()) return false;",
        "if (publishedAt < current.publishedAt()) return false;",
        "test_a_report_is_taken_once",
        units=(SURFACES,),
    ),
)
