"""O-02: a strike so far away that pricing reverts (Sigma Prime on Derive v2: DRV-03).

There a strike of zero, or an enormous one, made the volatility of the smile revert, and with it every check of the
account that held it: it could not be liquidated any more.

Rule: what cannot be named is not traded; what can be traded can be valued, at every price and volatility that the
feeds can hold, by both models and to the last second; and so it can be liquidated.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, expect
from listed_desk import ListedDesk

from plimsoll.actions import liquidate, match
from plimsoll.margin.option_series import pack
from plimsoll.testing.options import DAY

LEAST, MOST = 1, 4_722_366 * 10**15  # 1e-10: a ten-billionth, and 472 billions
EXTREMES = (LEAST, 10**6 - 1, 10 * PRICE, 3_000_000 * PRICE, MOST)


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


def test_a_strike_of_zero_or_with_two_names_is_not_traded(desk):
    """Named by its error, before anything is priced."""
    maker, taker = desk.trader("maker", 10_000), desk.trader("taker", 10_000)
    head = pack(ETH, desk.expiry, LEAST, put=False) & ~((1 << 29) - 1)
    for mantissa, exponent in ((0, 0), (0, 3), (1, 1), (10**7, 0)):
        series = head | exponent << 25 | mantissa << 1
        one, two = (desk.signed(desk.order(who, [(series, n)])) for who, n in ((maker, SIZE), (taker, -SIZE)))
        with expect("StrikeNotCanonical", mantissa * 10**exponent):
            desk.execute(desk.admin, match(one, two, SIZE, [0]))
    assert desk.options(maker) == {}


def book(desk, mode):
    """Seller and buyer of calls and puts at every extreme, in two expiries, as many as the seller can bear."""
    far = desk.expiry + 300 * DAY
    desk.show({(ETH, far): 0.8})
    seller = desk.portfolio("seller", 20_000_000) if mode == "portfolio" else desk.trader("seller", 20_000_000)
    buyer = desk.trader("buyer", 2_000_000_000)
    for expiry in (desk.expiry, far):
        series = [pack(ETH, expiry, strike, put=put) for strike in EXTREMES for put in (False, True)]
        # A put at the highest strike is worth all of it: a millionth is half a million.
        sizes = {pack(ETH, expiry, MOST, put=True): 100, pack(ETH, expiry, 3_000_000 * PRICE, put=True): SIZE // 10}
        desk.match(buyer, seller, [(one, sizes.get(one, SIZE)) for one in series])
    return seller, buyer


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
def test_every_check_answers_at_every_price(desk, mode):
    """From a hundredth to a hundred times the price, at 5 % and at 400 % volatility, and a second before the expiry."""
    seller, buyer = book(desk, mode)
    far = desk.expiry + 300 * DAY
    for price in (30, 300, 3_000, 30_000, 300_000):
        for vol in (0.3, 2.5):
            desk.fresh({1: price * PRICE}, {(ETH, desk.expiry): vol, (ETH, far): vol})
            for account in (seller, buyer):
                found = desk.assess(account)
                assert found[:5] == desk.twin(account) and found.mm <= found.im0 <= max(found.im, found.im0)
    desk.chain.set_timestamp(desk.expiry * 60 - 3)
    for seconds in (0, 2, 2, 3_600):
        desk.post({1: 3_000 * PRICE}, seconds=seconds)
        assert desk.assess(seller)[:5] == desk.twin(seller)


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
def test_and_so_it_is_liquidated(desk, mode):
    """With all of them in the account, on a price that has failed as well."""
    seller, _ = book(desk, mode)
    keeper = desk.trader("keeper", 2_000_000_000)
    desk.match(keeper, seller, [(desk.call(3000), 2000 * SIZE)])
    desk.fresh({1: 12_500 * PRICE})
    desk.chain.advance(1_800)  # nobody posts any more
    found = desk.assess(seller)
    assert found.equity < found.mm and found[:5] == desk.twin(seller)
    desk.post({})
    other = desk.trader("other", 2_000_000_000)
    desk.act(other, liquidate(other, seller, 10**17, witness=desk.witness(seller) if mode == "portfolio" else b""))
    assert len(desk.options(other)) >= 20
