"""17 November 2023, dYdX v3 YFI: 9 million dollars, about 40 % of the insurance fund.

Over a hundred wallets went long YFI, whose open interest rose from 0.8 to 67 million. As it rose, the profit that was
not yet realised was taken out of one wallet and opened the next; when YFI fell by 43 % in an hour there was nothing
under them.

Property: what a rise releases for the next wallet is what exceeds a tenth of the notional, not what exceeds IM; skew
and open interest of a market are capped over all wallets by what the pool allots to it; and insurance pays a market
so much per window, whatever its wallets are called.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, SOL, USDC, WAD, expect

from plimsoll.actions import liquidate, settle, trade_perp, withdraw
from plimsoll.errors import Reverted

START = 20_000  # the attacker's own money


def opened(desk, account, market):
    """The largest long that margin, or the market, admits; to a whole unit."""
    low, high = 0, 200_000
    while high - low > 1:
        middle = (low + high) // 2
        try:
            desk.engine.read("execute", _batch(account, market, middle), sender=desk.owner(account))
            low = middle
        except Reverted as refused:
            last = refused
            high = middle
    if low:
        desk.trade(account, market, low * SIZE)
    return low, last.name


def _batch(account, market, units):
    return (b"", False, [trade_perp(account, market, units * SIZE)])


def release(desk, account, market):
    """Settles, and takes out what may go. @return units"""
    desk.act(account, settle(market, [account]))
    found = desk.assess(account)
    required = max(found.im, found.notional // 10)
    spare = max((found.equity - required) // 10**12, 0)
    assert spare < desk.held(account)
    with expect("BelowInitialMargin", account, found.equity - (spare + 1) * 10**12, required):
        desk.act(account, withdraw(account, QUOTE, spare + 1, desk.owner(account)))
    if spare:
        desk.act(account, withdraw(account, QUOTE, spare, desk.owner(account)))
    return spare


@pytest.mark.parametrize("rise", [2, 4])
def test_a_rise_within_the_margin_opens_no_second_wallet(desk, rise):
    """At 20x, up 4 %: equity is 9 % of the notional. dYdX's rule, equity over IM, would release nearly all of the
    profit."""
    first = desk.trader("wallet 0", START)
    units, stopped = opened(desk, first, ETH)
    assert stopped == "BelowInitialMargin"
    desk.post({1: 3_000 * PRICE * (100 + rise) // 100})
    found = desk.assess(first)
    recycled = found.equity - found.im0
    assert recycled > units * 3_000 * WAD * (rise - 1) // 100
    assert release(desk, first, ETH) == 0


def test_a_hundred_wallets_meet_one_cap(desk):
    """Up 10 % a wave, each wave funded by the one before where that suffices, and by fresh money where not."""
    pool = desk.pool_equity()[0]
    value, total, stops = 150 * PRICE, 0, set()
    for number in range(100):
        wallet = desk.trader(f"wallet {number}", 40_000)
        units, stopped = opened(desk, wallet, SOL)
        total += units
        stops.add(stopped)
        if number == 9:
            value = value * 11 // 10
            desk.post({3: value})
            assert sum(release(desk, desk.account(desk.actor(f"wallet {n}")), SOL) for n in range(10)) > 0
    assert stops == {"BelowInitialMargin", "AllocationExceeded"}
    words = desk.market_words(SOL)
    assert words.state.long_size == total * SIZE
    # |skew|·p·move ≤ a_m·pool: the same for one wallet or a hundred.
    assert total * SIZE * value // 5 <= desk.pool_equity()[0] * 15 // 100 + 10**18
    assert total * SIZE * value // 5 <= pool * 16 // 100
    # By margin alone a hundred wallets of 40,000 at 12.5x would be 50M, seven times as much, on a pool of 10M.
    assert 6 * total * value // PRICE < 100 * 40_000 * 25 // 2


def test_insurance_pays_a_market_so_much_per_window(desk):
    """YFI's hour: −43 %, all wallets bankrupt at once, a keeper takes each. 20,000 of 100,000, the rest is the
    pool's."""
    wallets = [desk.trader(f"wallet {n}", 6_000) for n in range(20)]
    for wallet in wallets:
        desk.trade(wallet, ETH, 30 * SIZE)
    # The fund is another market's as well.
    other = desk.trader("other", 5_000)
    desk.trade(other, SOL, 400 * SIZE)
    keeper = desk.trader("keeper", 2_000_000)
    insurance = desk.held(desk.insurance)
    assert insurance == 100_000 * USDC
    desk.post({1: 1_710 * PRICE})
    whole = desk.total_equity()
    deficits = -sum(desk.assess(wallet).equity for wallet in wallets)
    assert deficits > 600_000 * WAD
    desk.act(keeper, *[liquidate(keeper, wallet, skip=True) for wallet in wallets])
    assert insurance - desk.held(desk.insurance) == 20_000 * USDC
    assert all(desk.assess(wallet).equity == 0 for wallet in wallets)
    assert desk.total_equity() == whole
    # dYdX had no such cap: everything in the fund would have gone, and was asked for six times over.
    assert deficits > 6 * 100_000 * WAD

    desk.post({3: 130 * PRICE})
    found = desk.assess(other)
    assert found.equity < 0
    before = desk.held(desk.insurance)
    desk.act(keeper, liquidate(keeper, other))
    assert before - desk.held(desk.insurance) == (-found.equity + found.mm * 5 // 100) // 10**12
