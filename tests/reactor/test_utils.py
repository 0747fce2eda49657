"""Running a program for its output: results, limits, timeouts that kill."""

import pytest

from wirelab.reactor.defer import CancelledError, TimeoutError
from wirelab.reactor.error import ProcessTerminated
from wirelab.reactor.task import deferLater
from wirelab.reactor.utils import (
    OutputLimitError,
    ProcessSignalled,
    UnexpectedErrorOutput,
    getProcessOutput,
    getProcessOutputAndValue,
    getProcessValue,
)

SH = "/bin/sh"
EACH = (getProcessOutput, getProcessOutputAndValue, getProcessValue)


pytestmark = pytest.mark.usefixtures("no_children")


async def test_the_output_comes_whatever_the_exit_code(reactor):
    assert await getProcessOutput(SH, ["-c", "echo out; exit 3"], reactor=reactor) == b"out\n"


async def test_errors_are_part_of_it_when_wanted(reactor):
    out = await getProcessOutput(SH, ("-c", "echo out; echo err >&2"), reactor=reactor, errortoo=True)
    assert sorted(out.split()) == [b"err", b"out"]


async def test_errors_are_an_error_when_not(reactor):
    with pytest.raises(UnexpectedErrorOutput, match=r"got output on standard error: b'err\\n'") as caught:
        await getProcessOutput(SH, ["-c", "echo err >&2; exec sleep 100"], reactor=reactor)
    await caught.value.processEnded


async def test_output_errors_and_code_come_together(reactor):
    run = getProcessOutputAndValue(SH, ["-c", "cat; echo err >&2; exit 4"], reactor=reactor, stdinBytes=b"in")
    assert await run == (b"in", b"err\n", 4)


async def test_the_code_alone(reactor):
    assert await getProcessValue("/bin/true", reactor=reactor) == 0
    assert await getProcessValue(SH, ["-c", "echo dropped; exit 5"], reactor=reactor) == 5
    assert await getProcessValue(SH, ["-c", "kill -9 $$"], reactor=reactor) is None


async def test_a_signal_is_an_error_that_unpacks(reactor):
    with pytest.raises(ProcessSignalled, match="ended by signal 15") as caught:
        await getProcessOutputAndValue(SH, ["-c", "echo so far; kill -TERM $$"], reactor=reactor)
    out, err, signal = caught.value
    assert (out, err, signal) == (b"so far\n", b"", 15) and caught.value[2] == 15
    assert isinstance(caught.value, ProcessTerminated)


async def test_its_input_is_empty_so_that_it_does_not_wait(reactor):
    assert await getProcessOutput("/bin/cat", reactor=reactor) == b""


async def test_environment_and_directory_are_passed_on(reactor, tmp_path):
    run = getProcessOutput(SH, ["-c", "echo $X; pwd"], {"X": "y"}, tmp_path, reactor)
    assert await run == f"y\n{tmp_path}\n".encode()


@pytest.mark.parametrize("run", EACH)
async def test_a_timeout_kills_and_says_what_took_so_long(reactor, run):
    with pytest.raises(TimeoutError, match=r"^sleep 100 did not end within 0\.01 s: killed$"):
        await run("/bin/sleep", ["100"], reactor=reactor, timeout=0.01)
    assert not reactor.opened


async def test_a_grandchild_that_holds_the_output_does_not_keep_us_waiting(reactor):
    line = "(while sleep 0.01 && echo x; do true; done) & exit 0;  :"  # it ends when nobody reads from it
    with pytest.raises(TimeoutError, match=r"^sh -c '\(while .{30,45}\.\.\. did not end within"):
        await getProcessOutput(SH, ["-c", line], None, reactor=reactor, timeout=0.05)
    assert not reactor.opened


@pytest.mark.parametrize("run", EACH[:2])
async def test_endless_output_is_cut_off(reactor, run):
    with pytest.raises(OutputLimitError, match="yes put out more than 1000 bytes: killed"):
        await run("/usr/bin/yes", reactor=reactor, limit=1000)
    assert not reactor.opened


@pytest.mark.parametrize("run", EACH)
async def test_cancelling_kills(reactor, run):
    waiting = run("/bin/sleep", ["100"], reactor=reactor, timeout=50)
    waiting.cancel()
    with pytest.raises(CancelledError):
        await waiting
    while reactor.opened:
        await deferLater(reactor, 0.001)


@pytest.mark.parametrize("run", EACH)
async def test_what_cannot_be_started_is_a_failure(reactor, run):
    with pytest.raises(FileNotFoundError, match="no such program: '/no/such'"):
        await run("/no/such", reactor=reactor)


async def test_input_is_bytes(reactor):
    with pytest.raises(TypeError, match="takes bytes, not str"):
        getProcessOutputAndValue("/bin/cat", reactor=reactor, stdinBytes="text")


async def test_without_a_reactor_it_is_the_one_that_runs(reactor):
    await deferLater(reactor, 0)
    assert await getProcessValue("/bin/true") == 0
