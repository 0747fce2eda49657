"""Long work in small steps: iterators that take turns and leave the loop free in between."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import copy_context
from types import CoroutineType
from typing import Any, Generic, TypeVar

from .. import running
from ..defer import Deferred, ensureDeferred, fail
from ..failure import Failure
from ..proxy import reactor
from ..timers import DelayedCall

#: Seconds for which steps are made before the loop gets its turn: short against what a person notices,
#: long against the cost of a turn.
SLICE = 0.01

#: Seconds until the next slice: as soon as the loop has looked at everything else.
SOON = 1e-8

T = TypeVar("T", bound="Iterator[Any]")


class SchedulerError(Exception):
    """What is asked of a task or its cooperator cannot be had in the state it is in."""


class SchedulerStopped(SchedulerError):
    """The cooperator was stopped before the work was done."""


class TaskFinished(SchedulerError):
    """The task is over: there is nothing left to pause, resume or stop. The subclass says how it ended."""


class TaskDone(TaskFinished):
    """The task is over: its iterator ran out."""


class TaskStopped(TaskFinished):
    """The task is over: it was stopped."""


class TaskFailed(TaskFinished):
    """The task is over: its iterator raised, or yielded a Deferred that failed."""


class NotPaused(SchedulerError):
    """A task was to be resumed more often than it was paused."""


class CooperativeTask(Generic[T]):
    """One iterator at work, as `cooperate` gives it: pause it, resume it, stop it, or wait for its end.

    The iterator's values are ignored, but for Deferreds and coroutines: the task waits until they fire.
    """

    def __init__(self, iterator: T, cooperator: Cooperator) -> None:
        if not hasattr(iterator, "__next__"):
            raise TypeError(
                f"cooperation takes an iterator, not {iterator!r}: pass a generator, or iter(...) of it"
            )
        self._iterator = iterator
        self._cooperator = cooperator
        self._waiting: list[Deferred[T]] = []
        self._pauses = 0
        self._end: SchedulerError | None = None  # why there is nothing more to do
        self._result: T | Failure | None = None  # what `whenDone` gives, from the end on
        self._unheard: Deferred[Any] | None = None  # a failure that nobody waits for
        self._context = copy_context()
        cooperator._enter(self)

    def whenDone(self) -> Deferred[T]:
        """A new Deferred that fires with the iterator at its end.

        It fails with what the iterator raised, with `TaskStopped`, or with `SchedulerStopped`. Cancelling it
        gives up this wait, not the task.
        """
        deferred: Deferred[T] = Deferred()
        if self._unheard is not None:
            self._unheard.addErrback(lambda _: None)  # somebody looks at it now
            self._unheard = None
        if self._end is None:
            self._waiting.append(deferred)
        else:
            self._tell(deferred)
        return deferred

    def pause(self) -> None:
        """Make no more steps until `resume` was called as often as `pause`.

        Raises: TaskFinished, SchedulerStopped.
        """
        self._check()
        self._pauses += 1
        if self._pauses == 1:
            self._cooperator._leave(self)

    def resume(self) -> None:
        """Go on, once it was called as often as `pause`. Raises: NotPaused."""
        if not self._pauses:
            raise NotPaused("resume() was called more often than pause()")
        self._pauses -= 1
        if not self._pauses and self._end is None:
            self._cooperator._enter(self)

    def stop(self) -> None:
        """End the task; `whenDone` fails with `TaskStopped`. Raises: TaskFinished, SchedulerStopped."""
        self._check()
        self._finish(TaskStopped("the task was stopped"), None)

    def _check(self) -> None:
        if self._end is not None:
            # A new one each time: raising the kept one again would grow its traceback.
            raise type(self._end)(*self._end.args)

    def _finish(self, end: SchedulerError, result: T | Failure | None) -> None:
        """Note that the task is over, because of `end`, and tell all who wait `result`, or else `end`."""
        if self._end is not None:
            return  # it was stopped during its last step
        self._end = end
        self._result = Failure(end) if result is None else result
        if not self._pauses:
            self._cooperator._leave(self)
        self._cooperator._forget(self)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            self._tell(deferred)

    def _tell(self, deferred: Deferred[T]) -> None:
        if not deferred.called:
            deferred.callback(self._result)  # type: ignore[arg-type]  # set since the task is over

    def _step(self) -> None:
        """Make one step."""
        try:
            value = self._context.run(next, self._iterator)
        except StopIteration:
            self._finish(TaskDone("the task's iterator ran out"), self._iterator)
        except BaseException as error:
            self._fail(Failure())
            if not isinstance(error, Exception):
                raise  # a KeyboardInterrupt is meant for the whole program as well
        else:
            if isinstance(value, CoroutineType):
                value = self._context.run(ensureDeferred, value)
            if isinstance(value, Deferred) and self._end is None:  # it may have stopped itself
                self.pause()
                value.addCallbacks(self._released, self._held_failed)

    def _released(self, result: object) -> object:
        self.resume()
        return result

    def _held_failed(self, failure: Failure) -> Failure | None:
        if self._end is not None:
            return failure  # the task is over and nobody waits: let it be told like any other
        self._fail(failure)
        return None

    def _fail(self, failure: Failure) -> None:
        if not self._waiting:
            self._unheard = fail(failure)
        self._finish(TaskFailed(f"the task failed: {failure.value!r}"), failure)


def _timer() -> Callable[[], bool]:
    """A predicate that becomes true `SLICE` seconds from now."""
    end = time.monotonic() + SLICE

    def is_over() -> bool:
        return time.monotonic() >= end

    return is_over


def _soon(step: Callable[[], None]) -> Any:
    """Have the reactor make `step` in its next turn."""
    current = running.current()
    return (reactor if current is None else current).callLater(SOON, step)


class Cooperator:
    """Lets iterators take turns, one step each, a slice of time in every turn of the loop."""

    def __init__(
        self,
        terminationPredicateFactory: Callable[[], Callable[[], bool]] = _timer,
        scheduler: Callable[[Callable[[], None]], Any] = _soon,
        started: bool = True,
    ) -> None:
        """`terminationPredicateFactory` is called at the start of each slice, what it gives after every step:
        true ends the slice. `scheduler` has the function it is given called soon, and gives something with
        `cancel()`. With `started` false, work waits for `start`.
        """
        self._predicate = terminationPredicateFactory
        self._schedule = scheduler
        self._started = started
        self._stopped = False
        self._turns: OrderedDict[CooperativeTask[Any], None] = (
            OrderedDict()
        )  # who has steps to make, next first
        # Weak, for the paused ones: whoever may resume them holds them.
        self._tasks: weakref.WeakKeyDictionary[CooperativeTask[Any], None] = weakref.WeakKeyDictionary()
        self._next: Any = None

    def cooperate(self, iterator: T) -> CooperativeTask[T]:
        """Start to work through `iterator`, one of its values in each step."""
        return CooperativeTask(iterator, self)

    def coiterate(self, iterator: T, doneDeferred: Deferred[T] | None = None) -> Deferred[T]:
        """Work through `iterator`; the Deferred (`doneDeferred`, if given) fires with it at its end."""
        done: Deferred[T] = Deferred() if doneDeferred is None else doneDeferred
        CooperativeTask(iterator, self).whenDone().chainDeferred(done)
        return done

    @property
    def running(self) -> bool:
        """Whether steps are being made: started, and not stopped."""
        return self._started and not self._stopped

    def start(self) -> None:
        """Begin, or begin again after `stop`."""
        self._stopped = False
        self._started = True
        self._plan()

    def stop(self) -> None:
        """End all tasks, with `SchedulerStopped`; those that come later end at once."""
        self._stopped = True
        for task in list(self._tasks):
            self._end(task)
        self._unplan()

    # -- for tasks --------------------------------------------------------------------------------------

    def _enter(self, task: CooperativeTask[Any]) -> None:
        """`task` has steps to make."""
        if self._stopped:
            self._end(task)
            return
        self._tasks[task] = None
        self._turns[task] = None
        self._plan()

    def _leave(self, task: CooperativeTask[Any]) -> None:
        """`task` has no steps to make for now."""
        self._turns.pop(task, None)
        if not self._turns:
            self._unplan()

    def _forget(self, task: CooperativeTask[Any]) -> None:
        self._tasks.pop(task, None)

    def _end(self, task: CooperativeTask[Any]) -> None:
        task._finish(SchedulerStopped("the cooperator was stopped"), None)

    # -- slices -----------------------------------------------------------------------------------------

    def _plan(self) -> None:
        if self.running and self._turns and not self._is_planned():
            self._next = self._schedule(self._slice)

    def _is_planned(self) -> bool:
        """Whether the next slice will come: a hosted reactor cancels the calls it has when it stops."""
        return self._next is not None and (not isinstance(self._next, DelayedCall) or self._next.active())

    def _unplan(self) -> None:
        if self._is_planned():
            self._next.cancel()
        self._next = None

    def _slice(self) -> None:
        """Make steps, the tasks in turn, until the time for them is over."""
        self._next = None
        is_over = self._predicate()
        turns = self._turns
        try:
            while turns and self.running:
                task = next(iter(turns))
                turns.move_to_end(task)
                task._step()
                if is_over():
                    break
        finally:
            self._plan()


# One for each reactor, since each plans its slices on a loop of its own; and one for the default reactor
# before it runs.
_cooperators: weakref.WeakKeyDictionary[Any, Cooperator] = weakref.WeakKeyDictionary()
_early = Cooperator()


def _here() -> Cooperator:
    """The cooperator of the reactor that runs in this thread, or else of the default one."""
    current = running.current()
    if current is None:
        return _early
    cooperator = _cooperators.get(current)
    if cooperator is None:
        cooperator = _cooperators[current] = Cooperator()
    return cooperator


def cooperate(iterator: T) -> CooperativeTask[T]:
    """Start to work through `iterator` step by step on the reactor, in turn with all others."""
    return _here().cooperate(iterator)


def coiterate(iterator: T) -> Deferred[T]:
    """Work through `iterator` step by step on the reactor; the Deferred fires with it at its end."""
    return _here().coiterate(iterator)
