"""The kernel ends when it is asked to, whatever it is doing, and closes what it opened first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# jupyter_client keeps the loop behind its blocking calls for the next one.
pytestmark = [pytest.mark.kernel, pytest.mark.may_leave("descriptors")]

ENDS_WITHIN = 5.0  # seconds; jupyter_client kills after as many


def _wait_for_end(kernel: Any, within: float = ENDS_WITHIN) -> int:
    """The exit status of the kernel's process, which has to end by itself."""
    return int(kernel.manager.provisioner.process.wait(timeout=within))


BUSY = {
    "idle": "print('started')",
    "awaiting": "import asyncio\nprint('started')\nawait asyncio.sleep(60)",
    "blocking": "import time\nprint('started', flush=True)\ntime.sleep(60)",
    "blocking callback": (
        "import asyncio, time\n"
        "def block():\n    print('started', flush=True)\n    time.sleep(60)\n"
        "_ = asyncio.get_running_loop().call_soon(block)"
    ),
}


@pytest.mark.parametrize("code", BUSY.values(), ids=BUSY.keys())
def test_shutdown_request_ends_it(start_kernel: Callable[..., Any], code: str) -> None:
    kernel = start_kernel()
    kernel.wait_for_text(kernel.send(code), "started")
    assert kernel.control("shutdown_request", {"restart": False}) == {"status": "ok", "restart": False}
    assert _wait_for_end(kernel) == 0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_sigterm_ends_it_in_order(start_kernel: Callable[..., Any], loop: str) -> None:
    kernel = start_kernel(loop=loop)
    kernel.ok("import atexit; atexit.register(lambda: open('ended', 'w').close()); None")
    place = Path(kernel.ok("import os; print(os.getcwd())").stdout.strip())
    kernel.manager.signal_kernel(signal.SIGTERM)
    assert _wait_for_end(kernel) == 0
    (place / "ended").unlink()


def test_exit_in_a_cell_is_answered_and_ends_it(start_kernel: Callable[..., Any]) -> None:
    kernel = start_kernel()
    run = kernel.run("exit")
    assert run.status == "ok"
    assert [payload["source"] for payload in run.reply["payload"]] == ["ask_exit"]
    assert _wait_for_end(kernel) == 0


def test_thread_that_goes_on_does_not_keep_it(start_kernel: Callable[..., Any]) -> None:
    kernel = start_kernel()
    kernel.ok("import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()")
    kernel.control("shutdown_request", {"restart": False})
    _wait_for_end(kernel)


def test_restart_gives_a_fresh_kernel(start_kernel: Callable[..., Any]) -> None:
    kernel = start_kernel()
    first = kernel.ok("kept = 1; import os; os.getpid()").result
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=15)
    assert kernel.run("kept").reply["ename"] == "NameError"
    assert kernel.ok("import os; os.getpid()").result != first


PARENT = """
import subprocess, sys, os, time
child = subprocess.Popen([sys.executable, "-m", "wirelab.kernel", "-f", sys.argv[1]],
                         env=os.environ | {"JPY_PARENT_PID": str(os.getpid())}, start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_kernel_whose_parent_is_killed_ends(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _wait_until(file.exists)
        parent.kill()
    _wait_until(lambda: not _is_alive(pid))
    assert not file.exists()


def _wait_until(is_so: Callable[[], bool], within: float = 15.0) -> None:
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    """Whether the process runs: one that has ended may stay in the table until its new parent looks."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
