"""The compiled codecs against eth_abi."""

import eth_abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.abi import checksum, components, decoder, encoder

WORD = st.integers(0, 2**256 - 1)
ACTIONS = st.lists(
    st.tuples(st.integers(0, 255), st.binary(min_size=32, max_size=32), st.binary(max_size=70)), max_size=4
)


def frozen(value):
    """Lists as tuples, all the way down."""
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("(uint256,int64,bool)", (7, -5, True)),
        ("(bytes32,bytes4,string)", (b"\1" * 32, b"\2" * 4, "Plimsoll – äöü")),
        ("(uint256[3],uint8[])", ([1, 2, 3], [4, 5])),
        ("((uint256,bytes),(int8,int8)[2])", ((1, b"abc"), [(-1, 2), (3, -4)])),
        ("(string[],(bytes,uint256[])[])", (["a", ""], [(b"", [1]), (b"\0" * 40, [])])),
        ("()", ()),
    ],
)
def test_codec_agrees_with_eth_abi(kind, value):
    """What we encode is what eth_abi encodes, and decoding gives the value back."""
    types = components(kind)
    encoded = encoder(kind)(value)
    assert encoded == eth_abi.encode(types, value)
    assert frozen(decoder(kind)(encoded)) == frozen(eth_abi.decode(types, encoded))


@given(prices=st.binary(max_size=100), reducing=st.booleans(), actions=ACTIONS)
def test_batches_agree_with_eth_abi(prices, reducing, actions):
    """Any batch is encoded as eth_abi would."""
    kind = "((bytes,bool,(uint8,bytes32,bytes)[]))"
    value = (prices, reducing, actions)
    encoded = encoder(kind)((value,))
    assert encoded == eth_abi.encode(components(kind), [value])
    assert decoder(kind)(encoded) == (value,)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("(uint8)", (256,)),
        ("(uint8)", (-1,)),
        ("(int64)", (2**63,)),
        ("(bytes4)", (b"abc",)),
        ("(address)", ("0x1234",)),
        ("(uint256,uint256)", (1,)),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind, value):
    """Nothing is cut off or padded to fit its type."""
    with pytest.raises(ValueError, match=r"fit|address|parameters"):
        encoder(kind)(value)


@pytest.mark.parametrize("data", [b"", bytes(31), (64).to_bytes(32, "big"), (32).to_bytes(32, "big") + b"\xff" * 32])
def test_truncated_data_is_refused(data):
    """Data that ends too early never decodes into zeros."""
    with pytest.raises(ValueError, match="ABI data ends"):
        decoder("(uint256[])")(data)


def test_addresses_have_one_spelling():
    """Lower case, upper case and bytes give the same checksummed text."""
    text = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert checksum(text.lower()) == checksum(bytes.fromhex(text[2:])) == text
