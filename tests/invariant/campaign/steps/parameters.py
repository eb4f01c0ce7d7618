"""The roles: parameters that ramp, caps, models, markets that close. None of it calls anyone where it lands."""

from __future__ import annotations

from campaign.cast import ASSETS, BPS, MARKETS, PAIR


def parameters(run, rng) -> None:
    kind = rng.choice((_asset, _asset, _pair, _risk, _trade, _terms, _model, _insurance, _pause))
    kind(run, rng)
    if rng.random() < 0.3:
        run.advance(rng.choice((3600, 40_000, 86_401)))
        run.post({})


def _asset(run, rng) -> None:
    asset = rng.choice(ASSETS)
    now, limits = run.book.assets[asset], run.book.limits[asset]
    mm = rng.choice((600, 1000, 2000, 3500)) if asset else 0
    im = mm + rng.choice((500, 1500)) if asset else 0
    cap = limits.supply_cap
    borrow = min(cap, max(run.book.loans[asset].borrowed * rng.choice((1, 2, 100)), 10 ** (now.decimals + 2)))
    velocity = rng.choice((1000, 10_000))
    reserve = rng.choice((500, 1000, 2000))
    word = (now.decimals, now.feed, im, mm, now.max_age, now.sigma, cap, borrow, velocity, reserve)
    run.call("admin", run.world.config, "setAsset", asset, word)


def _pair(run, rng) -> None:
    mm = rng.choice((500, 1500, 3000))
    run.call("admin", run.world.config, "setPair", PAIR >> 6 & 63, PAIR & 63, mm + 500, mm)


def _risk(run, rng) -> None:
    market = rng.choice(MARKETS)
    now = run.book.markets[market].risk
    mm = rng.choice((250, 400, 600))
    rates = ((mm, mm + 100, mm + 250), (2 * mm, 2 * mm + 200, 2 * mm + 500))
    bounds = rng.choice(((5_000, 20_000), (1_000, 4_000)))
    interest = rng.choice(((0, 0), (1_000, 50_000)))
    plain = (now.feed, now.max_age, now.sigma, now.funding_velocity, now.max_funding_rate, rng.random() < 0.1)
    run.call("admin", run.world.config, "setMarketRisk", market, (*rates, *bounds, *plain, *interest))


def _trade(run, rng) -> None:
    """What the pool stands in for: sometimes next to nothing, so that others have to pay."""
    market = rng.choice(MARKETS)
    trade_terms(run, market, rng.choice((1, 100, 1500, 1500)))


def trade_terms(run, market: int, allocation: int) -> None:
    t = run.book.markets[market].trade
    word = (t.skew_scale, t.max_skew, t.max_oi, t.maker_fee, t.taker_fee, allocation, t.move, t.gap)
    run.call("admin", run.world.config, "setMarketTrade", market, word)


def _terms(run, rng) -> None:
    t = run.book.terms
    levels = rng.choice(((5000, 7500), (3000, 7500), (7000, 9000)))
    rest = (t.bonus_start, t.bonus_slope, t.insurance_share, t.min_slice, t.bonus_ramp, t.call_period)
    run.call("admin", run.world.config, "setTerms", (*levels, *rest, t.insurance_window, t.bounty, t.dust))


def _model(run, rng) -> None:
    other = next(model for model in run.arena.models if model != run.book.globals.model)
    g = run.book.globals
    run.call("admin", run.world.config, "setModel", f"0x{other:040x}", g.block_time, g.kappa)


def _insurance(run, rng) -> None:
    config = run.world.config
    if rng.random() < 0.5:
        run.call("admin", config, "setInsuranceCap", rng.choice(MARKETS), rng.choice((0, 100, 20_000)))
    else:
        run.call("admin", config, "setDebtInsurance", rng.choice(ASSETS), rng.choice((0, 500, 20_000)))


def _pause(run, rng) -> None:
    if rng.random() < 0.3:
        run.call("admin", run.world.engine, "pauseRisk", run.book.time + 60)


def wind_down(run, rng) -> None:
    """A market closes at a time-weighted price; anyone settles anyone."""
    closing = [m for m in MARKETS if run.book.markets[m].closing.opened_at]
    if not closing:
        if rng.random() > 0.3:
            return
        closing = [rng.choice(MARKETS)]
        run.call("admin", run.world.engine, "closeMarket", closing[0])
    market = rng.choice(closing)
    if not run.book.markets[market].closing.final_price:
        for _ in range(rng.choice((2, 14))):
            drift = {feed: run.prices[feed] * rng.randint(9980, 10_020) // BPS for feed in (1, 2, 3)}
            run.post(drift, seconds=290)
            run.call("mallory", run.world.engine, "observeClose", market)
            if run.book.markets[market].closing.final_price:
                break
    holders = [a for a in run.arena.accounts if run.book.accounts[a].header.markets >> market & 1]
    if holders:
        rng.shuffle(holders)
        run.batch("mallory", run.settle(market, holders), label="settle a closed market")
        account = rng.choice(holders)
        size = run.book.size(account, market)
        if size:
            run.batch(run.arena.owner(account), run.trade(account, market, -size), label="trade a closed market")


def deleverage(run, rng) -> None:
    """Refused while the pool can bear its market; with next to no allocation the heavy side shrinks."""
    market = rng.choice(MARKETS)
    old = run.book.markets[market].trade.allocation
    m = run.book.markets[market]
    if rng.random() < 0.8:
        trade_terms(run, market, 1)
        feed, up = m.risk.feed, m.state.skew > 0
        run.post({feed: run.prices[feed] * (10_400 if up else 9_600) // BPS})
    run.call("keeper", run.world.engine, "deleverage", market)
    trade_terms(run, market, old)
