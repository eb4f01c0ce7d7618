"""The only `while` of the keeper: a cycle per new block, until it is told to stop or has failed too often in a row."""

from __future__ import annotations

import signal
import time
from types import FrameType

import structlog

from plimsoll.errors import BadInput, KeyMissing, PlimsollError
from plimsoll.keeper.cycle import Done, Keeper
from plimsoll.keeper.metrics import Endpoint
from plimsoll.keeper.mirror import Diverged

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

FIRST_PAUSE = 0.1
FATAL = (BadInput, KeyMissing)  # trying again would not help


class KeptFailing(PlimsollError):
    """Too many cycles in a row failed; whoever supervises the keeper decides what comes next."""

    exit_code = 4

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(f"{count} cycles in a row failed, the last one: {reason}; the journal keeps what is under way")


class Loop:
    """Runs a keeper. SIGTERM and SIGINT end it after the cycle under way."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper, self.settings = keeper, keeper.settings
        self.stopping = False
        self.failures = 0

    def run(self) -> None:
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        endpoint = self._endpoint()
        try:
            while not self.stopping:
                self.step()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            if endpoint:
                endpoint.close()
            self.keeper.journal.close()
        log.info("stopped", pending=len(self.keeper.journal.pending))

    def step(self) -> Done | None:
        """One attempt at a cycle, and the pause after it. Raises KeptFailing when there were too many bad ones."""
        try:
            done = self.keeper.cycle()
        except FATAL:
            raise
        except (PlimsollError, Diverged) as error:
            self._failed(error)
            return None
        if self.failures:
            log.info("recovered", failures=self.failures)
        self.failures = 0
        self.keeper.health.alive()
        if done is None:
            self._sleep(self.settings.poll)
        return done

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.keeper.metrics.failures.set(self.failures)
        self.keeper.metrics.errors.labels(type(error).__name__).inc()
        self.keeper.health.failing(str(error))
        pause = min(FIRST_PAUSE * 2 ** (self.failures - 1), self.settings.max_backoff)
        log.warning("cycle failed", error=str(error), failures=self.failures, retry_in=round(pause, 2))
        if self.failures >= self.settings.max_failures:
            raise KeptFailing(self.failures, str(error))
        self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        """In short naps, so that a signal is not kept waiting."""
        end = time.monotonic() + seconds
        while not self.stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self.stopping = True

    def _endpoint(self) -> Endpoint | None:
        port = self.settings.metrics_port
        if port is None:
            return None
        endpoint = Endpoint(self.settings.metrics_host, port, self.keeper.metrics, self.keeper.health)
        log.info("metrics", url=f"http://{self.settings.metrics_host}:{endpoint.port}/metrics")
        return endpoint
