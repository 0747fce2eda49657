"""What is told to be left behind, and what is given time to go."""

from __future__ import annotations

import os
import threading

import pytest

from wirelab.reactor import leftovers
from wirelab.reactor.defer import fail
from wirelab.reactor.leftovers import Leftovers, UnhandledFailures, left_on, left_since


@pytest.fixture(autouse=True)
def little_grace(monkeypatch) -> None:
    monkeypatch.setattr(leftovers, "GRACE", 0.05)


def test_nothing_new_is_nothing_left() -> None:
    assert left_since(Leftovers.now()) == []


def test_an_open_descriptor_is_told_with_what_it_leads_to() -> None:
    before = Leftovers.now()
    ends = os.pipe()
    try:
        told = left_since(before)
        assert len(told) == 2
        assert told[0].startswith(f"file descriptor {min(ends)} is still open: pipe:[")
        assert left_since(before, descriptors=False) == []
    finally:
        for end in ends:
            os.close(end)
    assert left_since(before) == []


def test_a_descriptor_number_that_now_leads_elsewhere_is_told() -> None:
    kept = os.open(os.devnull, os.O_RDONLY)
    before = Leftovers.now()
    ends = os.pipe()
    os.dup2(ends[0], kept)
    try:
        assert any(line.startswith(f"file descriptor {kept} is") for line in left_since(before))
    finally:
        for end in (kept, *ends):
            os.close(end)


def test_a_running_thread_is_told_by_name() -> None:
    before = Leftovers.now()
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    try:
        assert left_since(before) == ["thread 'forgotten' is still running"]
        assert left_since(before, threads=False) == []
    finally:
        end.set()
        thread.join()


def test_a_thread_that_is_about_to_end_is_given_the_time(monkeypatch) -> None:
    monkeypatch.setattr(leftovers, "GRACE", 10)
    before = Leftovers.now()
    end = threading.Event()
    threading.Thread(target=end.wait).start()
    threading.Timer(0.02, end.set).start()
    assert left_since(before) == []


def test_a_system_without_proc_has_no_descriptors_to_tell(monkeypatch) -> None:
    monkeypatch.setattr(leftovers, "_DESCRIPTORS", "/nowhere")
    before = Leftovers.now()
    assert before.descriptors == {}
    ends = os.pipe()
    try:
        assert left_since(before) == []
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.may_leave("failures")
def test_unhandled_failures_are_kept_and_handled_ones_are_not() -> None:
    with UnhandledFailures() as failures:
        fail(KeyError("handled")).addErrback(lambda reason: None)
        fail(KeyError("forgotten"))
        told = failures.told()
    assert len(told) == 1
    assert "test_unhandled_failures_are_kept" in told[0]


def test_what_a_program_logs_itself_is_no_unhandled_failure() -> None:
    from wirelab.reactor.defer import logError

    with UnhandledFailures() as failures:
        fail(KeyError("logged")).addErrback(logError).addErrback(lambda reason: None)
        assert failures.told() == []


class Opened:
    """As much of a reactor as is asked."""

    def __init__(self) -> None:
        self.opened = {"c1": "a connection"}

    def getDelayedCalls(self) -> list[str]:
        return ["a call"]


class Watching:
    """As much of a delayed call as is asked."""

    def func(self) -> None: ...

    func.__module__ = "wirelab.reactor.defer.unhandled"


def test_the_watch_over_failures_is_not_told() -> None:
    opened = Opened()
    opened.opened = {}
    opened.getDelayedCalls = lambda: [Watching()]
    assert left_on(opened) == []


def test_what_is_open_and_planned_on_a_reactor_is_told() -> None:
    assert left_on(Opened()) == ["c1 is still open: 'a connection'", "delayed call is still planned: a call"]
