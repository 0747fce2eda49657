"""Nothing typed in a cell ends the kernel, short of asking it to."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.kernel

NASTY = {
    "SystemExit in a cell": "import sys; sys.exit(3)",
    "KeyboardInterrupt in a cell": "raise KeyboardInterrupt",
    "SystemExit after an await": "import asyncio, sys; await asyncio.sleep(0); sys.exit(3)",
    "endless recursion": "def f(): return f()\nf()",
    "its own task cancelled": "import asyncio\nasyncio.current_task().cancel()\nawait asyncio.sleep(1)",
    "all tasks cancelled": (
        "import asyncio\nfor task in asyncio.all_tasks(): task.cancel()\nawait asyncio.sleep(1)"
    ),
    "all tasks cancelled by blocking code": (
        "import asyncio\nfor task in asyncio.all_tasks(): task.cancel()\n"
    ),
    "the loop stopped": "import asyncio\nasyncio.get_running_loop().stop()",
    "the loop closed": "import asyncio\nasyncio.get_running_loop().close()",
    "the loop run again": "import asyncio\nasyncio.get_running_loop().run_forever()",
    "a signal to itself": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass",
    "another handler of SIGINT": "import signal\n_ = signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "standard output closed": "import sys\nsys.stdout.close()",
    "standard output removed": "import sys\ndel sys.stdout",
    "standard error set to None": "import sys\nsys.stderr = None",
    "a value whose repr exits": "class V:\n    def __repr__(self): raise SystemExit\nV()",
    "not Python": "]]]",
    "a NUL": "x = '\0'",
}

NASTY_CALLBACKS = {
    "SystemExit": "def late(): raise SystemExit(1)",
    "KeyboardInterrupt": "def late(): raise KeyboardInterrupt",
    "a bare BaseException": "def late(): raise BaseException('base')",
    "an error whose text fails": (
        "class Bad(Exception):\n    def __str__(self): raise ValueError\ndef late(): raise Bad"
    ),
    "the loop stopped": "def late(): asyncio.get_running_loop().stop()",
    "GeneratorExit": "def late(): raise GeneratorExit",
}


@pytest.mark.parametrize("code", NASTY.values(), ids=NASTY.keys())
def test_nasty_cell_is_answered_and_the_next_one_runs(kernel: Any, code: str) -> None:
    assert kernel.run(code).status in ("ok", "error")
    run = kernel.ok("print('alive'); 40 + 2")
    assert (run.stdout, run.result) == ("alive\n", "42")


@pytest.mark.parametrize("code", NASTY_CALLBACKS.values(), ids=NASTY_CALLBACKS.keys())
@pytest.mark.parametrize("register", ["call_soon(late)", "create_task(later())"])
def test_nasty_callback_ends_nothing(kernel: Any, register: str, code: str) -> None:
    kernel.ok(f"import asyncio\n{code}\nasync def later(): late()\n_ = asyncio.get_running_loop().{register}")
    run = kernel.ok("import asyncio; await asyncio.sleep(0.02); print('alive'); 40 + 2")
    assert (run.stdout, run.result) == ("alive\n", "42")


def test_exit_in_a_callback_is_told_in_the_cell_that_made_it(kernel: Any) -> None:
    cell = kernel.ok(
        "import asyncio, sys\ndef leave(): sys.exit(1)\n_ = asyncio.get_running_loop().call_soon(leave)"
    )
    kernel.wait_for_text(cell.id, "SystemExit", stream="stderr")
    assert "in leave" in kernel.stderr(cell.id)


def test_interrupt_still_works_after_a_cell_took_the_signal(kernel: Any) -> None:
    kernel.ok("import signal\n_ = signal.signal(signal.SIGINT, signal.SIG_IGN)")
    cell = kernel.send("import asyncio\nprint('started')\nawait asyncio.sleep(60)")
    kernel.wait_for_text(cell, "started")
    kernel.control("interrupt_request")
    assert kernel.finish(cell).reply["ename"] == "KeyboardInterrupt"
