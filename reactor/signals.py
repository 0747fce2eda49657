"""The signals that end a run: SIGINT, SIGTERM, and SIGBREAK on Windows."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Protocol


class Stoppable(Protocol):
    """What a signal ends."""

    def callFromThread(self, callable: Any, /, *args: Any) -> None: ...

    def stop(self) -> None: ...


class StopSignals:
    """Handlers that stop `target` when a signal arrives, installed for one run and then taken back."""

    NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")

    def __init__(self, target: Stoppable) -> None:
        self._target = target
        self._replaced: dict[int, Any] = {}
        self._received = False

    def install(self) -> None:
        """Take the signals over. Does nothing in a thread other than the main one, which gets none.

        A program's own handler for SIGINT is left in place, as Python's default one is not.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        self._received = False
        for name in self.NAMES:
            number = getattr(signal, name, None)
            if number is None:
                continue
            present = signal.getsignal(number)
            if name == "SIGINT" and present is not signal.default_int_handler:
                continue
            self._replaced[number] = present
            signal.signal(number, self._received_signal)

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        while self._replaced:
            number, previous = self._replaced.popitem()
            if signal.getsignal(number) == self._received_signal:
                signal.signal(number, previous)

    def _received_signal(self, number: int, frame: FrameType | None) -> None:
        # In a signal handler nothing may be assumed of the loop's state: the stop is left to its next turn.
        if not self._received:
            self._received = True
            self._target.callFromThread(self._target.stop)
        # A second signal while the first is being obeyed changes nothing.
