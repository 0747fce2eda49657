"""Failures nobody handles: told once, soon, with where their Deferred was made."""

from __future__ import annotations

import logging
from contextvars import Context
from types import CodeType

from ..failure import Failure
from . import origin
from .origin import Origin

log = logging.getLogger("wirelab.reactor.defer")

#: Seconds of a running reactor that a failure may stay without an errback before it is told.
GRACE = 2.0


class Guard:
    """Watches over one failure that has no errback yet; it never refers to the Deferred, which may be collected."""

    __slots__ = ("__weakref__", "context", "failure", "fired", "is_armed", "made", "was_told")

    def __init__(self, failure: Failure, made: Origin, fired: Origin, context: Context | None) -> None:
        self.failure = failure
        self.made = made
        self.fired = fired
        self.context = context
        self.is_armed = True
        self.was_told = False

    def arm(self) -> None:
        """The failure has no errback again."""
        self.is_armed = not self.was_told

    def disarm(self) -> None:
        """Somebody handles the failure."""
        self.is_armed = False

    def tell(self) -> None:
        """Log the failure, unless it was told or handled."""
        if not self.is_armed:
            return
        self.is_armed = False
        self.was_told = True
        failure = self.failure
        log.error(
            "unhandled failure in a Deferred made at %s, fired at %s: %s",
            origin.place(*self.made),
            origin.place(*self.fired),
            failure.getErrorMessage(),
            exc_info=(failure.type, failure.value, failure.tb),
            extra={"failure": failure, "deferred_context": self.context},
        )

    def __del__(self) -> None:
        if self.is_armed:
            self.tell()


def tell_lost(failure: Failure, code: CodeType, lasti: int) -> None:
    """Log a failure that came too late for its Deferred, which had been fired by somebody else."""
    log.error(
        "failure of a coroutine whose Deferred, made at %s, was fired by somebody else: %s",
        origin.place(code, lasti),
        failure.getErrorMessage(),
        exc_info=(failure.type, failure.value, failure.tb),
        extra={"failure": failure, "deferred_context": None},
    )
