"""Lens: the same words as the engine's own views, for many accounts at once."""

from __future__ import annotations

import pytest

from plimsoll import ledger
from plimsoll.actions import trade_perp, withdraw
from plimsoll.contracts import decode_error
from plimsoll.errors import Reverted
from plimsoll.prices import PRICE
from plimsoll.testing.world import SIZE

UNIT = 10**6
ASSETS, MARKETS = 0b111, 0b11111


def words(data):
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


def rows(data, width):
    flat = words(data)
    assert len(flat) % width == 0
    return [flat[at : at + width] for at in range(0, len(flat), width)]


def signed(word, bits):
    word &= (1 << bits) - 1
    return word - (1 << bits) if word >> bits - 1 else word


@pytest.fixture
def populated(world):
    """Seven traders with different assets and positions, one of them isolated."""
    for n in range(7):
        trader = world.actor(f"trader {n}")
        account = world.account(trader, market=2 if n == 6 else None)
        world.fund(account, 0, (n + 1) * 100_000 * UNIT)
        if n % 3 == 1:
            world.fund(account, 1, 10**18)
        if n % 3 == 2:
            world.fund(account, 2, 10**8)
        for market in range(5):
            if n == 6 and market != 2:
                continue
            if n != 6 and (n >> market & 1) == 0:
                continue
            world.post({})
            world.execute(trader, trade_perp(account, market, (n + market - 4) * SIZE or SIZE))
    world.post({})
    return world


def all_accounts(world):
    return world.engine.read("accountsPage", 0, 10**6)


# ---------------------------------------------------------------- refusals


CALLS = {
    "rawPage": (0, 10, ASSETS, MARKETS),
    "rawAccounts": ([], ASSETS, MARKETS),
    "health": ([],),
    "healthPage": (0, 10),
    "markets": (),
    "assets": (),
    "globals": (),
}


@pytest.mark.parametrize("function", CALLS)
def test_the_lens_is_blind_inside_a_batch(world_of, function):
    """T-18: half a batch is nobody's business."""
    world = world_of("HookERC20")
    trader = world.actor("trader")
    account = world.account(trader)
    world.fund(account, 0, UNIT)
    data = world.lens.encode(function, *CALLS[function])
    world.token(0).write("setHook", trader, True, world.lens.address, False, data, sender=world.admin)
    world.execute(trader, withdraw(account, 0, 1, trader))
    assert not world.token(0).read("lastSucceeded")
    assert decode_error(world.token(0).read("lastResult"))[0] == "Locked"


def test_a_page_too_large_for_its_gas_is_refused_not_answered_wrongly(populated):
    """A starved assessment must not look like a dead account."""
    count = populated.engine.read("accountCount")
    with pytest.raises(Reverted) as caught:
        populated.lens.read("healthPage", 0, 100, gas=3_010_000)
    assert caught.value.name == "PageTooLarge"
    done, of = caught.value.values
    assert (done < of, of) == (True, count)


# ---------------------------------------------------------------- raw state


@pytest.mark.parametrize("asset_mask", [0, 0b1, 0b110, ASSETS, (1 << 64) - 1])
@pytest.mark.parametrize("market_mask", [0, 0b10100, MARKETS])
def test_raw_words_are_the_engines_slots(populated, asset_mask, market_mask):
    """Id, header, then one word per bit of each mask; zero where the account has nothing."""
    assets = [n for n in range(64) if asset_mask >> n & 1]
    markets = [n for n in range(64) if market_mask >> n & 1]
    expected = []
    for account in all_accounts(populated):
        slots = [ledger.header(account)]
        slots += [ledger.balance(account, n) for n in assets] + [ledger.position(account, n) for n in markets]
        expected.append([int.from_bytes(account, "big"), *ledger.read(populated.engine, slots)])
    width = 2 + len(assets) + len(markets)
    assert rows(populated.lens.read("rawPage", 0, 1_000, asset_mask, market_mask), width) == expected
    chosen = all_accounts(populated)[::-2]
    answer = rows(populated.lens.read("rawAccounts", chosen, asset_mask, market_mask), width)
    assert answer == expected[::-2]


def test_raw_words_decode_to_what_the_views_say(populated):
    """Held amounts, sizes and costs, through the fields of docs/storage.md."""
    for row in rows(populated.lens.read("rawPage", 0, 1_000, ASSETS, MARKETS), 10):
        account = row[0].to_bytes(32, "big")
        for asset in range(3):
            assert signed(row[2 + asset], 128) == populated.held(account, asset)
        for market in range(5):
            word = row[5 + market]
            assert (signed(word, 64), signed(word >> 64, 96)) == populated.engine.read("position", account, market)


def test_pages_join_to_the_whole_and_end_where_the_list_ends(populated):
    """Any page size gives the same accounts; beyond the end there is nothing."""
    whole = populated.lens.read("rawPage", 0, 1_000, ASSETS, MARKETS)
    count = populated.engine.read("accountCount")
    for size in (1, 2, 3, 1_000):
        pages = [populated.lens.read("rawPage", at, size, ASSETS, MARKETS) for at in range(0, count, size)]
        assert b"".join(pages) == whole
    assert populated.lens.read("rawPage", count, 5, ASSETS, MARKETS) == b""
    assert populated.lens.read("rawPage", 10**9, 5, ASSETS, MARKETS) == b""


def test_an_unknown_account_is_all_zero(populated):
    """Its id and nothing else."""
    nobody = b"\x77" * 32
    assert words(populated.lens.read("rawAccounts", [nobody], ASSETS, MARKETS)) == [
        int.from_bytes(nobody, "big")
    ] + 9 * [0]


# ---------------------------------------------------------------- health


def health(world, accounts):
    answer = []
    for first, second in rows(world.lens.read("health", accounts), 2):
        low = (1 << 128) - 1
        answer.append((signed(first >> 128, 128), first & low, second >> 128, (second & low) >> 8, second & 255))
    return answer


def test_health_is_what_assess_says(populated):
    """Equity, IM, IM₀, MM and state, for healthy and for bankrupt accounts."""
    for price in (3_000, 2_000, 300_000):
        populated.post({1: price * PRICE, 3: 150 * PRICE * price // 3_000})
        accounts = all_accounts(populated)
        expected = []
        for account in accounts:
            a = populated.assess(account)
            expected.append((a.equity, a.im, a.im0, a.mm, a.state))
        assert health(populated, accounts) == expected
        assert populated.lens.read("healthPage", 0, 1_000) == populated.lens.read("health", accounts)
    assert any(row[0] < 0 and row[4] == 4 for row in expected)


def test_an_account_that_cannot_be_assessed_blocks_nobody(populated):
    """State 255 and zeros for it, the truth for the others."""
    accounts = all_accounts(populated)
    before, broken = health(populated, accounts), accounts[4]
    populated.chain.set_storage(populated.engine.address, ledger.balance(broken, 0), (1 << 128) - 1)  # held = −1
    assert health(populated, accounts) == before[:4] + [(0, 0, 0, 0, 255)] + before[5:]


def test_health_works_with_every_feed_dead(populated):
    """Old prices are moved in the account's favour, as for a liquidation; nothing is refused."""
    populated.chain.advance(30 * 86_400)
    assert all(row[4] < 5 for row in health(populated, all_accounts(populated)))


# ---------------------------------------------------------------- tables


def test_markets_are_their_slots_and_their_price(populated):
    """One row per listed market: number, eight words, price word."""
    feeds = [1, 2, 3, 4, 5]
    prices = populated.router.read("read", feeds)
    for number, row in enumerate(rows(populated.lens.read("markets"), 10)):
        slots = ledger.read(populated.engine, [ledger.market(number, word) for word in range(8)])
        assert row == [number, *slots, prices[number]]
    assert number == 4


def test_assets_are_their_slots_their_vault_and_their_price(populated):
    """One row per asset with a vault: number, parameters, totals, vault, price word."""
    prices = populated.router.read("read", [0, 1, 2])
    for number, row in enumerate(rows(populated.lens.read("assets"), 5)):
        slots = ledger.read(populated.engine, [ledger.asset(number), ledger.totals(number), ledger.vault(number)])
        assert row == [number, *slots, prices[number]]
        assert row[3] == int(populated.vault(number).address, 16)
    assert number == 2


def test_globals_are_the_first_slots_and_the_pools_value(populated):
    """Globals, pool, terms, listed markets; number of accounts; equity and close-out value."""
    row = words(populated.lens.read("globals"))
    assert row[:4] == ledger.read(populated.engine, [0, 1, 2, 3])
    assert row[4] == populated.engine.read("accountCount")
    assert tuple(signed(word, 256) for word in row[5:]) == populated.engine.read("poolEquity")
