"""The way to the node, and what happens when it breaks."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from plimsoll.chain import Anvil, RpcChain
from plimsoll.chain.jsonrpc import JsonRpc, RpcError
from plimsoll.errors import BadInput, ChainUnreachable, NodeFailed, ReceiptMissing, Reverted, RpcRefused

NULL = object()


class Node:
    """An HTTP server that answers JSON-RPC as told: method -> result, error object, or raw bytes; else it hangs up."""

    def __init__(self):
        self.answers, self.requests = {"eth_chainId": "0x7a69"}, []
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = node.answer(body)
                if answer is None:  # dies in the middle
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body):
        calls = body if isinstance(body, list) else [body]
        self.requests += [call["method"] for call in calls]
        answers = []
        for call in calls:
            result = self.answers.get(call["method"])
            if isinstance(result, bytes) or result is None:
                return result
            result = None if result is NULL else result
            key = "error" if isinstance(result, dict) and "message" in result else "result"
            answers.append({"jsonrpc": "2.0", "id": call["id"], key: result})
        return json.dumps(answers if isinstance(body, list) else answers[0]).encode()


@pytest.fixture
def node():
    node = Node()
    yield node
    node.server.shutdown()
    node.server.server_close()


def test_nobody_there_names_the_address():
    """Where we tried, and what to check."""
    with pytest.raises(ChainUnreachable, match=r"127\.0\.0\.1:1.*check that the node runs"):
        RpcChain("http://127.0.0.1:1")


def test_secrets_in_the_address_are_not_shown():
    """Providers put keys into path, query and user."""
    with pytest.raises(ChainUnreachable) as caught:
        RpcChain("http://user:pass@127.0.0.1:1/v3/secretkey?token=abc")
    for secret in ("user", "pass", "secretkey", "abc"):
        assert secret not in str(caught.value)


def test_what_is_no_address_is_refused():
    """Before connecting."""
    with pytest.raises(BadInput, match="http://host:port"):
        JsonRpc("127.0.0.1:8545")


def test_a_node_that_dies_mid_request_is_unreachable(node):
    """And not an empty answer."""
    chain = RpcChain(node.url)
    with pytest.raises(ChainUnreachable):
        chain.block()


def test_a_request_is_never_sent_twice(node):
    """The node may have acted on it."""
    rpc = JsonRpc(node.url)
    with pytest.raises(ChainUnreachable):
        rpc.request("eth_sendRawTransaction", "0x00")
    assert node.requests == ["eth_sendRawTransaction"]


def test_html_instead_of_json_is_unreachable(node):
    """A proxy's error page is shown in part."""
    node.answers["eth_call"] = b"<html>502"
    with pytest.raises(ChainUnreachable, match="502"):
        RpcChain(node.url).call("0x" + "00" * 20, b"")


def test_a_refusal_names_the_method(node):
    """An error of the node is not a revert."""
    node.answers["eth_getCode"] = {"code": -32601, "message": "the method is not available"}
    with pytest.raises(RpcRefused, match=r"eth_getCode.*not available"):
        RpcChain(node.url).code("0x" + "00" * 20)


@pytest.mark.parametrize("data", ["0x1f2a2005", {"result": "0x1f2a2005"}, {"data": {"data": "0x1f2a2005"}}])
def test_revert_data_is_found_where_nodes_put_it(node, data):
    """Anvil and geth, Ganache, and wrappers of theirs."""
    node.answers["eth_call"] = {"code": 3, "message": "execution reverted", "data": data}
    with pytest.raises(Reverted) as caught:
        RpcChain(node.url).call("0x" + "00" * 20, b"")
    assert caught.value.data == bytes.fromhex("1f2a2005")


def test_one_failure_in_a_batch_hides_no_other(node):
    """Each request gets its own result."""
    node.answers |= {"a": "0x1", "b": {"code": 1, "message": "no"}}
    first, second = JsonRpc(node.url).batch([("a", []), ("b", [])])
    assert first == "0x1"
    assert isinstance(second, RpcError)


def test_a_missing_receipt_keeps_its_hash(node):
    """So that it can be looked up before sending again."""
    node.answers["eth_getTransactionReceipt"] = NULL
    chain = RpcChain(node.url, receipt_timeout=0.05)
    with pytest.raises(ReceiptMissing, match="0xabc"):
        chain.wait("0xabc")


def test_a_node_that_was_restarted_is_found_again(node):
    """A kept connection that was closed in the meantime is opened anew."""
    node.answers["eth_blockNumber"] = "0x5"
    rpc = JsonRpc(node.url)
    assert rpc.request("eth_blockNumber") == "0x5"
    rpc._local.connection.sock.shutdown(2)
    assert rpc.request("eth_blockNumber") == "0x5"


def test_anvil_that_cannot_start_says_why():
    """With the node's own words."""
    with pytest.raises(NodeFailed, match="no-such-fork"):
        Anvil(hardfork="no-such-fork").start()


def test_anvil_ends_with_its_block():
    """Also when the block raises."""
    with pytest.raises(ZeroDivisionError), Anvil() as chain:
        url = f"http://127.0.0.1:{chain.rpc._url.port}"
        raise ZeroDivisionError
    with pytest.raises(ChainUnreachable):
        RpcChain(url)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_anvil_dies_with_its_parent(number):
    """Even when that is killed and can do nothing about it."""
    code = (
        "import time; from plimsoll.chain import Anvil\n"
        "chain = Anvil().start(); print(chain.rpc.url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    url = parent.stdout.readline().strip()
    assert RpcChain(url).chain_id == 31337
    os.kill(parent.pid, number)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        try:
            RpcChain(url)
        except ChainUnreachable:
            return
        time.sleep(0.05)
    pytest.fail("Anvil outlived its parent")


def test_manual_mining_puts_many_into_one_block():
    """One block for what one `send_many` sends."""
    with Anvil(automine=False) as chain:
        from plimsoll.chain import Tx

        receiver = "0x" + "ab" * 20
        receipts = chain.send_many([Tx(chain.accounts[0], receiver, b"", 1, 21_000) for _ in range(50)])
        assert {receipt.block for receipt in receipts} == {1}
        assert chain.balance(receiver) == 50
        assert chain.send(chain.accounts[0], receiver, b"", value=1).block == 2
        assert chain.wait(chain.submit(chain.accounts[0], receiver, b"", value=1)).block == 3
