"""What a published portfolio is said to cost: every word and every account is touched for the first time."""

from __future__ import annotations

from pyrevm import EVM, AccountInfo

from plimsoll.vectors.pmrm2_engine import BASE_GAS, CALLER, store_cold

READER, ASKER = "0x" + "aa" * 20, "0x" + "bb" * 20
WORDS = {0: 7, 1: 9, 5: 3}
#: Loads the three words and forgets them; asks the reader and returns.
READS = bytes.fromhex("5f5450 60015450 60055450 00")
ASKS = bytes.fromhex("5f5f5f5f73" + READER[2:] + "5afa00")
COLD_SLOT, WARM_SLOT, COLD_ACCOUNT = 2_100, 100, 2_600
PUSHES = 4 * 2 + 3 + 2
LOADS = 2 + 2 + 2 * (3 + 2)


def evm_with(store):
    evm = EVM()
    for place, code in ((READER, READS), (ASKER, ASKS)):
        evm.insert_account_info(place, AccountInfo(nonce=1, code=code))
    for slot, word in WORDS.items():
        store(evm, READER, slot, word)
    return evm


def cost(evm):
    evm.message_call(CALLER, ASKER, b"")
    return evm.result.gas_used - BASE_GAS


def test_words_of_an_account_are_cold_and_so_is_the_account():
    cold, warm = evm_with(store_cold), evm_with(EVM.insert_account_storage)

    assert cost(cold) == PUSHES + COLD_ACCOUNT + LOADS + 3 * COLD_SLOT
    assert cost(warm) == PUSHES + WARM_SLOT + LOADS + COLD_SLOT + 2 * WARM_SLOT
    assert [cold.storage(READER, slot) for slot in WORDS] == list(WORDS.values())
