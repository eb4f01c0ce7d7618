"""Random portfolio accounts and models, over the whole of their fields, and the model deployed in process."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from draws import Draw

from plimsoll.contracts import load
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import LENIENT, RESERVE_ALWAYS, Claim, Kind, Parameters, Scenario, Underlying
from plimsoll.margin.portfolio_words import ONE, AccountView, ExpiryView, Option, Perp, Smile, Tag
from plimsoll.margin.rule_margin import AssetExposure
from plimsoll.margin.settlement_math import Known
from plimsoll.vectors.pmrm2 import ModelChain

DAY = 86_400
SCENARIOS = (
    Scenario(WAD),
    Scenario(WAD, Kind.UP),
    Scenario(WAD, Kind.DOWN),
    Scenario(85 * WAD // 100, Kind.UP),
    Scenario(90 * WAD // 100),
    Scenario(90 * WAD // 100, Kind.DOWN),
    Scenario(110 * WAD // 100),
    Scenario(115 * WAD // 100, Kind.UP),
    Scenario(34 * WAD // 100, Kind.UP, WAD // 20),
    Scenario(3 * WAD, Kind.UP, WAD // 50),
    Scenario(WAD, Kind.LINEAR),
    Scenario(WAD, Kind.ABSOLUTE),
    Scenario(88 * WAD // 100, Kind.JOINT_LINEAR),
    Scenario(112 * WAD // 100, Kind.JOINT_ABSOLUTE, WAD // 2),
)
UNDERLYING = Underlying(
    feed=1,
    scenarios=SCENARIOS,
    vol_up=WAD // 2,
    vol_down=275 * WAD // 1000,
    min_vol=45 * WAD // 100,
    short_power=3 * WAD // 10,
    long_power=13 * WAD // 100,
    dte_floor=DAY,
    min_k_star=WAD // 100,
    width=4 * WAD,
    vol_static=6 * WAD // 10,
    vol_scale=-WAD // 10,
    linear_cap=15 * WAD // 100,
    linear_base=-WAD // 20,
    abs_cap=15 * WAD // 100,
    abs_base=-WAD // 20,
    long_discount=95 * WAD // 100,
    long_mult=WAD,
    long_add=8 * WAD // 100,
    short_discount=104 * WAD // 100,
    short_mult=WAD // 2,
    short_add=8 * WAD // 100,
    basis_up=110 * WAD // 100,
    basis_down=90 * WAD // 100,
    basis_add=WAD // 2,
    basis_mult=2 * WAD,
    mm_perp=15 * WAD // 1000,
    im_perp=5 * WAD // 1000,
    mm_option=3 * WAD // 1000,
    im_option=2 * WAD // 1000,
)
FEEDS = {1: Claim(0), 2: Claim(1), 3: Claim(0), 4: Claim(0, True), 5: Claim(1, True)}
PARAMETERS = Parameters(
    underlyings=(UNDERLYING, replace(UNDERLYING, feed=2, vol_up=WAD * 6 // 10, mm_perp=WAD // 50)),
    im_factor=125 * WAD // 100,
    mm_factor=WAD,
    rho=300_000,
    pnl_share=7_000,
    peg_threshold=98 * WAD // 100,
    peg_factor=2 * WAD,
    confidence_threshold=55 * WAD // 100,
    confidence_margin=WAD,
    mm_floor=50 * WAD,
    im_floor=75 * WAD,
    feeds=FEEDS,
)
SPOT = {0: 1_800 * 10**10, 1: 1_800 * 10**10, 2: 40_000 * 10**10}


@cache
def deployed(parameters_key: int) -> ModelChain:
    return ModelChain(load(), _MODELS[parameters_key])


_MODELS: list[Parameters] = []


def chain_of(parameters: Parameters) -> ModelChain:
    """The contract with these parameters; each set is deployed once."""
    if parameters not in _MODELS:
        _MODELS.append(parameters)
    return deployed(_MODELS.index(parameters))


def wild(draw: Draw) -> Parameters:
    """Every field anywhere within the widest bounds."""

    def upto(limit: float) -> int:
        return draw.choice([0, int(limit * WAD), draw.randint(0, int(limit * WAD)), draw.randint(0, WAD)])

    def signed(limit: float) -> int:
        return upto(limit) * draw.choice([1, -1])

    def scenario() -> Scenario:
        kind = Kind(draw.randint(0, 6))
        spot = draw.choice([WAD, 1, 10 * WAD, draw.randint(1, 2 * WAD)])
        return Scenario(WAD if kind in (Kind.LINEAR, Kind.ABSOLUTE) else spot, kind, upto(10))

    count = draw.randint(1, 6)

    def underlying(feed: int) -> Underlying:
        bounds = sorted(draw.randint(0, 10**6) for _ in range(2))
        return Underlying(
            feed,
            tuple(scenario() for _ in range(count)),
            *(upto(10), upto(10), upto(20), upto(10), upto(10), draw.randint(0, 400 * DAY)),
            *(upto(10), upto(10), upto(10), signed(20), upto(20), signed(20), upto(20), signed(20)),
            *(max(upto(4), 1), upto(10), upto(10), upto(4), upto(10), upto(10)),
            *(
                draw.randint(WAD + 1, 3 * WAD),
                draw.randint(1, WAD - 1),
                upto(20),
                upto(20),
                upto(3),
                upto(3),
                upto(2),
                upto(2),
            ),
            *(upto(1), bounds[0], bounds[1], upto(1)),
        )

    mm = draw.randint(1, 10 * WAD)
    return Parameters(
        underlyings=(underlying(1), underlying(2)),
        im_factor=draw.randint(mm, 10 * WAD),
        mm_factor=mm,
        rho=draw.choice([0, 10**6, draw.randint(0, 10**6)]),
        pnl_share=draw.randint(0, 10**4),
        settlement_window=draw.choice([0, 1_800, 2**24 - 1]),
        flags=LENIENT | draw.choice([0, RESERVE_ALWAYS]),
        peg_threshold=upto(100),
        peg_factor=upto(10),
        confidence_threshold=upto(1),
        confidence_margin=upto(20),
        feeds=FEEDS,
    )


def account(draw: Draw, extreme: bool = False) -> AccountView:
    """Assets, perps and options of two underlyings and of a market that none claims; extreme: any bits in any field."""
    tags, assets = [Tag(0, asset=0, price=draw.choice([10**10, 9_000_000_000, 0]))], [_asset(draw, extreme)]
    for feed in draw.sample([1, 4, 5, 9], draw.randint(0, 4)):
        doubt, fine = _doubt(draw)
        tags.append(Tag(feed, doubt, feed, SPOT.get(feed, 10**10), fine))
        assets.append(_asset(draw, extreme))
    perps = tuple(_perp(draw, extreme) for _ in range(draw.choice([0, 0, 1, 2])))
    pairs = sorted({(draw.choice([0, 1, 3]), draw.randint(0, 5)) for _ in range(draw.randint(0, 4))})
    expiries = tuple(_expiry(draw, market, day, extreme) for market, day in pairs)
    return AccountView(tuple(assets), tuple(tags), perps, expiries)


def _asset(draw: Draw, extreme: bool) -> AssetExposure:
    value = draw.signed(207 if extreme else 80)
    haircuts = [draw.choice([0, 500, 10_000, draw.randint(0, 10_000)]) for _ in range(3)]
    return AssetExposure(value, *haircuts)


def _doubt(draw: Draw) -> tuple[int, int]:
    return draw.choice([0, 0, 10**6, draw.randint(0, 10**6)]), draw.choice([0, draw.randint(0, 2**16 - 1)])


def _mult(draw: Draw) -> int:
    return draw.choice([ONE, ONE, draw.randint(ONE, 5 * ONE)])


def _perp(draw: Draw, extreme: bool) -> Perp:
    feed = draw.choice([1, 2, 3, 7])
    size = draw.bits(56) if extreme else draw.randint(0, 10**10)
    notional = draw.bits(136) if extreme else size * SPOT.get(feed, 10**10)
    doubt, fine = _doubt(draw)
    pnl = draw.signed(130 if extreme else 70)
    return Perp(notional, pnl, feed, draw.random() < 0.5, size, doubt, fine, _mult(draw), _mult(draw))


def _expiry(draw: Draw, market: int, day: int, extreme: bool) -> ExpiryView:
    secs = draw.choice([0, 1, 900, DAY * 3 + 7, day * 40 * DAY + 5_000, draw.bits(32) if extreme else DAY])
    feed = {0: 1, 1: 2, 3: 7}[market]
    spot = draw.bits(72) if extreme else SPOT.get(feed, 10**10)
    codes = sorted({_code(draw, spot, extreme) for _ in range(draw.randint(1, 6))})
    legs = [(code, put) for code in codes for put in draw.choice([(False,), (True,), (False, True)])]
    options = []
    for code, put in legs:
        same = options and options[-1].code == code and draw.random() < 0.3
        quantity = draw.signed(63) if extreme else draw.randint(-(10**10), 10**10)
        options.append(Option(code, put, -options[-1].quantity if same else quantity))
    doubt, fine = _doubt(draw)
    fines = (fine, *(draw.randint(0, 2**16 - 1) for _ in range(3)))
    settled = secs == 0 and draw.random() < 0.5
    smile = Smile() if secs == 0 or draw.random() < 0.1 else _smile(draw, spot, extreme)
    known = _known(draw, spot, extreme) if secs < 1_800 and not settled and draw.random() < 0.8 else None
    fading = known is not None and draw.random() < 0.5
    mults = _mult(draw), _mult(draw)
    view = ExpiryView(market, feed, secs, spot, smile, tuple(options), doubt, fines, settled, *mults, 10**7 + day)
    return replace(view, known=known, fading=fading)


def _known(draw: Draw, spot: int, extreme: bool) -> Known:
    """Of twenty minutes to half an hour, any part."""
    total = draw.randint(1_200, 1_800)
    rest = draw.choice([0, 120, total, draw.randint(0, total)])
    return Known(draw.bits(96) if extreme else (total - rest) * spot, rest, total)


def _code(draw: Draw, spot: int, extreme: bool) -> int:
    if extreme:
        return draw.choice([0, 1, 2**28 - 1, draw.getrandbits(28)])
    strike = int(spot * draw.choice([0.02, 0.5, 0.9, 1, 1.05, 1.7, 30]))
    exponent = max(0, len(str(strike)) - 7)
    return strike // 10**exponent | exponent << 24


def _smile(draw: Draw, spot: int, extreme: bool) -> Smile:
    doubts = [_doubt(draw)[0] for _ in range(3)]
    if extreme:
        shape = [draw.signed(63) for _ in range(4)]
        return Smile(*shape, draw.bits(64), draw.bits(72), draw.bits(64), draw.bits(64), draw.signed(63), *doubts)
    return Smile(
        a=draw.randint(0, WAD // 10),
        b=draw.randint(0, WAD // 5),
        rho=draw.randint(-WAD // 2, WAD // 2),
        m=draw.randint(-WAD // 5, WAD // 5),
        sigma=draw.randint(WAD // 50, WAD // 2),
        forward_ref=spot * 11 // 10,
        tau=draw.choice([WAD // 52, WAD // 4, 2 * WAD]),
        carry=draw.choice([WAD, 102 * WAD // 100, 9 * WAD // 10]),
        rate=draw.choice([0, WAD // 20, -WAD // 20, WAD]),
        doubt_forward=doubts[0],
        doubt_rate=doubts[1],
        doubt_vol=doubts[2],
    )
