"""CPU time and wake-ups of a console and a kernel that nobody uses: ours beside IPython's."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from measure import Comparison, cpu_seconds, options, print_comparisons

#: Time for what a start puts off (history, completion caches, the first garbage collections).
SETTLE_SECONDS = 5.0

PROGRAMS = Path(sys.executable).parent


@contextmanager
def _console(program: str, prompt: str) -> Iterator[int]:
    """`program` at its prompt in a pseudo-terminal, as its process number."""
    child = pexpect.spawn(str(PROGRAMS / program), timeout=30, env=os.environ | {"TERM": "xterm-256color"})
    try:
        child.expect(prompt)
        assert child.pid is not None
        yield child.pid
    finally:
        child.close(force=True)


@contextmanager
def _kernel(module: str) -> Iterator[int]:
    """The kernel of `module`, ready and without a heartbeat to answer, as its process number."""
    manager = KernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = [sys.executable, "-m", module, "-f", "{connection_file}"]
    manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels(hb=False)
        client.kernel_info(reply=True, timeout=30)
        assert isinstance(manager.provisioner, LocalProvisioner) and manager.provisioner.pid is not None
        yield manager.provisioner.pid
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _wakeups(pid: int) -> int:
    """How often the threads of `pid` have gone to sleep, and so been woken, so far."""
    states = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", state, re.M)[0]) for state in states)


def _idle(pid: int, seconds: float) -> tuple[float, float]:
    """CPU milliseconds and wake-ups of `pid` over `seconds` of leaving it alone."""
    time.sleep(SETTLE_SECONDS)
    cpu, wakeups = cpu_seconds(pid), _wakeups(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - cpu) * 1e3, _wakeups(pid) - wakeups


def main() -> None:
    parser = options(__doc__ or "", rounds=1)
    parser.add_argument("--seconds", type=float, default=10.0, help="of idling (%(default)s)")
    arguments = parser.parse_args()
    faces = {
        "console": (lambda: _console("wirelab", r"\[1\]"), lambda: _console("ipython", r"In \[")),
        "kernel": (lambda: _kernel("wirelab.kernel"), lambda: _kernel("ipykernel_launcher")),
    }
    rows = []
    for face, (ours, peer) in faces.items():
        figures: tuple[list[tuple[float, float]], ...] = ([], [])
        for _ in range(arguments.rounds):
            for started, found in zip((ours, peer), figures, strict=True):
                with started() as pid:
                    found.append(_idle(pid, arguments.seconds))
        cpu, wakeups = ([[pair[i] for pair in side] for side in figures] for i in (0, 1))
        rows.append(Comparison(f"{face} / IPython's: CPU", cpu[0], cpu[1], "ms", 0.0))
        rows.append(Comparison(f"{face} / IPython's: wake-ups", wakeups[0], wakeups[1], ""))
    print_comparisons(f"idle: over {arguments.seconds:g} s", rows)


if __name__ == "__main__":
    main()
