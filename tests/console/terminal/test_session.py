"""The main job at a real prompt: serve, connect, talk, and see what comes late."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.may_leave("descriptors")]  # the shared console's


@pytest.fixture
def echo_port(console: Terminal) -> Iterator[int]:
    """A server with a protocol that was typed at the prompt; its port."""
    console.run_block("class Echo(Protocol):", "def dataReceived(self, data): self.transport.write(data)")
    console.run("port = serve('tcp:0', Echo)")
    console.wait("listening tcp 127.0.0.1:")
    console.run("print('number', port.getHost().port)")
    console.wait("number ")
    yield int(next(line.split()[1] for line in console.lines if line.startswith("number ")))
    console.clear()
    console.run("close(all)")


def test_typed_server_answers_a_typed_client(console: Terminal, echo_port: int) -> None:
    console.run(f"c = await connect('tcp:127.0.0.1:{echo_port}')")
    console.wait(f"-> 127.0.0.1:{echo_port}  open")
    console.run(r"c.send(b'hi\r\n'); await c.line()")
    console.wait_line("b'hi'")
    console.run("net")
    console.wait("listen  127.0.0.1:")
    assert "Echo" in console.text


def test_typed_server_answers_from_outside_while_the_prompt_is_typed_at(
    console: Terminal, echo_port: int
) -> None:
    console.type("half typed")
    with socket.create_connection(("127.0.0.1", echo_port), timeout=5) as peer:
        peer.sendall(b"from outside")
        assert peer.recv(100) == b"from outside"
        console.type(" and on")
    assert console.last.endswith("half typed and on")


@pytest.mark.peer
def test_netcat_talks_to_a_typed_server(console: Terminal, echo_port: int) -> None:
    try:
        nc = subprocess.run(
            ["nc", "-N", "-w", "5", "127.0.0.1", str(echo_port)],
            input=b"hello from nc\n",
            capture_output=True,
            timeout=20,
        )
    except FileNotFoundError:
        pytest.skip("nc is not installed (netcat-openbsd)")
    assert nc.stdout == b"hello from nc\n"
    console.run("print('prompt alive')")
    console.wait_line("prompt alive")


def test_deferred_tells_its_result_above_the_prompt(console: Terminal) -> None:
    console.run("d = Deferred()")
    console.run("_ = reactor.callLater(0.4, d.callback, 'its result')")
    console.type("half typed")
    console.wait("fired after")
    console.wait("-> 'its result'")
    console.wait(lambda: console.last.endswith("half typed"))


def test_thread_reports_back(console: Terminal) -> None:
    number = console.run("import time; d = deferToThread(lambda: time.sleep(.2) or 'from the thread')")
    console.type("typing")
    console.wait("-> 'from the thread'")
    assert f"[{number}] d" in console.text
    console.wait(lambda: console.last.endswith("typing"))


def test_protocol_callback_prints_with_the_label_of_its_cell(console: Terminal) -> None:
    console.run_block("class Loud(Protocol):", "def dataReceived(self, data): print('got', data)")
    number = console.run("loud = serve('tcp:0', Loud)")
    console.run("print('number', loud.getHost().port)")
    console.wait("number ")
    port = int(next(line.split()[1] for line in console.lines if line.startswith("number ")))
    console.type("typing")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"a line")
        console.wait(f"[{number}] got b'a line'")
    console.wait(lambda: console.last.endswith("typing"))
    console.clear()
    console.run("close(all)")


def test_error_of_a_loop_callback_shows_once_in_its_cell(console: Terminal) -> None:
    console.run("import asyncio")
    number = console.run("_ = asyncio.get_running_loop().call_later(0.1, lambda: 1/0)")
    console.type("typing")
    console.wait(f"[{number}] <lambda> raised ZeroDivisionError: division by zero")
    console.wait(lambda: console.last.endswith("typing"))
    assert console.text.count("ZeroDivisionError") == 1
    assert "Press ENTER" not in console.text


def test_error_of_a_reactor_call_shows_once_in_its_cell(console: Terminal) -> None:
    number = console.run("_ = reactor.callLater(0.1, lambda: {}['nothing'])")
    console.wait(f"[{number}] <lambda> raised KeyError: 'nothing'")
    assert console.text.count("KeyError") == 1


def test_error_of_a_task_nobody_awaits_is_told(console: Terminal) -> None:
    console.run("import asyncio")
    console.run("async def fails(): raise OSError('unseen')")
    number = console.run("t = asyncio.create_task(fails())")
    console.wait(f"[{number}] task fails (nobody awaits it) raised OSError: unseen")


def test_tracebacks_leave_the_machinery_out(console: Terminal) -> None:
    console.run("from wirelab.reactor import defer")
    console.run("async def inner(): await defer.fail(ValueError('inside'))")
    console.run("await inner()")
    console.wait("ValueError: inside")
    assert "reactor/defer" not in console.text.replace("\n", "")


def test_completion_answers_while_a_server_serves(console: Terminal, echo_port: int) -> None:
    console.send("port.getHo\t")
    console.wait("> port.getHost")
