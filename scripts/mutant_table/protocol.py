"""Accounts, perps, liquidation, lending and losses."""

from __future__ import annotations

from .row import Mutant, contract

LEDGER, ENGINE, PERP = contract("Ledger"), contract("MarginEngine"), contract("PerpTrading")
POSITIONS, BATCH = contract("PositionBook"), contract("BatchBook")
LIQUIDATION, LOSS, MODEL = (
    contract("logic/LiquidationLogic"),
    contract("logic/LossLogic"),
    contract("margin/RuleMargin"),
)
FILL, LEVELS = contract("libraries/FillMath"), contract("libraries/LiquidationMath")
LENDING, LOANS, EPOCHS = contract("logic/LendingLogic"), contract("LendingBook"), contract("EpochLedger")
OPERATORS, ROUTER, POOL = (
    contract("libraries/OperatorGrants"),
    contract("oracle/OracleRouter"),
    contract("LiquidityPool"),
)
CALLS = contract("logic/MarginCallLogic")

ROWS = (
    # ---------------------------------------------------------------- ledger
    Mutant("asset-bit-stays", LEDGER, "(before == 0 || held == 0) &&", "(before == 0) &&", "I-3"),
    Mutant("take-one-too-many", LEDGER, "if (taken > held) revert", "if (taken > held + 1) revert", "O-1"),
    Mutant("short-cost-side", POSITIONS, "costs.shortCost -= old.cost;", "costs.longCost -= old.cost;", "I-3"),
    Mutant("zero-counts-short", POSITIONS, "        if (size < 0) {\n", "        if (size <= 0) {\n", "I-3"),
    Mutant(
        "market-bit-stays",
        POSITIONS,
        "            delete s.positions[id][market];\n            Ledger.setMarket(s, id, market, false);",
        "            delete s.positions[id][market];",
        "I-3",
    ),
    # ---------------------------------------------------------------- engine
    Mutant("taken-may-be-touched", BATCH, "} else if (t.flags & TAKEN != 0) {", "} else if (false) {", "S-3"),
    Mutant("deferred-may-be-taken", BATCH, "} else if (t.flags & TAKEN == 0) {", "} else if (false) {", "S-3"),
    Mutant("profit-counts-fully", BATCH, "uint256 required = a.im;", "uint256 required = a.im0;", "S-1"),
    Mutant("no-removal-share", BATCH, "if (share > required) required = share;", "", "S-1"),
    Mutant(
        "reducing-ignores-mm",
        BATCH,
        "return afterwards < t.overMm ? (t.overMm, afterwards) : (int256(0), int256(0));",
        "return (int256(0), int256(0));",
        "S-1",
    ),
    Mutant(
        "reducing-ignores-im",
        BATCH,
        "if (afterwards < t.overIm) return (t.overIm, afterwards);",
        "",
        "S-1",
    ),
    Mutant(
        "called-may-withdraw",
        ENGINE,
        "_requireUncalled(id);\n        _touch(ctx, id, RISK | STRICT | REMOVED);\n        address vault",
        "_touch(ctx, id, RISK | STRICT | REMOVED);\n        address vault",
        "S-4",
    ),
    Mutant(
        "withdraw-unchecked",
        ENGINE,
        "_touch(ctx, id, RISK | STRICT | REMOVED);\n        address vault",
        "_touch(ctx, id, STRICT | REMOVED);\n        address vault",
        "S-1",
    ),
    Mutant(
        "strangers-add-assets",
        ENGINE,
        "if (state.headers[id].assets & 1 << order.asset == 0 && id != _insurance()) _requireOwner(ctx, id);",
        "",
        "A-1",
    ),
    Mutant(
        "withdraw-for-anyone",
        ENGINE,
        "_requireOwner(ctx, id);\n        _requireUncalled(id);\n"
        "        _touch(ctx, id, RISK | STRICT | REMOVED);\n        address vault",
        "_requireUncalled(id);\n        _touch(ctx, id, RISK | STRICT | REMOVED);\n        address vault",
        "A-1",
    ),
    Mutant("quote-may-be-owed", BATCH, "if (quote < 0) revert NegativeBalance(id, Ledger.QUOTE, quote);", "", "O-1"),
    Mutant("totals-keep-withdrawn", ENGINE, "state.totals[asset].held -= amount.toUint128();", "", "I-1"),
    Mutant("opening-on-old-check", ENGINE, "if (opening) t.flags |= STRICT;", "", "S-1"),
    Mutant("operator-may-open", ENGINE, "if (operated && opening) OperatorGrants", "if (false) OperatorGrants", "A-2"),
    Mutant(
        "operator-costs-anything",
        BATCH,
        "if (flags & OPERATED != 0) OperatorGrants",
        "if (false) OperatorGrants",
        "A-2",
    ),
    # ---------------------------------------------------------------- perp trading
    Mutant(
        "funding-entry-sign",
        PERP,
        "fill.cost - int256(order.size) * state.fundingIndex",
        "fill.cost + int256(order.size) * state.fundingIndex",
        "S-6",
    ),
    Mutant("no-allocation-limit", PERP, "if (needed > share) revert", "if (false) revert", "S-1"),
    Mutant("pool-pays-what-it-lacks", PERP, "if (units > cash) units = cash;", "", "O-1"),
    Mutant(
        "loss-in-units-down",
        PERP,
        "AssetMath.toUnitsUp(uint256(cost), env.unit) * env.unit",
        "AssetMath.toUnitsDown(uint256(cost), env.unit) * env.unit",
        "S-6",
    ),
    Mutant(
        "transfer-to-other-side",
        PERP,
        "closed != newCost || _crosses(source.size, newSize)",
        "closed != newCost",
        "I-3",
        "equivalent: a part moved lies across from its source only if what it met did, and that is asked too",
    ),
    Mutant(
        "transfer-meets-other-side",
        PERP,
        "&& _crosses(source.size, sink.size)",
        "&& false",
        "I-3",
    ),
    Mutant(
        "accrual-forgets-time",
        contract("MarketBook"),
        "        state.accruedAt = uint32(block.timestamp);\n",
        "",
        "S-2",
    ),
    Mutant("no-limit-price", PERP, "if (worth > limit) revert", "if (false) revert", "R-1"),
    Mutant("reducing-at-any-age", PERP, "PriceWord.age(word) <= REDUCING_AGE;", "true;", "F-1"),
    # ---------------------------------------------------------------- liquidation and loss
    Mutant(
        "healthy-may-be-taken", LIQUIDATION, "if (!MarginCheck.isLiquidatable(s, header, a)) {", "if (false) {", "S-2"
    ),
    Mutant("slices-of-any-size", LIQUIDATION, "if (fraction < least || fraction == 0)", "if (fraction == 0)", "S-5"),
    Mutant("insurance-share-sign", LIQUIDATION, "-toAccount - toInsurance", "-toAccount + toInsurance", "I-1"),
    Mutant("any-slice-stops-clock", LIQUIDATION, "if (slice.full) MarginCallLogic", "MarginCallLogic", "S-4"),
    Mutant("clock-starts-anew", CALLS, "if (header.clockStart != 0) return;", "", "S-4"),
    Mutant("slice-of-assets-up", LIQUIDATION, "FixedMath.mulDivDown(held,", "FixedMath.mulDivUp(held,", "P-1"),
    Mutant(
        "bounty-out-of-margin",
        CALLS,
        "if (a.equity <= int256(a.mm)) return 0;\n        uint256 spare = uint256(a.equity) - a.mm;",
        "if (a.equity <= 0) return 0;\n        uint256 spare = uint256(a.equity);",
        "S-2",
    ),
    Mutant(
        "insurance-pays-ramped",
        LIQUIDATION,
        "FixedMath.mulDivDown(a.mm, s.terms.bonusStart, FixedMath.BPS);",
        "a.mm;",
        "S-3",
    ),
    Mutant("writes-down-all", LOSS, "paid < claim.deficit ? claim.deficit - paid : 0;", "claim.deficit;", "O-2"),
    Mutant("window-forgets", LOSS, "window.spent += uint128(drawn);", "", "S-3"),
    Mutant(
        "slice-of-short-down",
        contract("libraries/PositionMath"),
        "FixedMath.floorDivSigned(size * int256(fraction), FixedMath.WAD)",
        "size * int256(fraction) / int256(FixedMath.WAD)",
        "S-4",
    ),
    Mutant("insurance-share-uncapped", LEVELS, "if (share > worth - keep) share = worth - keep;", "", "L-2"),
    # ---------------------------------------------------------------- lending
    Mutant(
        "debt-shares-down",
        LENDING,
        "uint256 shares = InterestMath.sharesUp(amount, b.debtIndex);",
        "uint256 shares = InterestMath.sharesDown(amount, b.debtIndex);",
        "I-1",
    ),
    Mutant(
        "repaid-shares-up",
        LENDING,
        "part = InterestMath.sharesDown(amount, b.debtIndex);\n            if (part == 0) revert",
        "part = InterestMath.sharesUp(amount, b.debtIndex);\n            if (part == 0) revert",
        "I-1",
    ),
    Mutant(
        "reserve-forgotten",
        LOANS,
        "if (paid > earned) b.reserve += (paid - earned)",
        "if (false) b.reserve += (paid - earned)",
        "I-1",
    ),
    Mutant(
        "lenders-lose-too-little",
        LENDING,
        "(claims - lost) / b.lentShares : 0",
        "(claims - lost) / b.lentShares + 1 : 0",
        "I-6",
    ),
    Mutant(
        "recall-without-cash",
        LENDING,
        "b.requireCash(asset, amount);\n        b.lentShares -= part;",
        "b.lentShares -= part;",
        "I-5",
    ),
    Mutant("no-borrow-cap", LENDING, "if (owed > limits.borrowCap) revert", "if (false) revert", "F-2"),
    Mutant("no-borrow-velocity", LENDING, "if (uint256(sum) > most) revert", "if (false) revert", "F-2"),
    Mutant("debts-not-counted-down", LEDGER, "if (kind == DEBT) --s.headers[id].debts;", "", "I-4"),
    Mutant(
        "borrow-for-anyone",
        ENGINE,
        "_requireOwner(ctx, id);\n        bool risky = kind ==",
        "bool risky = kind ==",
        "A-1",
    ),
    Mutant(
        "borrow-unchecked",
        ENGINE,
        "risky ? RISK | STRICT : 0);",
        "risky ? STRICT : 0);",
        "S-1",
    ),
    Mutant(
        "foreign-debts-in-pairs",
        contract("libraries/AccountId"),
        "|| debt && asset != debtOf(market)",
        "",
        "O-1",
    ),
    Mutant(
        "slice-of-debt-down",
        LIQUIDATION,
        "? FixedMath.mulDivUp(shares, fraction, FixedMath.WAD)",
        "? FixedMath.mulDivDown(shares, fraction, FixedMath.WAD)",
        "P-1",
    ),
    Mutant(
        "queue-not-counted",
        contract("WithdrawalBrake"),
        "_queued += uint128(amount);\n        emit WithdrawalQueued",
        "emit WithdrawalQueued",
        "I-1",
    ),
    Mutant(
        "exits-never-wait",
        contract("EngineControl"),
        "if (amount < 0) ExitLogic.requireQuiet(state, ROUTER, asset);",
        "",
        "O-2",
    ),
    # ---------------------------------------------------------------- losses, epochs, ramps
    Mutant("charge-not-in-sum", EPOCHS, "side.sum.cost += int256(amount << EpochMath.COST_BITS);", "", "I-3"),
    Mutant(
        "debts-are-not-causes",
        LOSS,
        "if (causes[i].debt) _writeOffDebt(s, env, claim.target, causes[i], share);\n            else _writeOff",
        "if (!causes[i].debt) _writeOff",
        "W-1",
    ),
    Mutant(
        "side-charged-twice",
        LOSS,
        "uint256 left = amount - fromPool - fromSide;",
        "uint256 left = amount - fromPool;",
        "W-1",
    ),
    Mutant(
        "haircuts-jump",
        contract("libraries/ConfigRamps"),
        "return (nowIm | nowMm << 16 | time + RampMath.RAMP << 32, true);",
        "return (0, nowIm + nowMm < type(uint256).max);",
        "S-2",
    ),
    # ---------------------------------------------------------------- prices, fills, model, operators, pool
    Mutant("premium-rounds-down", FILL, "return FixedMath.ceilDivSigned(", "return FixedMath.floorDivSigned(", "R-1"),
    Mutant(
        "fee-swapped",
        FILL,
        "reducing * makerFeePpm + (absSize - reducing) * takerFeePpm",
        "reducing * takerFeePpm + (absSize - reducing) * makerFeePpm",
        "R-1",
    ),
    Mutant("no-maintenance-floor", MODEL, "if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;", "", "P-1"),
    Mutant("operator-day-forgotten", OPERATORS, "(grant.day == day ? grant.spent : 0) + cost", "cost", "A-2"),
    Mutant("two-prices-a-block", ROUTER, " && current.writtenBlock() != uint32(block.number)", "", "F-1"),
    Mutant("stale-book-for-exits", POOL, "_move(book, -int256(assets));", "", "S-6"),
)
