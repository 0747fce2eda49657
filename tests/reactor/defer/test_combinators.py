"""Several Deferreds as one: DeferredList, gatherResults, race, timeout_deferred."""

from __future__ import annotations

from typing import Any

import pytest

from wirelab.reactor import defer, running
from wirelab.reactor.defer import Deferred, DeferredList
from wirelab.reactor.failure import Failure
from wirelab.reactor.task import Clock


def outcome(d: Deferred[Any]) -> list[Any]:
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


def three() -> list[Deferred[Any]]:
    return [Deferred() for _ in range(3)]


def test_list_fires_when_all_have_in_the_order_given() -> None:
    ds = three()
    error = ValueError()
    found = outcome(DeferredList(ds, consumeErrors=True))
    ds[2].callback("c")
    ds[0].callback("a")
    assert not found
    ds[1].errback(error)
    ((a, b, c),) = found
    assert (a, c) == ((True, "a"), (True, "c"))
    assert b[0] is False
    assert b[1].value is error


def test_list_of_nothing_has_fired() -> None:
    assert outcome(DeferredList([])) == [[]]
    assert outcome(DeferredList([], fireOnOneErrback=True)) == [[]]
    assert not DeferredList([], fireOnOneCallback=True).called


def test_list_of_fired_ones_has_fired() -> None:
    assert outcome(DeferredList([defer.succeed(1), defer.succeed(2)])) == [[(True, 1), (True, 2)]]


def test_fireOnOneCallback_gives_the_first_result_and_its_index() -> None:
    ds = three()
    found = outcome(DeferredList(ds, fireOnOneCallback=True))
    ds[1].callback("b")
    ds[0].callback("a")
    assert found == [("b", 1)]


def test_fireOnOneErrback_gives_the_first_failure_as_FirstError() -> None:
    ds = three()
    error = ValueError("x")
    found = outcome(DeferredList(ds, fireOnOneErrback=True, consumeErrors=True))
    ds[1].errback(error)
    (first,) = found
    assert isinstance(first, defer.FirstError)
    assert (first.subFailure.value, first.index) == (error, 1)
    assert repr(first) == "FirstError[#1, ValueError('x')]"
    assert str(first) == "FirstError[#1, <Failure ValueError: x>]"


def test_members_keep_their_results() -> None:
    ds = three()
    DeferredList(ds)
    ds[0].callback("a")
    assert ds[0].result == "a"


@pytest.mark.parametrize("consume", [False, True])
def test_consumeErrors_handles_the_failures_of_the_members(consume: bool) -> None:
    error = ValueError()
    ds = three()
    DeferredList(ds, consumeErrors=consume)
    ds[0].errback(error)
    assert outcome(ds[0]) == [None if consume else error]


def test_cancelling_a_list_cancels_its_members() -> None:
    ds = three()
    found = outcome(DeferredList(ds, consumeErrors=True))
    ds[0].callback(1)
    listed = DeferredList(ds, consumeErrors=True)
    listed.cancel()
    assert ds[1].called
    assert ds[2].called
    assert [success for success, _ in found[0]] == [True, False, False]
    outcome(listed)


def test_gatherResults_gives_the_results() -> None:
    ds = three()
    found = outcome(defer.gatherResults(ds))
    for letter, d in zip("cba", reversed(ds), strict=True):
        d.callback(letter)
    assert found == [["a", "b", "c"]]
    assert outcome(defer.gatherResults([])) == [[]]


def test_gatherResults_fails_with_the_first_failure() -> None:
    ds = three()
    found = outcome(defer.gatherResults(ds, consumeErrors=True))
    ds[2].errback(ValueError())
    ds[0].errback(KeyError())
    assert [(type(error), error.index) for error in found] == [(defer.FirstError, 2)]


def test_cancelling_gatherResults_cancels_the_members() -> None:
    ds = three()
    gathered = defer.gatherResults(ds, consumeErrors=True)
    gathered.cancel()
    assert all(d.called for d in ds)
    (error,) = outcome(gathered)
    assert error.subFailure.check(defer.CancelledError)


def test_gathering_ten_thousand_does_not_recurse() -> None:
    d = defer.succeed(0)
    for _ in range(10_000):
        d = defer.gatherResults([d])
    assert d.called


def test_gathered_later_through_many_levels_does_not_recurse() -> None:
    innermost: Deferred[Any] = Deferred()
    d: Deferred[Any] = innermost
    for _ in range(10_000):
        d = DeferredList([d])
    innermost.callback(1)
    assert d.called
    while d is not innermost:  # taken apart from the outside: a list in a list ... is freed recursively
        d.result, d = None, d._deferredList[0]  # type: ignore[attr-defined]


def test_race_gives_index_and_result_of_the_first_and_cancels_the_rest() -> None:
    cancelled: list[Any] = []
    ds: list[Deferred[Any]] = [Deferred(cancelled.append) for _ in range(3)]
    found = outcome(defer.race(ds))
    ds[1].callback("b")
    assert found == [(1, "b")]
    assert cancelled == [ds[0], ds[2]]


def test_race_goes_on_after_a_failure() -> None:
    ds = three()
    found = outcome(defer.race(ds))
    ds[0].errback(ValueError())
    assert not found
    ds[2].callback("c")
    assert found == [(2, "c")]


def test_race_of_failures_only_gives_them_all() -> None:
    ds = three()
    found = outcome(defer.race(ds))
    errors = [ValueError("a"), KeyError("b"), OSError("c")]
    for d, error in zip(ds, errors, strict=True):
        d.errback(error)
    (group,) = found
    assert isinstance(group, defer.FailureGroup)
    assert [failure.value for failure in group.failures] == errors
    assert "all 3 failed: " in str(group)


def test_race_already_won_cancels_the_rest() -> None:
    waiting: Deferred[Any] = Deferred()
    found = outcome(defer.race([waiting, defer.succeed("b")]))
    assert found == [(1, "b")]
    assert waiting.called


def test_cancelling_a_race_cancels_all() -> None:
    ds = three()
    contest = defer.race(ds)
    contest.cancel()
    assert all(d.called for d in ds)
    assert isinstance(outcome(contest)[0], defer.FailureGroup | defer.CancelledError)


def test_race_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one Deferred"):
        defer.race([])


@pytest.mark.parametrize("combine", [DeferredList, defer.gatherResults, defer.race])
def test_members_that_are_no_deferreds_are_refused(combine: Any) -> None:
    with pytest.raises(TypeError, match="takes Deferreds, not 5"):
        combine([5])


def test_timeout_deferred_by_a_clock() -> None:
    clock = Clock()
    d: Deferred[int] = Deferred()
    assert defer.timeout_deferred(d, 2, clock) is d
    clock.advance(2)
    assert isinstance(outcome(d)[0], defer.TimeoutError)


def test_timeout_deferred_by_the_running_reactor() -> None:
    clock: Any = Clock()
    d: Deferred[int] = Deferred()
    with pytest.raises(RuntimeError, match="needs a running reactor, or the `clock`"):
        defer.timeout_deferred(d, 2)
    running.enter(clock)
    try:
        defer.timeout_deferred(d, 2)
    finally:
        running.leave(clock)
    clock.advance(2)
    assert isinstance(outcome(d)[0], defer.TimeoutError)
