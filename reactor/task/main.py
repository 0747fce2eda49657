"""A whole program as one function: the reactor runs for as long as its Deferred takes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn

from .. import running
from ..defer import CancelledError, Deferred, ensureDeferred
from ..error import ReactorNotRunning
from ..failure import Failure
from ..proxy import reactor as default_reactor

log = logging.getLogger(__name__)


def react(
    main: Callable[..., Deferred[Any] | Coroutine[Any, Any, Any]],
    argv: Iterable[object] = (),
    _reactor: Any = None,
) -> NoReturn:
    """Call ``main(reactor, *argv)``, run the reactor until what it gives is done, and exit.

    The exit code is 0 when that succeeds, 1 (and a traceback in the log) when it fails, and what it says
    when it is a `SystemExit`. When the reactor is stopped first, by a signal or otherwise, the Deferred is
    cancelled and its end waited for; the code is then 0, unless it fails in another way than by that.

    Raises: SystemExit, always; RuntimeError when a reactor runs in this thread already; TypeError when `main`
    gives neither a Deferred nor a coroutine; whatever `main` raises by itself.
    """
    if running.current() is not None:
        raise RuntimeError(
            "react() runs a whole program, but a reactor runs here already: await main(reactor) instead"
        )
    if not callable(main):
        raise TypeError(f"react() takes the main function to call with the reactor, not {main!r}")
    reactor = default_reactor if _reactor is None else _reactor
    made = main(reactor, *argv)
    if isinstance(made, Coroutine):
        made = ensureDeferred(made)
    if not isinstance(made, Deferred):
        raise TypeError(
            f"react() takes a main that returns a Deferred or is an async function; it gave {made!r}"
        )
    program = _Program(reactor, made)
    reactor.run()
    sys.exit(program.code)


class _Program:
    """Ties the end of the reactor and the end of `made` together, and knows the exit code."""

    def __init__(self, reactor: Any, made: Deferred[Any]) -> None:
        self.code: Any = 0
        self._reactor = reactor
        self._made = made
        self._is_stopping = False
        reactor.addSystemEventTrigger("before", "shutdown", self._stopping)
        made.addErrback(self._failed)
        made.addCallback(self._done)

    def _stopping(self) -> Deferred[Any]:
        self._is_stopping = True
        self._made.cancel()  # does nothing when it is done
        return self._made

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, SystemExit):
            self.code = failure.value.code
        elif not (self._is_stopping and failure.check(CancelledError)):
            self.code = 1
            log.error("main failed", exc_info=(failure.type, failure.value, failure.tb))

    def _done(self, _: object) -> None:
        if not self._is_stopping:
            self._reactor.callWhenRunning(self._stop)

    def _stop(self) -> None:
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass  # somebody else stopped it in this very turn
