"""Runs each test of this folder once on every kind of driver that this machine has."""

import asyncio
import importlib.util
import selectors

import pytest

from wirelab.reactor.drivers.asyncio import AsyncioDriver
from wirelab.reactor.drivers.base import Driver
from wirelab.reactor.drivers.selector import SelectorDriver


def _epoll() -> Driver:
    from wirelab.reactor.drivers.epoll import EpollDriver

    return EpollDriver()


class _OwnLoop(AsyncioDriver):
    """Closes the loop it was given, as the test that made it would."""

    def close(self) -> None:
        super().close()
        self.loop.close()


def _uvloop() -> Driver:
    import uvloop

    return _OwnLoop(uvloop.new_event_loop())


DRIVERS = {
    "select": lambda: SelectorDriver(selectors.SelectSelector()),
    "asyncio": lambda: _OwnLoop(asyncio.new_event_loop()),
}
if hasattr(selectors, "EpollSelector"):
    DRIVERS["epoll"] = _epoll
if hasattr(selectors, "PollSelector"):
    DRIVERS["poll"] = lambda: SelectorDriver(selectors.PollSelector())
if hasattr(selectors, "KqueueSelector"):
    DRIVERS["kqueue"] = lambda: SelectorDriver(selectors.KqueueSelector())
if importlib.util.find_spec("uvloop"):
    DRIVERS["uvloop"] = _uvloop
    # The first loop of a process opens a pipe for all that follow: before any test counts descriptors.
    _first = _uvloop()
    _first.poll(0)
    _first.close()


@pytest.fixture(params=sorted(DRIVERS))
def reactor_driver(request: pytest.FixtureRequest) -> Driver:
    """A new driver of each kind; the `reactor` of the test runs on it."""
    driver: Driver = DRIVERS[request.param]()
    return driver
