"""A client that comes back: connecting again after growing delays."""

from __future__ import annotations

import logging
import random
from typing import Any

from .. import running
from ..error import NotConnectingError
from ..failure import Failure
from .factories import ClientFactory

log = logging.getLogger(__name__)


class ReconnectingClientFactory(ClientFactory):
    """A client factory that tries again, after a delay that grows with every attempt.

    Call `resetDelay` once a connection has proved good, so that the next loss starts from
    `initialDelay` again; `stopTrying` ends it for good.
    """

    maxDelay: float = 3600.0
    """Seconds: no delay is longer."""

    initialDelay: float = 1.0
    """Seconds: where the delay starts, before the first multiplication."""

    # Powers of e: the growth of the documented defaults, about 1, 3, 7, 20, 55 s.
    factor: float = 2.718281828459045
    """The growth of the delay from one attempt to the next."""

    # The molar Planck constant times c, in J m / mol: a fraction as good as any, and the documented one.
    jitter: float | None = 0.119626565582
    """The standard deviation of the delay, as a fraction of it, so that clients do not return all at once."""

    delay: float = initialDelay
    """Seconds: the latest delay."""

    retries: int = 0
    """Attempts since the last `resetDelay`."""

    maxRetries: int | None = None
    """How many attempts to make before giving up; None means without end."""

    connector: Any = None
    """The connector of the latest failure, which `retry` uses when it is given none."""

    clock: Any = None
    """Gives `callLater`; None means the reactor that runs. A test sets a `task.Clock`."""

    continueTrying: int = 1
    """0 after `stopTrying`."""

    _callID: Any = None

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Try again later."""
        self._failed(connector)

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Try again later."""
        self._failed(connector)

    def _failed(self, connector: Any) -> None:
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def retry(self, connector: Any = None) -> None:
        """Have `connector` (by default that of the latest failure) connect after the next delay.

        Raises: ValueError when there was no failure yet and no connector is given.
        """
        if not self.continueTrying:
            self._say("giving up on %s: stopTrying() was called", connector)
            return
        connector = self.connector if connector is None else connector
        if connector is None:
            raise ValueError("no connector to retry: pass the one that clientConnectionFailed() was given")
        if self.maxRetries is not None and self.retries >= self.maxRetries:
            self._say("giving up on %s after %d retries", connector, self.retries)
            return
        self.retries += 1
        self.delay = self._next_delay()
        self._say("%s tries again in %.1f seconds", connector, self.delay)
        self._callID = self._clock().callLater(self.delay, self._reconnect, connector)

    def _next_delay(self) -> float:
        """Seconds until the next attempt: grown, spread out, and never beyond `maxDelay`."""
        delay = min(self.delay * self.factor, self.maxDelay)
        if self.jitter:
            delay = random.normalvariate(delay, delay * self.jitter)
            # At the limit the upper half of the spread is folded down: clipping would bring half of all
            # clients back in the same moment.
            delay = self.maxDelay - abs(self.maxDelay - delay)
        return max(delay, 0.0)

    def _clock(self) -> Any:
        if self.clock is not None:
            return self.clock
        current = running.current()
        if current is None:
            raise RuntimeError(f"no reactor runs in this thread: set {type(self).__name__}.clock, or run one")
        return current

    def _reconnect(self, connector: Any) -> None:
        self._callID = None
        connector.connect()

    def _drop_call(self) -> None:
        if (
            self._callID is not None and self._callID.active()
        ):  # a hosted reactor cancels all calls when it stops
            self._callID.cancel()
        self._callID = None

    def _say(self, message: str, *args: object) -> None:
        if self.noisy:
            log.info(message, *args)

    def stopTrying(self) -> None:
        """Try no more: cancel the attempt that waits or runs. An open connection stays open."""
        self._drop_call()
        self.continueTrying = 0
        try:
            if self.connector is not None:
                self.connector.stopConnecting()
        except NotConnectingError:
            pass  # no attempt was under way, which is what is wanted

    def resetDelay(self) -> None:
        """Start over: the connection proved good. An attempt that waits is cancelled."""
        self._drop_call()
        self.delay = self.initialDelay
        self.retries = 0
        self.continueTrying = 1
