"""A lock between processes: a symbolic link whose target is the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

from .. import running
from .deferred import Deferred
from .errors import DeferError, TimeoutError
from .shortcuts import fail


class AlreadyTryingToLockError(DeferError):
    """`deferUntilLocked` was called while an earlier one still waits."""


class _Clock(Protocol):
    def callLater(self, delay: float, callable: Callable[[], object], /) -> Any: ...


class DeferredFilesystemLock:
    """A lock between processes on this machine, which `deferUntilLocked` waits for.

    Creating a symbolic link is atomic and fails when it exists; the link's target is the holder's process
    id, so that the lock of a process that died is taken over.

    `name` is the path of the link; `scheduler` the clock to wait with, None for the reactor that runs.
    Attributes: `locked` whether this object holds the lock, `clean` whether its last holder released it.
    """

    #: Seconds between two tries.
    _interval = 1.0

    def __init__(self, name: str, scheduler: _Clock | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"DeferredFilesystemLock takes the path of the lock as text, not {name!r}")
        self.name = name
        self.locked = False
        self.clean: bool | None = None
        self._scheduler = scheduler
        self._waiting: Deferred[None] | None = None

    def lock(self) -> bool:
        """Try to take the lock, now.

        Raises: OSError when the link cannot be made for another reason than a holder.
        """
        clean = True
        while True:
            try:
                os.symlink(str(os.getpid()), self.name)
            except FileExistsError:
                holder = self._holder()
                if holder is not None and _is_alive(holder):
                    return False
                clean = False
                self._remove_stale(holder)
                continue
            self.locked = True
            self.clean = clean
            return True

    def unlock(self) -> None:
        """Release the lock. Raises: ValueError when this process does not hold it."""
        holder = self._holder()
        if holder != os.getpid():
            raise ValueError(
                f"unlock() of {self.name!r}, which this process ({os.getpid()}) does not hold: {holder} does"
            )
        os.unlink(self.name)
        self.locked = False

    def deferUntilLocked(self, timeout: float | None = None) -> Deferred[None]:
        """Fires with None when the lock is taken; tries every second, for at most `timeout` seconds.

        Fails with TimeoutError, or with AlreadyTryingToLockError when an earlier call still waits;
        cancelling stops trying.
        """
        if self._waiting is not None:
            return fail(AlreadyTryingToLockError(f"deferUntilLocked() for {self.name!r} is waiting already"))
        clock = self._scheduler if self._scheduler is not None else running.current()
        if clock is None:
            raise RuntimeError("deferUntilLocked() needs a running reactor, or the `scheduler` to wait with")
        return _Attempts(self, clock, timeout).begin()

    def _holder(self) -> int | None:
        """The process id in the link; None when there is no link or it holds no number."""
        try:
            return int(os.readlink(self.name))
        except (FileNotFoundError, ValueError):
            return None

    def _remove_stale(self, holder: int | None) -> None:
        # Somebody else may be removing it as well, and have taken the lock since: look again before.
        if self._holder() == holder:
            try:
                os.unlink(self.name)
            except FileNotFoundError:
                pass  # somebody else was faster; the next try decides


class _Attempts:
    """The tries of one `deferUntilLocked`."""

    def __init__(self, lock: DeferredFilesystemLock, clock: _Clock, timeout: float | None) -> None:
        self._lock = lock
        self._clock = clock
        self._timeout = timeout
        self._waited = 0.0
        self._call: Any = None
        self._deferred: Deferred[None] = Deferred(self._cancelled)

    def begin(self) -> Deferred[None]:
        deferred = self._deferred
        self._lock._waiting = deferred
        self._try()
        return deferred

    def _try(self) -> None:
        lock, timeout = self._lock, self._timeout
        self._call = None
        try:
            is_taken = lock.lock()
        except OSError:
            self._end().errback()
            return
        if is_taken:
            self._end().callback(None)
        elif timeout is not None and self._waited >= timeout:
            self._end().errback(TimeoutError(f"timed out acquiring lock {lock.name!r} after {timeout:g} s"))
        else:
            step = lock._interval if timeout is None else min(lock._interval, timeout - self._waited)
            self._waited += step
            self._call = self._clock.callLater(step, self._try)

    def _cancelled(self, _: Deferred[None]) -> None:
        if self._call is not None:
            self._call.cancel()
        self._end()

    def _end(self) -> Deferred[None]:
        self._lock._waiting = None
        deferred = self._deferred
        return deferred


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is alive, and somebody else's
    return True
