"""Late output belongs to the cell that registered it: checked on the messages themselves."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.kernel

SETUP = """
import asyncio, threading
from IPython.display import display, HTML
from wirelab.reactor.defer import Deferred
from wirelab.reactor.protocol import Protocol, Factory
from wirelab.reactor.task import LoopingCall
from wirelab.reactor.threads import deferToThread

gates = {}

def gate(name):
    gates[name] = Deferred()
    return gates[name]
"""

# What a cell registers, which prints "late" once another cell has opened the gate.
LATE = {
    "callLater": "gate('g').addCallback(lambda _: None)\n"
    "def tick():\n"
    "    if gates['g'].called: print('late')\n"
    "    else: reactor.callLater(0.01, tick)\n"
    "_ = reactor.callLater(0.01, tick)",
    "LoopingCall": "gate('g')\n"
    "def tick():\n"
    "    if gates['g'].called: print('late'); looping.stop()\n"
    "looping = LoopingCall(tick); looping.start(0.01); None",
    "Deferred fired by another cell": "gate('g').addCallback(lambda _: print('late')); None",
    "callFromThread": "gate('g')\n"
    "opened = threading.Event()\n"
    "gates['g'].addCallback(lambda _: opened.set())\n"
    "def work():\n    opened.wait(10); reactor.callFromThread(print, 'late')\n"
    "deferToThread(work); None",
    "print in a thread job": "opened = threading.Event(); gate('g').addCallback(lambda _: opened.set())\n"
    "def work():\n    opened.wait(10); print('late')\n"
    "deferToThread(work); None",
    "callback after a thread job": "opened = threading.Event()\n"
    "gate('g').addCallback(lambda _: opened.set())\n"
    "deferToThread(opened.wait, 10).addCallback(lambda _: print('late')); None",
    "asyncio task": "gate('g')\n"
    "async def wait():\n    await gates['g']; print('late')\n"
    "task = asyncio.create_task(wait())",
    "asyncio call_later": "gate('g')\n"
    "def tick():\n"
    "    if gates['g'].called: print('late')\n"
    "    else: asyncio.get_running_loop().call_later(0.01, tick)\n"
    "tick()",
    "coroutine on a Deferred": "from wirelab.reactor.defer import ensureDeferred\n"
    "async def wait():\n    await gate('g'); print('late')\n"
    "ensureDeferred(wait()); None",
}

OPEN = "gates.pop('g').callback(None)"


@pytest.fixture(autouse=True)
def _set_up(kernel: Any) -> None:
    kernel.ok(SETUP)


@pytest.mark.parametrize("code", LATE.values(), ids=LATE.keys())
def test_late_print_goes_to_the_cell_that_registered_it(kernel: Any, code: str) -> None:
    cell = kernel.ok(code)
    kernel.ok("'something in between'")
    opener = kernel.ok("gates['g'].callback(None)")
    kernel.wait_for_text(cell.id, "late")
    assert "late" not in kernel.stdout(opener.id)
    assert kernel.stdout(cell.id) == "late\n"


SERVER = """
class Talker(Protocol):
    def connectionMade(self): print('server made')
    def dataReceived(self, data): print('server got', data); self.transport.write(data)
    def connectionLost(self, reason): print('server lost')
port = reactor.listenTCP(0, Factory.forProtocol(Talker), interface='127.0.0.1')
"""

CLIENT = """
class Caller(Protocol):
    def connectionMade(self): print('client made'); self.transport.write(b'hello')
    def dataReceived(self, data): print('client got', data); self.transport.loseConnection()
    def connectionLost(self, reason): print('client lost')
from wirelab.reactor.protocol import ClientFactory
made = ClientFactory(); made.protocol = Caller
_ = reactor.connectTCP('127.0.0.1', port.getHost().port, made)
"""


def test_each_end_of_a_connection_prints_in_its_own_cell(kernel: Any) -> None:
    server = kernel.ok(SERVER)
    client = kernel.ok(CLIENT)
    kernel.wait_for_text(server.id, "server lost")
    kernel.wait_for_text(client.id, "client lost")
    assert kernel.stdout(server.id) == "server made\nserver got b'hello'\nserver lost\n"
    assert kernel.stdout(client.id) == "client made\nclient got b'hello'\nclient lost\n"
    kernel.ok("_ = port.stopListening()")


def test_display_made_late_goes_to_its_cell_too(kernel: Any) -> None:
    cell = kernel.ok("gate('g').addCallback(lambda _: display(HTML('<b>late</b>'))); None")
    kernel.ok("gates['g'].callback(None)")
    kernel.wait(lambda: kernel.of(cell.id, "display_data"))


def test_display_is_updated_in_its_cell(kernel: Any) -> None:
    cell = kernel.ok(
        "shown = display(HTML('before'), display_id=True)\n"
        "gate('g').addCallback(lambda _: shown.update(HTML('after'))); None"
    )
    kernel.ok("gates['g'].callback(None)")
    kernel.wait(lambda: kernel.of(cell.id, "update_display_data"))
    update = kernel.of(cell.id, "update_display_data")[0]["content"]
    assert update["data"]["text/html"] == "after"
    assert update["transient"] == kernel.of(cell.id, "display_data")[0]["content"]["transient"]


def test_three_cells_interleave_and_each_gets_its_own_lines(kernel: Any) -> None:
    code = (
        "def count_{name}(n=0):\n"
        "    print('{name}', n)\n"
        "    if n < 9: reactor.callLater(0.002, count_{name}, n + 1)\n"
        "reactor.callLater(0, count_{name}); None"
    )
    cells = {name: kernel.send(code.format(name=name)) for name in "abc"}
    for name, cell in cells.items():
        kernel.finish(cell)
        kernel.wait_for_text(cell, f"{name} 9")
    for name, cell in cells.items():
        assert kernel.stdout(cell).splitlines() == [f"{name} {n}" for n in range(10)]


RAISES = {
    "callLater": "reactor.callLater(0, fail_late); None",
    "call_soon": "_ = asyncio.get_running_loop().call_soon(fail_late)",
    "Deferred": "Deferred().addCallback(lambda _: fail_late()).callback(None)",
    "asyncio task": "async def run(): fail_late()\nasyncio.create_task(run()); None",
    "thread job": "deferToThread(fail_late); None",
    "callFromThread": "reactor.callFromThread(fail_late)",
}


@pytest.mark.parametrize("code", RAISES.values(), ids=RAISES.keys())
def test_error_of_a_callback_is_told_once_in_its_cell_users_frames_first(kernel: Any, code: str) -> None:
    kernel.ok("def fail_late():\n    return {}['no such key']")
    cell = kernel.ok(code)
    kernel.ok("import gc; gc.collect(); None")
    kernel.wait_for_text(cell.id, "KeyError: 'no such key'", stream="stderr")
    kernel.ok("await asyncio.sleep(0.05)")
    text = kernel.stderr(cell.id)
    assert text.count("KeyError: 'no such key'") == 1
    assert "in fail_late" in text
    frames = text[text.index("KeyError") :].splitlines()[1:]
    assert frames[0].strip().startswith("["), "the first frame is one of a cell's"


def test_label_of_the_cell_follows_the_output(kernel: Any) -> None:
    cell = kernel.ok(
        "from wirelab.console.cells import current_cell\n"
        "reactor.callLater(0.01, lambda: print(current_cell.get())); None"
    )
    kernel.ok("await asyncio.sleep(0.02)")
    kernel.wait_for_text(cell.id, f"[{cell.reply['execution_count']}]")


# Deferreds that are shown


def _shown(kernel: Any, cell: Any) -> tuple[Any, Any]:
    displays = [m["content"] for m in kernel.of(cell.id, "display_data")]
    updates = [m["content"] for m in kernel.of(cell.id, "update_display_data")]
    return displays, updates


@pytest.mark.parametrize("code", ["gate('g')", "d = gate('g')", "display(gate('g'))"])
def test_waiting_deferred_is_shown_and_its_display_changes_when_it_fires(kernel: Any, code: str) -> None:
    cell = kernel.ok(code)
    displays, updates = _shown(kernel, cell)
    assert len(displays) == 1 and updates == []
    assert "waiting" in displays[0]["data"]["text/plain"]
    assert "waiting" in displays[0]["data"]["text/html"]
    kernel.ok("gates['g'].callback('the result')")
    kernel.wait(lambda: _shown(kernel, cell)[1])
    _, updates = _shown(kernel, cell)
    assert updates[0]["transient"] == displays[0]["transient"]
    assert "fired -> 'the result'" in updates[0]["data"]["text/plain"]
    assert "fired" in updates[0]["data"]["text/html"]


def test_every_display_of_a_deferred_changes(kernel: Any) -> None:
    first = kernel.ok("d = gate('g')")
    second = kernel.ok("d")
    kernel.ok("gates['g'].callback(1)")
    for cell in (first, second):
        kernel.wait(lambda cell=cell: _shown(kernel, cell)[1])
        displays, updates = _shown(kernel, cell)
        assert [u["transient"] for u in updates] == [d["transient"] for d in displays]


def test_failure_of_a_shown_deferred_is_told_once(kernel: Any) -> None:
    cell = kernel.ok("gate('g')")
    kernel.ok("gates['g'].errback(ValueError('no luck'))")
    kernel.wait(lambda: _shown(kernel, cell)[1])
    assert "no luck" in _shown(kernel, cell)[1][0]["data"]["text/plain"]
    kernel.ok("gates.clear(); import gc; gc.collect(); await asyncio.sleep(0.01)")
    assert kernel.stderr(cell.id) == ""


def test_deferred_that_has_fired_is_an_ordinary_result(kernel: Any) -> None:
    cell = kernel.ok("from wirelab.reactor.defer import succeed\nsucceed(7)")
    assert [m["msg_type"] for m in cell.messages if "data" in m["content"]] == ["execute_result"]
    assert "fired -> 7" in cell.result
