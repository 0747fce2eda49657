"""Programs at the prompt: connected to like anything else, listed, and closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wirelab.console import closing

RunLab = Callable[[Callable[[Any], Awaitable[None]]], None]


def test_a_program_gives_a_conversation(run_lab: RunLab) -> None:
    async def body(lab: Any) -> None:
        p = await lab.cell("p = await connect('process:/bin/cat'); p")
        assert await lab.cell("p.send(b'hi\\n'); await p.line()") == b"hi"
        process = p.transport
        pid = process.pid
        table = str(lab["net"])
        assert f"x1  process  pid {pid}  ->  /bin/cat  Line" in " ".join(table.split("\n")[1:])
        assert repr(p) == f"x1  process pid {pid} -> /bin/cat  running  3 B in  3 B out"
        await lab.cell("await p.close()")
        assert not lab.session.reactor.opened
        assert repr(p).startswith(f"x1  process pid {pid}, exited 0 -> /bin/cat  closed")

    run_lab(body)


def test_a_program_can_be_signalled_and_its_end_is_seen(run_lab: RunLab) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("p = await connect('process:/bin/sleep:100')")
        await lab.cell("p.transport.signalProcess('TERM'); await p.wait_closed()")
        assert lab["p"].transport.exit == "ended by SIGTERM"

    run_lab(body)


def test_closing_one_ends_it_whether_it_listens_or_not(
    run_lab: RunLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "PROCESS_GRACE", 0.01)

    async def body(lab: Any) -> None:
        await lab.cell("p = await connect('process:/bin/cat'); q = await connect('process:/bin/sleep:100')")
        cat, sleep = lab["p"].transport, lab["q"].transport
        await lab.cell("close('x1'); close(q)")
        await lab.until(lambda: not lab.session.reactor.opened)
        assert (cat.exit, sleep.exit) == ("exited 0", "ended by SIGTERM")
        await lab.until(lambda: not lab.session.reactor.getDelayedCalls())

    run_lab(body)


def test_it_gets_along_with_programs_that_asyncio_starts(run_lab: RunLab) -> None:
    async def body(lab: Any) -> None:
        await lab.cell(
            "import asyncio\n"
            "other = await asyncio.create_subprocess_exec('/bin/cat', stdin=-1, stdout=-1)\n"
            "p = await connect('process:/bin/cat')\n"
            "p.send(b'ours\\n'); other.stdin.write(b'theirs\\n'); other.stdin.close()\n"
            "got = (await p.line(), await other.stdout.read(), await other.wait())\n"
            "await p.close()"
        )
        assert lab["got"] == (b"ours", b"theirs\n", 0)

    run_lab(body)
