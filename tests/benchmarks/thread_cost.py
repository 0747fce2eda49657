"""CPU time of a job handed to a thread and back as a Deferred, beside Twisted's deferToThread.

Run as `thread_cost.py --child KIND` it measures one kind by itself and prints the figures as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from measure import Comparison, child_output, options, print_comparisons

#: How many jobs are under way at a time, by what is measured, and how many there are in all.
SHAPES = {"one at a time": (1, 5_000), "50 at a time": (50, 20_000), "all 20,000 at once": (20_000, 20_000)}

#: What each kind gives: the modules to take `reactor`, `defer` and `threads` from.
KINDS = {"wirelab": "wirelab.reactor", "twisted": "twisted.internet"}


def _job() -> int:
    return 1


def _measure(package: str) -> dict[str, float]:
    """CPU microseconds for each job, by shape."""
    defer = importlib.import_module(f"{package}.defer")
    threads = importlib.import_module(f"{package}.threads")
    if package == "wirelab.reactor":
        reactor = importlib.import_module(f"{package}.core").Reactor()
    else:
        reactor = importlib.import_module(f"{package}.reactor")
    figures: dict[str, float] = {}

    def all_shapes() -> Generator[Any, Any, None]:
        for warm_up in (True, False):
            for what, (window, jobs) in SHAPES.items():
                started = time.process_time()
                for _ in range(jobs // window // (10 if warm_up else 1)):
                    yield defer.gatherResults([threads.deferToThread(_job) for _ in range(window)])
                figures[what] = (time.process_time() - started) / jobs * 1e6

    run: Callable[[], Any] = defer.inlineCallbacks(all_shapes)
    reactor.callWhenRunning(lambda: run().addBoth(lambda _: reactor.stop()))
    reactor.run()
    return figures


def main() -> None:
    parser = options((__doc__ or "").splitlines()[0], rounds=5)
    parser.add_argument("--child", choices=KINDS, help="measure one kind in this process")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_measure(KINDS[arguments.child])))
        return
    figures: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.rounds):
        for kind, measured in figures.items():
            python = arguments.peer if kind == "twisted" else sys.executable
            measured.append(json.loads(child_output(python, Path(__file__), "--child", kind)))
    rows = [
        Comparison(
            f"wirelab / twisted: {what}",
            [figure[what] for figure in figures["wirelab"]],
            [figure[what] for figure in figures["twisted"]],
            "us",
            0.7,
        )
        for what in SHAPES
    ]
    print_comparisons("threads: CPU time per job handed over and back", rows)


if __name__ == "__main__":
    main()
