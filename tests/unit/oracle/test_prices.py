"""plimsoll.prices: words, digests, signatures."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from oracle_world import KEYS

from plimsoll.errors import BadInput, KeyMissing
from plimsoll.prices import (
    PRICE,
    Quote,
    ReportSigner,
    StoredEntry,
    StoredPrice,
    decode,
    digest,
    domain_separator,
    encode_report,
)

FEED = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
QUOTES = [Quote(1, 3_000 * PRICE, 300), Quote(255, 2**72 - 1, 2**24 - 1)]


@pytest.mark.parametrize(
    ("quote", "what"),
    [
        (Quote(0, PRICE), "feed"),
        (Quote(256, PRICE), "feed"),
        (Quote(1, 0), "price"),
        (Quote(1, -1), "price"),
        (Quote(1, 2**72), "price"),
        (Quote(1, PRICE, 2**24), "confidence"),
        (Quote(1, PRICE, -1), "confidence"),
    ],
)
def test_a_quote_that_no_report_can_hold_is_refused_before_it_is_signed(quote, what):
    """The error names the field and its value."""
    with pytest.raises(BadInput) as caught:
        quote.word()

    assert what == caught.value.what


def test_bytes_that_are_no_report_are_refused():
    """Too short, and signatures cut off."""
    with pytest.raises(BadInput):
        decode(b"\1" * 40)
    with pytest.raises(BadInput):
        decode(encode_report(1, [QUOTES[0].word()], [b"\1" * 64]))


def test_the_same_key_twice_is_refused():
    """It would count once on chain and look like two here."""
    with pytest.raises(BadInput):
        ReportSigner([KEYS[0], KEYS[0]], FEED, 1)


def test_a_signer_that_is_not_at_hand_is_refused():
    """Rather than sending a report below quorum."""
    signer = ReportSigner(KEYS[:2], FEED, 1)

    with pytest.raises(BadInput):
        signer.report(1, QUOTES, ["0x" + "11" * 20])


def test_no_message_and_no_repr_shows_a_key():
    """Neither a good key nor a bad one."""
    signer = ReportSigner(KEYS, FEED, 1)
    bad = "77" * 31

    with pytest.raises(KeyMissing) as caught:
        ReportSigner([bad], FEED, 1)

    assert bad not in str(caught.value)
    assert not [key for key in KEYS if key.hex() in repr(signer) or repr(key) in repr(signer)]


def test_the_digest_is_what_eth_account_signs():
    """A third implementation of EIP-712, which knows neither ours nor Solady's."""
    published_at, words = 1_700_000_000, [quote.word() for quote in QUOTES]
    fields = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in fields],
                "PriceReport": [
                    {"name": "publishedAt", "type": "uint256"},
                    {"name": "words", "type": "uint256[]"},
                ],
            },
            "primaryType": "PriceReport",
            "domain": {"name": "Plimsoll Prices", "version": "1", "chainId": 31337, "verifyingContract": FEED},
            "message": {"publishedAt": published_at, "words": words},
        }
    )
    signed = [Account.sign_message(message, key) for key in KEYS]
    ours = ReportSigner(KEYS, FEED, 31337).signatures(published_at, words)

    assert bytes(signed[0].message_hash) == digest(domain_separator(FEED, 31337), published_at, words)
    assert {bytes(one.signature) for one in signed} == set(ours)


def test_a_report_survives_encoding_and_decoding():
    """Published time, quotes, and as many signatures as there were signers, in the order of their addresses."""
    signer = ReportSigner(KEYS, FEED, 1)
    report = decode(signer.report(1_700_000_000, QUOTES, signer.addresses[1:4]))

    assert (1_700_000_000, tuple(QUOTES), 3) == (report.published_at, report.quotes, len(report.signatures))
    assert sorted(signer.addresses, key=lambda address: int(address, 16)) == list(signer.addresses)


def test_a_report_names_the_signers_whose_keys_are_elsewhere():
    """Among the others, by ascending address; they count as absent."""
    signer = ReportSigner(KEYS, FEED, 1)
    part = ReportSigner(KEYS[:3], FEED, 1, others=signer.addresses)
    absent = tuple(address for address in signer.addresses if address not in part.addresses)
    report = part.report(1_700_000_000, QUOTES)

    assert (decode(report).absent, len(decode(report).signatures)) == (absent, 3)
    assert report == signer.report(1_700_000_000, QUOTES, part.addresses)


def test_a_stored_entry_is_taken_apart_as_documented():
    """interfaces/IOracleRouter.sol: 8 · 24 · 72 · 8 · 8 · 8 · 32 · 72 bits."""
    word = 1 | 2 << 8 | 3 << 32 | 4 << 104 | 5 << 112 | 6 << 120 | 7 << 128 | 8 << 160

    assert StoredEntry(1, 2, 3, 4, 5, 6, 7, 8) == StoredEntry.from_word(word)


def test_a_stored_word_is_taken_apart_as_documented():
    """interfaces/IOracleRouter.sol: 72 · 24 · 32 · 32 · 32 · 32 · 8 · 8 · 8 · 8 bits."""
    word = 5 | 6 << 72 | 7 << 96 | 8 << 128 | 9 << 160 | 10 << 192 | 4 << 224 | 1 << 232 | 2 << 240 | 3 << 248

    assert StoredPrice(5, 6, 7, 8, 9, 10, 4, 1, 2, 3) == StoredPrice.from_word(word)
