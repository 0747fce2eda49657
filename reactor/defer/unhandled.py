"""Failures nobody handles: told once, soon, with where their Deferred was made."""

from __future__ import annotations

import logging
from contextvars import Context
from types import CodeType

from ..failure import Failure
from . import origin

log = logging.getLogger("wirelab.reactor.defer")

#: Seconds of a running reactor that a failure may stay without an errback before it is told.
GRACE = 2.0


class Guard:
    """Watches over one failure that has no errback yet; it never refers to the Deferred, which may be collected."""

    __slots__ = ("__weakref__", "code", "context", "failure", "fired_by", "lasti")

    def __init__(self, failure: Failure, code: CodeType, lasti: int, context: Context | None) -> None:
        self.failure: Failure | None = failure
        self.code = code
        self.lasti = lasti
        self.context = context

    def disarm(self) -> None:
        """Somebody handles the failure after all."""
        self.failure = None

    def tell(self) -> None:
        """Log the failure, unless it was told or handled."""
        failure, self.failure = self.failure, None
        if failure is None:
            return
        log.error(
            "unhandled failure in a Deferred made at %s: %s",
            origin.place(self.code, self.lasti),
            failure.getErrorMessage(),
            exc_info=(failure.type, failure.value, failure.tb),
            extra={"failure": failure, "deferred_context": self.context},
        )

    def __del__(self) -> None:
        if self.failure is not None:
            self.tell()
