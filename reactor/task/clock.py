"""A clock that stands still until it is told to go on: the time of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zope.interface import implementer

from ..interfaces import IReactorTime
from ..timers import DelayedCall, TimerQueue, checked_delay

#: So many calls beyond those that waited at its start end an `advance`: while it lasts the time does not
#: change, so something plans itself again with delay 0 and would do so for ever.
CALLS_PER_ADVANCE = 100_000


@implementer(IReactorTime)
class Clock:
    """Gives `callLater` and `seconds` as a reactor does, but time passes only in `advance` and `pump`.

    The calls it hands out are of the class that reactors use, so they behave as theirs do.
    """

    rightNow: float = 0.0
    """Seconds: what the clock shows."""

    def __init__(self) -> None:
        self._timers = TimerQueue(self.seconds)

    def seconds(self) -> float:
        """What the clock shows, in seconds; it starts at 0.0."""
        return self.rightNow

    def callLater(self, delay: float, callable: Callable[..., Any], /, *args: Any, **kw: Any) -> DelayedCall:
        """Have `callable` called when `delay` more seconds have passed.

        Raises: TypeError, ValueError for a delay that is no number, or negative; TypeError for no callable.
        """
        if not hasattr(callable, "__call__"):  # noqa: B004 - the builtin is hidden by the documented name
            raise TypeError(f"callLater() takes something to call after {delay} s, not {callable!r}")
        return self._timers.add(checked_delay("callLater", delay), callable, args, kw)

    def getDelayedCalls(self) -> list[DelayedCall]:
        """The calls that wait, in the order in which they will be made."""
        return sorted(self._timers.pending(), key=lambda call: (call.time, call._key))

    @property
    def calls(self) -> list[DelayedCall]:
        """The same as `getDelayedCalls()`."""
        return self.getDelayedCalls()

    def advance(self, amount: float) -> None:
        """Let `amount` seconds pass, then make all calls that are due, those planned meanwhile included.

        The clock shows the new time to all of them. What a call raises comes out here, and leaves the rest
        waiting for the next `advance`.

        Raises: ValueError for a negative amount, RuntimeError when the calls never end.
        """
        if not isinstance(amount, (int, float)):
            raise TypeError(f"advance() takes seconds as a number, not {amount!r}")
        if not amount >= 0:
            raise ValueError(
                f"advance() takes seconds that are 0 or more, not {amount!r}: a clock only goes forward"
            )
        self.rightNow += amount
        timers = self._timers
        left = len(timers) + CALLS_PER_ADVANCE
        while (call := timers.pop_due(self.rightNow)) is not None:
            func, args, kw, context = call.finish()
            context.run(func, *args, **kw)
            left -= 1
            if left < 0:
                raise RuntimeError(
                    f"{CALLS_PER_ADVANCE} calls were planned while the clock stood at {self.rightNow}: "
                    f"{func!r} (the last of them) must not plan itself again with a delay of 0"
                )

    def pump(self, timings: Iterable[float]) -> None:
        """`advance` by each of `timings` in turn, in seconds."""
        if not isinstance(timings, Iterable):
            raise TypeError(
                f"pump() takes a list of seconds, not {timings!r}: advance({timings!r}) takes one"
            )
        for amount in timings:
            self.advance(amount)
