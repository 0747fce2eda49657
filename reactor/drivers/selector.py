"""Everything that the standard `selectors` module can wait with: kqueue, poll, select, devpoll."""

from __future__ import annotations

import logging
import os
import selectors

from .native import NativeDriver

log = logging.getLogger("wirelab.reactor")


class SelectorDriver(NativeDriver):
    """Waits in a selector: the platform's best one unless another is given."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector if selector is not None else selectors.DefaultSelector()
        super().__init__()

    def _widen(self, fd: int, is_known: bool) -> None:
        self._narrow(fd)

    def _narrow(self, fd: int) -> None:
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
            self._drop_failed(fd)

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

    def close(self) -> None:
        self._selector.close()
        super().close()
