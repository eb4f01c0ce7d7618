"""What options mean to an account's model, and what it answers. Twin of OptionCheck.sol and OptionValues.sol.

sheet = gather(account, snapshot, PriceUse.OPEN)      the words of IOptionModel
assess(account, snapshot, PriceUse.OPEN)              what the model, and failed prices, make of them
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plimsoll.margin import option_models, option_series, ramp_math, settlement_math, valuation
from plimsoll.margin.asset_math import QUOTE_PRICE
from plimsoll.margin.fixed_math import ceil_div, positive
from plimsoll.margin.rule_margin import Assessment
from plimsoll.margin.snapshot import (
    QUOTE,
    Account,
    ModelReplaced,
    PriceUnusable,
    PriceUse,
    Snapshot,
    SurfaceUnusable,
    Underlying,
)
from plimsoll.margin.volatility_math import multipliers
from plimsoll.margin.words import Balance, Price

EXPIRY_WORDS = 5
SETTLED, FADING = 1, 2
SURFACE_BIT = 200
DEPEG_UNIT = 10**11
QUOTE_BPS = 10**6
PORTFOLIO = 2
SPOT = (1 << 72) - 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a model is handed. `failed`: markets whose price is not good; `bare`: nothing is at risk; `ending`:
    something else may hedge what settles now, or be hedged by it."""

    assets: list[int]
    tags: list[int]
    perps: list[int]
    expiries: list[int]
    options: list[int]
    owed: int
    bare: bool
    failed: tuple[int, ...]
    ending: bool = False


def is_portfolio(account: Account) -> bool:
    return account.id[20] == PORTFOLIO


def applies(account: Account) -> bool:
    """Whether an account is checked here."""
    return bool(account.header.options) or is_portfolio(account)


# ---------------------------------------------------------------- gathering


def gather(account: Account, snapshot: Snapshot, use: PriceUse) -> Sheet:
    """The words of IOptionModel, or the errors of a check."""
    account = _with_quote(account)
    found = valuation.assets(account, snapshot, use)
    perps = valuation.perps(account, snapshot, use)
    options = [instrument << 64 | quantity % 2**64 for instrument, quantity in sorted(account.options.items())]
    short = any(quantity < 0 for quantity in account.options.values())
    bare = not (short or account.header.markets or account.header.debts)
    expiries, failed = _expiries(account, snapshot, PriceUse.REDUCE if bare else use)
    words = [word for market in perps for word in _perp_words(account, snapshot, market, perps[market].to_words())]
    return Sheet(
        assets=[asset.to_word() for asset in found.values()],
        tags=[_tag(snapshot, asset) for asset in found],
        perps=words,
        expiries=expiries,
        options=options,
        owed=sum(-asset.value for asset in found.values() if asset.value < 0),
        bare=bare,
        failed=failed,
        ending=_ending(account, expiries, alone=len(found) == 1 and not words and len(expiries) == EXPIRY_WORDS),
    )


def _ending(account: Account, expiries: list[int], *, alone: bool) -> bool:
    firsts = expiries[::EXPIRY_WORDS]
    return is_portfolio(account) and not alone and any(map(settlement_math.Known.of_bits, firsts))


def _with_quote(account: Account) -> Account:
    """The quote asset is always the first, held or not."""
    if account.header.assets & 1:
        return account
    header = replace(account.header, assets=account.header.assets | 1)
    return replace(account, header=header, balances={**account.balances, QUOTE: Balance()})


def _tag(snapshot: Snapshot, asset: int) -> int:
    feed = snapshot.globals.quote_feed if asset == QUOTE else snapshot.assets[asset].feed
    price = snapshot.price(feed) if feed else Price(value=QUOTE_PRICE)
    return feed | price.confidence << 8 | asset << 32 | price.value << 40


def _perp_words(
    account: Account, snapshot: Snapshot, market: int, words: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    first, pnl, risk, old = words
    size = account.positions[market].size
    first |= (1 << 200 if size < 0 else 0) | snapshot.price(snapshot.markets[market].risk.feed).confidence << 201
    return first, pnl, risk, old | (abs(size) << 144 if is_portfolio(account) else 0)


def _expiries(account: Account, snapshot: Snapshot, use: PriceUse) -> tuple[list[int], tuple[int, ...]]:
    words: list[int] = []
    failed: list[int] = []
    groups: dict[int, int] = {}
    for instrument in sorted(account.options):
        group = option_series.group_of(instrument)
        groups[group] = groups.get(group, 0) + 1
    for market in dict.fromkeys(group >> 27 for group in groups):
        own = {group & option_series.MAX_EXPIRY: count for group, count in groups.items() if group >> 27 == market}
        good, found = _market(snapshot, market, own, use)
        words += found
        if not good:
            failed.append(market)
    if use == PriceUse.OPEN:
        _require_surfaces(snapshot, groups)
    return words, tuple(failed)


def _market(snapshot: Snapshot, market: int, counts: dict[int, int], use: PriceUse) -> tuple[bool, list[int]]:
    """Whether the market's price is good, and the words of its expiries."""
    listed = snapshot.markets[market]
    price = snapshot.price_in(listed)
    good = valuation.is_good(price, listed.risk.max_age, snapshot.time)
    settled = {expiry: snapshot.settlement(market, expiry) for expiry in counts}
    if not good and use == PriceUse.OPEN and not all(word.price for word in settled.values()):
        raise PriceUnusable(listed.risk.feed, valuation.price_age(price, snapshot.time), price.status)
    im, mm = multipliers(price.to_word(), snapshot.time)
    words: list[int] = []
    for expiry, count in counts.items():
        first = market | listed.risk.feed << 8 | count << 16 | im << 72 | mm << 96
        words += _expiry(snapshot, (market, expiry), first, price, failed=not good)
    return good, words


def _expiry(snapshot: Snapshot, at: tuple[int, int], first: int, price: Price, *, failed: bool) -> list[int]:
    """The five words of an expiry; `first` without its time and what is known of its price."""
    left = positive(at[1] * option_series.MINUTE - snapshot.time)
    surface, settlement = snapshot.surface(*at) if left else (0, 0, 0), snapshot.settlement(*at)
    if settlement.price and not left:
        return [first | SETTLED << 64, settlement.price, *surface]
    words = [first | left << 32, price.value | price.confidence << 72, *surface]
    known = settlement_math.known_of(settlement, at[1], snapshot.time, failed=failed)
    return known.enter(words) if known else words


def _require_surfaces(snapshot: Snapshot, groups: dict[int, int]) -> None:
    for group in groups:
        market, expiry = group >> 27, group & option_series.MAX_EXPIRY
        if expiry * option_series.MINUTE <= snapshot.time:
            continue
        _, second, third = snapshot.surface(market, expiry)
        published, status = second >> SURFACE_BIT & 0xFFFFFFFF, third >> SURFACE_BIT & 0xFF
        if status or not published:
            raise SurfaceUnusable(market, expiry, positive(snapshot.time - published), status)


# ---------------------------------------------------------------- the model


def assess(account: Account, snapshot: Snapshot, use: PriceUse = PriceUse.OPEN, witness: bytes = b"") -> Assessment:
    """Twin of OptionCheck.assess; with a witness of OptionCheck.prove."""
    sheet = gather(account, snapshot, use)
    result = _ask(account, snapshot, sheet, witness)
    if use in (PriceUse.TARGET, PriceUse.ACQUIRE):
        result = _moved(account, snapshot, sheet, use, witness, result)
    gap = _depeg(account, snapshot, sheet, use)
    if sheet.bare:
        return result._replace(im=0, im0=0, mm=0)
    if gap and not is_portfolio(account):
        result = result._replace(im=result.im + ceil_div((result.notional + sheet.owed) * gap, DEPEG_UNIT))
    return result


def _ask(account: Account, snapshot: Snapshot, sheet: Sheet, witness: bytes) -> Assessment:
    """The worse of a whole move of what settles now, and of what it has left of it."""
    result = _answer(account, snapshot, sheet, witness)
    if not sheet.ending:
        return result
    other = _answer(account, snapshot, replace(sheet, expiries=fading(sheet.expiries)), witness)
    return result._replace(im=max(result.im, other.im), im0=max(result.im0, other.im0), mm=max(result.mm, other.mm))


def fading(expiries: list[int]) -> list[int]:
    """The words of expiries, telling the model to let its shocks reach what is partly known as far as the spot does."""
    words = list(expiries)
    for at in range(0, len(words), EXPIRY_WORDS):
        if settlement_math.Known.of_bits(words[at]):
            words[at] |= FADING << 64
    return words


def _answer(account: Account, snapshot: Snapshot, sheet: Sheet, witness: bytes) -> Assessment:
    portfolio = is_portfolio(account)
    model = snapshot.portfolio if portfolio else snapshot.model
    if model is None:
        raise LookupError("there is no model for portfolio accounts in this snapshot")
    words = (sheet.assets, sheet.tags, sheet.perps, sheet.expiries, sheet.options)
    result = option_models.ask(model, words, witness)
    replaced: ModelReplaced | None = snapshot.portfolio_replaced if portfolio else snapshot.replaced
    if replaced and (share := ramp_math.old_share(replaced.end, snapshot.time)):
        was = option_models.ask(replaced.model, words, witness)
        im0 = ramp_math.between(was.im0, result.im0, share)
        result = result._replace(im0=im0, mm=ramp_math.between(was.mm, result.mm, share))
    return result


def _moved(
    account: Account, snapshot: Snapshot, sheet: Sheet, use: PriceUse, witness: bytes, base: Assessment
) -> Assessment:
    """Of up, down and where it is, each number takes what is best for a target, and worst for who acquires."""
    best, worst = (max, min) if use == PriceUse.TARGET else (min, max)
    result = base
    for market in sheet.failed:
        price = snapshot.price_in(snapshot.markets[market])
        answers = [base]
        for up in (True, False):
            value = min(_moved_price(snapshot, Underlying(market, price), up=up), SPOT)
            answers.append(_ask(account, snapshot, _at(sheet, market, value), witness))
        result = Assessment(
            equity=result.equity + best(a.equity for a in answers) - base.equity,
            im=positive(result.im + worst(a.im for a in answers) - base.im),
            im0=positive(result.im0 + worst(a.im0 for a in answers) - base.im0),
            mm=positive(result.mm + worst(a.mm for a in answers) - base.mm),
            notional=result.notional,
        )
    return result._replace(im0=max(result.im0, result.mm))


def _moved_price(snapshot: Snapshot, underlying: Underlying, *, up: bool) -> int:
    risk, price = snapshot.markets[underlying.market].risk, underlying.price
    sigma = valuation.scaled_sigma(risk.sigma, multipliers(price.to_word(), snapshot.time)[0])
    age = valuation.price_age(price, snapshot.time)
    return valuation.moved(price.value, sigma, snapshot.globals.kappa, age, up=up)


def _at(sheet: Sheet, market: int, spot: int) -> Sheet:
    """The sheet with another spot in the expiries of `market` that are not settled."""
    words = list(sheet.expiries)
    for at in range(0, len(words), EXPIRY_WORDS):
        if words[at] & 0xFF == market and not words[at] >> 64 & SETTLED:
            known = settlement_math.Known.of_bits(words[at])
            words[at + 1] = words[at + 1] & ~SPOT | (known.price(spot) if known else spot)
    return replace(sheet, expiries=words)


def _depeg(account: Account, snapshot: Snapshot, sheet: Sheet, use: PriceUse) -> int:
    """As account._depeg."""
    g = snapshot.globals
    if not g.quote_feed:
        return 0
    price = snapshot.price(g.quote_feed)
    good = valuation.is_good(price, snapshot.assets[QUOTE].max_age, snapshot.time)
    exposed = account.header.markets or sheet.owed or not sheet.bare
    if use == PriceUse.OPEN and not good and exposed:
        raise PriceUnusable(g.quote_feed, valuation.price_age(price, snapshot.time), price.status)
    return positive(g.depeg_threshold * QUOTE_BPS - price.value) * g.depeg_factor
