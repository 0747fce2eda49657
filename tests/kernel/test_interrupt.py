"""An interrupt always answers: by signal and by message, on both loops."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

PROMPT = (
    0.4  # seconds in which a cell must have ended; the promise is 0.1 s, on a machine that has time for it
)
BLOCKED = 1.2  # the same for a callback that blocks: 0.6 s, and the same allowance

Interrupt = Callable[[], None]


@pytest.fixture(params=["message", "signal"])
def interrupt(request: pytest.FixtureRequest, kernel: Any) -> Interrupt:
    """Interrupt the kernel, in either of the two ways in which front ends do."""
    if request.param == "signal":
        return lambda: kernel.manager.signal_kernel(signal.SIGINT)
    return lambda: kernel.control("interrupt_request") and None


def _interrupted(kernel: Any, code: str, interrupt: Interrupt) -> tuple[Any, float]:
    """Run `code`, which says that it started, interrupt it, and give what came of it and how fast."""
    cell = kernel.send(code)
    kernel.wait_for_text(cell, "started")
    start = time.monotonic()
    interrupt()
    run = kernel.finish(cell)
    return run, time.monotonic() - start


def test_shipped_kernelspec_asks_for_messages(kernel: Any) -> None:
    assert kernel.manager.kernel_spec.interrupt_mode == "message"


def test_await_is_cancelled_at_once(kernel: Any, interrupt: Interrupt) -> None:
    run, took = _interrupted(kernel, "import asyncio\nprint('started')\nawait asyncio.sleep(60)", interrupt)
    assert run.reply["ename"] == "KeyboardInterrupt"
    assert took < PROMPT
    assert kernel.ok("1 + 1").result == "2"


def test_cell_can_clean_up_after_its_await_is_cancelled(kernel: Any, interrupt: Interrupt) -> None:
    code = (
        "import asyncio\nprint('started')\n"
        "try:\n    await asyncio.sleep(60)\nfinally:\n    await asyncio.sleep(0); print('cleaned up')"
    )
    run, _ = _interrupted(kernel, code, interrupt)
    assert run.status == "error"
    assert "cleaned up" in run.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import time\nprint('started')\ntime.sleep(60)",
        "print('started')\nwhile True: pass",
        "import asyncio, time\nawait asyncio.sleep(0.01)\nprint('started')\ntime.sleep(60)",
        "import asyncio\nawait asyncio.sleep(0.01)\nprint('started')\nwhile True: pass",
    ],
    ids=["sleep", "loop", "sleep after an await", "loop after an await"],
)
def test_code_that_blocks_gets_keyboard_interrupt(kernel: Any, interrupt: Interrupt, code: str) -> None:
    run, took = _interrupted(kernel, code, interrupt)
    assert run.reply["ename"] == "KeyboardInterrupt"
    assert took < PROMPT
    assert "interrupt.py" not in "".join(run.reply["traceback"])


def test_blocking_callback_between_cells_is_stopped_and_told(kernel: Any, interrupt: Interrupt) -> None:
    cell = kernel.ok(
        "import asyncio, time\n"
        "def block():\n    print('blocking')\n    time.sleep(60)\n"
        "_ = asyncio.get_running_loop().call_soon(block)"
    )
    kernel.wait_for_text(cell.id, "blocking")
    following = kernel.send("1 + 1")
    start = time.monotonic()
    interrupt()
    assert kernel.finish(following).result == "2"
    assert time.monotonic() - start < BLOCKED
    kernel.wait_for_text(cell.id, "in block", stream="stderr")
    assert kernel.stderr(cell.id).count("KeyboardInterrupt") == 1


def test_cell_that_waits_behind_a_blocking_callback_is_cancelled_too(
    kernel: Any, interrupt: Interrupt
) -> None:
    code = (
        "import asyncio, time\n"
        "def block():\n    print('started', flush=True)\n    time.sleep(60)\n"
        "asyncio.get_running_loop().call_later(0.05, block)\n"
        "await asyncio.sleep(60)"
    )
    run, took = _interrupted(kernel, code, interrupt)
    assert run.reply["ename"] == "KeyboardInterrupt"
    assert took < BLOCKED


def test_system_command_in_the_foreground_is_stopped_by_a_message(kernel: Any) -> None:
    """`os.system` ignores the signal in Python itself: its child has to be sent it."""
    code = "import os\nprint('started', flush=True)\nos.system('sleep 60')"
    _, took = _interrupted(kernel, code, lambda: kernel.control("interrupt_request") and None)
    assert took < 5
    assert kernel.ok("1 + 1").result == "2"


def test_process_that_another_cell_started_survives_a_message(kernel: Any) -> None:
    kernel.ok("import subprocess; child = subprocess.Popen(['sleep', '60'])")
    run, _ = _interrupted(
        kernel,
        "import asyncio\nprint('started')\nawait asyncio.sleep(60)",
        lambda: kernel.control("interrupt_request") and None,
    )
    assert run.status == "error"
    assert kernel.ok("child.poll()").result is None
    kernel.ok("child.kill(); child.wait()")


def test_interrupts_of_an_idle_kernel_change_nothing(kernel: Any, interrupt: Interrupt) -> None:
    kernel.ok("kept = 42")
    before = len(kernel.published)
    for _ in range(5):
        interrupt()
    run = kernel.ok("import asyncio; await asyncio.sleep(0.4); kept")
    assert run.result == "42"
    errors = [m for m in kernel.published[before:] if m["msg_type"] in ("error", "stream")]
    assert errors == []


def test_background_task_survives_the_interrupt_of_a_cell(kernel: Any, interrupt: Interrupt) -> None:
    kernel.ok(
        "import asyncio\n"
        "async def work():\n    await gate.wait()\n    return 'survived'\n"
        "gate = asyncio.Event(); background = asyncio.create_task(work())"
    )
    _interrupted(kernel, "print('started'); await asyncio.sleep(60)", interrupt)
    assert kernel.ok("gate.set(); await background").result == "'survived'"
