"""The contract between the reactor and whatever waits for it.

A driver watches descriptors, wakes at a given time, wakes when another thread asks, and runs until it is
told to quit. It knows nothing of transports, protocols or Deferreds; a new event loop needs nothing else.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import Context

Call = Callable[[], object]

#: Runs all that is due and answers in how many seconds more will be; None when nothing is planned.
Tick = Callable[[], float | None]


class Driver(ABC):
    """What a reactor needs of an event loop.

    A descriptor has at most one reader and one writer; adding another replaces it. Calls are made without
    arguments, in `context` when one is given. They are level triggered: as long as the descriptor is ready
    they are made again.
    """

    #: The clock of the reactor on this driver, in seconds.
    seconds: Callable[[], float] = staticmethod(time.monotonic)

    #: Whether the driver must be told (by `wake_at`) when the earliest planned time moves forward.
    needs_wake_at = False

    @property
    def hosted(self) -> bool:
        """Whether somebody else runs the loop right now, so that `run` is not for us to call."""
        return False

    @abstractmethod
    def attach(self, tick: Tick) -> None:
        """Call `tick` before every wait from now on."""

    @abstractmethod
    def add_reader(self, fd: int, call: Call, context: Context | None = None) -> None:
        """Make `call` whenever `fd` can be read from, or is at its end, or in error."""

    @abstractmethod
    def remove_reader(self, fd: int) -> None:
        """Watch `fd` for reading no more; nothing happens when it was not watched."""

    @abstractmethod
    def add_writer(self, fd: int, call: Call, context: Context | None = None) -> None:
        """Make `call` whenever `fd` can be written to, or is in error."""

    @abstractmethod
    def remove_writer(self, fd: int) -> None:
        """Watch `fd` for writing no more; nothing happens when it was not watched."""

    @abstractmethod
    def wake(self) -> None:
        """Have `tick` called soon. The one method for any thread, and for signal handlers."""

    def wake_at(self, when: float) -> None:  # noqa: B027  # a loop of our own asks `tick` before it waits
        """Have `tick` called at `when` on the driver's clock."""

    @abstractmethod
    def run(self) -> None:
        """Wait and make calls until `quit`."""

    @abstractmethod
    def quit(self) -> None:
        """End `run` after the present turn."""

    @abstractmethod
    def poll(self, timeout: float) -> None:
        """One turn: wait at most `timeout` seconds for something to happen and make its calls."""

    @abstractmethod
    def close(self) -> None:
        """Give back the driver's own descriptors. It cannot be used any more."""
