"""Fixtures for testing programs written on wirelab, found by pytest wherever wirelab is installed.

- `clock`: time that passes when the test says so, a `task.Clock`;
- `memory_reactor`: a `MemoryReactorClock`, which notes what it is asked for;
- `connected_pair`: joins two protocols in memory, ``connected_pair(client, server, chunk=1)``;
- `reactor`: a real one, fresh for each test; `reactor_driver` may be overridden to choose what it runs on;
- `run_until`: runs `reactor` until a Deferred or coroutine has its result, and gives that;
- `no_leaks`: fails the test when it leaves open descriptors, running threads or failures that no errback
  handled. `reactor` brings it along and also counts what is open and planned on the reactor itself.

A test that uses `reactor` or `run_until` may be an ``async def``, or return a Deferred: it is run on the
reactor. Other tests are left alone, so that other plugins can run theirs. A test that is meant to leave
something says ``@pytest.mark.may_leave("threads")``: also "descriptors", "failures", "calls".

This module loads in every pytest run of the environment, so it imports nothing of wirelab by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .core import Reactor
    from .drivers.base import Driver
    from .task import Clock
    from .testing import MemoryReactorClock, Pair

KINDS = ("calls", "descriptors", "failures", "threads")
"""What a test can be allowed to leave behind."""

_has_failed = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"may_leave(*kinds): the test may leave something behind; the kinds are {', '.join(KINDS)}"
    )


# -- fixtures -----------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    """Time that stands still until the test says ``clock.advance(seconds)``."""
    from .task import Clock

    return Clock()


@pytest.fixture
def memory_reactor() -> MemoryReactorClock:
    """A reactor that opens nothing and notes what it is asked for, with the time of a `Clock`."""
    from .testing import MemoryReactorClock

    return MemoryReactorClock()


@pytest.fixture
def connected_pair() -> Callable[..., Pair[Any, Any]]:
    """Joins two protocols in memory: ``pair = connected_pair(client, server, chunk=None, window=65536)``."""
    from .testing import connected_pair

    return connected_pair


@pytest.fixture
def reactor_driver() -> Driver | None:
    """What `reactor` runs on: None for the platform's best. For test suites to override."""
    return None


@pytest.fixture
def reactor(
    request: pytest.FixtureRequest, no_leaks: None, reactor_driver: Driver | None
) -> Iterator[Reactor]:
    """A real reactor for this test alone. The test fails when it leaves anything open or planned on it."""
    from .core import Reactor
    from .leftovers import left_on
    from .testing.running import settle

    reactor = Reactor(reactor_driver)
    yield reactor
    try:
        settle(reactor)
        left = [] if "calls" in _allowed(request.node) else left_on(reactor)
    finally:
        reactor.close()
    _fail_for(request.node, left)


@pytest.fixture
def run_until(reactor: Reactor) -> Callable[..., Any]:
    """Runs `reactor` for one result: ``answer = run_until(deferred_or_coroutine, timeout=10.0)``."""
    from .testing.running import TIMEOUT, run_until

    def run(awaitable: Any, timeout: float = TIMEOUT) -> Any:
        return run_until(reactor, awaitable, timeout)

    return run


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test when it leaves descriptors, threads or failures that nobody handled.

    A test that asks for `caplog` is taken to read the log itself, so failures told there are its affair.
    """
    from .leftovers import Leftovers, UnhandledFailures, left_since

    allowed = _allowed(request.node)
    before = Leftovers.now()
    with UnhandledFailures() as failures:
        yield
        reads_log = "caplog" in request.fixturenames
        left = [] if reads_log or "failures" in allowed else failures.told()
    left += left_since(before, "descriptors" not in allowed, "threads" not in allowed)
    _fail_for(request.node, left)


def _allowed(item: pytest.Item) -> set[str]:
    """The kinds of things that `item` may leave."""
    allowed = {kind for mark in item.iter_markers("may_leave") for kind in mark.args}
    unknown = allowed.difference(KINDS)
    if unknown:
        raise pytest.UsageError(f"may_leave() takes some of {', '.join(KINDS)}, not {sorted(unknown)}")
    return allowed


def _fail_for(item: pytest.Item, left: list[str]) -> None:
    """Fail because of what was `left`, unless the test failed before, when leftovers only distract."""
    if left and not item.stash.get(_has_failed, False):
        lines = "\n".join(f"  {line}" for line in left)
        pytest.fail(f"{item.name} left behind:\n{lines}", pytrace=False)


# -- running tests on the reactor ---------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_has_failed] = True
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that uses our `reactor` on it; None, "not mine", for any other."""
    if not _is_ours(pyfuncitem):
        return None
    from .testing.running import is_awaitable, run_until

    result = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames})
    if is_awaitable(result):
        result = run_until(pyfuncitem.funcargs["reactor"], result)
        if not inspect.iscoroutinefunction(pyfuncitem.obj):
            result = None  # what a Deferred fired with is nobody's mistake
    if result is not None:
        pytest.fail(f"{pyfuncitem.name} returned {result!r}: was it to be asserted?", pytrace=False)
    return True


def _is_ours(item: pytest.Function) -> bool:
    """Whether `item` uses our `reactor` and no other plugin was told to run it."""
    if "reactor" not in item.funcargs:
        return False
    definitions = item._fixtureinfo.name2fixturedefs.get("reactor", ())
    if not definitions or definitions[-1].func.__module__ != __name__:
        return False  # the project has a fixture of that name of its own
    return not any(item.get_closest_marker(name) for name in ("asyncio", "anyio", "trio", "twisted"))
