"""The fixtures that other projects get: what they give, and what they find left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The inner runs of pytester forget every module that was not imported before them, and would import it again.
import wirelab.reactor.core
import wirelab.reactor.endpoints
import wirelab.reactor.task
import wirelab.reactor.testing.running  # noqa: F401
from wirelab.reactor.leftovers import Leftovers

pytest_plugins = ["pytester"]

QUIET = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "error")


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run the source of a test module under pytest, in this process."""
    # A project of its own: nothing of this repository's configuration, and the plugin if it is not installed.
    pytester.makeconftest(
        """
        from wirelab.reactor import pytest_plugin

        def pytest_configure(config):
            if not config.pluginmanager.is_registered(pytest_plugin):
                config.pluginmanager.register(pytest_plugin, "wirelab")
        """
    )

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess(*QUIET, *args)

    return run


@pytest.fixture
def closed_afterwards() -> Iterator[None]:
    """Closes the descriptors that the test under test has left."""
    before = Leftovers.now()
    yield
    for number in Leftovers.now().descriptors.keys() - before.descriptors.keys():
        try:
            os.close(number)
        except OSError:
            continue  # the one that listed the others


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return {name: count for name, count in result.parseoutcomes().items() if name != "warnings"}


# -- fixtures -----------------------------------------------------------------------------------------


def test_clock_stands_still_until_told(clock) -> None:
    called = []
    clock.callLater(1, called.append, "now")
    clock.advance(0.5)
    assert called == []
    clock.advance(0.5)
    assert called == ["now"]


def test_memory_reactor_has_a_clock(memory_reactor) -> None:
    assert memory_reactor.seconds() == 0
    assert memory_reactor.tcpClients == []


def test_connected_pair_joins_two_protocols(connected_pair) -> None:
    from wirelab.reactor.testing import AccumulatingProtocol

    pair = connected_pair(AccumulatingProtocol(), AccumulatingProtocol(), chunk=1)
    pair.client.write(b"abc")
    pair.pump()
    assert pair.server_protocol.data == b"abc"


def test_each_test_has_a_reactor_of_its_own(run) -> None:
    result = run(
        """
        seen = []

        def test_one(reactor):
            seen.append(reactor)

        def test_two(reactor):
            assert seen and seen[0] is not reactor
        """
    )
    assert outcomes(result) == {"passed": 2}


def test_reactor_driver_can_be_overridden(run) -> None:
    result = run(
        """
        import pytest
        from wirelab.reactor.drivers.selector import SelectorDriver

        @pytest.fixture
        def reactor_driver():
            return SelectorDriver()

        def test_driver(reactor):
            assert isinstance(reactor.driver, SelectorDriver)
        """
    )
    assert outcomes(result) == {"passed": 1}


def test_run_until_gives_the_result_of_a_deferred(reactor, run_until) -> None:
    from wirelab.reactor.task import deferLater

    assert run_until(deferLater(reactor, 0, lambda: 7)) == 7


def test_run_until_gives_the_result_of_a_coroutine(reactor, run_until) -> None:
    from wirelab.reactor.task import deferLater

    async def twice() -> int:
        return 2 * await deferLater(reactor, 0, lambda: 4)

    assert run_until(twice()) == 8


def test_run_until_needs_no_run_for_a_result_that_is_there(reactor, run_until) -> None:
    from wirelab.reactor.defer import succeed

    assert run_until(succeed("there")) == "there"
    assert not reactor.running


def test_run_until_serves_programs_without_pytest(reactor) -> None:
    from wirelab.reactor.task import deferLater
    from wirelab.reactor.testing import run_until

    assert run_until(reactor, deferLater(reactor, 0, lambda: 7), timeout=5) == 7


def test_run_until_raises_what_went_wrong(reactor, run_until) -> None:
    from wirelab.reactor.task import deferLater

    with pytest.raises(ZeroDivisionError):
        run_until(deferLater(reactor, 0, lambda: 1 // 0))


def test_run_until_gives_up_after_its_timeout_and_cancels(reactor, run_until) -> None:
    from wirelab.reactor.defer import Deferred

    cancelled = []
    never = Deferred(cancelled.append)
    with pytest.raises(TimeoutError, match=r"no result after 0\.01 s: <Deferred"):
        run_until(never, timeout=0.01)
    assert cancelled == [never]


def test_run_until_tells_that_the_reactor_was_stopped(reactor, run_until) -> None:
    from wirelab.reactor.defer import Deferred

    reactor.callLater(0, reactor.stop)
    with pytest.raises(RuntimeError, match="stopped before there was a result"):
        run_until(Deferred())


@pytest.mark.parametrize("wrong", [7, None, run])
def test_run_until_takes_nothing_else(run_until, wrong: object) -> None:
    with pytest.raises(TypeError, match="takes a Deferred or a coroutine"):
        run_until(wrong)


def test_run_until_names_the_missing_call(run_until) -> None:
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="call it"):
        run_until(forgotten)


def test_what_is_open_survives_from_one_run_until_to_the_next(reactor, run_until) -> None:
    from wirelab.reactor.endpoints import clientFromString, connectProtocol, serverFromString
    from wirelab.reactor.protocol import Factory, Protocol

    port = run_until(
        serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory.forProtocol(Protocol))
    )
    endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
    client = run_until(connectProtocol(endpoint, Protocol()))
    assert client.transport.state == "open"
    client.transport.loseConnection()
    run_until(port.stopListening())


# -- tests that are run on the reactor ----------------------------------------------------------------


async def test_an_async_test_runs_on_the_reactor(reactor) -> None:
    from wirelab.reactor import running
    from wirelab.reactor.task import deferLater

    assert running.current() is None or running.current() is reactor
    assert await deferLater(reactor, 0, running.current) is reactor


@pytest.mark.parametrize("number", [1, 2])
async def test_an_async_test_takes_its_parameters(reactor, number: int) -> None:
    assert number in (1, 2)


def test_a_test_may_return_a_deferred(reactor):
    from wirelab.reactor.task import deferLater

    return deferLater(reactor, 0, lambda: "whatever")


def test_an_async_test_fails_as_others_do(run) -> None:
    result = run(
        """
        from wirelab.reactor.task import deferLater

        async def test_wrong(reactor):
            found = await deferLater(reactor, 0, lambda: 1)
            assert found == 2, "told"

        async def test_raising(run_until):
            raise KeyError("gone")
        """
    )
    assert outcomes(result) == {"failed": 2}
    result.stdout.fnmatch_lines(["*assert found == 2*", "*KeyError: 'gone'*"], consecutive=False)


def test_an_async_test_can_skip_itself(run) -> None:
    result = run(
        """
        import pytest

        async def test_skipped(reactor):
            pytest.skip("not here")
        """
    )
    assert outcomes(result) == {"skipped": 1}


def test_a_test_that_returns_something_else_fails(run) -> None:
    result = run(
        """
        def test_compares(reactor):
            return 1 == 2
        """
    )
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(["*test_compares returned False: was it to be asserted?*"])


def test_async_tests_of_others_are_left_to_them(run) -> None:
    result = run(
        """
        import pytest

        @pytest.fixture
        def loop_plugin():
            return None

        async def test_without_our_fixture(loop_plugin):
            pass
        """
    )
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_a_project_with_a_reactor_fixture_of_its_own_keeps_it(run) -> None:
    result = run(
        """
        import pytest

        @pytest.fixture
        def reactor():
            return "theirs"

        def test_theirs(reactor):
            assert reactor == "theirs"

        async def test_async(reactor):
            pass
        """
    )
    assert outcomes(result) == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_a_marker_of_another_plugin_gives_it_the_test(run) -> None:
    result = run(
        """
        import pytest

        def pytest_configure(config): ...

        @pytest.mark.asyncio
        async def test_of_asyncio(reactor):
            pass
        """,
        "-W",
        "ignore::pytest.PytestUnknownMarkWarning",
    )
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_a_test_may_close_its_reactor_itself(reactor) -> None:
    reactor.close()


def test_an_async_test_whose_reactor_is_stopped_fails(run) -> None:
    result = run(
        """
        from wirelab.reactor.defer import Deferred

        async def test_stops(reactor):
            reactor.callLater(0, reactor.stop)
            await Deferred()
        """
    )
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(["*the reactor was stopped before there was a result*"])


def test_methods_and_fixtures_of_classes_work_too(run) -> None:
    result = run(
        """
        import pytest
        from wirelab.reactor.task import deferLater

        class TestSomething:
            @pytest.fixture
            def number(self, run_until, reactor):
                return run_until(deferLater(reactor, 0, lambda: 3))

            async def test_method(self, reactor, number):
                assert number == await deferLater(reactor, 0, lambda: 3)
        """
    )
    assert outcomes(result) == {"passed": 1}


# -- what is left behind ------------------------------------------------------------------------------

LEAKS = {
    "an open port": (
        """
        from wirelab.reactor.protocol import Factory, Protocol

        def test_leaks(reactor):
            reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        """,
        "*p1 is still open: <Port p1 127.0.0.1:*",
    ),
    "a planned call": (
        """
        def test_leaks(reactor):
            reactor.callLater(60, print, "late")
        """,
        "*delayed call is still planned: *print*",
    ),
    "a descriptor": (
        """
        import os

        def test_leaks(no_leaks):
            os.pipe()
        """,
        "*file descriptor * is still open: pipe:*",
    ),
    "a descriptor beside a reactor": (
        """
        import os

        def test_leaks(reactor):
            os.pipe()
        """,
        "*file descriptor * is still open: pipe:*",
    ),
    "a thread": (
        """
        import threading

        def test_leaks(no_leaks):
            threading.Thread(target=threading.Event().wait, args=(1,), name="forgotten").start()
        """,
        "*thread 'forgotten' is still running*",
    ),
    "a failure": (
        """
        from wirelab.reactor.defer import fail

        def test_leaks(no_leaks):
            fail(KeyError("nobody cares"))
        """,
        "*unhandled failure*test_leaks*",
    ),
}


@pytest.mark.may_leave("failures", "threads")
@pytest.mark.parametrize("what", LEAKS)
def test_a_leak_fails_the_test_by_name(run, closed_afterwards, monkeypatch, what: str) -> None:
    monkeypatch.setattr("wirelab.reactor.leftovers.GRACE", 0.05)
    source, line = LEAKS[what]
    result = run(source)
    assert outcomes(result) == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["*test_leaks left behind:*", line])


@pytest.mark.may_leave("failures", "threads")
@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("a planned call", "calls"),
        ("a descriptor", "descriptors"),
        ("a thread", "threads"),
        ("a failure", "failures"),
    ],
)
def test_a_leak_that_was_announced_is_allowed(run, closed_afterwards, monkeypatch, what, kind) -> None:
    monkeypatch.setattr("wirelab.reactor.leftovers.GRACE", 0.05)
    source, _ = LEAKS[what]
    marked = source.replace(
        "def test", f"import pytest\n        @pytest.mark.may_leave('{kind}')\n        def test"
    )
    result = run(marked)
    assert outcomes(result) == {"passed": 1}


def test_a_kind_of_leak_that_does_not_exist_is_refused(run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.may_leave("sockets")
        def test_marked(no_leaks): ...
        """
    )
    result.stdout.fnmatch_lines(["*may_leave() takes some of calls, descriptors, failures, threads*sockets*"])


def test_leftovers_of_a_failed_test_are_not_told(run) -> None:
    result = run(
        """
        from wirelab.reactor.protocol import Factory, Protocol

        def test_fails(reactor):
            reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
            assert False, "the real trouble"
        """
    )
    assert outcomes(result) == {"failed": 1}


@pytest.mark.may_leave("failures")
def test_a_test_that_reads_the_log_sees_failures_itself(run) -> None:
    result = run(
        """
        from wirelab.reactor.defer import fail

        def test_reads(no_leaks, caplog):
            fail(KeyError("expected"))
            assert "expected" in caplog.text
        """
    )
    assert outcomes(result) == {"passed": 1}


def test_what_is_closing_is_given_the_turns_it_needs(run) -> None:
    result = run(
        """
        from wirelab.reactor.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
        from wirelab.reactor.protocol import Factory, Protocol

        async def test_closes(reactor):
            server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
            port = await server.listen(Factory.forProtocol(Protocol))
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            client = await connectProtocol(endpoint, Protocol())
            client.transport.loseConnection()
            port.stopListening()
        """
    )
    assert outcomes(result) == {"passed": 1}


# -- manners ------------------------------------------------------------------------------------------


def test_importing_the_plugin_loads_nothing_of_the_reactor() -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        "import sys, types\n"
        f"wirelab = types.ModuleType('wirelab'); wirelab.__path__ = [{str(root)!r}]\n"
        "sys.modules['wirelab'] = wirelab\n"
        "import wirelab.reactor.pytest_plugin\n"
        "print([name for name in sys.modules if name.startswith('wirelab.reactor.')])\n"
        "print('zope' in sys.modules, 'asyncio' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    assert "wirelab.reactor.core" not in told
    assert "wirelab.reactor.testing" not in told
    assert told.splitlines()[1] == "False False"


def test_the_plugin_is_registered_once(pytestconfig) -> None:
    from wirelab.reactor import pytest_plugin

    names = [
        name for name, plugin in pytestconfig.pluginmanager.list_name_plugin() if plugin is pytest_plugin
    ]
    assert names == ["wirelab"]
