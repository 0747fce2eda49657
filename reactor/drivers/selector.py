"""Everything that the standard `selectors` module can wait with: kqueue, poll, select, devpoll."""

from __future__ import annotations

import logging
import os
import selectors
from contextvars import Context
from functools import partial

from .base import Call, Driver, Tick
from .waking import Waker

log = logging.getLogger("wirelab.reactor")


class SelectorDriver(Driver):
    """Waits in a selector: the platform's best one unless another is given."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector if selector is not None else selectors.DefaultSelector()
        self._readers: dict[int, Call] = {}
        self._writers: dict[int, Call] = {}
        self._waker = Waker()
        self._running = False
        self._tick: Tick = _no_tick
        self.add_reader(self._waker.fileno(), self._waker.drain)

    def attach(self, tick: Tick) -> None:
        self._tick = tick

    def add_reader(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._readers, fd, partial(context.run, call) if context else call)

    def remove_reader(self, fd: int) -> None:
        if self._readers.pop(fd, None) is not None:
            self._adjust(fd)

    def add_writer(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._writers, fd, partial(context.run, call) if context else call)

    def remove_writer(self, fd: int) -> None:
        if self._writers.pop(fd, None) is not None:
            self._adjust(fd)

    def _add(self, calls: dict[int, Call], fd: int, call: Call) -> None:
        calls[fd] = call
        try:
            self._adjust(fd)
        except (OSError, ValueError):
            del calls[fd]  # a plain file, for one, cannot be waited for everywhere
            raise

    def _adjust(self, fd: int) -> None:
        mask = (selectors.EVENT_READ if fd in self._readers else 0) | (
            selectors.EVENT_WRITE if fd in self._writers else 0
        )
        registered = fd in self._selector.get_map()
        if not mask:
            if registered:
                self._selector.unregister(fd)
        elif registered:
            self._selector.modify(fd, mask)
        else:
            self._selector.register(fd, mask)

    def wake(self) -> None:
        self._waker.wake()

    def run(self) -> None:
        self._running = True
        while self._running:
            self._turn(self._tick())

    def poll(self, timeout: float) -> None:
        due = self._tick()
        self._turn(timeout if due is None else min(timeout, due))

    def _turn(self, timeout: float | None) -> None:
        events = self._select(timeout)
        try:
            for key, mask in events:
                fd = key.fd
                if mask & selectors.EVENT_READ:
                    call = self._readers.get(fd)
                    if call is not None:
                        call()
                if mask & selectors.EVENT_WRITE:
                    call = self._writers.get(fd)
                    if call is not None:
                        call()
        except Exception:
            # As in the driver for epoll: a mistake in one transport ends that one and no other.
            log.exception("descriptor %d is watched no more, because what it called for failed", fd)
            self.remove_reader(fd)
            self.remove_writer(fd)

    def _select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return self._selector.select(timeout)
        except OSError as error:
            # select(2) refuses the whole set when one descriptor was closed behind our back; the others
            # must not suffer for it, nor may the loop spin on the error.
            if not self._drop_closed():
                raise
            log.warning("a watched descriptor was closed without being taken out first: %s", error)
            return []

    def _drop_closed(self) -> bool:
        dropped = False
        for key in list(self._selector.get_map().values()):
            try:
                os.fstat(key.fd)
            except OSError:
                self._readers.pop(key.fd, None)
                self._writers.pop(key.fd, None)
                self._selector.unregister(key.fd)
                dropped = True
        return dropped

    def quit(self) -> None:
        self._running = False
        self._waker.wake()  # said by the tick, it comes just before the wait

    def close(self) -> None:
        self._selector.close()
        self._waker.close()
        self._readers.clear()
        self._writers.clear()


def _no_tick() -> float | None:
    return None
