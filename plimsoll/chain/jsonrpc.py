"""A JSON-RPC client over HTTP: batches, one kept connection per thread, errors that say what to do.

`request` raises; `batch` returns one result or one RpcError per request, so that a failed one does not hide the others.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from plimsoll.errors import BadInput, ChainUnreachable, Halted, Reverted, RpcRefused, TransactionFailed

BATCH = 1_000  # requests per HTTP body


class RpcError(Exception):
    """One request's error as the node wrote it. `data` is the revert data, if any."""

    def __init__(self, method: str, raw: Any) -> None:
        raw = raw if isinstance(raw, dict) else {"message": str(raw)}
        self.method, self.code = method, int(raw.get("code") or 0)
        self.message = str(raw.get("message", ""))
        self.data = _revert_data(raw.get("data"))
        super().__init__(f"{method}: {self.message}")

    def as_error(self) -> TransactionFailed | RpcRefused:
        """Reverted or Halted when the EVM said no, RpcRefused when the node did."""
        text = self.message.lower()
        if self.data is not None or "revert" in text:
            return Reverted(self.data or b"")
        if any(sign in text for sign in ("out of gas", "outofgas", "invalid opcode", "evm error", "codesizelimit")):
            return Halted(self.message)
        return RpcRefused(self.method, self.code, self.message)


def _revert_data(data: Any) -> bytes | None:
    """Nodes put it in `data`, or one or two levels deeper (Ganache: data.result; others data.data)."""
    if isinstance(data, dict):
        inner = data.get("result", data.get("data"))
        return _revert_data(inner)
    if isinstance(data, str) and data.startswith("0x"):
        try:
            return bytes.fromhex(data[2:])
        except ValueError:
            return None
    return None


class JsonRpc:
    """Requests to one URL. Safe to use from several threads. `timeout` in seconds, per HTTP exchange."""

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("RPC address", shown(url), "write http://host:port or https://host/path")
        self._url, self._timeout = parts, timeout
        self.url = shown(url)  # what may be printed: providers put keys into paths
        self._local = threading.local()
        self._ids = count(1)

    def __repr__(self) -> str:
        return f"<JsonRpc {self.url}>"

    def request(self, method: str, *params: Any) -> Any:
        result = self._post([(method, params)])[0]
        if isinstance(result, RpcError):
            raise result.as_error()
        return result

    def batch(self, requests: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results in the order of the requests; a failed one is an RpcError."""
        everything = list(requests)
        results: list[Any] = []
        for start in range(0, len(everything), BATCH):
            results += self._post(everything[start : start + BATCH])
        return results

    def close(self) -> None:
        if connection := getattr(self._local, "connection", None):
            connection.close()
            self._local.connection = None

    def _post(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        ids = [next(self._ids) for _ in requests]
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in zip(ids, requests, strict=True)
        ]
        answer = self._exchange(json.dumps(calls if len(calls) > 1 else calls[0]).encode())
        if isinstance(answer, dict) and len(calls) > 1:  # the batch as a whole was refused
            raise RpcError("batch", answer.get("error", answer)).as_error()
        answers = {item.get("id"): item for item in (answer if isinstance(answer, list) else [answer])}
        results = []
        for number, (method, _) in zip(ids, requests, strict=True):
            item = answers.get(number, {"error": {"message": "the node left this request out of its answer"}})
            results.append(RpcError(method, item["error"]) if item.get("error") else item.get("result"))
        return results

    def _exchange(self, body: bytes) -> Any:
        """One POST. It is never repeated: the node may have acted on it."""
        connection = self._connection()
        try:
            connection.request("POST", self._path(), body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ChainUnreachable(self.url, _reason(error)) from None
        try:
            return json.loads(text)
        except ValueError:
            self.close()
            raise ChainUnreachable(self.url, f"HTTP {response.status}, not JSON: {text[:80]!r}") from None

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None and connection.sock is not None and not _stale(connection):
            return connection
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        self._local.connection = connection
        return connection

    def _path(self) -> str:
        return (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")


def shown(url: str) -> str:
    """The address without user, path and query, where providers put secrets."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else url


def _stale(connection: http.client.HTTPConnection) -> bool:
    """True when the other side has closed (readable without a request under way means end of file)."""
    import select

    return bool(select.select([connection.sock], [], [], 0)[0])


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
