"""The deployed models and the real OrderVerifier: accounts with options as the engine and the twins see them."""

from __future__ import annotations

from math import sqrt

import pytest
from coincurve import PrivateKey
from desk import BTC, ETH, PRICE, SIZE, WAD
from option_desk import DAY, OptionDesk, refused

from plimsoll.accounts import cross
from plimsoll.actions import match, trade_perp
from plimsoll.margin.account import PriceUse
from plimsoll.margin.option_series import key_of, pack
from plimsoll.orders import Domain, Leg, Order, OrderSigner
from plimsoll.prices import address_of

KEY = bytes([7]) * 32
OWNER = address_of(PrivateKey(KEY).public_key)
YEAR = 365 * 86_400


class RealDesk(OptionDesk):
    """The deployed rule model and verifier; only surfaces are put where they are needed."""

    def with_options(self, *, surfaces=True):
        self.surfaces = self.put("MockSurfaces")
        self.install("setSurfaces", self.surfaces.address)
        self.install("setVerifier", self.deployed.verifier.address)
        self.expiry = self.now // 60 + 30 * DAY
        for market in range(2):
            for days in (0, 1):
                self.smile(market, self.expiry + days * DAY)
        return self

    def smile(self, market, expiry, vol=0.6):
        """Flat wings around the money, carry of one."""
        tau = (expiry * 60 - self.now) / YEAR
        b, sigma = 0.1 * sqrt(tau), 0.2
        a = vol * vol * tau - b * sigma
        first = sum(int(x * WAD) % 2**64 << 64 * n for n, x in enumerate((a, b, -0.1, 0.0)))
        spot = self.prices[market + 1]
        second = int(sigma * WAD) | spot << 64 | int(tau * WAD) << 136 | self.now << 200
        self.surfaces.write("set", key_of(market, expiry), (first, second, WAD), sender=self.admin)

    def snapshot_words(self):
        from dataclasses import replace

        plain = super(OptionDesk, self).snapshot_words()
        keys = [key_of(market, expiry) for market in range(2) for expiry in self.expiries(market)]
        words = self.surfaces.read("read", keys)
        return replace(plain, surfaces={key: tuple(words[3 * n : 3 * n + 3]) for n, key in enumerate(keys)})

    def signed(self, account, legs, taker_account, size=SIZE, nonce=0):
        """The maker's signed order, the taker's own, who sends the batch."""
        ours = tuple(Leg(*leg) for leg in legs)
        theirs = tuple(Leg(instrument, -quantity) for instrument, quantity in legs)
        end = self.now + 3600
        maker = Order(account, ours, size, 2**100, end, nonce)
        taker = Order(taker_account, theirs, size, 2**100, end, nonce)
        domain = Domain(self.deployed.verifier.address, self.chain.chain_id)
        return (maker.values(), OrderSigner(KEY, domain).sign(maker)), (taker.values(), b"")


@pytest.fixture
def desk():
    return RealDesk.create().with_options()


@pytest.fixture
def sides(desk):
    maker = cross(OWNER)
    desk.fund(maker, 0, 20_000 * 10**6)
    return maker, desk.trader("taker", 20_000)


def trade(desk, sides, legs, prices, **options):
    one, two = desk.signed(sides[0], legs, sides[1], **options)
    return desk.act(sides[1], match(one, two, SIZE, prices))


def test_a_signed_order_fills_once_and_marks_are_those_of_black_76(desk, sides):
    """The mark is within a hundredth of the textbook's at the money: 0.4·σ·√T·S."""
    call = pack(ETH, desk.expiry, 3000 * PRICE, put=False)
    fair = int(0.4 * 0.6 * sqrt(30 / 365) * 3000 * PRICE)
    trade(desk, sides, [(call, SIZE)], [fair])
    assert desk.options(sides[0]) == {call: SIZE} and desk.options(sides[1]) == {call: -SIZE}
    with refused("NonceUsed"):
        trade(desk, sides, [(call, SIZE)], [fair])
    with refused("FillPriceOutOfBand", call, 2 * fair) as caught:
        trade(desk, sides, [(call, SIZE)], [2 * fair], nonce=1)
    assert caught.value.values[2] == pytest.approx(fair, rel=0.02)


def test_rule_accounts_with_options_are_their_twins(desk, sides):
    """A spread, a put of another expiry, another market's call, a perp: with good and with failed prices."""
    later = desk.expiry + DAY
    legs = [
        (pack(ETH, desk.expiry, 3000 * PRICE, put=False), SIZE),
        (pack(ETH, desk.expiry, 3200 * PRICE, put=False), -SIZE),
        (pack(ETH, later, 2800 * PRICE, put=True), -2 * SIZE),
        (pack(BTC, desk.expiry, 60_000 * PRICE, put=False), SIZE // 50),
    ]
    trade(desk, sides, legs, [206 * PRICE, 135 * PRICE, 120 * PRICE, 4_100 * PRICE])
    desk.act(sides[1], trade_perp(sides[1], ETH, SIZE))
    for seconds in (0, 7200):
        desk.chain.advance(seconds)
        for one in sides:
            assert desk.assess(one)[:5] == desk.twin(one, PriceUse.TARGET)
