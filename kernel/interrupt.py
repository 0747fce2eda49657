"""What an interrupt means: a cell that waits is cancelled, code that runs is stopped, the rest goes on.

One handler of SIGINT stays installed for the life of the kernel and decides by what it interrupted:

- a cell's own code runs (blocking code, also after an ``await``): `KeyboardInterrupt` is raised in it;
- the loop waits, or runs some callback: the loop is woken and asked to cancel the cell that awaits, if any.
  A loop that does not come round within `OVERDUE` is held by a callback that blocks: then `KeyboardInterrupt`
  is raised in that callback;
- nothing of the user's runs: nothing happens.

ipykernel's own handler wakes nobody, so that an ``await`` goes on until the loop happens to wake, and
ignores the signal between cells, so that a callback that blocks cannot be stopped at all.
"""

from __future__ import annotations

import contextlib
import contextvars
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from ..console.tracebacks import is_machinery

if TYPE_CHECKING:
    import asyncio

OVERDUE = 0.25
"""Seconds that the loop has to come round after an interrupt; the promise to the user is 0.6 s in all."""

_RUNS_A_CELL = InteractiveShell.run_code.__code__


def runs_a_cell(frame: FrameType | None) -> bool:
    """Whether `frame` was called, at whatever distance, by the code of a cell."""
    while frame is not None:
        if frame.f_code is _RUNS_A_CELL:
            return True
        frame = frame.f_back
    return False


def interrupted_part(trace: TracebackType | None) -> TracebackType | None:
    """`trace`, changed so that it ends in the user's frame: what was interrupted, not what it was waiting in.

    Our handler's frame is always the innermost otherwise.
    """
    last, here = None, trace
    while here is not None:
        if not is_machinery(here.tb_frame.f_code.co_filename):
            last = here
        here = here.tb_next
    if last is not None:
        last.tb_next = None
    return trace


class Interrupts:
    """Answers SIGINT for one loop, which runs in the main thread.

    `watch` is an asyncio loop in another thread that never blocks; it notices when `loop` does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, watch: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watch = watch
        self._thread = threading.main_thread().ident
        self._awaiting: asyncio.Future[Any] | None = None
        # Plain numbers, because the handler may run inside anything: a lock could be held right there.
        self._asked = 0
        self._answered = 0
        self._overdue = False
        self.received = 0
        self.has_cancelled = False
        """Whether the cell that awaits, or awaited last, was cancelled from here."""
        self.struck: contextvars.Context | None = None
        """The context in which the last `KeyboardInterrupt` was raised: it knows the cell it belongs to."""

    def install(self) -> None:
        """Take SIGINT; only the main thread may, and elsewhere nothing happens."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) != self._on_signal:
            signal.signal(signal.SIGINT, self._on_signal)

    def deliver(self) -> None:
        """Interrupt, from any thread. The main thread itself gets the signal, which ends a blocking call."""
        if self._thread is not None:
            signal.pthread_kill(self._thread, signal.SIGINT)

    @contextlib.contextmanager
    def foreground(self, awaiting: asyncio.Future[Any]) -> Iterator[None]:
        """While this lasts, `awaiting` is what an interrupt cancels."""
        before, self._awaiting = self._awaiting, awaiting
        self.has_cancelled = False
        try:
            yield
        finally:
            self._awaiting = before

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self.received += 1
        overdue, self._overdue = self._overdue, False
        if overdue and self._answered == self._asked:
            return  # the loop came round between the look at the clock and this signal
        if overdue or runs_a_cell(frame):
            self._answered = self._asked
            self.struck = contextvars.copy_context()
            raise KeyboardInterrupt
        self._asked += 1
        self._loop.call_soon_threadsafe(self._come_round, self._asked)
        with contextlib.suppress(RuntimeError):  # the watching loop has ended, and the process is about to
            self._watch.call_soon_threadsafe(self._watch.call_later, OVERDUE, self._look, self._asked)

    def _come_round(self, asked: int) -> None:
        """The loop is awake: cancel what waits. Runs in the loop's thread."""
        self._answered = max(self._answered, asked)
        if self._awaiting is not None:
            self.has_cancelled = True
            self._awaiting.cancel()

    def _look(self, asked: int) -> None:
        """Send the signal again when the loop did not come round. Runs in the watching thread."""
        if self._answered < asked:
            self._overdue = True
            self.deliver()
