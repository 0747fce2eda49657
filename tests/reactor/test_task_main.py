"""Whole programs under `react`."""

import logging
import os
import signal
import sys

import pytest

from wirelab.reactor import running
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred, fail, succeed
from wirelab.reactor.task import Clock, deferLater, react


@pytest.fixture
def reactor():
    made = Reactor()
    yield made
    made.close()


def code_of(reactor, main, argv=()):
    with pytest.raises(SystemExit) as caught:
        react(main, argv, _reactor=reactor)
    assert running.current() is None
    return caught.value.code


async def a_moment(reactor):
    await deferLater(reactor, 0)


@pytest.mark.parametrize(
    "main",
    [
        lambda reactor: succeed("whatever"),
        lambda reactor: deferLater(reactor, 0),
        a_moment,
    ],
    ids=["fired already", "fires later", "coroutine"],
)
def test_success_is_zero(reactor, main):
    assert code_of(reactor, main) == 0


def test_main_gets_the_reactor_and_the_arguments(reactor):
    seen = []
    code_of(reactor, lambda *args: succeed(seen.append(args)), ["a", "b"])
    assert seen == [(reactor, "a", "b")]


@pytest.mark.parametrize(
    "main",
    [lambda reactor: fail(KeyError("boom")), lambda reactor: deferLater(reactor, 0, {}.__getitem__, "boom")],
    ids=["failed already", "fails later"],
)
def test_failure_is_one_and_told_with_its_traceback(reactor, main, caplog):
    assert code_of(reactor, main) == 1
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize("code", [0, 7, None, "words for stderr"])
def test_system_exit_says_the_code(reactor, code, caplog):
    assert code_of(reactor, lambda reactor: deferLater(reactor, 0, sys.exit, code)) == code
    assert caplog.text == ""


def test_what_main_raises_by_itself_comes_out(reactor):
    with pytest.raises(ZeroDivisionError):
        react(lambda reactor: 1 / 0, _reactor=reactor)
    assert not reactor.running


def test_a_stop_cancels_main_waits_for_its_end_and_is_zero(reactor, caplog):
    steps = []

    async def main(reactor):
        reactor.callLater(0, reactor.stop)
        try:
            await Deferred()
        finally:
            await deferLater(reactor, 0)
            steps.append("tidied up")

    assert code_of(reactor, main) == 0
    assert steps == ["tidied up"]
    assert caplog.text == ""


def test_a_signal_is_a_stop(reactor):
    def main(reactor):
        reactor.callLater(0, os.kill, os.getpid(), signal.SIGTERM)
        return Deferred()

    assert code_of(reactor, main) == 0


def test_failing_while_being_stopped_is_one(reactor, caplog):
    async def main(reactor):
        reactor.callLater(0, reactor.stop)
        try:
            await Deferred()
        finally:
            raise KeyError("while tidying up")

    assert code_of(reactor, main) == 1
    assert "main failed" in caplog.text


def test_a_stop_in_the_turn_in_which_main_ends_is_fine(reactor):
    def main(reactor):
        done = Deferred()
        reactor.callLater(0, lambda: (reactor.stop(), done.callback(None)))
        return done

    assert code_of(reactor, main) == 0


@pytest.mark.parametrize("given", [None, 3])
def test_a_main_that_gives_nothing_to_wait_for_is_told_what_to_give(reactor, given):
    with pytest.raises(TypeError, match="returns a Deferred or is an async function; it gave"):
        react(lambda reactor: given, _reactor=reactor)


def test_where_a_reactor_runs_already_main_is_to_be_awaited():
    clock = Clock()
    running.enter(clock)
    try:
        with pytest.raises(RuntimeError, match="await main"):
            react(lambda reactor: succeed(None))
    finally:
        running.leave(clock)
