"""Waiting for one's turn: lock, semaphore and queue, whose waits are Deferreds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

from .deferred import Deferred
from .errors import QueueOverflow, QueueUnderflow
from .shortcuts import maybeDeferred, succeed

T = TypeVar("T")
P = ParamSpec("P")


class _Turns(ABC):
    """What is acquired, held and released: `async with lock:` and `lock.run(f)` do all three.

    Attributes: `waiting` the Deferreds of those whose turn has not come, in order.
    """

    def __init__(self) -> None:
        self.waiting: deque[Deferred[Any]] = deque()
        self._is_handing_out = False

    @abstractmethod
    def _take(self) -> bool:
        """Take a turn if there is one to have."""

    @abstractmethod
    def _give_back(self) -> None:
        """Give a turn back. Raises: AssertionError when none was taken."""

    def acquire(self) -> Deferred[Self]:
        """Fires with this object when it is the caller's turn; cancelling gives up the place in the line."""
        if self._take():
            return succeed(self)
        turn: Deferred[Self] = Deferred(self._give_up)
        self.waiting.append(turn)
        return turn

    def release(self) -> None:
        """End a turn: the next in the line has it. Raises: AssertionError when there was none to end."""
        self._give_back()
        if self._is_handing_out:
            return  # whoever has the turn ended it at once: the loop below goes on, instead of recursion
        self._is_handing_out = True
        try:
            while self.waiting and self._take():
                self.waiting.popleft().callback(self)
        finally:
            self._is_handing_out = False

    def run(
        self,
        f: Callable[P, Deferred[T] | Coroutine[Any, Any, T] | T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]:
        """Call `f` in its turn, and release when what it returned has fired. Fires with the result of `f`."""

        def call(_: Self) -> Deferred[T]:
            called: Deferred[T] = maybeDeferred(f, *args, **kwargs)
            return called.addBoth(self._released)

        return self.acquire().addCallback(call)

    async def __aenter__(self) -> Self:
        return await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _released(self, result: Any) -> Any:
        self.release()
        return result

    def _give_up(self, turn: Deferred[Self]) -> None:
        if turn in self.waiting:
            self.waiting.remove(turn)


class DeferredLock(_Turns):
    """One turn at a time. `locked` says whether somebody has it."""

    def __init__(self) -> None:
        super().__init__()
        self.locked = False

    def _take(self) -> bool:
        if self.locked:
            return False
        self.locked = True
        return True

    def _give_back(self) -> None:
        if not self.locked:
            raise AssertionError("release() of a DeferredLock that nobody holds: acquire() it first")
        self.locked = False


class DeferredSemaphore(_Turns):
    """Up to `limit` turns at a time, of which `tokens` are left.

    Raises: ValueError when `tokens` is less than 1.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__()
        if not isinstance(tokens, int):
            raise TypeError(f"DeferredSemaphore takes a number of tokens, not {tokens!r}")
        if tokens < 1:
            raise ValueError(f"DeferredSemaphore needs at least 1 token, not {tokens}")
        self.tokens = tokens
        self.limit = tokens

    def _take(self) -> bool:
        if not self.tokens:
            return False
        self.tokens -= 1
        return True

    def _give_back(self) -> None:
        if self.tokens >= self.limit:
            raise AssertionError(
                f"release() of a DeferredSemaphore more often than acquire(): all {self.limit} are free"
            )
        self.tokens += 1


class DeferredQueue(Generic[T]):
    """Objects waiting for takers, or takers waiting for objects.

    `size` is how many objects may wait and `backlog` how many takers; None means any number.
    Attributes: `pending` the objects, `waiting` the Deferreds of the takers.
    """

    def __init__(self, size: int | None = None, backlog: int | None = None) -> None:
        for limit, name in ((size, "size"), (backlog, "backlog")):
            if not (limit is None or (isinstance(limit, int) and limit >= 0)):
                raise ValueError(
                    f"DeferredQueue takes a {name} of 0 or more, or None for no limit, not {limit!r}"
                )
        self.size = size
        self.backlog = backlog
        self.pending: deque[T] = deque()
        self.waiting: deque[Deferred[T]] = deque()

    def put(self, obj: T) -> None:
        """Give `obj` to the first taker, or keep it for one.

        Raises: QueueOverflow when `size` objects wait already.
        """
        if self.waiting:
            self.waiting.popleft().callback(obj)
        elif self.size is None or len(self.pending) < self.size:
            self.pending.append(obj)
        else:
            raise QueueOverflow(
                f"put() on a DeferredQueue that holds {len(self.pending)} objects, its size limit"
            )

    def get(self) -> Deferred[T]:
        """Fires with the next object; cancelling gives up the place in the line.

        Raises: QueueUnderflow when `backlog` takers wait already.
        """
        if self.pending:
            return succeed(self.pending.popleft())
        if self.backlog is None or len(self.waiting) < self.backlog:
            taker: Deferred[T] = Deferred(self._give_up)
            self.waiting.append(taker)
            return taker
        raise QueueUnderflow(
            f"get() on a DeferredQueue for which {len(self.waiting)} wait already, its backlog limit"
        )

    def _give_up(self, taker: Deferred[T]) -> None:
        if taker in self.waiting:
            self.waiting.remove(taker)
