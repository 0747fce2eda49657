"""The fast path on Linux: epoll(7), level triggered."""

from __future__ import annotations

import logging
import select
from contextvars import Context
from functools import partial

from .base import Call, Driver, Tick
from .waking import Waker

log = logging.getLogger("wirelab.reactor")

#: Events taken from the kernel at a time: enough to amortise the call, few enough to keep timers punctual.
EVENTS_PER_TURN = 512


class EpollDriver(Driver):
    """Waits in epoll. A descriptor that is watched for neither direction is taken out of the set,
    since epoll reports hang-ups whether they were asked for or not."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Call] = {}
        self._writers: dict[int, Call] = {}
        self._waker = Waker()
        self._running = False
        self._tick: Tick = _no_tick
        self._epoll.register(self._waker.fileno(), select.EPOLLIN)
        self._readers[self._waker.fileno()] = self._waker.drain

    def attach(self, tick: Tick) -> None:
        self._tick = tick

    def add_reader(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._readers, fd, partial(context.run, call) if context else call)

    def remove_reader(self, fd: int) -> None:
        if self._readers.pop(fd, None) is not None:
            self._narrow(fd)

    def add_writer(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._add(self._writers, fd, partial(context.run, call) if context else call)

    def remove_writer(self, fd: int) -> None:
        if self._writers.pop(fd, None) is not None:
            self._narrow(fd)

    def _add(self, calls: dict[int, Call], fd: int, call: Call) -> None:
        registered = self._mask(fd)
        calls[fd] = call
        try:
            if registered:
                self._epoll.modify(fd, self._mask(fd))
            else:
                self._epoll.register(fd, self._mask(fd))
        except FileNotFoundError:
            # Somebody closed the descriptor without taking it out, and its number is in use again.
            self._epoll.register(fd, self._mask(fd))
        except OSError:
            del calls[fd]  # a plain file, for one, cannot be waited for
            raise

    def _narrow(self, fd: int) -> None:
        mask = self._mask(fd)
        try:
            if mask:
                self._epoll.modify(fd, mask)
            else:
                self._epoll.unregister(fd)
        except OSError:
            # Closed before it was taken out: the kernel has forgotten it already.
            log.debug("descriptor %d was closed while it was watched", fd)

    def _mask(self, fd: int) -> int:
        return (select.EPOLLIN if fd in self._readers else 0) | (
            select.EPOLLOUT if fd in self._writers else 0
        )

    def wake(self) -> None:
        self._waker.wake()

    def run(self) -> None:
        self._running = True
        poll, tick, readers = self._epoll.poll, self._tick, self._readers
        while self._running:
            events = poll(tick(), EVENTS_PER_TURN)
            try:
                for fd, event in events:
                    if event == 1:  # EPOLLIN alone: nearly all of them
                        call = readers.get(fd)
                        if call is not None:
                            call()
                    else:
                        self._dispatch(fd, event)
            except Exception:
                # Transports guard what they call, so this is a mistake in a transport. The others must not
                # suffer for it; what was ready with it is ready in the next turn, too.
                log.exception("descriptor %d is watched no more, because what it called for failed", fd)
                self.remove_reader(fd)
                self.remove_writer(fd)

    def poll(self, timeout: float) -> None:
        due = self._tick()
        for fd, event in self._epoll.poll(timeout if due is None else min(timeout, due), EVENTS_PER_TURN):
            self._dispatch(fd, event)

    def _dispatch(self, fd: int, event: int) -> None:
        # A hang-up or error goes to whoever watches: reading or writing brings the reason to light.
        if event & ~select.EPOLLOUT:
            call = self._readers.get(fd)
            if call is not None:
                call()
        if event & ~select.EPOLLIN:
            call = self._writers.get(fd)
            if call is not None:
                call()

    def quit(self) -> None:
        self._running = False
        self._waker.wake()  # said by the tick, it comes just before the wait

    def close(self) -> None:
        self._epoll.close()
        self._waker.close()
        self._readers.clear()
        self._writers.clear()


def _no_tick() -> float | None:
    return None
