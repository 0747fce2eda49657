"""On top of an asyncio loop, the standard one or uvloop, whether it runs already or not.

The console and the notebook live here: the loop is theirs, and everything else that asyncio offers shares it.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from math import ceil

from .base import Call, Driver, Tick


class AsyncioDriver(Driver):
    """Waits in `loop`: the running loop when None is given, or else a new one, which `close` closes."""

    needs_wake_at = True

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._owns_loop = False
        if loop is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                loop = asyncio.new_event_loop()
                self._owns_loop = True
        elif not isinstance(loop, asyncio.AbstractEventLoop):
            raise TypeError(f"AsyncioDriver() takes an asyncio event loop or nothing, not {loop!r}")
        self.loop = loop
        self._tick: Tick = _no_tick
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._woken = False
        self._closed = False
        # Outside of any cell or task: what the tick runs has brought its own context.
        self._context = Context()

    @property
    def hosted(self) -> bool:
        return self.loop.is_running()

    def attach(self, tick: Tick) -> None:
        self._tick = tick

    def add_reader(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._own_context(context).run(self.loop.add_reader, fd, call)

    def remove_reader(self, fd: int) -> None:
        if not self.loop.is_closed():
            self.loop.remove_reader(fd)

    def add_writer(self, fd: int, call: Call, context: Context | None = None) -> None:
        self._own_context(context).run(self.loop.add_writer, fd, call)

    @staticmethod
    def _own_context(context: Context | None) -> Context:
        # asyncio remembers the context in which it is asked. A copy, because the caller may be inside of
        # `context` already, and a context cannot be entered twice.
        return Context() if context is None else context.copy()

    def remove_writer(self, fd: int) -> None:
        if not self.loop.is_closed():
            self.loop.remove_writer(fd)

    def wake(self) -> None:
        if self._woken or self._closed:
            return
        self._woken = True
        try:
            self.loop.call_soon_threadsafe(self._run_tick, context=self._context)
        except RuntimeError:
            self._woken = False
            if not self.loop.is_closed():
                raise
            # The host closed its loop: nobody waits any more.

    def wake_at(self, when: float) -> None:
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        # Whole milliseconds, rounded up: uvloop counts in them, and would wake early and find nothing due.
        delay = max(0.0, ceil((when - self.seconds()) * 1000) / 1000)
        self._timer = self.loop.call_later(delay, self._run_timer, context=self._context)

    def _run_timer(self) -> None:
        self._timer = None
        self._run_tick()

    def _run_tick(self) -> None:
        if self._closed:
            return
        # Before the tick: what arrives while it runs asks for another one.
        self._woken = False
        due = self._tick()
        if due is not None:
            self.wake_at(self.seconds() + due)

    def run(self) -> None:
        self.wake()
        self.loop.run_forever()

    def quit(self) -> None:
        if self.loop.is_running():  # else the stop would wait for the next one who runs the loop
            self.loop.stop()

    def poll(self, timeout: float) -> None:
        if self.loop.is_running():
            raise RuntimeError("iterate() cannot turn a loop that runs already: await something instead")
        self._run_tick()
        # asyncio has no notion of one turn that waits, so a positive timeout is slept through.
        if timeout > 0:
            self.loop.call_later(timeout, self.loop.stop)
        else:
            self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._owns_loop and not self.loop.is_closed():
            self.loop.close()


def _no_tick() -> float | None:
    return None
