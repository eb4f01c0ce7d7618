"""Account ids as bytes and as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.accounts import AccountId, Mode, cross, isolated
from plimsoll.errors import BadInput

OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@given(
    owner=st.binary(min_size=20, max_size=20),
    mode=st.sampled_from(Mode),
    market=st.integers(0, 2**16 - 1),
    index=st.integers(0, 2**72 - 1),
)
def test_ids_survive_bytes_and_text(owner, mode, market, index):
    """Packing, unpacking, formatting and parsing give the same id."""
    identity = AccountId("0x" + owner.hex(), mode, market if mode == Mode.ISOLATED else 0, index)
    assert AccountId.unpack(bytes(identity)) == identity
    assert AccountId.parse(str(identity)) == identity
    assert AccountId.parse("0x" + bytes(identity).hex()) == identity


def test_layout_is_owner_mode_market_index():
    """20 + 1 + 2 + 9 bytes, in this order."""
    assert isolated(OWNER, 2, 1).hex() == OWNER[2:].lower() + "01" + "0002" + "000000000000000001"
    assert cross(OWNER).hex() == OWNER[2:].lower() + "00" * 12


def test_a_pair_is_written_by_its_assets():
    """Collateral, then debt; any other market stays a number."""
    pair = AccountId.parse(f"{OWNER}/pair:1-0/2")
    assert (pair.market, pair.index) == (0x8000 | 1 << 6, 2)
    assert pair == AccountId.parse(f"{OWNER}/isolated:{pair.market}/2")
    assert str(pair) == f"{OWNER}/pair:1-0/2"
    for text in ("pair:1-1", "pair:64-0"):
        with pytest.raises(BadInput, match="two different assets"):
            AccountId.parse(f"{OWNER}/{text}/0")


@pytest.mark.parametrize("text", ["", "0x12", f"{OWNER}/spot/0", f"{OWNER}/isolated/0", f"{OWNER}/isolated:70000/0"])
def test_what_is_no_account_is_named(text):
    """The error shows the text, or the part of it that is wrong."""
    with pytest.raises(BadInput, match="cannot be used"):
        AccountId.parse(text)


def test_only_isolated_accounts_have_a_market():
    """Two names for one account would be one too many."""
    with pytest.raises(BadInput, match="only an isolated account"):
        AccountId(OWNER, Mode.CROSS, 3)
