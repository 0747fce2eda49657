"""DeferredFilesystemLock: one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wirelab.reactor import defer, running
from wirelab.reactor.defer import AlreadyTryingToLockError, Deferred, DeferredFilesystemLock
from wirelab.reactor.failure import Failure
from wirelab.reactor.task import Clock


def outcome(d: Deferred[Any]) -> list[Any]:
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


@pytest.fixture
def dead() -> str:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_lock_is_held_by_one(name: str) -> None:
    first, second = DeferredFilesystemLock(name), DeferredFilesystemLock(name)
    assert first.lock()
    assert first.locked
    assert first.clean
    assert os.readlink(name) == str(os.getpid())
    assert not second.lock()
    first.unlock()
    assert not first.locked
    assert second.lock()


@pytest.mark.parametrize("left", ["dead", "nonsense"])
def test_lock_of_a_dead_process_is_taken_over(name: str, dead: str, left: str) -> None:
    os.symlink(dead if left == "dead" else "nonsense", name)
    lock = DeferredFilesystemLock(name)
    assert lock.lock()
    assert lock.clean is False


def test_lock_of_another_users_process_is_respected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, signal: int) -> None:
        raise PermissionError

    os.symlink("1", name)
    monkeypatch.setattr(os, "kill", forbidden)
    assert not DeferredFilesystemLock(name).lock()


def test_unlock_of_what_another_holds_is_refused(name: str) -> None:
    os.symlink("1", name)
    with pytest.raises(ValueError, match="does not hold: 1 does"):
        DeferredFilesystemLock(name).unlock()


def test_deferUntilLocked_fires_at_once_when_free(name: str) -> None:
    lock = DeferredFilesystemLock(name, Clock())
    assert outcome(lock.deferUntilLocked()) == [None]
    assert lock.locked


def test_deferUntilLocked_tries_every_second(name: str) -> None:
    clock = Clock()
    first, second = DeferredFilesystemLock(name), DeferredFilesystemLock(name, clock)
    first.lock()
    found = outcome(second.deferUntilLocked())
    clock.advance(1)
    assert not found
    first.unlock()
    clock.advance(1)
    assert found == [None]
    assert second.locked
    assert not clock.getDelayedCalls()


def test_deferUntilLocked_gives_up_after_its_time(name: str) -> None:
    clock = Clock()
    first, second = DeferredFilesystemLock(name), DeferredFilesystemLock(name, clock)
    first.lock()
    found = outcome(second.deferUntilLocked(timeout=2.5))
    for _ in range(25):
        assert not found
        clock.advance(0.1)
    clock.advance(0.1)
    (error,) = found
    assert isinstance(error, defer.TimeoutError)
    assert str(error) == f"timed out acquiring lock {name!r} after 2.5 s"
    assert not clock.getDelayedCalls()
    first.unlock()
    assert outcome(second.deferUntilLocked()) == [None]


def test_only_one_try_at_a_time(name: str) -> None:
    clock = Clock()
    DeferredFilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, clock)
    waiting = lock.deferUntilLocked()
    assert isinstance(outcome(lock.deferUntilLocked())[0], AlreadyTryingToLockError)
    waiting.cancel()
    outcome(waiting)


def test_cancel_stops_trying(name: str) -> None:
    clock = Clock()
    DeferredFilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, clock)
    waiting = lock.deferUntilLocked()
    waiting.cancel()
    assert isinstance(outcome(waiting)[0], defer.CancelledError)
    assert not clock.getDelayedCalls()
    again = lock.deferUntilLocked()
    again.cancel()
    outcome(again)


def test_error_of_the_system_is_the_failure(tmp_path: Path) -> None:
    lock = DeferredFilesystemLock(str(tmp_path / "missing" / "lock"), Clock())
    assert isinstance(outcome(lock.deferUntilLocked())[0], FileNotFoundError)


def test_waits_by_the_running_reactor_unless_given_a_scheduler(name: str) -> None:
    DeferredFilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name)
    with pytest.raises(RuntimeError, match="needs a running reactor, or the `scheduler`"):
        lock.deferUntilLocked()
    clock: Any = Clock()
    running.enter(clock)
    try:
        waiting = lock.deferUntilLocked()
        assert clock.getDelayedCalls()
    finally:
        running.leave(clock)
    waiting.cancel()
    outcome(waiting)
