"""The shared shell: cells, what they show, and what happens late."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from typing import Any

import pytest

from wirelab.console.cells import Cell, current_cell
from wirelab.reactor import defer

ECHO = """\
class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)
"""


def last(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed since the last time, without the last line's end."""
    return capsys.readouterr().out.rstrip("\n")


# -- cells --------------------------------------------------------------------------------------------


def test_a_cell_knows_its_number_and_its_id(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        lab.shell.user_ns.update(current_cell=current_cell, seen=[])
        await lab.cell("seen.append(current_cell.get())", cell_id="abc")
        await lab.cell("seen.append(current_cell.get())")
        assert lab["seen"] == [Cell(1, "abc"), Cell(2)]
        assert [str(cell) for cell in lab["seen"]] == ["[1]", "[2]"]
        assert current_cell.get() is None

    run_lab(body)


def test_the_foreground_is_the_cell_that_runs(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        lab.shell.user_ns["session"] = lab.session
        await lab.cell("seen = [session.foreground]; await sleep(0); seen.append(session.foreground)")
        assert lab["seen"] == [Cell(1), Cell(1)] and lab.session.foreground is None
        await lab.cell("1/0")
        assert lab.session.foreground is None

    run_lab(body)


@pytest.mark.parametrize(
    "register",
    [
        "reactor.callLater(0, note)",
        "d.addCallback(lambda _: note())",
        "import asyncio; asyncio.get_running_loop().call_soon(note)",
        "thread(note)",
        "async def go(): note()\ntask = __import__('asyncio').ensure_future(go())",
        "reactor.callFromThread(note)",
    ],
)
def test_what_a_cell_registers_runs_in_that_cell(run_lab: Any, register: str) -> None:
    async def body(lab: Any) -> None:
        seen: list[Cell | None] = []
        lab.shell.user_ns["note"] = lambda: seen.append(current_cell.get())
        await lab.cell("d = Deferred()")
        await lab.cell(register)
        await lab.cell("d.callback(None)")
        await lab.until(lambda: seen)
        assert seen == [Cell(2)]

    run_lab(body)


def test_a_connection_belongs_to_the_cell_of_its_port(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        seen: list[Cell | None] = []
        lab.shell.user_ns["note"] = lambda: seen.append(current_cell.get())
        await lab.cell("class Noting(Protocol):\n  def dataReceived(self, data): note()")
        await lab.cell("port = serve('tcp:0', Noting)")
        await lab.cell("c = await connect(f':{port.port}')")
        await lab.cell("c.send(b'x')")
        await lab.until(lambda: seen)
        assert seen == [Cell(2)]

    run_lab(body)


def test_await_takes_deferreds_coroutines_and_futures(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("import asyncio\nasync def coro(): return await sleep(0) or 7")
        assert await lab.cell("await coro()") == 7
        assert await lab.cell("f = asyncio.get_running_loop().create_future(); f.set_result(8); await f") == 8
        assert await lab.cell("d = Deferred(); reactor.callLater(0, d.callback, 9); await d") == 9
        assert await lab.cell("await d") == 9

    run_lab(body)


def test_cancelling_a_cell_cancels_what_it_awaits(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        gone: list[object] = []
        lab.shell.user_ns["d"] = defer.Deferred(gone.append)
        source = "await d"
        coro = lab.shell.run_cell_async(source, store_history=True, transformed_cell=source)
        task = asyncio.ensure_future(coro)
        await asyncio.sleep(0)
        task.cancel()
        result = await task
        assert isinstance(result.error_in_exec, asyncio.CancelledError) and gone == [lab["d"]]

    run_lab(body)


# -- what is shown ------------------------------------------------------------------------------------


def test_the_last_thing_that_opens_is_shown(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell(ECHO)
        await lab.cell("port = serve('tcp:0', Echo)")
        number = lab["port"].port
        assert last(capsys) == f"p1  listening tcp 127.0.0.1:{number}  Echo  made in [2]"
        await lab.cell(f"c = await connect('tcp:127.0.0.1:{number}')")
        mine = lab["c"].transport.getHost().port
        line = f"c1  tcp 127.0.0.1:{mine} -> 127.0.0.1:{number}  open  0 B in  0 B out"
        assert last(capsys) == line
        await lab.cell("c")
        assert last(capsys) == f"Out[4]: {line}"
        await lab.cell("c.send(b'hello\\r\\n'); await c.line()")
        assert last(capsys) == "Out[5]: b'hello'"
        await lab.cell("e = await connect(f':{port.port}', Echo)")
        assert last(capsys).endswith("open  0 B in  0 B out  Echo")

    run_lab(body)


def test_a_semicolon_or_a_plain_value_shows_nothing(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("x = 5")
        await lab.cell("d = Deferred();")
        await lab.cell("s = 'text'; kind = Protocol")
        assert last(capsys) == ""

    run_lab(body)


def test_what_can_be_left_alone_is_not_shown(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("port = serve('tcp:0', Protocol)\nc = await connect(f':{port.port}')")
        last(capsys)
        await lab.cell("c.send(b'x')")
        await lab.cell("s = c.sendline(b'x')")
        await lab.cell("await c.send(b'x')")
        await lab.cell("c.close()")
        await lab.cell("await c.close()")
        assert last(capsys) == "" and len(lab.session.jobs) == 0

    run_lab(body)


def test_a_live_deferred_is_shown_and_told_when_it_fires(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = sleep(0.001)")
        assert last(capsys) == "d1  waiting 0.0 s   sleep 0.001 s   <- [1]"
        await lab.until(lambda: not len(lab.session.jobs))
        assert re.fullmatch(r"d1  fired after \d\.\d+ s -> None", last(capsys))
        await lab.cell("d")
        assert last(capsys) == "Out[2]: d1  fired -> None"
        assert lab["d1"] is lab["d"]

    run_lab(body)


def test_telling_a_result_does_not_touch_it(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = Deferred()")
        await lab.cell("got = []; d.addCallback(got.append);")
        await lab.cell("d.callback(7)")
        await lab.until(lambda: not len(lab.session.jobs))
        assert lab["got"] == [7]
        assert last(capsys).splitlines()[-1].startswith("d1  fired after 0.0")
        assert last(capsys) == ""

    run_lab(body)


def test_a_result_is_told_after_all_callbacks_and_inner_deferreds(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = Deferred(); inner = Deferred()\nd.addCallback(lambda _: inner)")
        last(capsys)
        await lab.cell("d.callback(1)")
        await asyncio.sleep(0)
        assert len(lab.session.jobs) == 1 and last(capsys) == ""
        await lab.cell("inner.callback('in the end')")
        await lab.until(lambda: not len(lab.session.jobs))
        assert last(capsys).endswith("-> 'in the end'")

    run_lab(body)


def test_the_result_is_told_in_the_cell_that_showed_the_deferred(run_lab: Any, monkeypatch: Any) -> None:
    async def body(lab: Any) -> None:
        seen: list[tuple[Cell | None, str]] = []

        def spy(text: str, **_: Any) -> None:
            seen.append((current_cell.get(), text))

        await lab.cell("a = Deferred()")
        await lab.cell("a")
        monkeypatch.setattr("builtins.print", spy)
        await lab.cell("a.callback(3)")
        await lab.until(lambda: seen)
        monkeypatch.undo()
        assert [cell for cell, _ in seen] == [Cell(1)]

    run_lab(body)


def test_a_failure_is_told_once_with_the_users_lines(run_lab: Any, capsys: Any, caplog: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("def broken(_):\n    1/0")
        await lab.cell("d = Deferred()\nd.addCallback(broken)")
        last(capsys)
        await lab.cell("d.callback(1)")
        await lab.until(lambda: not len(lab.session.jobs))
        out = last(capsys).splitlines()
        assert out[0].endswith("s: ZeroDivisionError: division by zero") and out[0].startswith(
            "d1  failed after"
        )
        assert out[1:] == ["  [1] line 2, in broken", "    1/0"]
        # It is in the Deferred as before, and is not told again when that goes.
        assert isinstance(lab["d"].result, defer.Failure)
        for names in (lab.shell.user_ns, lab.shell.user_ns_hidden, lab.shell.user_ns["Out"]):
            for name in [name for name, value in names.items() if isinstance(value, defer.Deferred)]:
                del names[name]
        gc.collect()
        assert capsys.readouterr().err == ""

    run_lab(body)


def test_deferreds_in_a_list_are_short_and_get_no_label(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = Deferred(); p = serve('tcp:0', Protocol); pair = [d, p]")
        last(capsys)
        await lab.cell("pair")
        assert last(capsys) == "Out[2]: [<Deferred waiting>, <Port p1 listening>]"
        assert len(lab.session.jobs) == 0

    run_lab(body)


def test_a_fired_deferred_shows_its_result(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("from wirelab.reactor.defer import succeed, fail\nsucceed(7)")
        assert last(capsys) == "Out[1]: Deferred  fired -> 7"
        await lab.cell("f = fail(ValueError('no')); f")
        assert last(capsys) == "Out[2]: Deferred  failed: ValueError: no"
        await lab.cell(
            "f.addErrback(lambda failure: failure)\nx = f.result\nf.addErrback(lambda _: None);\nx"
        )
        assert last(capsys) == "Out[3]: ValueError: no"

    run_lab(body)


def test_html_is_there_for_notebooks(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = sleep(5); p = serve('tcp:0', Protocol); c = await connect(f':{p.port}')")
        formatter = lab.shell.display_formatter
        for name, text in {"d": "sleep 5 s", "p": "serves", "c": "unread", "net": "<table"}.items():
            html = formatter.format(lab[name])[0]["text/html"]
            assert text in html and "http" not in html
        assert "text/html" not in formatter.format(7)[0]

    run_lab(body)


# -- labels -------------------------------------------------------------------------------------------


def test_labels_are_names_at_the_prompt(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("port = serve('tcp:0', Protocol)\nc = await connect(f':{port.port}')")
        assert (
            await lab.cell("p1 is port, c1 is c, net['c1'] is c, c2.getHost().port == port.port")
            == (True,) * 4
        )

    run_lab(body)


def test_labels_never_replace_the_users_names(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("p1 = 'mine'; d1 = 'mine too'")
        await lab.cell("port = serve('tcp:0', Protocol)")
        assert lab["p1"] == "mine" and lab.session.find("p1") is lab["port"]
        await lab.cell("d = Deferred()")
        assert lab["d1"] == "mine too" and lab["d2"] is lab["d"]

    run_lab(body)


def test_a_deferred_that_the_user_named_like_a_label_keeps_that_name(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d7 = sleep(9)")
        assert last(capsys).startswith("d7  waiting")

    run_lab(body)


def test_a_closed_session_takes_its_names_away_and_leaves_the_users(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("port = serve('tcp:0', Protocol)\nserve = 'mine'")
        await lab.cell("p1")
        shell, session = lab.shell, lab.session
        shell.close_session()
        assert not {"connect", "net", "jobs", "p1", "reactor", "Deferred"} & set(shell.user_ns)
        assert shell.user_ns["serve"] == "mine" and shell.session is None
        shell.close_session()
        session.close()

    run_lab(body)


def test_names_that_the_user_had_before_stay_his(make_shell: Any) -> None:
    async def main() -> None:
        from wirelab.reactor.core import Reactor
        from wirelab.reactor.drivers.asyncio import AsyncioDriver

        shell, reactor = make_shell(), Reactor(AsyncioDriver())
        shell.user_ns["connect"] = "mine"
        shell.open_session(reactor)
        assert shell.user_ns["connect"] == "mine"
        with pytest.raises(RuntimeError, match="a session is open in this shell already"):
            shell.open_session(reactor)
        shell.close_session()
        assert shell.user_ns["connect"] == "mine"
        reactor.close()

    asyncio.run(main())


def test_reset_brings_the_names_back(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("x = 1; connect = 2")
        await lab.cell("%reset -f")
        assert "x" not in lab.shell.user_ns and callable(lab["connect"])

    run_lab(body)


# -- errors -------------------------------------------------------------------------------------------


def test_a_protocol_that_raises_is_told_in_its_cell_and_loses_its_connection(
    run_lab: Any, capsys: Any
) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("class Bad(Protocol):\n    def dataReceived(self, data):\n        1/0")
        await lab.cell("port = serve('tcp:0', Bad)\nc = await connect(f':{port.port}')")
        await lab.cell("c.send(b'x'); await c.wait_closed()")
        assert capsys.readouterr().err.splitlines() == [
            "Bad.dataReceived raised ZeroDivisionError: division by zero",
            "  [1] line 3, in Bad.dataReceived",
            "    1/0",
        ]
        await lab.cell("again = await connect(f':{port.port}')")
        assert lab["again"].transport.state == "open" and lab["port"].state == "listening"

    run_lab(body)


@pytest.mark.may_leave("failures")
def test_an_unhandled_failure_is_told_in_its_cell(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("from wirelab.reactor.defer import fail")
        await lab.cell("def make():\n    fail(ValueError('lost'))\n\nmake()")
        err = capsys.readouterr().err.splitlines()
        assert err == [
            "unhandled failure in a Deferred made at [2] line 2, in make, fired at [2] line 2, in make: "
            "ValueError: lost",
        ]

    run_lab(body)


def test_a_warning_of_ours_shows_as_one_line(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        logging.getLogger("wirelab.reactor").warning("no descriptors left: %s waits", "p1")
        logging.getLogger("wirelab.reactor").info("nothing to see")
        assert capsys.readouterr().err == "no descriptors left: p1 waits\n"

    run_lab(body)


def test_a_closed_session_tells_nothing_more(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        lab.shell.close_session()
        logging.getLogger("wirelab.reactor").warning("said to nobody")
        assert not any(
            type(h).__name__ == "Announcements" for h in logging.getLogger("wirelab.reactor").handlers
        )

    run_lab(body)


def test_errors_in_a_cell_leave_our_own_frames_out(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell(
            "from wirelab.reactor.defer import fail\nasync def go():\n    await fail(KeyError('x'))"
        )
        await lab.cell("await go()")
        out = last(capsys)
        assert "deferred.py" not in out and "in go()" in out
        assert "of wirelab's own left out; %tb shows all)" in out
        await lab.cell("%tb")
        assert "deferred.py" in last(capsys)

    run_lab(body)


def test_our_own_complaints_are_one_line(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("connect('nowhere')")
        line = last(capsys)
        assert line.startswith(
            "LocalEndpointError: connect('nowhere'): no kind and no port; connect('tcp:nowhere"
        )
        assert "\n" not in line

    run_lab(body)


def test_a_complaint_out_of_a_function_says_where(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("def go():\n    serve(8007, Protocol)\n\ngo()")
        assert last(capsys).splitlines() == [
            "LocalCallError: serve() takes the place first, as text: serve('tcp:8007', Protocol); not 8007",
            "  [1] line 4",
            "    go()",
            "  [1] line 2, in go",
            "    serve(8007, Protocol)",
        ]

    run_lab(body)


# -- the reactor --------------------------------------------------------------------------------------


def test_the_reactor_of_the_prompt_is_the_sessions(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("from wirelab.reactor import reactor as imported")
        calls: list[int] = []
        lab.shell.user_ns["calls"] = calls
        await lab.cell("imported.callLater(0, calls.append, 1); reactor.callLater(0, calls.append, 2);")
        assert lab["reactor"] is lab.session.reactor
        await lab.until(lambda: len(calls) == 2)
        await lab.cell("reactor.run()")
        assert "the loop is already running" in last(capsys)
        await lab.cell("port = serve('tcp:0', Protocol)\nreactor.stop()")
        await lab.until(lambda: lab["port"].state == "closed")
        await lab.cell("port = serve('tcp:0', Protocol)")
        assert lab["port"].state == "listening"

    run_lab(body)


def test_debugging_is_on_for_the_session_only(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        assert defer.getDebugging()
        lab.shell.close_session()
        assert not defer.getDebugging()

    run_lab(body)


def test_open_resources_are_the_servers(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        assert lab.session.open_resources() == []
        await lab.cell("port = serve('tcp:0', Protocol)\nc = await connect(f':{port.port}')")
        await lab.until(lambda: lab["port"].connections)
        number = lab["port"].port
        assert lab.session.open_resources() == [
            f"p1  listening tcp 127.0.0.1:{number}  Protocol  made in [1]  1 connection"
        ]

    run_lab(body)


def test_the_banner_fits_80_columns_and_names_what_is_there(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        text = lab.session.banner()
        assert max(map(len, text.splitlines())) <= 80
        assert [name for name in lab.session.names() if name not in text] == []

    run_lab(body)
