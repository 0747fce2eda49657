"""Time until a fresh process has done its first work and ended: ours beside Python's and IPython's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from measure import Comparison, options, print_comparisons


def _milliseconds(command: list[str | Path]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1e3


def main() -> None:
    arguments = options(__doc__ or "", rounds=15).parse_args()
    programs = Path(sys.executable).parent
    # Ours, the peer, and the limit in milliseconds that ours has by itself.
    pairs: dict[str, tuple[list[str | Path], list[str | Path], float]] = {
        "import wirelab.reactor / import asyncio": (
            [sys.executable, "-c", "import wirelab.reactor"],
            [sys.executable, "-c", "import asyncio"],
            120,
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
        rows.append(
            Comparison(
                f"... and by itself at most {limit:g} ms",
                [t[0] for t in times],
                [limit] * len(times),
                "ms",
                1.0,
            )
        )
    print_comparisons("start-up: wall time of the whole process", rows)


if __name__ == "__main__":
    main()
