"""The main job of wirelab, behind messages: servers, clients, Deferreds and threads of cells."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

ECHO = """
class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)

port = serve('tcp:0', Echo)
number = port.getHost().port
"""


@pytest.fixture
def echo(kernel: Any) -> Any:
    """The number of a port that echoes, served by a cell of the kernel."""
    yield int(kernel.ok(ECHO + "\nnumber").result)
    kernel.ok("close(all); await sleep(0.01)")


def test_cells_serve_and_connect_and_talk(kernel: Any, echo: int) -> None:
    kernel.ok("c = await connect(f'tcp:127.0.0.1:{number}')")
    assert kernel.ok("c.send(b'hi\\r\\n'); await c.line()").result == "b'hi'"
    assert str(echo) in kernel.ok("net").result


def test_clients_from_outside_are_answered_between_cells_and_during_them(kernel: Any, echo: int) -> None:
    with socket.create_connection(("127.0.0.1", echo), timeout=5) as client:
        client.sendall(b"between")
        assert client.recv(100) == b"between"
        cell = kernel.send("import asyncio\nprint('started')\nawait asyncio.sleep(60)")
        kernel.wait_for_text(cell, "started")
        client.sendall(b"during")
        assert client.recv(100) == b"during"
        kernel.control("interrupt_request")
        kernel.finish(cell)
        client.sendall(b"after an interrupt")
        assert client.recv(100) == b"after an interrupt"


def test_await_of_a_deferred_gives_its_result_and_raises_its_failure(kernel: Any) -> None:
    kernel.ok("from wirelab.reactor.defer import succeed, fail")
    assert kernel.ok("await succeed(3)").result == "3"
    assert kernel.ok("await sleep(0.01).addCallback(lambda _: 'slept')").result == "'slept'"
    run = kernel.run("await fail(LookupError('nowhere'))")
    assert (run.reply["ename"], run.reply["evalue"]) == ("LookupError", "nowhere")


def test_interrupt_cancels_the_deferred_that_a_cell_awaits(kernel: Any) -> None:
    cell = kernel.send(
        "cancelled = []\nd = Deferred(cancelled.append)\nprint('started')\nawait d", stop_on_error=False
    )
    kernel.wait_for_text(cell, "started")
    kernel.control("interrupt_request")
    assert kernel.finish(cell).status == "error"
    assert kernel.ok("len(cancelled)").result == "1"


def test_blocking_callback_of_the_reactor_is_stopped_and_named(kernel: Any, echo: int) -> None:
    cell = kernel.ok(
        "import time\n"
        "def stuck():\n    print('blocking', flush=True)\n    time.sleep(60)\n"
        "reactor.callLater(0, stuck); None"
    )
    kernel.wait_for_text(cell.id, "blocking")
    start = time.monotonic()
    kernel.control("interrupt_request")
    kernel.wait_for_text(cell.id, "in stuck", stream="stderr")
    assert time.monotonic() - start < 1.2
    assert "KeyboardInterrupt" in kernel.stderr(cell.id)
    with socket.create_connection(("127.0.0.1", echo), timeout=5) as client:
        client.sendall(b"alive")
        assert client.recv(100) == b"alive"


def test_blocking_protocol_is_stopped_and_loses_its_own_connection_only(kernel: Any, echo: int) -> None:
    cell = kernel.ok(
        "import time\n"
        "class Stuck(Protocol):\n"
        "    def dataReceived(self, data):\n        print('blocking', flush=True); time.sleep(60)\n"
        "stuck = serve('tcp:0', Stuck)"
    )
    number = int(kernel.ok("stuck.getHost().port").result)
    with (
        socket.create_connection(("127.0.0.1", number), timeout=5) as victim,
        socket.create_connection(("127.0.0.1", echo), timeout=5) as other,
    ):
        victim.sendall(b"x")
        kernel.wait_for_text(cell.id, "blocking")
        kernel.control("interrupt_request")
        kernel.wait_for_text(cell.id, "KeyboardInterrupt", stream="stderr")
        other.sendall(b"alive")
        assert other.recv(100) == b"alive"


def test_thread_reports_back(kernel: Any) -> None:
    assert kernel.ok("import threading; await thread(lambda: threading.current_thread() is "
                     "threading.main_thread())").result == "False"  # fmt: skip


def test_reactor_run_and_stop_leave_the_kernel_alone(kernel: Any) -> None:
    assert "already running" in kernel.ok("reactor.run()").stdout
    kernel.ok(ECHO)
    kernel.ok("import asyncio; reactor.stop(); await asyncio.sleep(0.05)")
    assert kernel.ok("len(reactor.opened)").result == "0"
    kernel.ok(ECHO)
    kernel.ok("c = await connect(f'tcp:127.0.0.1:{number}')")
    assert kernel.ok("c.send(b'again\\n'); await c.line()").result == "b'again'"
    kernel.ok("close(all); await sleep(0.01)")


def test_reactor_means_the_same_in_a_thread(kernel: Any) -> None:
    assert kernel.ok("await thread(lambda: reactor.running)").result == "True"


def test_asyncio_lives_on_the_same_loop(kernel: Any, echo: int) -> None:
    kernel.ok("import asyncio\nreader, writer = await asyncio.open_connection('127.0.0.1', number)")
    assert kernel.ok("writer.write(b'hello\\n'); await reader.readline()").result == r"b'hello\n'"
    kernel.ok("writer.close()")


def test_help_of_a_verb_is_its_docstring(kernel: Any) -> None:
    reply, _ = kernel.ask(kernel.client.inspect("connect", 7))
    assert "Open a connection" in reply["data"]["text/plain"]


def test_kernel_says_who_it_is(kernel: Any) -> None:
    info, _ = kernel.ask(kernel.client.kernel_info())
    assert info["implementation"] == "wirelab"
    assert "wirelab" in info["banner"]
    assert info["language_info"]["name"] == "python"
    assert "kernel subshells" not in info["supported_features"]
    assert all(link["url"].startswith("https://") for link in info["help_links"])


def test_subshells_are_refused(kernel: Any) -> None:
    assert kernel.control("create_subshell_request")["status"] == "error"


def test_idle_kernel_uses_no_processor_time(kernel: Any, echo: int) -> None:
    stat = Path(f"/proc/{kernel.manager.provisioner.pid}/stat")
    if not stat.exists():
        pytest.skip("needs Linux's /proc")

    def ticks() -> int:
        fields = stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1)  # the time in which nothing may happen
    assert ticks() - before <= 1  # of 10 ms


@pytest.mark.may_leave("descriptors")  # jupyter_client keeps the loop behind its blocking calls
def test_connections_are_closed_when_the_kernel_leaves(start_kernel: Callable[..., Any]) -> None:
    kernel = start_kernel()
    number = int(kernel.ok(ECHO + "\nnumber").result)
    with socket.create_connection(("127.0.0.1", number), timeout=5) as client:
        client.sendall(b"x")
        assert client.recv(100) == b"x"
        os.kill(kernel.manager.provisioner.pid, signal.SIGTERM)
        assert client.recv(100) == b""
    assert kernel.manager.provisioner.process.wait(timeout=5) == 0
