"""Black76 and its twin agree to the unit, NormalTable takes the right table only, a record costs what it may."""

from __future__ import annotations

import pytest
from exposed import DEPLOYER, Exposed, Reverted, word
from options import FORWARD, any_price, any_volatility, records, strike_at, volatile
from web3 import Web3

from plimsoll.margin import black76
from plimsoll.margin.black76 import ONE, Record

CASES = 1_000


def table_arguments(content: bytes) -> list[int]:
    """`bytes` as the constructor decodes it, word by word."""
    words = [int.from_bytes(content[at : at + 32], "big") for at in range(0, len(content), 32)]
    return [32, len(content), *words]


@pytest.fixture(scope="session")
def options(artifacts):
    stored = Exposed(artifacts["NormalTable"], *table_arguments(black76.TABLE_FILE.read_bytes()))
    return Exposed(artifacts["ExposedBlack76"], int(stored.address, 16), evm=stored.evm)


def strip(options, strip_records: list[Record], kind: int, shock: int, forward: int) -> tuple[int, int]:
    """The contract's sum and the gas it took."""
    words = [w for r in strip_records for w in (r.log, r.strike, r.quantity, *r.vols)]
    data = b"".join(map(word, [kind, shock, forward, 128, 32 * len(words), *words]))
    out = options.call("strip", data)
    return int.from_bytes(out[:32], "big", signed=True), int.from_bytes(out[32:], "big")


# ---------------------------------------------------------------- the table's contract


def test_table_with_one_bit_changed_is_refused(artifacts):
    content = bytearray(black76.TABLE_FILE.read_bytes())
    content[12_345] ^= 1
    with pytest.raises(Reverted) as caught:
        deploy_table(artifacts, bytes(content))
    assert caught.value.data == Web3.keccak(text="WrongTable(bytes32)")[:4] + Web3.keccak(bytes(content))


def test_table_cut_short_is_refused(artifacts):
    content = black76.TABLE_FILE.read_bytes()[:-32]
    with pytest.raises(Reverted) as caught:
        deploy_table(artifacts, content)
    assert caught.value.data[4:] == Web3.keccak(content)


def deploy_table(artifacts, content: bytes) -> Exposed:
    try:
        return Exposed(artifacts["NormalTable"], *table_arguments(content))
    except RuntimeError as error:
        raise Reverted(bytes.fromhex(str(error).partition("output: 0x")[2].partition(" ")[0])) from None


def test_code_of_the_table_is_a_stop_and_the_table(artifacts):
    content = black76.TABLE_FILE.read_bytes()
    stored = deploy_table(artifacts, content)

    # The EVM keeps code with zeros behind it.
    code = bytes(stored.evm.get_code(stored.address))
    assert code[: len(content) + 1] == b"\x00" + content
    assert not any(code[len(content) + 1 :])
    assert bytes(stored.evm.message_call(DEPLOYER, stored.address, b"\x01" * 32)) == b""


# ---------------------------------------------------------------- parity

TWINS = {
    "price": (black76.price, lambda d: (*_prices(d), any_volatility(d))),
    "greeks": (black76.greeks, lambda d: (*_prices(d), any_volatility(d), d.bits(30))),
    "logMoneyness": (black76.log_moneyness, lambda d: (any_price(d, 128), any_price(d, 128))),
    "totalVol": (black76.total_vol, lambda d: (d.bits(96), d.bits(96))),
    "volWord": (black76.vol_word, lambda d: (any_volatility(d),)),
}


def _prices(d) -> tuple[int, int]:
    forward = any_price(d, 128)
    return forward, d.choice([any_price(d, 128), min(strike_at(forward, d.uniform(-6, 6)), 2**128 - 1)])


@pytest.mark.parametrize("name", TWINS)
def test_twin_equals_its_library(name, options, draw):
    """Every input there may be: nothing reverts."""
    twin, generate = TWINS[name]
    library = getattr(options, name)
    for _ in range(CASES):
        arguments = generate(draw)
        assert library(*arguments) == twin(*arguments), arguments


def test_strips_of_twin_and_library_are_equal(options, draw):
    """Empty ones, strikes beyond the table's ends and beyond e^4 forwards, and any shock among them."""
    for _ in range(CASES):
        forward = draw.choice([FORWARD, max(draw.bits(70), 1)])
        drawn, kind = records(draw, forward), draw.randrange(black76.KINDS)
        shock = draw.uniform(-1.2, 1.9)
        arguments = drawn, kind, int(shock * ONE), strike_at(forward, shock)
        assert strip(options, *arguments)[0] == black76.strip(*arguments), arguments


def test_records_made_by_the_library_price_the_same(options, draw):
    for _ in range(200):
        strike, quantity, v = strike_at(FORWARD, draw.uniform(-3, 3)), draw.signed(63), volatile(draw)
        made = Record(black76.log_moneyness(strike, FORWARD), strike, quantity, [black76.vol_word(v)])

        assert options.single(FORWARD, strike, quantity, v) == black76.strip([made], 0, 0, FORWARD)


def test_a_strip_is_the_sum_of_its_prices(options, draw):
    """To half a unit of price per option, which is how `price` rounds."""
    for _ in range(300):
        drawn = [record._replace(quantity=draw.signed(50)) for record in records(draw, FORWARD)]
        vols = [volatile(draw) for _ in drawn]
        drawn = [record._replace(vols=[black76.vol_word(v)] * 5) for record, v in zip(drawn, vols, strict=True)]
        summed = sum(
            record.quantity * options.price(FORWARD, record.strike, v)[0] for record, v in zip(drawn, vols, strict=True)
        )
        size = sum(abs(record.quantity) for record in drawn)

        assert abs(strip(options, drawn, 2, 0, FORWARD)[0] - summed) <= size // 2 + 1 + size * FORWARD // 10**11


# ---------------------------------------------------------------- gas


@pytest.mark.parametrize("shock", [0.34, 0.67, 0.9, 1.0, 1.1, 1.5, 3.0])
def test_a_record_costs_460_gas_at_most(shock, options, draw):
    """By the difference of 64 and 32 strikes of 60 % to 170 % of the forward. Those beyond the table cost more."""
    chain = []
    for _ in range(64):
        strike = strike_at(FORWARD, draw.uniform(-0.5, 0.53))
        vols = [black76.vol_word(int(draw.uniform(0.1, 1) * ONE))] * 5
        chain.append(Record(black76.log_moneyness(strike, FORWARD), strike, draw.signed(40), vols))
    arguments = 0, black76.log_moneyness(int(shock * 10**9), 10**9), int(shock * FORWARD)
    gas = [strip(options, chain[:count], *arguments)[1] for count in (32, 64)]

    assert (gas[1] - gas[0]) / 32 <= 460
