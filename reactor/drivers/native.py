"""What drivers with a loop of their own have in common: who is called for which descriptor, and waking."""

from __future__ import annotations

import logging
from abc import abstractmethod
from contextvars import Context
from functools import partial

from .base import Call, Driver, Tick
from .waking import Waker

log = logging.getLogger("wirelab.reactor")


class NativeDriver(Driver):
    """Keeps the calls by descriptor; a subclass tells the system what to watch, and waits."""

    def __init__(self) -> None:
        self._readers: dict[int, Call] = {}
        self._writers: dict[int, Call] = {}
        self._running = False
        self._tick: Tick = _no_tick
        self._waker = Waker()
        self.add_reader(self._waker.fileno(), self._waker.drain)

    def attach(self, tick: Tick) -> None:
        self._tick = tick

    def add_reader(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._readers, fd, call, context)

    def add_writer(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._writers, fd, call, context)

    def remove_reader(self, fd: int) -> None:
        if self._readers.pop(fd, None) is not None:
            self._narrow(fd)

    def remove_writer(self, fd: int) -> None:
        if self._writers.pop(fd, None) is not None:
            self._narrow(fd)

    def _add(self, calls: dict[int, Call], fd: int, call: Call, context: Context | None) -> None:
        is_known = fd in self._readers or fd in self._writers
        calls[fd] = partial(context.run, call) if context else call
        try:
            self._widen(fd, is_known)
        except (OSError, ValueError):
            del calls[fd]  # a plain file, for one, cannot be waited for everywhere
            raise

    @abstractmethod
    def _widen(self, fd: int, is_known: bool) -> None:
        """Have the system watch `fd` for one more direction; `is_known`: it watches the other already."""

    @abstractmethod
    def _narrow(self, fd: int) -> None:
        """Have the system watch `fd` for what is left, or not at all."""

    def _drop_failed(self, fd: int) -> None:
        """What `fd` called for raised; called while that is handled.

        Transports guard what they call, so this is a mistake in a transport. The others must not suffer for
        it; what was ready together with it is ready in the next turn, too.
        """
        log.exception("descriptor %d is watched no more, because what it called for failed", fd)
        self.remove_reader(fd)
        self.remove_writer(fd)

    def wake(self) -> None:
        self._waker.wake()

    def quit(self) -> None:
        self._running = False
        self._waker.wake()  # said by the tick, it comes just before the wait

    def close(self) -> None:
        self._waker.close()
        self._readers.clear()
        self._writers.clear()


def _no_tick() -> float | None:
    return None
