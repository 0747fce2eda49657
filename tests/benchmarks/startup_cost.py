"""CPU time of a fresh process until it has done its first work and ended: ours beside Python's and IPython's.

A start waits for nothing, so on a machine that is not busy this is also the time that a person waits.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from measure import Comparison, options, print_comparisons


def _milliseconds(command: list[str | Path]) -> float:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1e3


def main() -> None:
    arguments = options(__doc__ or "", rounds=15).parse_args()
    programs = Path(sys.executable).parent
    # Ours, the peer, and the limit in milliseconds that ours has by itself, if any.
    pairs: dict[str, tuple[list[str | Path], list[str | Path], float | None]] = {
        "import wirelab.reactor / import asyncio": (
            [sys.executable, "-c", "import wirelab.reactor"],
            [sys.executable, "-c", "import asyncio"],
            120,
        ),
        "all that a TCP server imports / import asyncio": (
            [sys.executable, "-c", "from wirelab.reactor import core, endpoints, protocol, tcp"],
            [sys.executable, "-c", "import asyncio"],
            None,
        ),
        "wirelab -c 1 / ipython -c 1": (
            [programs / "wirelab", "-c", "1"],
            [programs / "ipython", "-c", "1"],
            1000,
        ),
    }
    rows = []
    for what, (ours, peer, limit) in pairs.items():
        for command in (ours, peer):
            _milliseconds(command)  # once for the files to be in memory and compiled
        times = [(_milliseconds(ours), _milliseconds(peer)) for _ in range(arguments.rounds)]
        rows.append(Comparison(what, [t[0] for t in times], [t[1] for t in times], "ms"))
        if limit is None:
            continue
        rows.append(
            Comparison(
                f"... and by itself at most {limit:g} ms",
                [t[0] for t in times],
                [limit] * len(times),
                "ms",
                1.0,
            )
        )
    print_comparisons("start-up: CPU time of the whole process", rows)


if __name__ == "__main__":
    main()
