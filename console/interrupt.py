"""Ctrl-C: it always answers.

A press goes to the first of these that is there:

1. code of the foreground cell that runs right now: it gets KeyboardInterrupt, as in any program;
2. a foreground cell that awaits: it is cancelled; the background is left alone;
3. the prompt: the typed line is cleared.

2 and 3 need the loop. When it does not come round within `PATIENCE`, some callback is blocking it: that one
gets the KeyboardInterrupt, and is named. An impatient second press has the same effect at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sysconfig
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Protocol

from .cells import Cell, current_cell

PATIENCE = 0.3
"""Seconds that the loop gets to come round: well under the 600 ms in which an answer is promised."""

HASTE = 0.1
"""Seconds within which a second press says nothing new: the loop may be just coming round."""

KEYS_DELAY = 0.005
"""Seconds in which the terminal hands over the keys that were typed in one burst with Ctrl-C."""

_LIBRARY = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")})
_ROOM = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


_REACTOR = os.path.join(_ROOM, "reactor", "core.py")


@dataclass(frozen=True)
class Blocker:
    """The code that kept the loop from coming round."""

    cell: Cell | None
    place: str
    "'[4] line 3, in tick' or 'server.py:12, in dataReceived'."

    def __str__(self) -> str:
        owner = (
            f", started by {self.cell}" if self.cell is not None and str(self.cell) not in self.place else ""
        )
        return f"{self.place}{owner}"


class Interruptible(Protocol):
    """What a press of Ctrl-C can reach. All of it is called on the loop's thread."""

    @property
    def foreground_task(self) -> asyncio.Task[object] | None:
        """The task that runs the foreground cell, or None."""

    @property
    def is_blocking(self) -> bool:
        """Whether code runs outside of any task (a script that never awaits): it is interrupted at once."""

    def interrupt(self) -> None:
        """Cancel the foreground cell, or clear the line at the prompt."""

    def tell_blocked(self, blocker: Blocker) -> None:
        """Say which code blocked the loop; it was interrupted."""

    def describe_code(self, code: CodeType, line: int) -> str | None:
        """Where `line` of `code` stands, as '[4] line 3'; None when it is no code of a cell."""


class CtrlC:
    """The meaning of SIGINT in a session; `install` it on the main thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Interruptible) -> None:
        self._loop = loop
        self._target = target
        self._waiting = False
        self._repeated = False
        self._presses = 0
        self._pressed_at = 0.0
        self._mouth = -1
        self._before: object = signal.default_int_handler

    def install(self) -> None:
        # The watch runs before it is needed: a thread cannot be started inside of a signal handler, which may
        # have interrupted the very code that starts threads, with its lock held.
        ear, self._mouth = os.pipe()
        watch = threading.Thread(target=self._watch, args=(ear, threading.get_ident()), daemon=True)
        watch.start()
        self._before = signal.signal(signal.SIGINT, self._pressed)

    def restore(self) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]  # it is what signal() gave
        self._waiting = False
        os.close(self._mouth)

    def press(self, frame: FrameType | None) -> None:
        """What a press of Ctrl-C does; for the handlers of other signals."""
        self._pressed(signal.SIGINT, frame)

    def _pressed(self, _number: int, frame: FrameType | None) -> None:
        """The signal handler: between two instructions of whatever the main thread is doing."""
        task = self._target.foreground_task
        if self._target.is_blocking or (task is not None and asyncio.current_task(self._loop) is task):
            raise KeyboardInterrupt
        repeated, self._repeated = self._repeated, False
        if repeated and not self._waiting:
            return  # the loop came round just before
        now = time.monotonic()
        if self._waiting:
            if not repeated and now - self._pressed_at < HASTE:
                return  # the same press still
            self._strike(frame, keep_pending=task is not None)
        self._waiting, self._pressed_at = True, now
        self._presses += 1
        self._loop.call_soon_threadsafe(self._arrived)
        os.write(self._mouth, b"\0")

    def _arrived(self) -> None:
        """The loop came round."""
        if self._waiting:
            self._waiting = False
            if self._target.foreground_task is not None:
                self._target.interrupt()
            else:  # the signal overtook the keys that were typed before it: they come first
                self._loop.call_later(KEYS_DELAY, self._target.interrupt)

    def _watch(self, ear: int, main: int) -> None:
        """In a thread of its own: when a press does not arrive, press again, which breaks what blocks."""
        while os.read(ear, 1):
            press = self._presses
            time.sleep(PATIENCE)
            if self._waiting and press == self._presses:
                self._repeated = True
                signal.pthread_kill(main, signal.SIGINT)
        os.close(ear)

    def _strike(self, frame: FrameType | None, keep_pending: bool) -> None:
        blocker = Blocker(current_cell.get(), self._place(frame))
        self._waiting = keep_pending  # a foreground that awaits is cancelled once the loop is free
        self._presses += 1
        self._loop.call_soon_threadsafe(self._target.tell_blocked, blocker)
        raise KeyboardInterrupt

    def _place(self, frame: FrameType | None) -> str:
        """Where the user's code stands: his innermost frame in the callback, or else the callback's name."""
        while frame is not None:
            code, line = frame.f_code, frame.f_lineno
            if place := self._target.describe_code(code, line):
                return place if code.co_name == "<module>" else f"{place}, in {code.co_name}"
            if (callback := _called_in(frame)) is not None:
                return f"the callback {getattr(callback, '__qualname__', None) or repr(callback)}"
            if not code.co_filename.startswith((*_LIBRARY, _ROOM, "<frozen")):
                return f"{os.path.basename(code.co_filename)}:{line}, in {code.co_name}"
            frame = frame.f_back
        return "a callback"


def _called_in(frame: FrameType) -> object:
    """What a frame of a loop is calling: asyncio's handle, or the reactor's call; None for other frames."""
    if isinstance(handle := frame.f_locals.get("self"), asyncio.Handle):
        return getattr(handle, "_callback", None)
    if frame.f_code.co_filename.startswith(_REACTOR):
        return frame.f_locals.get("func")
    return None


def run_through_interrupts(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[int], stray: Callable[[BaseException], None]
) -> int:
    """Run `loop` until `task` is done, through each KeyboardInterrupt and SystemExit of a callback.

    Asyncio lets those two through its own net and stops; the loop itself is whole, and is entered again.
    `stray` is told of each. Returns what `task` returns.
    """
    while True:
        try:
            return loop.run_until_complete(task)
        except (KeyboardInterrupt, SystemExit) as error:
            if task.done():
                raise
            stray(error)
