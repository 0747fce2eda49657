"""The reactor: time, calls from threads, start-up and shut-down, the same over every driver.

Listening and connecting is in `.network`, descriptors of a program's own in `.descriptors`, threads in
`.pools`, host names in `.names`. What waits for all of them is a driver, see `.drivers.base`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Literal

from zope.interface import implementer

from . import running
from .descriptors import Descriptors
from .drivers.base import Driver
from .drivers.choice import best_driver
from .error import ReactorAlreadyRunning, ReactorNotRunning
from .interfaces import IReactorCore, IReactorTime
from .names import Names
from .network import Network
from .pools import Pools
from .processes import SpawnsProcesses
from .signals import StopSignals
from .timers import DelayedCall, TimerQueue, checked_delay
from .triggers import SystemEvents

log = logging.getLogger("wirelab.reactor")

Planned = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any], Context]


@implementer(IReactorCore, IReactorTime)
class Reactor(Network, SpawnsProcesses, Descriptors, Names, Pools):
    """One event loop on one driver: the platform's best when none is given.

    `run` and `stop` may follow each other any number of times. On a driver whose loop somebody else runs
    (`hosted` is true), `startRunning` takes the place of `run`, and `stop` closes what this reactor has
    opened and leaves the loop alone.

    `opened` has every live port, connection and attempt by its `shortId`, in order of opening.
    """

    def __init__(self, driver: Driver | None = None) -> None:
        if driver is None:
            driver = best_driver()
        elif not isinstance(driver, Driver):
            raise TypeError(f"Reactor() takes a driver, for example Reactor(EpollDriver()), not {driver!r}")
        super().__init__()
        self.driver = driver
        self.seconds: Callable[[], float] = driver.seconds
        self.running = False
        self.hosted = False
        self._started = False
        self._stopping = False
        self._in_run = False
        self._exit: BaseException | None = None
        self._thread: int | None = None
        self._signals = StopSignals(self)
        self._events = SystemEvents()
        self._calls: deque[Planned] = deque()
        self._timers = TimerQueue(driver.seconds, driver.wake_at if driver.needs_wake_at else None)
        driver.attach(self._tick)

    def __repr__(self) -> str:
        state = "hosted" if self.running and self.hosted else "running" if self.running else "not running"
        return f"<Reactor on {type(self.driver).__name__}, {state}, {len(self.opened)} open>"

    # -- running ------------------------------------------------------------------------------------

    def run(self, installSignalHandlers: bool = True) -> None:
        """Run until `stop` is called or SIGINT or SIGTERM arrives; then it can be run again.

        A SystemExit or KeyboardInterrupt raised by a callback ends the run in the ordinary way, with all
        shut-down triggers, and is raised from here afterwards. In a hosted session nothing is left to
        run: this says so and returns. Raises ReactorAlreadyRunning.
        """
        if self.driver.hosted:
            if not self._started:
                self.startRunning(installSignalHandlers=False)
            print("the loop is already running: that is why this prompt answers; nothing more to run")
            return
        if self._started and self.hosted:
            self.hosted = False  # the host's loop stands still and is lent to this run
        else:
            self.startRunning(installSignalHandlers)
        self._in_run = True
        try:
            if self._started:  # else a start-up trigger has ended it already
                self.driver.run()
        except BaseException:
            self._leave()
            raise
        finally:
            self._in_run = False
        ending, self._exit = self._exit, None
        if ending is not None:
            raise ending

    def startRunning(self, installSignalHandlers: bool = False) -> None:
        """Do all that comes before waiting: what a hosted session calls, inside its running loop.

        Raises ReactorAlreadyRunning.
        """
        if self._started:
            raise ReactorAlreadyRunning("this reactor runs already: there is no need to run it again")
        self._started = True
        self._stopping = False
        self.hosted = self.driver.hosted
        self._thread = threading.get_ident()
        running.enter(self)
        if installSignalHandlers:
            self._signals.install()
        self._events.add("during", "startup", self._now_running)
        self._events.fire("startup")

    def _now_running(self) -> None:
        self.running = True

    def stop(self) -> None:
        """End the run after the shut-down triggers. Raises ReactorNotRunning.

        Hosted, it fires the shut-down triggers, closes all that is `opened` and cancels what is planned; the
        loop, and this reactor on it, live on.
        """
        if not self._started or self._stopping:
            state = "is stopping already" if self._stopping else "does not run"
            raise ReactorNotRunning(f"this reactor {state}, so it cannot be stopped")
        self._stopping = True
        if self.hosted:
            self._events.add("after", "shutdown", self._end_of_hosted_run)
        else:
            self._events.add("after", "shutdown", self._end_of_run)
        self.callLater(0, self._shut_down)

    def _shut_down(self) -> None:
        self.running = False
        self._events.fire("shutdown")

    def _end_of_run(self) -> None:
        self.close_everything()
        self.disconnect_descriptors()
        self.stop_threads()
        self._leave()

    def _end_of_hosted_run(self) -> None:
        self.close_everything()
        self.disconnect_descriptors()
        self._timers.clear()
        self._stopping = False
        self.running = True

    def crash(self) -> None:
        """End the run after the present turn, without triggers and without closing anything."""
        if self._started:
            self._leave()

    def _leave(self) -> None:
        self.running = False
        self._started = False
        self._stopping = False
        self._thread = None
        self._signals.restore()
        running.leave(self)
        if self._in_run:
            self.driver.quit()

    def iterate(self, delay: float = 0) -> None:
        """Run one turn of the loop, waiting at most `delay` seconds for something to happen."""
        was_outside = not self._started
        if was_outside:
            self._thread = threading.get_ident()
            running.enter(self)
        try:
            self.driver.poll(checked_delay("iterate", delay))
        finally:
            if was_outside and not self._started:
                self._thread = None
                running.leave(self)

    def close(self) -> None:
        """Close everything that is open, end the threads and give the driver's descriptors back.

        For programs that make several reactors; this one cannot be used any more. Raises
        ReactorAlreadyRunning while it runs.
        """
        if self._started and not self.hosted:
            raise ReactorAlreadyRunning("this reactor runs: stop() it before close()")
        self.close_everything()
        self.leave_children()
        self.disconnect_descriptors()
        self.stop_threads()
        self._timers.clear()
        self._calls.clear()
        if self._started:
            self._leave()
        self.driver.close()

    # -- events -------------------------------------------------------------------------------------

    def addSystemEventTrigger(
        self,
        phase: Literal["before", "during", "after"],
        eventType: str,
        callable: Callable[..., object],
        *args: Any,
        **kw: Any,
    ) -> object:
        """Call `callable` in a phase of an event, once. The answer is for `removeSystemEventTrigger`.

        `eventType` is 'startup', 'shutdown', or any name that the program passes to `fireSystemEvent`. The
        'during' phase waits for the Deferreds that 'before' triggers give. Raises KeyError for an unknown
        phase, TypeError.
        """
        return self._events.add(phase, eventType, callable, args, kw)

    def removeSystemEventTrigger(self, triggerID: object) -> None:
        """Take a trigger back. Raises ValueError when it was fired or removed already."""
        self._events.remove(triggerID)

    def fireSystemEvent(self, eventType: str) -> None:
        """Call the triggers of `eventType`: those before it, during it, after it."""
        self._events.fire(eventType)

    def callWhenRunning(self, callable: Callable[..., object], *args: Any, **kw: Any) -> object | None:
        """Call at once when running, else at the next start-up; None or an identifier of the trigger."""
        if self.running:
            callable(*args, **kw)
            return None
        return self._events.add("after", "startup", callable, args, kw)

    # -- time ---------------------------------------------------------------------------------------

    def callLater(
        self, delay: float, callable: Callable[..., object], /, *args: Any, **kw: Any
    ) -> DelayedCall:
        """Call `callable` after `delay` seconds, in the context of now.

        Raises TypeError, ValueError for what is not a number of seconds, 0 or more.
        """
        if type(delay) is not float or not delay >= 0:
            delay = checked_delay("callLater", delay)
        if not hasattr(callable, "__call__"):  # noqa: B004  # the builtin is hidden by the documented name
            raise TypeError(f"callLater() takes something to call after {delay} s, not {callable!r}")
        return self._timers.add(delay, callable, args, kw)

    def getDelayedCalls(self) -> list[DelayedCall]:
        """The calls that are still to be made, in no particular order."""
        return self._timers.pending()

    def call_in(self, context: Context | None, callable: Callable[..., object], *args: Any) -> DelayedCall:
        """Call soon, in a context other than the current one: what a transport does for its protocol."""
        return self._timers.add(0, callable, args, {}, context)

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Call `callable` soon in the reactor's thread, in the context of the caller. For any thread."""
        if not hasattr(callable, "__call__"):  # noqa: B004  # the builtin is hidden by the documented name
            raise TypeError(f"callFromThread() takes something to call, not {callable!r}")
        self._calls.append((callable, args, kw, copy_context()))
        self.driver.wake()

    def _tick(self) -> float | None:
        """Make all calls that are due; the seconds until the next one, or None. What a driver calls."""
        if self._calls:
            self._run_calls()
        timers = self._timers
        due = timers.next_time()
        if due is not None and due <= self.seconds():
            self._run_timers()
            due = timers.next_time()
        if self._calls:
            return 0
        return None if due is None else max(0.0, due - self.seconds())

    def _run_calls(self) -> None:
        calls = self._calls
        for _ in range(len(calls)):  # what these ask for is left to the next turn, descriptors come first
            self._make(*calls.popleft())

    def _run_timers(self) -> None:
        timers = self._timers
        now, last = self.seconds(), timers.mark()
        while (call := timers.pop_due(now, last)) is not None:
            self._make(*call.finish())

    def _make(
        self, func: Callable[..., object], args: tuple[Any, ...], kw: dict[str, Any], context: Context
    ) -> None:
        try:
            context.run(func, *args, **kw)
        except BaseException as error:
            context.run(self.callback_failed, error, func)

    def callback_failed(self, error: BaseException, what: object) -> None:
        """Tell that `what`, called by this reactor, raised `error`; the loop goes on.

        SystemExit and KeyboardInterrupt end a run that is ours; a host's loop goes on after them, too.
        """
        name = getattr(what, "__qualname__", None) or repr(what)
        if isinstance(error, (SystemExit, KeyboardInterrupt)) and self._started and not self.hosted:
            self._exit = error
            if not self._stopping:
                self.stop()
            return
        log.error("%s raised %s", name, type(error).__name__, exc_info=error)
