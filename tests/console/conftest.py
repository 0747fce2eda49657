"""Sessions in this process, over a plain IPython shell: what the tests of the shared parts drive."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest

TURNS = 3000
"""Turns of the loop after which something that was to happen did not."""


class Lab:
    """A shell with an open session, and cells to run in it."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.session = shell.session

    async def cell(self, source: str, cell_id: str | None = None) -> Any:
        """Run a cell as the faces do, in a task of its own; what its last expression gave."""
        coro = self.shell.run_cell_async(
            source,
            store_history=True,
            transformed_cell=self.shell.transform_cell(source),
            cell_id=cell_id,
        )
        # An empty context: what one cell sets is not seen by the next.
        result = await asyncio.get_running_loop().create_task(coro, context=Context())
        self.shell.events.trigger("post_execute")
        self.shell.events.trigger("post_run_cell", result)
        return result.result

    async def until(self, is_so: Callable[[], object]) -> None:
        """Let the loop turn until `is_so()`; fail when it never is."""
        for _ in range(TURNS):
            if is_so():
                return
            await asyncio.sleep(0)
        # What hangs on the system's clock needs more than turns: the slow end of a test that fails.
        for _ in range(100):
            if is_so():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not happen")

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]


@pytest.fixture
def make_shell(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes IPython shells that keep no history and show no colours; of our kind unless told otherwise."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from wirelab.console.shell import SessionShell

    made = []

    class Shell(SessionShell, InteractiveShell):
        """The shared part over IPython's own shell, with no face."""

    def make(kind: type[InteractiveShell] = Shell) -> Any:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        made.append(kind(config=config, ipython_dir=str(tmp_path)))
        return made[-1]

    folder = os.getcwd()
    yield make
    for shell in made:
        shell.restore_sys_module_state()
    os.chdir(folder)


@pytest.fixture(params=["asyncio", "uvloop"], scope="session")
def new_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Makes loops of the kinds that a session can live on."""
    if request.param == "asyncio":
        return asyncio.new_event_loop
    make: Callable[[], asyncio.AbstractEventLoop] = pytest.importorskip("uvloop").new_event_loop
    make().close()  # the first one opens a pipe that serves all and stays: no leak of the test that is first
    return make


@pytest.fixture
def run_lab(
    make_shell: Callable[..., Any], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> Callable[[Callable[[Lab], Awaitable[None]]], None]:
    """Runs an async function with a `Lab`, on a loop of its own, and closes both afterwards."""
    from wirelab.reactor.core import Reactor
    from wirelab.reactor.drivers.asyncio import AsyncioDriver

    def run(body: Callable[[Lab], Awaitable[None]]) -> None:
        async def main() -> None:
            shell = make_shell()
            reactor = Reactor(AsyncioDriver(asyncio.get_running_loop()))
            shell.open_session(reactor)
            try:
                await body(Lab(shell))
            finally:
                shell.close_session()
                reactor.close()
                await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())

    return run
