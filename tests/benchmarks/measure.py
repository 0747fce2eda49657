"""What every benchmark here is made of: processes on a core of their own, what they cost, and the table.

Costs are a process's own CPU time or memory as Linux counts them in /proc. Unlike rates, CPU time per
operation holds on a shared and noisy machine. Ours and the peers take turns, round by round, and a ratio
is the median of the rounds' ratios, so that a machine that slows down slows both sides.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent.parent / ".venv-peers" / "bin" / "python"
CORES = sorted(os.sched_getaffinity(0))

#: The server has the first core and the load the last; with one core they share it.
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def options(description: str, rounds: int) -> argparse.ArgumentParser:
    """The options that every benchmark has: the peers' Python and how many rounds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--peer", default=str(PEERS), help="a Python that has Twisted and uvloop (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=rounds, help="default: %(default)s")
    return parser


def cpu_seconds(pid: int) -> float:
    """User and system time that process `pid` has used, all threads, in seconds by a clock of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory of process `pid` that is in RAM, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


class Server:
    """A process on the server's core that prints, as its first line, the port it listens on.

    Leaving the `with` block kills it.
    """

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(pinned(command, SERVER_CORE), stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        self.port = 0

    def __enter__(self) -> Server:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} did not start")  # type: ignore[arg-type]
        self.port = int(line)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


def pinned(command: Sequence[str | Path], core: int) -> list[str]:
    """`command` as it runs on `core` alone."""
    return ["taskset", "-c", str(core), *map(str, command)]


def child_output(*command: str | Path) -> str:
    """What `command` prints, run on the server's core."""
    done = subprocess.run(pinned(command, SERVER_CORE), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


@dataclass(frozen=True)
class Comparison:
    """One figure of ours beside a peer's, an entry per round, and the ratio to stay below, if any."""

    what: str
    ours: Sequence[float]
    peer: Sequence[float]
    unit: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the peer's figure ours is; 0/0, where neither side used anything, is 0."""
        pairs = zip(self.ours, self.peer, strict=True)
        return median(o / p if p else (0.0 if not o else float("inf")) for o, p in pairs)

    def __str__(self) -> str:
        bound = verdict = ""
        if self.target is not None:
            bound, verdict = f"<= {self.target:g}", "PASS" if self.ratio <= self.target else "over target"
        ours, peer = median(self.ours), median(self.peer)
        return (
            f"{self.what:<52}{ours:>10.2f}{peer:>10.2f} {self.unit:<6}{self.ratio:>7.2f}  {bound:<8}{verdict}"
        )


def print_comparisons(title: str, rows: Sequence[Comparison]) -> None:
    print(f"\n{title}\n{'':<52}{'ours':>10}{'peer':>10} {'':<6}{'ratio':>7}  target")
    for row in rows:
        print(row)
    sys.stdout.flush()
