"""What Deferreds cost, in CPU time, beside Twisted's.

    python tests/benchmarks/defer_cost.py --peer PYTHON

PYTHON is an interpreter of the same version that has Twisted installed. The same workloads run in one
process per implementation, in short turns that alternate, so that a change of the machine's speed hits
both. Printed are the medians, in microseconds of CPU time per repetition, and the ratio. Without --peer
only our own are measured.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

#: The ratio to Twisted's time that no workload may exceed.
LIMIT = 0.6

Workload = Callable[[int], None]

NAMES = [
    "fire, 1 callback",
    "fire, 10 callbacks",
    "raise and errback",
    "nested, inner fired",
    "nested, inner fired later",
    "10 yields, fired",
    "10 yields, fired later",
    "10 awaits, fired",
    "10 awaits, fired later",
    "gatherResults of 10",
]


def workloads(defer: Any) -> dict[str, Workload]:
    """The workloads, by name: each takes how often to repeat."""
    Deferred = defer.Deferred

    def same(result: Any) -> Any:
        return result

    def fail(result: Any) -> Any:
        raise ValueError(result)

    def forget(failure: Any) -> None:
        return None

    def fire_one(times: int) -> None:
        for _ in range(times):
            d = Deferred()
            d.addCallback(same)
            d.callback(1)

    def ten_callbacks(times: int) -> None:
        for _ in range(times):
            d = Deferred()
            for _ in range(10):
                d.addCallback(same)
            d.callback(1)

    def raise_and_errback(times: int) -> None:
        for _ in range(times):
            d = Deferred()
            d.addCallback(fail)
            d.addErrback(forget)
            d.callback(1)

    def nested_fired(times: int) -> None:
        succeed = defer.succeed

        def inner(result: Any) -> Any:
            return succeed(result)

        for _ in range(times):
            d = Deferred()
            d.addCallback(inner)
            d.addCallback(same)
            d.callback(1)

    def nested_unfired(times: int) -> None:
        for _ in range(times):
            later = Deferred()

            def inner(result: Any, later: Any = later) -> Any:
                return later

            d = Deferred()
            d.addCallback(inner)
            d.addCallback(same)
            d.callback(1)
            later.callback(2)

    def ten_yields_fired(times: int) -> None:
        succeed = defer.succeed

        @defer.inlineCallbacks
        def run() -> Any:
            for _ in range(10):
                yield succeed(1)

        for _ in range(times):
            run()

    def ten_yields_later(times: int) -> None:
        @defer.inlineCallbacks
        def run(ds: list[Any]) -> Any:
            for d in ds:  # noqa: UP028  # to yield them one by one is what is measured
                yield d

        for _ in range(times):
            ds = [Deferred() for _ in range(10)]
            run(ds)
            for d in ds:
                d.callback(1)

    def ten_awaits_fired(times: int) -> None:
        succeed = defer.succeed

        async def run() -> None:
            for _ in range(10):
                await succeed(1)

        for _ in range(times):
            defer.ensureDeferred(run())

    def ten_awaits_later(times: int) -> None:
        async def run(ds: list[Any]) -> None:
            for d in ds:
                await d

        for _ in range(times):
            ds = [Deferred() for _ in range(10)]
            defer.ensureDeferred(run(ds))
            for d in ds:
                d.callback(1)

    def gather_ten(times: int) -> None:
        for _ in range(times):
            ds = [Deferred() for _ in range(10)]
            defer.gatherResults(ds)
            for d in ds:
                d.callback(1)

    given: list[Workload] = [
        fire_one,
        ten_callbacks,
        raise_and_errback,
        nested_fired,
        nested_unfired,
        ten_yields_fired,
        ten_yields_later,
        ten_awaits_fired,
        ten_awaits_later,
        gather_ten,
    ]
    return dict(zip(NAMES, given, strict=True))


def work(implementation: str, is_in_context: bool) -> None:
    """Measure what standard input asks for ("TIMES NAME" per line): one line of CPU seconds each."""
    if implementation == "twisted":
        from twisted.internet import defer  # only the peer interpreter has it
    else:
        from wirelab.reactor import defer  # only ours has it
    if is_in_context:
        ContextVar("cell").set("[1]")
    known = workloads(defer)
    for line in sys.stdin:
        times, name = line.rstrip("\n").split(" ", 1)
        gc.collect()
        before = time.process_time()
        known[name](int(times))
        print(time.process_time() - before, flush=True)


class Worker:
    """One process that measures one implementation."""

    def __init__(self, python: str, implementation: str, is_in_context: bool) -> None:
        command = [python, __file__, "--work", implementation] + ["--in-context"] * is_in_context
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self, name: str, times: int) -> float:
        """CPU seconds of `times` repetitions."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{times} {name}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def compare(peer: str | None, rounds: int, is_in_context: bool) -> bool:
    """Print the table; whether every ratio is within LIMIT."""
    ours = Worker(sys.executable, "wirelab", is_in_context)
    theirs = Worker(peer, "twisted", is_in_context) if peer else None
    is_within = True
    print(f"{'us of CPU per repetition':28}{'wirelab':>10}{'twisted':>10}{'ratio':>8}")
    for name in NAMES:
        times = max(10, int(0.02 / (ours.measure(name, 2000) / 2000)))  # about 20 ms a turn
        if theirs:
            theirs.measure(name, 2000)
        turns = [
            (ours.measure(name, times), theirs.measure(name, times) if theirs else 0.0) for _ in range(rounds)
        ]
        mine, other = (statistics.median(column) / times * 1e6 for column in zip(*turns, strict=True))
        ratio = f"{mine / other:8.2f}" if theirs else f"{'-':>8}"
        is_within = is_within and (not theirs or mine <= LIMIT * other)
        mark = "  *" if theirs and mine > LIMIT * other else ""
        print(f"{name:28}{mine:10.2f}{other:10.2f}{ratio}{mark}")
    ours.close()
    if theirs:
        theirs.close()
    return is_within


def main() -> int:
    """Exit status 1 when a workload takes more than LIMIT of Twisted's time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has Twisted")
    parser.add_argument("--rounds", type=int, default=25, help="turns per workload (default 25)")
    parser.add_argument("--in-context", action="store_true", help="measure where a context variable is set")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.in_context)
        return 0
    return 0 if compare(options.peer, options.rounds, options.in_context) else 1


if __name__ == "__main__":
    sys.exit(main())
