"""Sessions as a whole: their end, and two of them in one process."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections import Counter
from typing import Any

import pytest

from wirelab.console.announcements import LOGGERS
from wirelab.reactor.core import Reactor
from wirelab.reactor.drivers.asyncio import AsyncioDriver

LEFT_WAITING = [
    "d = sleep(1000)",
    "reads = [c.line(), c.recvn(5), c.wait_closed()]",
    "import asyncio; task = asyncio.ensure_future(go(c.line()))",
    "attempt = connect(f':{port.port}')",
    "served = serve('tcp:0', forever); k = await connect(f':{served.port}')",
    "own = Deferred()",
    "c.send(b'x' * (1 << 23)); drained = c.drain()",
]
"""What a person may leave behind; none of it is worth a word when he leaves."""


@pytest.mark.parametrize("source", LEFT_WAITING)
def test_what_waits_at_the_end_is_dropped_without_a_word(
    make_shell: Any, capsys: Any, caplog: Any, source: str
) -> None:
    async def go(wait: Any) -> Any:
        return await wait

    async def forever(c: Any) -> None:
        await asyncio.sleep(1000)

    async def cell(shell: Any, text: str) -> None:
        result = await shell.run_cell_async(text, store_history=True, transformed_cell=text)
        result.raise_error()

    async def main() -> None:
        shell, reactor = make_shell(), Reactor(AsyncioDriver())
        shell.open_session(reactor)
        shell.user_ns.update(go=go, forever=forever)
        await cell(shell, "port = serve('tcp:0', Protocol)\nc = await connect(f':{port.port}')")
        await cell(shell, source)
        await asyncio.sleep(0)
        capsys.readouterr()
        shell.close_session()
        reactor.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        shell.user_ns.clear()
        shell.user_ns_hidden.clear()

    asyncio.run(main())
    gc.collect()
    assert capsys.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_everything_is_as_before_once_it_is_closed(make_shell: Any) -> None:
    def handlers() -> list[list[logging.Handler]]:
        return [list(logging.getLogger(name).handlers) for name in LOGGERS]

    async def main() -> None:
        shell, reactor = make_shell(), Reactor(AsyncioDriver())
        names, listeners = dict(shell.user_ns), handlers()
        session = shell.open_session(reactor)
        assert handlers() != listeners and "serve" in shell.user_ns
        shell.user_ns["serve"]("tcp:0", session.names()["Protocol"])
        shell.close_session()
        assert handlers() == listeners and shell.user_ns == names
        assert list(reactor.opened) == []
        reactor.close()

    asyncio.run(main())


def test_two_sessions_tell_only_their_own_errors(make_shell: Any, capsys: Any) -> None:
    async def main() -> None:
        shells, reactors = [make_shell(), make_shell()], [Reactor(AsyncioDriver()), Reactor(AsyncioDriver())]
        for shell, reactor in zip(shells, reactors, strict=True):
            shell.open_session(reactor)
        source = "def broken(): 1/0\nreactor.callLater(0, broken);"
        await shells[1].run_cell_async(source, store_history=True, transformed_cell=source)
        for _ in range(50):
            await asyncio.sleep(0)
        assert capsys.readouterr().err.splitlines() == [
            "broken raised ZeroDivisionError: division by zero",
            "  [1] line 1, in broken",
            "    def broken(): 1/0",
        ]
        for shell, reactor in reversed(list(zip(shells, reactors, strict=True))):
            shell.close_session()
            reactor.close()

    asyncio.run(main())


def test_a_reactor_that_runs_already_is_taken_as_it_is(make_shell: Any) -> None:
    async def main() -> None:
        shell, reactor = make_shell(), Reactor(AsyncioDriver())
        reactor.startRunning(installSignalHandlers=False)
        shell.open_session(reactor)
        shell.close_session()
        assert reactor.running
        reactor.close()

    asyncio.run(main())


@pytest.mark.may_leave("failures")
def test_a_failure_is_told_in_the_cell_that_made_it_wherever_it_is_dropped(
    run_lab: Any, monkeypatch: Any
) -> None:
    from wirelab.console.cells import Cell, current_cell

    async def body(lab: Any) -> None:
        seen: list[tuple[Cell | None, str]] = []
        await lab.cell("from wirelab.reactor.defer import fail")
        await lab.cell("keep = [fail(ValueError('lost'))]")
        monkeypatch.setattr("builtins.print", lambda text, **_: seen.append((current_cell.get(), text)))
        await lab.cell("keep.clear()")
        monkeypatch.undo()
        assert [(cell, text.split(":")[-1]) for cell, text in seen] == [(Cell(2), " lost")]

    run_lab(body)


def test_the_text_of_a_cell_that_is_no_cell_is_none(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("def f(): pass")
        assert lab.session.cell_name(lab["f"].__code__.co_filename) == "[1]"
        assert lab.session.cell_name(__file__) is None

    run_lab(body)


@pytest.mark.parametrize(
    "source", ["1", "p = serve('tcp:0', Protocol)", "p = thread(int)", "d = sleep(9)\nd"]
)
def test_what_the_user_keeps_does_not_keep_the_session(make_shell: Any, source: str) -> None:
    async def main() -> weakref.ref[Any]:
        shell, reactor = make_shell(), Reactor(AsyncioDriver())
        session = weakref.ref(shell.open_session(reactor))
        await shell.run_cell_async(source, store_history=True, transformed_cell=source)
        shell.close_session()
        reactor.close()
        await asyncio.sleep(0)
        return session

    session = asyncio.run(main())
    gc.collect()
    assert session() is None


def test_cells_that_open_and_close_leave_nothing_behind(run_lab: Any) -> None:
    source = (
        "p = serve('tcp:0', talk); c = await connect(f':{p.port}'); c.sendline(b'x'); x = await c.line()\n"
        "n = await thread(int); d = sleep(0); await d; await c.close(); close(p)"
    )

    def ours() -> Counter[type]:
        gc.collect()
        found = (type(each) for each in gc.get_objects())
        return Counter(kind for kind in found if str(kind.__module__).startswith("wirelab."))

    async def body(lab: Any) -> None:
        async def run(times: int) -> Counter[type]:
            for _ in range(times):
                await lab.cell(source)
            await lab.until(lambda: not len(lab.session.net))
            return ours()

        # Else a slow thread has the pool make another, and keep it.
        lab.session.reactor.suggestThreadPoolSize(1)
        await lab.cell("async def talk(c):\n    async for line in c.lines(): await c.sendline(line)")
        first = await run(5)
        assert await run(15) - first == Counter()

    run_lab(body)
