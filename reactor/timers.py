"""Calls to come: a queue of them in order of time, and the handle its user holds.

The heap holds plain tuples, which compare in C. Cancelling or moving a call leaves its old entry behind as
a dead one; when more than half of the entries are dead they are swept, so that a program which sets and
cancels a time-out for every message keeps neither memory nor order waiting. What is planned and cancelled
within one turn of the loop never reaches the heap at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from typing import Any

from zope.interface import implementer

from .error import AlreadyCalled, AlreadyCancelled
from .interfaces import IDelayedCall

#: A heap with fewer dead entries than this is not worth sweeping.
SWEEP_AT_LEAST = 64

Entry = tuple[float, int, "DelayedCall"]

_NO_KEYWORDS: dict[
    str, Any
] = {}  # shared by all calls without: a hundred thousand empty ones weigh something


@implementer(IDelayedCall)
class DelayedCall:
    """A call that will be made at `time`, on the clock of the queue it waits in.

    `func`, `args` and `kw` say what will be called, `context` where; all four are dropped when the call was
    made or cancelled.
    """

    __slots__ = ("_key", "_queue", "args", "called", "cancelled", "context", "func", "kw", "time")

    def __init__(
        self,
        queue: TimerQueue,
        time: float,
        key: int,
        func: Callable[..., object],
        args: tuple[Any, ...],
        kw: dict[str, Any],
        context: Context,
    ) -> None:
        self._queue = queue
        self.time = time
        self._key = key
        self.func: Callable[..., object] | None = func
        self.args = args
        self.kw = kw
        self.context: Context | None = context
        self.called = False
        self.cancelled = False

    def getTime(self) -> float:
        """When the call is due, in seconds on its queue's clock."""
        return self.time

    def active(self) -> bool:
        """Whether the call is still to be made."""
        return not (self.called or self.cancelled)

    def cancel(self) -> None:
        """Do not make the call. Raises AlreadyCalled, AlreadyCancelled."""
        if self.called or self.cancelled:
            self._refuse("cancel")
        self.cancelled = True
        self._key = -1
        self.func = self.context = None
        self.args, self.kw = (), _NO_KEYWORDS
        self._queue.forget_entry()

    def reset(self, secondsFromNow: float) -> None:
        """Make the call `secondsFromNow` seconds from now.

        Raises AlreadyCalled, AlreadyCancelled, ValueError.
        """
        if self.called or self.cancelled:
            self._refuse("reset")
        self._move(self._queue.seconds() + checked_delay("reset", secondsFromNow))

    def delay(self, secondsLater: float) -> None:
        """Make the call `secondsLater` seconds later than planned, earlier when that is negative.

        Raises AlreadyCalled, AlreadyCancelled.
        """
        if self.called or self.cancelled:
            self._refuse("delay")
        self._move(self.time + secondsLater)

    def _move(self, time: float) -> None:
        earlier = time < self.time
        self.time = time
        if earlier:
            self._key = self._queue.enter_again(self)
        # A later time needs no new entry: the old one comes up first and is put back then.

    def _refuse(self, action: str) -> None:
        if self.called:
            raise AlreadyCalled(f"cannot {action} a call that has already been made")
        raise AlreadyCancelled(f"cannot {action} a call that has already been cancelled")

    def finish(self) -> tuple[Callable[..., object], tuple[Any, ...], dict[str, Any], Context]:
        """Mark the call as made and hand over what is to be called, and in which context."""
        func, context = self.func, self.context
        assert func is not None and context is not None
        made = (func, self.args, self.kw, context)
        self.called = True
        self.func = self.context = None
        self.args, self.kw = (), _NO_KEYWORDS
        return made

    def __repr__(self) -> str:
        if self.cancelled:
            state = "cancelled"
        elif self.called:
            state = "called"
        else:
            name = getattr(self.func, "__qualname__", None) or repr(self.func)
            state = f"in {self.time - self._queue.seconds():.3f} s: {name}"
        return f"<DelayedCall {state}>"


class TimerQueue:
    """Pending calls in order of time; those due at the same time in the order they were made.

    `seconds` is the clock. `on_earlier`, when not None, is called with the new earliest time whenever that
    moves forward: a driver that sleeps in somebody else's loop has to know.
    """

    def __init__(
        self, seconds: Callable[[], float], on_earlier: Callable[[float], None] | None = None
    ) -> None:
        self.seconds = seconds
        self.on_earlier = on_earlier
        self._heap: list[Entry] = []
        self._new: list[Entry] = []  # planned since the loop last looked
        self._made = 0
        self._dead = 0

    def __len__(self) -> int:
        return len(self._heap) + len(self._new) - self._dead

    def add(
        self,
        delay: float,
        func: Callable[..., object],
        args: tuple[Any, ...],
        kw: dict[str, Any],
        context: Context | None = None,
    ) -> DelayedCall:
        """Plan `func` for `delay` seconds from now, in `context` or else a copy of the current one."""
        key = self._made = self._made + 1
        time = self.seconds() + delay
        call = DelayedCall(
            self, time, key, func, args, kw or _NO_KEYWORDS, copy_context() if context is None else context
        )
        if self.on_earlier is None:
            self._new.append((time, key, call))
            return call
        heap = self._heap
        heappush(heap, (time, key, call))
        if heap[0][2] is call:
            self.on_earlier(time)
        return call

    def next_time(self) -> float | None:
        """When the next call is due, or None when there is none."""
        if self._new:
            self._take_in()
        heap = self._heap
        while heap:
            time, key, call = heap[0]
            if key != call._key:
                heappop(heap)
                self._dead -= 1
            elif call.time > time:
                heappop(heap)
                heappush(heap, (call.time, key, call))
            else:
                return time
        return None

    def pop_due(self, now: float, last: int | None = None) -> DelayedCall | None:
        """Take out the first call due by `now`, or None.

        With `last`, a value of `mark`, calls planned after that mark are left for the next time.
        """
        time = self.next_time()
        if time is None or time > now:
            return None
        if last is not None and self._heap[0][1] > last:
            return None
        return heappop(self._heap)[2]

    def mark(self) -> int:
        """A mark between the calls planned until now and those to come, for `pop_due`."""
        return self._made

    def pending(self) -> list[DelayedCall]:
        """The pending calls, in no particular order."""
        return [call for _, key, call in (*self._heap, *self._new) if key == call._key]

    def clear(self) -> None:
        """Cancel all that is pending."""
        for call in self.pending():
            call.cancel()

    def forget_entry(self) -> None:
        """One entry of the heap is dead: sweep when most are."""
        self._dead = dead = self._dead + 1
        if dead > SWEEP_AT_LEAST and dead * 2 > len(self._heap) + len(self._new):
            self._take_in()
            self._heap = [entry for entry in self._heap if entry[1] == entry[2]._key]
            heapify(self._heap)
            self._dead = 0

    def _take_in(self) -> None:
        new, self._new = self._new, []
        live = [entry for entry in new if entry[1] == entry[2]._key]
        self._dead -= len(new) - len(live)
        heap = self._heap
        if len(live) > len(heap):
            heap += live
            heapify(heap)
        else:
            for entry in live:
                heappush(heap, entry)

    def enter_again(self, call: DelayedCall) -> int:
        """Give `call`, whose time moved forward, a new entry; its new key."""
        key = self._made = self._made + 1
        heappush(self._heap, (call.time, key, call))
        call._key = key
        self.forget_entry()
        if self.on_earlier is not None and self._heap[0][2] is call:
            self.on_earlier(call.time)
        return key


def checked_delay(verb: str, delay: object) -> float:
    """`delay` when it is a number of seconds, 0 or more; else TypeError or ValueError in words."""
    if not isinstance(delay, (int, float)) or isinstance(delay, bool):
        if not hasattr(delay, "__float__"):  # Decimal, Fraction and numpy's numbers have it; text has not
            raise TypeError(f"{verb}() takes seconds as a number, not {delay!r}")
        delay = float(delay)
    if not delay >= 0:
        raise ValueError(f"{verb}() takes seconds that are 0 or more, not {delay!r}")
    return delay
