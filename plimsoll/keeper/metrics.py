"""Prometheus metrics and a health endpoint: GET /metrics, GET /health (200, or 503 when no block was done lately)."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from plimsoll.errors import BadInput

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One registry per keeper. Money is in whole quote: a gauge for people, nothing decides by it."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        gauge, counter = self._gauge, self._counter
        self.block = gauge("block", "Last block that was worked through.")
        self.block_time = gauge("block_timestamp_seconds", "Its timestamp.")
        self.heartbeat = gauge("heartbeat_timestamp_seconds", "When the last cycle ended.")
        self.accounts = gauge("accounts", "Accounts in the mirror.")
        self.liquidatable = gauge("liquidatable_accounts", "Accounts found liquidatable in the last block.")
        self.bankrupt = gauge("bankrupt_accounts", "Those of them whose equity is below zero.")
        self.deferred = gauge("deferred_accounts", "Liquidatable accounts that were left for later.")
        self.called = gauge("called_accounts", "Accounts under a margin call.")
        self.pending = gauge("pending_transactions", "Sent and not in a block yet.")
        self.quote = gauge("quote_held", "Quote in the keeper's account.")
        self.failures = gauge("consecutive_failures", "Cycles that failed since the last good one.")
        self.cycle = Histogram(
            "plimsoll_keeper_cycle_seconds", "One block, from reading to sending.", buckets=BUCKETS, registry=registry
        )
        self.delay = Histogram(
            "plimsoll_keeper_price_to_send_seconds",
            "Age of the newest price when a liquidation was sent.",
            buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300),
            registry=registry,
        )
        self.sent = counter("transactions_sent", "By purpose.", "purpose")
        self.decided = counter("transactions_decided", "By outcome: mined, failed, lost.", "outcome")
        self.targets = counter("targets", "Accounts acted on, by purpose.", "purpose")
        self.errors = counter("errors", "Failed cycles, by kind.", "kind")
        self.resyncs = gauge("resyncs", "Enumerations of all accounts since the start.")
        self.divergences = counter("divergences", "Accounts whose mirrored words differed from the chain's.")
        self.swaps = counter("swaps", "Swaps in batches that were sent.")
        self.swapped = counter("swapped_quote", "What they brought in or took, at the last prices.")
        self.expected_gain = counter("expected_gain_quote", "Gain that sent batches were expected to bring.")
        self._about_options()

    def _about_options(self) -> None:
        registry, gauge, counter = self.registry, self._gauge, self._counter
        self.observations = counter("observations", "Looks at a price that an expiry settles at, in a block.")
        self.settled = counter(
            "settled_series", "Positions that were paid out, in a block; whose: own, others.", "whose"
        )
        self.hedges = counter("hedges", "Perp trades that hedge options, sent.")
        self.hedged = counter("hedged_quote", "What they traded, at index.")
        self.series = gauge("option_series", "Series in the keeper's portfolio account.")
        self.equity = gauge("portfolio_equity", "Its equity when last hedged or looked at.")
        self.delta = Gauge(
            "plimsoll_keeper_delta_quote",
            "What its delta is worth, before it is hedged.",
            ["market"],
            registry=registry,
        )
        self.waiting = gauge("hedges_waiting", "Markets whose delta is outside the band and could not be traded.")

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"plimsoll_keeper_{name}", text, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"plimsoll_keeper_{name}", text, labels, registry=self.registry)


class Health:
    """What the endpoint answers. Healthy: a block was done within `seconds`, and nothing is failing."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._done = time.monotonic()
        self._facts: dict[str, Any] = {"state": "starting"}

    def done(self, facts: dict[str, Any]) -> None:
        self._done, self._facts = time.monotonic(), {"state": "running", **facts}

    def alive(self) -> None:
        """No new block, but the chain answers: still well."""
        self._done = time.monotonic()

    def failing(self, reason: str) -> None:
        self._facts = {**self._facts, "state": "failing", "reason": reason}

    def answer(self) -> tuple[int, dict[str, Any]]:
        age = time.monotonic() - self._done
        well = age <= self.seconds and self._facts["state"] != "failing"
        return (200 if well else 503), {**self._facts, "seconds_since_last_cycle": round(age, 3), "healthy": well}


class Endpoint:
    """A small HTTP server in a thread of its own; `port` 0 takes a free one."""

    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        handler = type("Handler", (_Handler,), {"metrics": metrics, "health": health})
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise BadInput("metrics port", port, f"{error.strerror}; choose another with --metrics-port") from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    metrics: Metrics
    health: Health

    def do_GET(self) -> None:
        if self.path.startswith("/metrics"):
            self._reply(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(self.metrics.registry))
        elif self.path.startswith("/health"):
            status, facts = self.health.answer()
            self._reply(status, "application/json", json.dumps(facts).encode())
        else:
            self._reply(404, "text/plain", b"/metrics or /health\n")

    def _reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the keeper has its own log."""
