"""plimsoll.reading of accounts with options: its twin's assessment is the engine's, to the wei."""

from __future__ import annotations

from dataclasses import replace

import pytest
from option_board import SIZE, Board

from plimsoll import accounts, ledger, reading
from plimsoll.margin.account import AccountState, account_state, assess
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.option_series import pack
from plimsoll.margin.words import Settlement
from plimsoll.options.flips import nearest_of_options
from plimsoll.prices import PRICE


@pytest.fixture
def board():
    return Board.create().with_options()


@pytest.fixture(params=[accounts.Mode.CROSS, accounts.Mode.PORTFOLIO], ids=["cross", "portfolio"])
def account(board, request):
    return board.book(accounts.pack(board.actor("alice"), request.param, 0, 0))


def twin(board, account):
    found, snapshot = reading.read(board.deployed, account)
    result = assess(found, snapshot)
    return (*result, account_state(found, result, snapshot))


@pytest.mark.parametrize("hours", [0, 7, 25])
def test_a_model_that_the_manifest_does_not_name_is_read_from_its_own_contract(board, hours):
    """Stricter than the one before, and on its ramp: at its beginning, within, and when it is over."""
    account = board.book(accounts.pack(board.actor("alice"), accounts.Mode.PORTFOLIO, 0, 0))
    words = replace(board.deployed.parameters.portfolio, mm_factor=WAD).to_words()
    model = board.put("PortfolioMargin", board.deployed["NormalTable"].address, words)
    before = board.assess(account).mm
    board.deployed["OptionConfig"].write("setPortfolioModel", model.address, sender=board.admin)
    board.chain.advance(hours * 3600)
    board.post({})
    board.show(0.7)

    assert twin(board, account) == tuple(board.assess(account))
    assert (board.assess(account).mm > before) or hours == 0


def test_what_is_read_assesses_as_the_engine_does(board, account):
    """Options of two expiries, a perp, collateral."""
    assert twin(board, account) == tuple(board.assess(account))


def test_a_settled_expiry_is_read_at_its_price(board, account):
    """With the far one still alive, and surfaces that were shown again."""
    board.chain.advance(board.near * 60 - board.now + 60)
    board.near += 7 * 1440
    board.show(0.7)
    board.near -= 7 * 1440
    board.post({})
    before = board.assess(account).equity
    word = Settlement(price=2500 * PRICE).to_word()
    board.chain.set_storage(board.engine.address, ledger.settlement(0, board.near), word)

    assert twin(board, account) == tuple(board.assess(account))
    assert board.assess(account).equity != before


def lost(board, account, price):
    return board.engine.read("assessAt", account, [(1, price)])[1] >= AccountState.LIQUIDATABLE


def test_the_nearest_flips_are_where_the_engine_changes_its_mind(board):
    """To a millionth, on both sides."""
    account = board.book(board.account(board.actor("alice")), quote=20_000)
    flip = nearest_of_options(*reading.read(board.deployed, account), 1)

    assert flip.liquidatable is False
    assert 1500 * PRICE < flip.below < 3000 * PRICE < flip.above < 20_000 * PRICE
    for price, inward in ((flip.below, 1), (flip.above, -1)):
        assert lost(board, account, price)
        assert not lost(board, account, price + inward * price // 10**6)


def test_an_account_that_is_lost_only_between_two_prices_is_found(board):
    """A butterfly sold: safe now and at 20,000, lost around its wings."""
    account = accounts.pack(board.actor("fly"), accounts.Mode.PORTFOLIO, 0, 0)
    board.fund(account, 0, 300 * 10**6)
    wings = ((3300, -1), (4000, 2), (4700, -1))
    board.give(account, [(pack(0, board.near, k * PRICE, put=False), q * SIZE) for k, q in wings])
    found, snapshot = reading.read(board.deployed, account)
    flip = nearest_of_options(found, snapshot, 1)

    assert [lost(board, account, at * PRICE) for at in (3000, 3300, 20_000)] == [False, True, False]
    assert 3000 * PRICE < flip.above < 3300 * PRICE
    assert lost(board, account, flip.above)
