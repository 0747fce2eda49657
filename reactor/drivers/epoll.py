"""The fast path on Linux: epoll(7), level triggered."""

from __future__ import annotations

import logging
import select

from .native import NativeDriver

log = logging.getLogger("wirelab.reactor")

#: Events taken from the kernel at a time: enough to amortise the call, few enough to keep timers punctual.
EVENTS_PER_TURN = 512


class EpollDriver(NativeDriver):
    """Waits in epoll. A descriptor that is watched for neither direction is taken out of the set,
    since epoll reports hang-ups whether they were asked for or not."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        super().__init__()

    def _widen(self, fd: int, is_known: bool) -> None:
        try:
            if is_known:
                self._epoll.modify(fd, self._mask(fd))
            else:
                self._epoll.register(fd, self._mask(fd))
        except FileNotFoundError:
            # Somebody closed the descriptor without taking it out, and its number is in use again.
            self._epoll.register(fd, self._mask(fd))

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
                self._drop_failed(fd)

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

    def close(self) -> None:
        self._epoll.close()
        super().close()
