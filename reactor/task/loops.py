"""A call that is made again and again, on a grid of times that does not drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from ..defer import Deferred, maybeDeferred
from ..failure import Failure
from ..proxy import reactor

#: Seconds: no clock tells shorter intervals apart, and counting them would overflow.
LEAST_INTERVAL = 1e-9


class LoopingCall:
    """Calls ``f(*a, **kw)`` every so many seconds until it is stopped, or until `f` raises.

    The calls lie on a grid: start time plus whole intervals. A call that takes longer than the interval
    (by itself, or until the Deferred or coroutine that it gives is done) makes the next ones be skipped,
    never bunched and never moved off the grid. Set `clock` before `start` to have another time than the
    reactor's.
    """

    def __init__(self, f: Callable[..., Any], *a: Any, **kw: Any) -> None:
        if not callable(f):
            raise TypeError(f"LoopingCall() takes something to call, not {f!r}")
        self.f = f
        self.a = a
        self.kw = kw
        self.clock: Any = reactor
        self.running = False
        self.interval: float | None = None
        """Seconds between the points of the grid."""
        self.starttime: float | None = None
        """Where the grid begins, on the clock."""
        self.call: Any = None
        """The DelayedCall of the next call, while one is planned."""
        self._counting = False
        self._deferred: Deferred[LoopingCall] | None = None
        self._under_way: Deferred[Any] | None = None  # what the latest call gave, while it is waited for
        self._point = 0  # which point of the grid the latest (or present) call stands for
        self._counted = 0  # the point up to which a counting call was told
        self._context: Context | None = None

    @classmethod
    def withCount(cls, countCallable: Callable[[int], Any]) -> LoopingCall:
        """A loop whose function is told how many calls are due: 1, or more when some had to be skipped."""
        loop = cls(countCallable)
        loop._counting = True
        return loop

    @property
    def deferred(self) -> Deferred[LoopingCall] | None:
        """The Deferred that `start` gave, while the loop runs; else None."""
        return self._deferred

    # -- from outside -----------------------------------------------------------------------------------

    def start(self, interval: float, now: bool = True) -> Deferred[LoopingCall]:
        """Begin: call at once if `now`, then every `interval` seconds; 0 means in every turn of the loop.

        The Deferred fires with this loop once it was stopped, and fails with what a call raised.

        Raises: RuntimeError when it runs already; TypeError, ValueError for an interval that is no number
        of seconds.
        """
        if self.running:
            raise RuntimeError(f"{self!r} runs already: stop() it first, or make another LoopingCall")
        self.interval = _checked(interval)
        self.starttime = self.clock.seconds()
        self.running = True
        self._context = copy_context()
        self._point = 0
        self._counted = -1 if now else 0
        deferred = self._deferred = Deferred(self._cancel)
        if now:
            self._turn(deferred)
        else:
            self._plan(deferred)
        return deferred

    def stop(self) -> None:
        """End: no more calls. `start`'s Deferred fires now, or when the call under way is done.

        Raises: RuntimeError when it does not run.
        """
        if not self.running:
            raise RuntimeError(f"{self!r} does not run: call start(seconds) before stop()")
        self.running = False
        if self.call is not None:
            self._drop_call()
            if self._deferred is not None:
                self._end(self._deferred, self)

    def reset(self) -> None:
        """Begin the grid anew: the next call is a whole interval from now.

        Raises: RuntimeError when it does not run.
        """
        if not self.running or self._context is None:
            raise RuntimeError(f"{self!r} does not run: call start(seconds) before reset()")
        self.starttime = self.clock.seconds()
        self._point = self._counted = 0
        if self.call is not None and self._deferred is not None:
            self._drop_call()
            # In a copy of the loop's own context: the calls stay with whoever started them, not with whoever
            # resets them.
            self._context.copy().run(self._plan, self._deferred)

    def __call__(self) -> None:
        """Make the call that is due, and plan the next one. The reactor's to call."""
        if self._deferred is not None:
            self._turn(self._deferred)

    # -- one turn ---------------------------------------------------------------------------------------

    def _turn(self, run: Deferred[LoopingCall]) -> None:
        """Make the call for the present point of the grid; `run` tells one start of the loop from another."""
        self.call = None
        # A clock may wake us a rounding error before the point, which then counts all the same; what became
        # due since then is skipped.
        self._point = max(self._point, self._point_at(self.clock.seconds()))
        if self._counting:
            count = self._point - self._counted if self.interval else 1
            self._counted = self._point
            result = maybeDeferred(self.f, count)
        else:
            result = maybeDeferred(self.f, *self.a, **self.kw)
        if run is self._deferred:
            self._under_way = result
        result.addCallbacks(self._went_well, self._failed, callbackArgs=(run,), errbackArgs=(run,))

    def _went_well(self, _: object, run: Deferred[LoopingCall]) -> None:
        if run is self._deferred and self.running:
            self._under_way = None
            self._plan(run)
        else:
            self._end(run, self)

    def _failed(self, failure: Failure, run: Deferred[LoopingCall]) -> None:
        self._end(run, failure)

    def _end(self, run: Deferred[LoopingCall], result: LoopingCall | Failure) -> None:
        """The loop that was started with `run` is over; it may have been started again since."""
        if run is self._deferred:
            self.running = False
            self._deferred = self._under_way = self._context = None
        if not run.called:  # a cancelled one has had its answer
            run.callback(result)

    def _cancel(self, run: Deferred[LoopingCall]) -> None:
        """Whoever waited for `run` gave up: end the loop, and the call that is under way."""
        if run is not self._deferred:
            return
        self.running = False
        if self.call is not None:
            self._drop_call()
            self._deferred = self._under_way = self._context = None
        elif self._under_way is not None:
            self._under_way.cancel()

    def _drop_call(self) -> None:
        if self.call.active():  # a hosted reactor cancels all calls when it stops
            self.call.cancel()
        self.call = None

    # -- the grid ---------------------------------------------------------------------------------------

    def _point_at(self, time: float) -> int:
        """The last point of the grid that is not after `time`, by the same rounding that `_time_of` has."""
        assert self.starttime is not None
        if not self.interval:
            return 0
        point = math.floor((time - self.starttime) / self.interval)
        if self._time_of(point + 1) <= time:
            return point + 1
        return point - 1 if self._time_of(point) > time else point

    def _time_of(self, point: int) -> float:
        assert self.starttime is not None and self.interval is not None
        return self.starttime + point * self.interval

    def _plan(self, run: Deferred[LoopingCall]) -> None:
        """Have the clock wake us at the next point that lies ahead."""
        if not self.interval:
            self.call = self.clock.callLater(0, self)
            return
        now = self.clock.seconds()
        self._point = max(self._point, self._point_at(now)) + 1
        delay = self._time_of(self._point) - now
        # With an interval below the clock's resolution the next point may look like now: move by the least
        # step the clock can show, or a clock that stands still would never get past it.
        self.call = self.clock.callLater(max(delay, math.nextafter(now, math.inf) - now), self)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", None) or repr(self.f)
        given = [repr(value) for value in self.a] + [f"{key}={value!r}" for key, value in self.kw.items()]
        state = f"every {self.interval} s" if self.running else "stopped"
        return f"<LoopingCall {name}({', '.join(given)}) {state}>"


def _checked(interval: object) -> float:
    """`interval` when it is a finite number of seconds, 0 or more; else TypeError or ValueError in words."""
    if not isinstance(interval, (str, bytes)):
        try:
            seconds = float(interval)  # type: ignore[arg-type]  # whatever is a number: int, Decimal, numpy's
        except (TypeError, ValueError):
            pass  # said below, in words
        else:
            if 0 <= seconds < math.inf:
                return max(seconds, LEAST_INTERVAL) if seconds else 0.0
            raise ValueError(f"start() takes seconds that are 0 or more, and finite, not {interval!r}")
    raise TypeError(f"start() takes the seconds between calls as a number, not {interval!r}")
