"""What a test left behind: descriptors, threads, and failures of Deferreds that nobody handled."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

GRACE = 2.0
"""Seconds of real time that threads and descriptors which are about to go are given to do so."""

_DESCRIPTORS = "/proc/self/fd"
_UNHANDLED = "wirelab.reactor.defer"
_WATCH = "wirelab.reactor.defer.unhandled"


@dataclass(frozen=True)
class Leftovers:
    """What is there at one moment: open descriptors with what each leads to, and live threads."""

    descriptors: dict[int, str] = field(default_factory=dict)
    threads: frozenset[threading.Thread] = frozenset()

    @classmethod
    def now(cls) -> Self:
        """What is there now. Without a /proc the descriptors are not known and none are listed."""
        return cls(_open_descriptors(), frozenset(threading.enumerate()))

    def added_since(self, before: Leftovers, descriptors: bool = True, threads: bool = True) -> list[str]:
        """One line for each thing that is here and was not `before`; empty when nothing is left."""
        told = []
        if threads:
            told += [f"thread {thread.name!r} is still running" for thread in self._new_threads(before)]
        if descriptors:
            told += [
                f"file descriptor {number} is still open: {target}"
                for number, target in self.descriptors.items()
                if before.descriptors.get(number) != target
            ]
        return sorted(told)

    def _new_threads(self, before: Leftovers) -> list[threading.Thread]:
        return [thread for thread in self.threads - before.threads if thread.is_alive()]


def left_since(before: Leftovers, descriptors: bool = True, threads: bool = True) -> list[str]:
    """One line for each thing that was not there `before` and does not go away within `GRACE` seconds."""
    deadline = time.monotonic() + GRACE
    left = Leftovers.now().added_since(before, descriptors, threads)
    if left:
        gc.collect()  # what waits for the collector is on its way out
    while left and time.monotonic() < deadline:
        for thread in threading.enumerate():
            if thread not in before.threads and thread is not threading.current_thread():
                thread.join(0.01)
        left = Leftovers.now().added_since(before, descriptors, threads)
        if left and not any("thread" in line for line in left):
            break  # nobody is left who could still close a descriptor
    return left


class UnhandledFailures(logging.Handler):
    """Keeps the failures of Deferreds that nobody handled, as the log tells them while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def __enter__(self) -> Self:
        _tell_withheld()  # those of before
        logging.getLogger(_UNHANDLED).addHandler(self)
        return self

    def __exit__(self, *exception: object) -> None:
        logging.getLogger(_UNHANDLED).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep `record` if it tells of a failure that nobody handled, and not one that a program logged."""
        if hasattr(record, "deferred_context"):
            self.records.append(record)

    def told(self) -> list[str]:
        """One line for each, after the young garbage has been collected, which is where such failures are."""
        gc.collect(1)
        _tell_withheld()
        return [record.getMessage() for record in self.records]


def _tell_withheld() -> None:
    """Have the log tell now what failed too often to be told one by one, if Deferreds are in use."""
    watch = sys.modules.get(_WATCH)
    if watch is not None:
        watch.tell_withheld()


def left_on(reactor: Any) -> list[str]:
    """One line for each call that is planned and each thing that is open on `reactor`."""
    things = [f"{name} is still open: {thing!r}" for name, thing in reactor.opened.items()]
    calls = [call for call in reactor.getDelayedCalls() if not _is_machinery(call)]
    return things + [f"delayed call is still planned: {call}" for call in calls]


def _is_machinery(call: Any) -> bool:
    """Whether a delayed call is the one that watches over failures, which is nobody's to cancel."""
    return getattr(getattr(call, "func", None), "__module__", None) == _WATCH


def _open_descriptors() -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        numbers = os.listdir(_DESCRIPTORS)
    except OSError:
        return found  # this system has no such folder
    for number in numbers:
        try:
            found[int(number)] = os.readlink(f"{_DESCRIPTORS}/{number}")
        except OSError:
            continue  # the one that listed the folder
    return found
