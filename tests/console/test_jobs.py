"""Deferreds that were shown: labels, the list, and the telling, on a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from wirelab.console.errors import LocalCallError
from wirelab.console.jobs import Job, Jobs, deferred_html, deferred_line
from wirelab.console.waiting import Wait, what_of
from wirelab.reactor.defer import CancelledError, Deferred, fail, succeed
from wirelab.reactor.failure import Failure
from wirelab.reactor.task import Clock


class Desk:
    """Jobs with a clock and a namespace, and what was told of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.names: dict[str, object] = {}
        self.told: list[tuple[str, Any]] = []
        self.jobs = Jobs(self.clock, self._tell, lambda: self.names, lambda filename: None)

    def _tell(self, job: Job, result: Any) -> None:
        self.told.append((job.label, result))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_labels_count_up_and_stay(desk: Desk) -> None:
    first, second = Wait[int]("one"), Wait[int]("two")
    assert [desk.jobs.announce(d).label for d in (first, second, first)] == ["d1", "d2", "d1"]
    assert desk.jobs["d2"] is second and desk.jobs.find("d3") is None
    assert [job.label for job in desk.jobs] == ["d1", "d2"] and len(desk.jobs) == 2


def test_a_label_that_is_a_name_of_the_user_is_left_out(desk: Desk) -> None:
    desk.names["d1"] = "mine"
    assert desk.jobs.announce(Wait[int]("x")).label == "d2"


def test_the_users_own_name_is_the_label_when_it_looks_like_one(desk: Desk) -> None:
    desk.names["d5"] = wait = Wait[int]("x")
    assert desk.jobs.announce(wait).label == "d5"


def test_results_are_told_in_the_next_turn_and_leave_the_list(desk: Desk) -> None:
    wait = Wait[int]("x")
    desk.jobs.announce(wait)
    wait.callback(7)
    assert desk.told == []
    desk.clock.advance(0)
    assert desk.told == [("d1", 7)] and len(desk.jobs) == 0
    assert desk.jobs.label(wait) == "d1"


def test_what_is_told_is_what_the_last_callback_gave(desk: Desk) -> None:
    wait = Wait[int]("x")
    desk.jobs.announce(wait)
    wait.addCallback(lambda n: n + 1).addCallback(str)
    wait.callback(7)
    desk.clock.advance(0)
    assert desk.told == [("d1", "8")]


def test_an_inner_deferred_is_waited_for(desk: Desk) -> None:
    wait, inner = Wait[int]("x"), Deferred[str]()
    desk.jobs.announce(wait)
    wait.addCallback(lambda _: inner)
    wait.callback(7)
    desk.clock.advance(0)
    assert desk.told == [] and "waiting" in repr(desk.jobs)
    inner.callback("inner")
    desk.clock.advance(0)
    assert desk.told == [("d1", "inner")]


def test_a_failure_is_told_and_stays_for_errbacks(desk: Desk) -> None:
    wait = Wait[int]("x")
    desk.jobs.announce(wait)
    wait.errback(ValueError("no"))
    desk.clock.advance(0)
    [(label, failure)] = desk.told
    assert label == "d1" and isinstance(failure, Failure) and wait.result is failure
    wait.addErrback(lambda f: f.trap(ValueError))


def test_one_that_fires_after_the_end_is_not_told(desk: Desk) -> None:
    wait = Wait[int]("x")
    desk.jobs.announce(wait)
    desk.jobs.forget()
    wait.callback(1)
    desk.clock.advance(0)
    assert desk.told == []


def test_the_list_as_text(desk: Desk) -> None:
    assert repr(desk.jobs) == "no Deferred waits"
    desk.jobs.announce(Wait[int]("connect tcp:example.org:80"))
    header, row = repr(desk.jobs).splitlines()
    assert header.split() == ["id", "state", "age", "what", "made"]
    assert row.split() == ["d1", "waiting", "0.00", "s", "connect", "tcp:example.org:80"]
    assert "connect tcp:example.org:80" in desk.jobs._repr_html_()


def test_what_is_not_there_says_what_is(desk: Desk) -> None:
    desk.jobs.announce(Wait[int]("x"))
    with pytest.raises(LocalCallError, match=r"jobs\['d9'\]: no such Deferred waits; those that do: d1"):
        desk.jobs["d9"]


def test_a_fired_deferred_in_one_line() -> None:
    assert deferred_line(succeed(7), None) == "Deferred  fired -> 7"
    assert deferred_line(succeed("x"), "d3") == "d3  fired -> 'x'"
    failed = fail(ValueError("no"))
    assert deferred_line(failed, None) == "Deferred  failed: ValueError: no"
    failed.addErrback(lambda _: None)


def test_a_deferred_as_html_shows_what_it_waits_for() -> None:
    html = deferred_html(Wait[int]("sleep <3>"), "d1", "sleep <3>", None, lambda filename: None)
    assert "<b>d1</b>" in html and "sleep &lt;3&gt;" in html and "waiting" in html


def test_only_waits_say_what_they_wait_for() -> None:
    assert (what_of(Wait[int]("x")), what_of(Deferred[int]())) == ("x", "")


def test_a_wait_stops_after_its_time_on_the_clock_given() -> None:
    clock, gone = Clock(), []
    wait = Wait[int]("x", gone.append).stop_after(3, clock, lambda: "too late")
    clock.advance(2)
    assert not wait.called
    clock.advance(1)
    assert gone == [wait]
    errors: list[Failure] = []
    wait.addErrback(errors.append)
    assert str(errors[0].value) == "too late" and not errors[0].check(CancelledError)
