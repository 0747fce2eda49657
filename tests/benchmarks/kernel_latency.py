"""How fast a kernel answers: cells, questions while a cell awaits, interrupts; ours beside IPython's."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from measure import Comparison, options, print_comparisons

PIPELINED = 200
"""Cells sent at once."""

QUESTIONS = 100
"""Completions asked for while a cell awaits, enough for a 95th percentile."""

AWAITS = 0.5
"""Seconds that the cell awaits, where a kernel answers after it; the other kernel is asked all that time."""

LONG = 4.0
"""Seconds after which an interrupt of the cell would have come too late to matter."""


@contextmanager
def _started(*words: str) -> Iterator[tuple[KernelManager, BlockingKernelClient, float]]:
    """A kernel started by ``python -m WORDS``, and the seconds until it was ready."""
    manager = KernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = [sys.executable, "-m", *words, "-f", "{connection_file}"]
    start = time.perf_counter()
    manager.start_kernel(stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels(hb=False)
        client.wait_for_ready(timeout=30)
        yield manager, client, time.perf_counter() - start
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _reply(client: BlockingKernelClient, request: str) -> dict[str, Any]:
    """The reply to `request`; those to others are dropped."""
    while True:
        message: dict[str, Any] = client.get_shell_msg(timeout=60)
        if message["parent_header"]["msg_id"] == request:
            return message


def _timed(client: BlockingKernelClient, ask: Callable[[], str]) -> float:
    """Milliseconds from a request to its reply."""
    start = time.perf_counter()
    _reply(client, ask())
    return (time.perf_counter() - start) * 1e3


def _await_start(client: BlockingKernelClient, code: str) -> str:
    """Send a cell that prints "started" and wait for that."""
    while True:
        try:
            client.get_iopub_msg(timeout=0)
        except queue.Empty:
            break
    request = client.execute(code, stop_on_error=False)  # an error must not abort the next cell
    while client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    return request


def _questions(client: BlockingKernelClient) -> list[float]:
    """Milliseconds of each completion that was asked for while a cell awaited."""
    client.complete("impor", reply=True, timeout=60)  # the first one loads the completer
    took: list[float] = []
    while len(took) < QUESTIONS:
        cell = _await_start(
            client, f"import asyncio\nprint('started', flush=True)\nawait asyncio.sleep({AWAITS})"
        )
        end = time.perf_counter() + AWAITS - 0.05
        while time.perf_counter() < end and len(took) < QUESTIONS:
            took.append(_timed(client, lambda: client.complete("impor")))
        if len(took) == 1:
            took *= QUESTIONS  # it was answered when the cell had ended, and so would all the others
        else:
            _reply(client, cell)
    return took


def _interrupt(manager: KernelManager, client: BlockingKernelClient, code: str) -> float:
    """Milliseconds from an interrupt to the reply of the cell, which would go on for `LONG` seconds."""
    cell = _await_start(client, code.format(seconds=LONG))
    start = time.perf_counter()
    manager.interrupt_kernel()
    _reply(client, cell)
    return (time.perf_counter() - start) * 1e3


CELLS = {
    "interrupt of an await": "import asyncio\nprint('started', flush=True)\nawait asyncio.sleep({seconds})",
    "interrupt of blocking code after an await": (
        "import asyncio, time\nawait asyncio.sleep(0)\nprint('started', flush=True)\ntime.sleep({seconds})"
    ),
}


def _measure(*words: str) -> dict[str, float]:
    """All figures of one kernel, in milliseconds."""
    with _started(*words) as (manager, client, ready):
        found = {"start to ready": ready * 1e3}
        _timed(client, lambda: client.execute("pass"))
        found["cell, round trip"] = median(_timed(client, lambda: client.execute("pass")) for _ in range(50))
        start = time.perf_counter()
        requests = [client.execute("pass") for _ in range(PIPELINED)]
        for request in requests:
            _reply(client, request)
        found[f"{PIPELINED} cells at once"] = (time.perf_counter() - start) * 1e3
        took = _questions(client)
        found["completion while a cell awaits, median"] = median(took)
        found["completion while a cell awaits, 95th percentile"] = quantiles(took, n=20)[-1]
        for name, code in CELLS.items():
            found[name] = median(_interrupt(manager, client, code) for _ in range(3))
    return found


TARGETS = {
    "cell, round trip": 1.25,
    f"{PIPELINED} cells at once": 1.25,
    "completion while a cell awaits, 95th percentile": 0.2,
}
"""Ratios to IPython's kernel. None for interrupts: its own are prompt when something else wakes its loop."""


def main() -> None:
    parser = options(__doc__ or "", rounds=2)
    parser.add_argument(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio", help="of ours (%(default)s)"
    )
    arguments = parser.parse_args()
    ours, peer = [], []
    for _ in range(arguments.rounds):
        ours.append(_measure("wirelab.kernel", f"--loop={arguments.loop}"))
        peer.append(_measure("ipykernel_launcher"))
    rows = [
        Comparison(name, [r[name] for r in ours], [r[name] for r in peer], "ms", TARGETS.get(name))
        for name in ours[0]
    ]
    print_comparisons(f"kernel on {arguments.loop} / IPython's", rows)


if __name__ == "__main__":
    main()
