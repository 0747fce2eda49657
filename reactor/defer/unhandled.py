"""Failures nobody handles: told once, soon, with where their Deferred was made and who fired it."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
import weakref
from collections import Counter, deque
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .. import running
from ..failure import Failure
from . import origin
from .origin import Origin

if TYPE_CHECKING:
    from ..core import Reactor

log = logging.getLogger("wirelab.reactor.defer")

#: Seconds of a running reactor that a failure may stay without an errback before it is told.
GRACE = 2.0

#: How many failures are told in full per WINDOW seconds; more are counted by kind and place, and told as a
#: sum. A loop that fails ten thousand times must not spend the session on saying so.
BURST = 20
WINDOW = 2.0

#: How many kinds of withheld failures are told apart.
_KINDS = 20

#: How many failures the timer of a thread looks at. More are told when their Deferreds are collected.
_WATCHED = 20_000


class Guard:
    """Watches over one failure that has no errback yet.

    It never refers to the Deferred, which may be collected.
    """

    __slots__ = ("__weakref__", "context", "failure", "fired", "made")

    def __init__(self, failure: Failure, made: Origin, fired: Origin, context: Context | None) -> None:
        self.failure: Failure | None = failure
        self.made = made
        self.fired = fired
        self.context = context
        if running.current() is not None:
            _sweeper.watch(self)

    def disarm(self) -> None:
        """Somebody handles the failure."""
        self.failure = None

    def tell(self) -> None:
        """Log the failure, unless it was told or handled."""
        failure, self.failure = self.failure, None
        if failure is None or failure._was_told:
            return
        failure._was_told = True
        made = origin.place(*self.made)
        if not _flood.admits(f"{failure.type.__name__} of a Deferred made at {made}"):
            return
        _log(
            failure,
            self.context,
            f"unhandled failure in a Deferred made at {made}, fired {origin.firer(*self.fired)}",
        )

    def __del__(self) -> None:
        if self.failure is not None:
            try:
                self.tell()
            except Exception:
                # Collected while the interpreter or logging is being taken down: nobody is left to tell.
                pass


class _Sweeper(threading.local):
    """The unhandled failures of one thread with a running reactor, and the one timer that looks at them."""

    def __init__(self) -> None:
        # Weak references: who drops the last reference to a Deferred has its failure told at once.
        self._watched: deque[tuple[float, weakref.ref[Guard]]] = deque()
        self._reactor: Reactor | None = None
        self._timer: Any = None

    def watch(self, guard: Guard) -> None:
        """Tell of `guard`'s failure in GRACE seconds, if it is there and unhandled then."""
        reactor = running.current()
        if reactor is None or len(self._watched) >= _WATCHED:
            return
        self._watched.append((reactor.seconds(), weakref.ref(guard)))
        if self._reactor is not reactor or self._timer is None or not self._timer.active():
            self._reactor = reactor
            self._plan(reactor, GRACE)

    def _plan(self, reactor: Reactor, delay: float) -> None:
        # In an empty context: the timer belongs to no one in particular.
        self._timer = Context().run(reactor.callLater, delay, self._sweep, reactor)

    def _sweep(self, reactor: Reactor) -> None:
        self._timer = None
        watched = self._watched
        # A little early is on time: clocks and sums of floats may differ in the last digits.
        due = reactor.seconds() - GRACE + 0.001
        for _ in range(len(watched)):
            since, reference = watched[0]
            guard = reference()
            if guard is not None and guard.failure is not None:
                if since > due:
                    break
                guard.tell()
            watched.popleft()
        _flood.tell_withheld()
        if watched:
            self._plan(reactor, max(0.0, watched[0][0] - due))


class _Flood:
    """Keeps the telling within BURST per WINDOW."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a collection while we log may bring the next one
        self._began = -WINDOW
        self._admitted = 0
        self._withheld: Counter[str] = Counter()
        self._is_at_exit = False

    def admits(self, kind: str) -> bool:
        """Whether one more may be told in full; if not it is counted as `kind`."""
        with self._lock:
            now = time.monotonic()
            if now - self._began >= WINDOW:
                self.tell_withheld()
                self._began = now
                self._admitted = 0
            if self._admitted < BURST:
                self._admitted += 1
                return True
            if kind not in self._withheld and len(self._withheld) >= _KINDS:
                kind = "other kinds"
            self._withheld[kind] += 1
            if not self._is_at_exit:
                self._is_at_exit = True
                atexit.register(self.tell_withheld)
            return False

    def tell_withheld(self) -> None:
        """Log the sum of what was not told in full."""
        with self._lock:
            withheld, self._withheld = self._withheld, Counter()
            if not withheld:
                return
            kinds = "; ".join(f"{count} x {kind}" for kind, count in withheld.most_common())
        log.error(
            "%d more unhandled failures in Deferreds: %s",
            withheld.total(),
            kinds,
            extra={"failure": None, "deferred_context": None},
        )


_sweeper = _Sweeper()
_flood = _Flood()


def tell_withheld() -> None:
    """Log the sum of the failures that came too thick to be told in full, if there are any."""
    _flood.tell_withheld()


def tell_lost(failure: Failure, made: Origin) -> None:
    """Log the failure of a coroutine whose Deferred had been fired by somebody else."""
    place = origin.place(*made)
    _log(failure, None, f"failure of a coroutine whose Deferred, made at {place}, somebody else had fired")


def _log(failure: Failure, context: Context | None, message: str) -> None:
    if not log.isEnabledFor(logging.ERROR):
        return
    frame = sys._getframe(1).f_code
    record = log.makeRecord(
        log.name,
        logging.ERROR,
        frame.co_filename,
        frame.co_firstlineno,
        "%s: %s: %s",
        (message, failure.type.__name__, failure.getErrorMessage()),
        (failure.type, failure.value, failure.tb),
        frame.co_name,
        {"failure": failure, "deferred_context": context},
    )
    # What formatters show of exc_info, with the machinery folded away.
    record.exc_text = failure.getTraceback().rstrip("\n")
    log.handle(record)
