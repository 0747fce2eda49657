"""Run benchmarks side by side with their peers: python tests/benchmarks/run.py echo startup, or all.

Each is a script of its own, with options of its own (`python tests/benchmarks/echo_cost.py --help`).
They need Linux, and one Python with Twisted and uvloop:

    python3 -m venv .venv-peers && .venv-peers/bin/pip install twisted uvloop
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from measure import HERE, PEERS

SCRIPTS = {
    "echo": "echo_cost.py",
    "udp": "udp_cost.py",
    "defer": "defer_cost.py",
    "threads": "thread_cost.py",
    "timers": "timer_cost.py",
    "memory": "idle_memory.py",
    "idle": "idle_cpu.py",
    "startup": "startup_cost.py",
    "framing": "framing_cost.py",
    "kernel": "kernel_latency.py",
    "tls": "tls_cost.py",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmarks", nargs="+", choices=[*SCRIPTS, "all"], metavar="BENCHMARK")
    parser.add_argument("--peer", default=str(PEERS), metavar="PYTHON", help="default: %(default)s")
    arguments = parser.parse_args()
    names = list(SCRIPTS) if "all" in arguments.benchmarks else arguments.benchmarks
    ends = [
        subprocess.run([sys.executable, HERE / SCRIPTS[name], "--peer", arguments.peer]).returncode
        for name in names
    ]
    return max(ends)


if __name__ == "__main__":
    sys.exit(main())
