"""Leaving: Ctrl-D asks while servers are up, `exit` does not, and the terminal is given back as it was."""

from __future__ import annotations

import socket
import termios
from collections.abc import Callable

import pytest

from .conftest import Terminal

pytestmark = pytest.mark.terminal

CTRL_D = "\x04"


def test_control_d_leaves_when_nothing_is_open(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.wait_prompt()
    console.send(CTRL_D)
    assert console.wait_end() == 0


def test_control_d_asks_while_a_server_is_up(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.run("p = serve('tcp:0', Protocol)")
    console.send(CTRL_D)
    console.wait("close them and leave? [y/N]")
    assert "p1  listening tcp 127.0.0.1:" in console.text
    console.send("n")
    console.run("print('stayed', p.state)")
    console.wait_line("stayed listening")
    console.send(CTRL_D)
    console.wait(lambda: console.text.count("close them and leave? [y/N]") == 2)
    console.send("y")
    assert console.wait_end() == 0


@pytest.mark.parametrize(("key", "stays"), [("\r", True), ("\x03", True), (CTRL_D, False)])
def test_answers_to_the_question(open_terminal: Callable[..., Terminal], key: str, stays: bool) -> None:
    console = open_terminal("-q")
    number = console.run("p = serve('tcp:0', Protocol)")
    console.send(CTRL_D)
    console.wait("close them and leave? [y/N]")
    console.send(key)
    if stays:
        console.wait(lambda: console.last == f"[{number + 1}]>")
    else:
        assert console.wait_end() == 0


def test_control_d_in_a_typed_line_does_not_leave(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.wait_prompt()
    console.type("typed")
    console.send(CTRL_D)
    console.type("!")
    assert console.process.isalive()


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("exit", 0),
        ("quit()", 0),
        ("exit(4)", 4),
        ("raise SystemExit(5)", 5),
        ("import sys; sys.exit('bye')", 1),
    ],
)
def test_exit_leaves_though_a_server_is_up(
    open_terminal: Callable[..., Terminal], cell: str, status: int
) -> None:
    console = open_terminal("-q")
    console.run("p = serve('tcp:0', Protocol)")
    console.send(cell + "\r")
    assert console.wait_end() == status


def test_connections_are_closed_at_the_end(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.run("p = serve('tcp:0', Protocol)")
    console.run("print('port', p.getHost().port, '.')")
    console.wait("port ")
    port = int(next(line.split()[1] for line in console.lines if line.startswith("port ")))
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        console.send("exit\r")
        assert peer.recv(1) == b""
    assert console.wait_end() == 0


def test_terminal_is_given_back(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    before = termios.tcgetattr(console.process.child_fd)
    console.run("x = 1")
    console.send("exit\r")
    console.wait(lambda: termios.tcgetattr(console.process.child_fd) == before or console.ended)
    assert console.wait_end() == 0
    shown = bytes(console.raw)
    assert shown.rindex(b"\x1b[?2004l") > shown.rindex(b"\x1b[?2004h")  # bracketed paste is off
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor shows


def test_suspended_console_resumes(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", job="echo stop''ped; fg >/dev/null")
    console.run("before = 1")
    console.type("half")
    console.send("\x1a")
    console.wait_line("stopped")
    console.wait(lambda: console.last.endswith("half"))
    console.type(" typed")
    console.send("\x03")
    console.run("print('resumed', before)")
    console.wait_line("resumed 1")


def test_background_thread_does_not_hold_the_end(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.run(
        "import time, threading; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    console.send("exit\r")
    assert console.wait_end() == 0


def test_control_c_ends_waiting_for_a_stuck_thread(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.run("import time; d = deferToThread(time.sleep, 60)")
    console.send("exit\r")
    console.wait("Ctrl-C leaves at once")
    console.send("\x03")
    assert console.wait_end() == 130
