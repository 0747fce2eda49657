"""Failures nobody handles are told once, soon, and with where they come from."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wirelab.reactor import defer, running
from wirelab.reactor.defer import Deferred, ensureDeferred, origin, unhandled
from wirelab.reactor.failure import Failure
from wirelab.reactor.task import Clock

pytestmark = pytest.mark.may_leave("failures")


@pytest.fixture(autouse=True)
def fresh_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nothing told lately."""
    gc.collect()
    monkeypatch.setattr(unhandled, "_flood", unhandled._Flood())


@pytest.fixture
def reactor() -> Iterator[Clock]:
    """A clock that counts as the reactor running in this thread."""
    clock: Any = Clock()
    running.enter(clock)
    yield clock
    running.leave(clock)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    gc.collect()  # a frame that raised may be part of a cycle with the frames that called it
    return [record.getMessage() for record in caplog.records if record.name == "wirelab.reactor.defer"]


def line_of(function: Callable[..., object], offset: int) -> str:
    return f"{__file__}:{function.__code__.co_firstlineno + offset} in {function.__code__.co_name}"


# -- at collection


def test_told_when_the_deferred_is_collected(caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("x"))
    assert not told(caplog)
    del d
    (message,) = told(caplog)
    assert message.startswith("unhandled failure in a Deferred made at ")
    assert message.endswith(": ValueError: x")


def test_told_with_where_it_was_made_and_fired(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Deferred[Any]:
        return Deferred()

    def fire(d: Deferred[Any]) -> None:
        d.errback(ValueError("x"))

    fire(make())
    made, fired = line_of(make, 1), line_of(fire, 1)
    assert told(caplog) == [
        f"unhandled failure in a Deferred made at {made}, fired at {fired}: ValueError: x"
    ]


def test_fired_by_our_own_code_alone_is_told_so_and_not_where_in_it() -> None:
    namespace: dict[str, Any] = {}
    # The code of a callback that the loop called, with nothing of a user's above it.
    exec(compile("def callback(): pass", Deferred.callback.__code__.co_filename, "exec"), namespace)
    assert origin.firer(namespace["callback"].__code__, 0) == "by the reactor"


@pytest.mark.parametrize(
    "kind", ["fail", "coroutine", "inlineCallbacks", "maybeDeferred", "DeferredList", "succeed"]
)
def test_origin_is_the_users_line_and_not_our_own(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async def raising() -> None:
        raise ValueError

    def make() -> Deferred[Any]:
        match kind:
            case "fail":
                return defer.fail(ValueError())
            case "coroutine":
                return ensureDeferred(raising())
            case "inlineCallbacks":
                return defer.inlineCallbacks(lambda: (yield defer.fail(ValueError())))()
            case "maybeDeferred":
                return defer.maybeDeferred(raising)
            case "DeferredList":
                return defer.gatherResults([defer.fail(ValueError())], consumeErrors=True)
            case _:
                return defer.succeed(1).addCallback(lambda _: 1 / 0)

    make()
    messages = told(caplog)
    assert messages
    assert all(f"made at {__file__}:" in message and " in make, fired at" in message for message in messages)


def test_record_carries_failure_exception_and_folded_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def boom(_: object) -> None:
        raise ValueError("x")

    d: Deferred[int] = Deferred()
    d.addCallback(boom)
    d.callback(1)
    failure = d.result
    del d
    assert told(caplog)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.failure is failure  # type: ignore[attr-defined]
    assert record.deferred_context is None  # type: ignore[attr-defined]
    assert record.exc_info == (ValueError, failure.value, failure.tb)
    assert record.exc_text is not None
    assert record.exc_text.startswith("Traceback (most recent call last):\n")
    assert "in boom" in record.exc_text


def test_record_carries_the_context_it_was_made_in_when_debugging(caplog: pytest.LogCaptureFixture) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    context = contextvars.Context()
    context.run(variable.set, "cell")
    defer.setDebugging(True)
    try:
        context.run(lambda: defer.fail(ValueError()))
    finally:
        defer.setDebugging(False)
    (record,) = caplog.records
    assert record.deferred_context[variable] == "cell"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "handle",
    [
        lambda d: d.addErrback(lambda _: None),
        lambda d: d.addBoth(lambda _: None),
        lambda d: d.addCallback(print).addErrback(lambda _: None),
        lambda d: ensureDeferred(awaited(d)),
        lambda d: defer.succeed(1).addCallback(lambda _: d).addErrback(lambda _: None),
        lambda d: d.chainDeferred(Deferred().addErrback(lambda _: None)),
        lambda d: defer.DeferredList([d], consumeErrors=True),
        lambda d: defer.race([d]).addErrback(lambda _: None),
    ],
)
def test_not_told_when_handled(
    handle: Callable[[Deferred[Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    handle(defer.fail(ValueError()))
    later: Deferred[Any] = Deferred()
    handle(later)
    later.errback(ValueError())
    del later
    assert not told(caplog)


async def awaited(d: Deferred[Any]) -> None:
    try:
        await d
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("leave", "count"),
    [
        (lambda d: d.addCallback(print), 1),
        (lambda d: d.addErrback(lambda failure: failure), 1),
        (lambda d: d.addErrback(lambda _: 1 / 0), 1),
        (lambda d: defer.succeed(1).addCallback(lambda _: d), 1),
        (lambda d: d.chainDeferred(Deferred()), 1),
        (lambda d: defer.DeferredList([d]), 1),
        (lambda d: defer.gatherResults([d], consumeErrors=True), 1),
        (lambda d: defer.gatherResults([d]), 2),
    ],
)
def test_told_as_often_as_it_is_left(
    leave: Callable[[Deferred[Any]], object], count: int, caplog: pytest.LogCaptureFixture
) -> None:
    leave(defer.fail(ValueError()))
    assert len(told(caplog)) == count
    caplog.clear()
    later: Deferred[Any] = Deferred()
    leave(later)
    later.errback(ValueError())
    del later
    gc.collect()
    assert len(told(caplog)) == count


def test_failure_that_a_later_callback_passes_on_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError())
    d.addErrback(lambda failure: failure)
    d.addErrback(lambda failure: failure)
    del d
    assert len(told(caplog)) == 1


def test_new_failure_after_a_handled_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("first"))
    d.addErrback(lambda _: None)
    d.addCallback(lambda _: 1 / 0)
    del d
    (message,) = told(caplog)
    assert "ZeroDivisionError" in message


def test_told_when_collected_as_part_of_a_cycle(caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("x"))
    cycle: list[Any] = [d]
    cycle.append(cycle)
    del cycle, d
    gc.collect()
    assert len(told(caplog)) == 1


def test_a_broken_log_does_not_raise_at_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def broken(record: logging.LogRecord) -> bool:
        raise RuntimeError("no log")

    unhandled.log.addFilter(broken)
    try:
        defer.fail(ValueError())
    finally:
        unhandled.log.removeFilter(broken)
    assert not unraisable


# -- under a running reactor


def test_told_after_a_grace_although_somebody_holds_the_deferred(
    reactor: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    d = defer.fail(ValueError("x"))
    reactor.advance(unhandled.GRACE - 0.1)
    assert not told(caplog)
    reactor.advance(0.2)
    assert len(told(caplog)) == 1
    reactor.advance(100)
    assert d.called
    del d
    gc.collect()
    assert len(told(caplog)) == 1


def test_not_told_again_when_passed_on_after_it_was_told(
    reactor: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    d = defer.fail(ValueError("x"))
    reactor.advance(3)
    d.addErrback(lambda failure: failure)
    reactor.advance(3)
    del d
    assert len(told(caplog)) == 1


def test_not_told_when_handled_within_the_grace(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("x"))
    reactor.advance(1)
    d.addErrback(lambda _: None)
    reactor.advance(10)
    assert not told(caplog)
    assert not reactor.getDelayedCalls()


def test_not_told_when_awaited_within_the_grace(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("x"))
    ensureDeferred(awaited(d))
    reactor.advance(10)
    assert not told(caplog)


def test_told_later_when_passed_on_within_the_grace(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    d = defer.fail(ValueError("x"))
    reactor.advance(1)
    d.addCallback(print)
    reactor.advance(10)
    assert len(told(caplog)) == 1
    assert d.called


def test_one_timer_serves_all(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    held = []
    for number in range(10):
        held.append(defer.fail(ValueError(number)))
        assert len(reactor.getDelayedCalls()) == 1
        reactor.advance(0.5)
    reactor.advance(1.6)
    assert len(told(caplog)) == 10
    assert not reactor.getDelayedCalls()


def test_the_timer_keeps_no_deferred_alive(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    defer.fail(ValueError("x"))
    assert len(told(caplog)) == 1
    reactor.advance(10)
    assert len(told(caplog)) == 1


def test_another_reactor_in_the_same_thread_has_its_own_timer(caplog: pytest.LogCaptureFixture) -> None:
    held = []
    for _ in range(2):
        clock: Any = Clock()
        running.enter(clock)
        try:
            held.append(defer.fail(ValueError()))
            clock.advance(3)
        finally:
            running.leave(clock)
    assert len(told(caplog)) == 2


def test_timer_that_was_cancelled_is_planned_again(reactor: Clock, caplog: pytest.LogCaptureFixture) -> None:
    held = [defer.fail(ValueError())]
    for call in reactor.getDelayedCalls():
        call.cancel()
    held.append(defer.fail(ValueError()))
    reactor.advance(3)
    assert len(told(caplog)) == 2


# -- many at once


def test_a_storm_is_told_in_part_and_summed_up(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(10_000):
        defer.fail(ValueError("x"))
    assert len(told(caplog)) == unhandled.BURST
    unhandled.tell_withheld()
    message = told(caplog)[-1]
    assert message.startswith(f"{10_000 - unhandled.BURST} more unhandled failures in Deferreds: ")
    assert f"{10_000 - unhandled.BURST} x ValueError of a Deferred made at {__file__}:" in message
    unhandled.tell_withheld()
    assert len(told(caplog)) == unhandled.BURST + 1


def test_a_storm_under_a_reactor_is_summed_up_by_its_timer(
    reactor: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    held = [defer.fail(ValueError("x")) for _ in range(1_000)]
    reactor.advance(3)
    assert len(told(caplog)) == unhandled.BURST + 1
    assert len(held) == 1_000


def test_after_a_storm_failures_are_told_in_full_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(unhandled.time, "monotonic", lambda: now[0])
    for _ in range(unhandled.BURST + 5):
        defer.fail(ValueError("x"))
    now[0] += unhandled.WINDOW
    defer.fail(KeyError("later"))
    assert told(caplog)[-2].startswith("5 more unhandled failures")
    assert "KeyError: 'later'" in told(caplog)[-1]


def test_kinds_of_withheld_failures_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(1_000):
        defer.fail(type(f"Error{number}", (Exception,), {})())
    unhandled.tell_withheld()
    assert "other kinds" in told(caplog)[-1]
    assert len(told(caplog)[-1]) < 10_000


def test_watched_failures_are_bounded(reactor: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unhandled, "_WATCHED", 5)
    held = [defer.fail(ValueError("x")) for _ in range(10)]
    assert len(unhandled._sweeper._watched) == 5
    for d in held:
        d.addErrback(lambda _: None)
    reactor.advance(3)
    assert not unhandled._sweeper._watched


def test_logError_logs_and_passes_the_failure_on(caplog: pytest.LogCaptureFixture) -> None:
    failure = Failure(ValueError("x"))
    assert defer.logError(failure) is failure
    assert "x" in told(caplog)[0]


def test_awaited_in_a_task_under_a_reactor_is_not_told(
    reactor: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        asyncio.get_running_loop().call_soon(d.errback, ValueError("x"))
        await awaited(d)
        reactor.advance(10)

    asyncio.run(main())
    assert not told(caplog)
