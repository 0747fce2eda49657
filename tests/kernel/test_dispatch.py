"""Questions are answered while a cell awaits, and the cell does not notice."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

WAITS = "import asyncio\nprint('waiting')\nawait asyncio.sleep({seconds})\nprint('done')"

ASKED = {
    "complete": lambda client: client.complete("impor"),
    "inspect": lambda client: client.inspect("print", 5),
    "is_complete": lambda client: client.is_complete("for x in y:"),
    "history": lambda client: client.history(hist_access_type="tail", n=3),
    "kernel_info": lambda client: client.kernel_info(),
    "comm_info": lambda client: client.comm_info(),
}


def _start_waiting(kernel: Any, seconds: float) -> str:
    cell = kernel.send(WAITS.format(seconds=seconds))
    kernel.wait_for_text(cell, "waiting")
    return cell


def test_every_question_is_answered_while_a_cell_awaits(kernel: Any) -> None:
    cell = _start_waiting(kernel, 30)
    for ask in ASKED.values():
        kernel.ask(ask(kernel.client))  # the first answer may load something
    took = {name: min(kernel.ask(ask(kernel.client))[1] for _ in range(3)) for name, ask in ASKED.items()}
    assert "done" not in kernel.stdout(cell)
    assert {name: seconds for name, seconds in took.items() if seconds > 0.25} == {}
    kernel.control("interrupt_request")
    kernel.finish(cell)


def test_answers_are_those_that_an_idle_kernel_gives(kernel: Any) -> None:
    kernel.ok("from os import path as somewhere")
    cell = _start_waiting(kernel, 30)
    completed, _ = kernel.ask(kernel.client.complete("somewhe"))
    assert completed["matches"] == ["somewhere"]
    inspected, _ = kernel.ask(kernel.client.inspect("somewhere", 9))
    assert inspected["found"]
    checked, _ = kernel.ask(kernel.client.is_complete("for x in y:"))
    assert (checked["status"], checked["indent"]) == ("incomplete", "    ")
    listed, _ = kernel.ask(kernel.client.history(hist_access_type="tail", n=2, raw=True))
    assert listed["history"][0][2] == "from os import path as somewhere"
    kernel.control("interrupt_request")
    kernel.finish(cell)


def test_running_cell_keeps_its_output_and_its_number(kernel: Any) -> None:
    code = (
        "import asyncio\n"
        "from wirelab.console.cells import current_cell\n"
        "print('before', current_cell.get())\n"
        "while 'go' not in globals():\n"
        "    await asyncio.sleep(0.01)\n"
        "print('after', current_cell.get())\n"
        "del go"
    )
    kernel.ok(
        "class Loud:\n"
        "    def __repr__(self):\n"
        "        print('said by a repr', current_cell.get())\n"
        "        globals()['go'] = True\n"
        "        return 'loud'\n"
        "from wirelab.console.cells import current_cell\n"
        "loud = Loud()\n"
    )
    cell = kernel.send(code)
    kernel.wait_for_text(cell, "before")
    question = kernel.client.inspect("loud", 4)
    kernel.reply(question)
    run = kernel.finish(cell)
    number = run.reply["execution_count"]
    assert run.stdout == f"before [{number}]\nafter [{number}]\n"
    kernel.wait_for_text(question, "said by a repr None")


def test_front_end_sees_idle_for_the_question_and_busy_for_the_cell_last(kernel: Any) -> None:
    cell = _start_waiting(kernel, 30)
    question = kernel.client.is_complete("x")
    kernel.reply(question)

    def states(request: str) -> list[str]:
        return [m["content"]["execution_state"] for m in kernel.of(request, "status")]

    kernel.wait(lambda: "idle" in states(question))
    kernel.wait(lambda: len(states(cell)) == 2)
    assert states(question) == ["busy", "idle"]
    assert states(cell) == ["busy", "busy"]
    kernel.control("interrupt_request")
    assert kernel.finish(cell).messages[-1]["content"] == {"execution_state": "idle"}


def test_cells_still_run_one_after_another(kernel: Any) -> None:
    first = kernel.send("import asyncio; await asyncio.sleep(0.2); x = 'first'")
    second = kernel.send("print(x)")
    kernel.finish(first)
    assert kernel.finish(second).stdout == "first\n"


def test_two_hundred_pipelined_cells_are_all_answered_in_order(kernel: Any) -> None:
    start = time.monotonic()
    cells = [kernel.send(f"{number}") for number in range(200)]
    runs = [kernel.finish(cell, timeout=30) for cell in cells]
    assert [run.result for run in runs] == [str(number) for number in range(200)]
    assert time.monotonic() - start < 20


def test_pipelined_questions_and_cells_strand_nothing(kernel: Any) -> None:
    requests = []
    for number in range(60):
        requests.append(kernel.send(f"await __import__('asyncio').sleep(0); {number}"))
        requests.append(kernel.client.is_complete("x = 1"))
        requests.append(kernel.client.kernel_info())
    for request in requests:
        assert kernel.reply(request, timeout=30)["content"]["status"] in ("ok", "complete")


def test_question_that_raises_is_still_over(kernel: Any) -> None:
    """A reply may be missing then, but the front end is told that the kernel is idle again."""
    request = kernel.client.history(hist_access_type="range", session="nonsense", start=None)
    kernel.wait(lambda: any(m["content"]["execution_state"] == "idle" for m in kernel.of(request, "status")))
    assert kernel.ok("1 + 1").result == "2"
