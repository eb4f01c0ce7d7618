"""PortfolioMargin and its twin, to the wei: thousands of accounts, ordinary ones and any bits in any field."""

from __future__ import annotations

import portfolios
import pytest

from plimsoll.margin.option_strips import ln
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_words import AccountView

ACCOUNTS = 1_000


@pytest.mark.parametrize("extreme", [False, True])
def test_twin_and_contract_agree_on_every_account(extreme, draw):
    model, chain = PortfolioMargin(portfolios.PARAMETERS), portfolios.chain_of(portfolios.PARAMETERS)
    required = 0
    for _ in range(ACCOUNTS):
        view = portfolios.account(draw, extreme)
        exact = model.assess(view)
        required += exact.mm > 0

        assert chain.answer(view) == exact
    assert required > ACCOUNTS // 3


def test_twin_and_contract_agree_under_any_parameters(draw):
    for _ in range(25):
        parameters = portfolios.wild(draw)
        model, chain = PortfolioMargin(parameters), portfolios.chain_of(parameters)
        for extreme in (False, True) * 10:
            view = portfolios.account(draw, extreme)

            assert chain.answer(view) == model.assess(view)


def test_twin_and_contract_agree_by_any_witness(draw):
    model, chain = PortfolioMargin(portfolios.PARAMETERS), portfolios.chain_of(portfolios.PARAMETERS)
    for _ in range(ACCOUNTS // 4):
        view = portfolios.account(draw)
        witness = bytes(draw.randint(0, 20) for _ in range(draw.randint(1, 5)))

        assert chain.answer(view, witness) == model.assess(view, witness)


def test_the_contract_keeps_the_words_of_its_twin(draw):
    for parameters in (portfolios.PARAMETERS, portfolios.wild(draw)):
        chain = portfolios.chain_of(parameters)

        assert chain.parameters() == parameters.finished_words(ln)


def test_words_come_back_as_what_they_were(draw):
    for extreme in (False, True):
        for _ in range(200):
            view = portfolios.account(draw, extreme)

            assert AccountView.of(*view.to_words()) == view
