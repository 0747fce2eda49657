"""Connections that end when nothing happens on them for too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...reactor.failure import Failure
from ...reactor.protocol import connectionDone
from .clocks import clock_of
from .wrapping import ProtocolWrapper, WrappingFactory


class TimeoutMixin:
    """Gives a protocol one time limit: `setTimeout` starts it, `resetTimeout` starts it anew.

    When it is over, `timeoutConnection` closes the connection. Call ``setTimeout(None)`` in
    `connectionLost`.
    """

    timeOut: float | None = None
    """Seconds that the limit was last set to; None: there is no limit."""

    transport: Any
    _timeout_call: Any = None

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Call `func` after `period` seconds. Override it to take the time from a clock of yours."""
        return clock_of(self.transport).callLater(period, func)

    def setTimeout(self, period: float | None) -> float | None:
        """Let `period` seconds pass from now on, or any time when None; the period before."""
        before, self.timeOut = self.timeOut, period
        call = self._timeout_call
        if call is not None:
            if period is None:
                self._timeout_call = None
                call.cancel()
            else:
                call.reset(period)
        elif period is not None:
            self._timeout_call = self.callLater(period, self._timed_out)
        return before

    def resetTimeout(self) -> None:
        """Something good was heard: count from the beginning. Nothing happens when no time is counted."""
        if self._timeout_call is not None and self.timeOut is not None:
            self._timeout_call.reset(self.timeOut)

    def _timed_out(self) -> None:
        self._timeout_call = None
        self.timeoutConnection()

    def timeoutConnection(self) -> None:
        """The time is over. By default the connection is closed."""
        self.transport.loseConnection()


class TimeoutProtocol(ProtocolWrapper):
    """Closes the connection when nothing was sent or received for `timeoutPeriod` seconds."""

    def __init__(self, factory: Any, wrappedProtocol: Any, timeoutPeriod: float) -> None:
        super().__init__(factory, wrappedProtocol)
        self.timeoutPeriod = timeoutPeriod
        self.timeoutCall: Any = None

    def makeConnection(self, transport: Any) -> None:
        """Start to count."""
        self.setTimeout()
        super().makeConnection(transport)

    def setTimeout(self, timeoutPeriod: float | None = None) -> None:
        """Count from now on, `timeoutPeriod` seconds or as many as before."""
        self.cancelTimeout()
        if timeoutPeriod is not None:
            self.timeoutPeriod = timeoutPeriod
        self.timeoutCall = self.factory.callLater(self.timeoutPeriod, self._timed_out)

    def cancelTimeout(self) -> None:
        """Stop to count."""
        call, self.timeoutCall = self.timeoutCall, None
        if call is not None:
            call.cancel()

    def resetTimeout(self) -> None:
        """Count from the beginning, when counting at all."""
        if self.timeoutCall is not None:
            self.timeoutCall.reset(self.timeoutPeriod)

    def _timed_out(self) -> None:
        self.timeoutCall = None
        self.timeoutFunc()

    def timeoutFunc(self) -> None:
        """The time is over. By default the connection is closed."""
        self.loseConnection()

    def write(self, data: bytes) -> None:
        """Send `data`, which is a sign of life."""
        self.resetTimeout()
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send `data`, which is a sign of life."""
        self.resetTimeout()
        super().writeSequence(data)

    def dataReceived(self, data: bytes) -> None:
        """Pass on `data`, which is a sign of life."""
        self.resetTimeout()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop to count."""
        self.cancelTimeout()
        super().connectionLost(reason)


class TimeoutFactory(WrappingFactory):
    """Closes connections on which nothing happens for `timeoutPeriod` seconds."""

    protocol: Any = TimeoutProtocol

    clock: Any = None
    """Gives `callLater`; None means the running reactor. A test sets a `task.Clock`."""

    def __init__(self, wrappedFactory: Any, timeoutPeriod: float = 30 * 60) -> None:
        """Half an hour is what Twisted has as default."""
        super().__init__(wrappedFactory)
        self.timeoutPeriod = timeoutPeriod

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapper with the time limit; None where the wrapped factory refuses."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else self.protocol(self, wrapped, timeoutPeriod=self.timeoutPeriod)

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Call `func` after `period` seconds of `clock`."""
        return (self.clock or clock_of(None)).callLater(period, func)
