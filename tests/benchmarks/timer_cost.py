"""CPU time and memory of planned calls: callLater and cancel, beside asyncio's call_later and Twisted's.

Run as `timer_cost.py --child KIND` it measures one kind by itself and prints the figures as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Comparison, child_output, options, print_comparisons, resident_bytes

BATCH = 1_000
BATCHES = 100
PENDING = 100_000

#: A planned call that can be cancelled, and what plans one: (seconds, function).
Later = Callable[[float, Callable[[], object]], Any]

#: What each kind gives: how to plan a call, and how to run the loop until `stop` is called in it.
Loop = tuple[Later, Callable[[], object], Callable[[], object]]


def _wirelab() -> Loop:
    from wirelab.reactor.core import Reactor
    from wirelab.reactor.drivers.epoll import EpollDriver

    reactor = Reactor(EpollDriver())
    return reactor.callLater, reactor.run, reactor.stop


def _wirelab_asyncio() -> Loop:
    import asyncio

    from wirelab.reactor.core import Reactor
    from wirelab.reactor.drivers.asyncio import AsyncioDriver

    reactor = Reactor(AsyncioDriver(asyncio.new_event_loop()))
    return reactor.callLater, reactor.run, reactor.stop


def _asyncio() -> Loop:
    import asyncio

    loop = asyncio.new_event_loop()
    return loop.call_later, loop.run_forever, loop.stop


def _twisted() -> Loop:
    from twisted.internet import reactor

    return reactor.callLater, reactor.run, reactor.stop


KINDS = {"wirelab": _wirelab, "wirelab-asyncio": _wirelab_asyncio, "asyncio": _asyncio, "twisted": _twisted}


def _nothing() -> None: ...


class Measurement:
    """What happens inside the running loop, a step a turn, so that what a loop puts off is counted too."""

    def __init__(self, loop: Loop) -> None:
        self.later, self.run, self.stop = loop
        self.figures: dict[str, float] = {}
        self._batches = 0
        self._started = 0.0

    def start(self) -> None:
        self.later(0, lambda: self._time("add and cancel", self._with_many_pending))
        self.run()

    def _time(self, what: str, then: Callable[[], object]) -> None:
        self._batches, self._started = 0, time.process_time()
        self._add_and_cancel(what, then)

    def _add_and_cancel(self, what: str, then: Callable[[], object]) -> None:
        if self._batches == BATCHES:
            used = time.process_time() - self._started
            self.figures[what] = used / (BATCH * BATCHES) * 1e6
            self.later(0, then)
            return
        self._batches += 1
        for _ in range(BATCH):
            self.later(60, _nothing).cancel()
        self.later(0, lambda: self._add_and_cancel(what, then))

    def _with_many_pending(self) -> None:
        gc.collect()
        self._blocks, before = sys.getallocatedblocks(), resident_bytes(os.getpid())
        # Due times in no order, as real ones are: 7919 is a prime that walks all of 0..99,999.
        started = time.process_time()
        self._pending = [self.later(3600 + i * 7919 % PENDING, _nothing) for i in range(PENDING)]
        self.figures["add one of 100,000"] = (time.process_time() - started) / PENDING * 1e6
        self.figures["memory of one of 100,000"] = (resident_bytes(os.getpid()) - before) / PENDING
        self._time("add and cancel, 100,000 pending", self._cancel_all)

    def _cancel_all(self) -> None:
        started = time.process_time()
        for call in self._pending:
            call.cancel()
        self.figures["cancel one of 100,000"] = (time.process_time() - started) / PENDING * 1e6
        self._pending.clear()
        self.later(0.01, self._count_kept)

    def _count_kept(self) -> None:
        gc.collect()
        kept = max(0, sys.getallocatedblocks() - self._blocks)
        self.figures["memory blocks kept by a cancelled one"] = round(kept / PENDING, 2)
        self.stop()


#: What is compared with which peer, in what unit, with what target.
ROWS = (
    ("wirelab", "asyncio", "add and cancel", "us", 1.0),
    ("wirelab", "asyncio", "add and cancel, 100,000 pending", "us", 1.0),
    ("wirelab", "asyncio", "add one of 100,000", "us", None),
    ("wirelab", "asyncio", "cancel one of 100,000", "us", None),
    ("wirelab", "asyncio", "memory of one of 100,000", "B", None),
    ("wirelab", "asyncio", "memory blocks kept by a cancelled one", "", 1.0),
    ("wirelab-asyncio", "asyncio", "add and cancel", "us", None),
    ("wirelab-asyncio", "asyncio", "add and cancel, 100,000 pending", "us", None),
    ("wirelab", "twisted", "add and cancel", "us", None),
    ("wirelab", "twisted", "add and cancel, 100,000 pending", "us", None),
)


def main() -> None:
    parser = options((__doc__ or "").splitlines()[0], rounds=5)
    parser.add_argument("--child", choices=KINDS, help="measure one kind in this process")
    arguments = parser.parse_args()
    if arguments.child:
        measurement = Measurement(KINDS[arguments.child]())
        measurement.start()
        print(json.dumps(measurement.figures))
        return
    figures: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.rounds):
        for kind in KINDS:
            python = arguments.peer if kind == "twisted" else sys.executable
            figures[kind].append(json.loads(child_output(python, Path(__file__), "--child", kind)))
    rows = [
        Comparison(
            f"{ours} / {peer}: {what}",
            [figure[what] for figure in figures[ours]],
            [figure[what] for figure in figures[peer]],
            unit,
            target,
        )
        for ours, peer, what, unit, target in ROWS
    ]
    print_comparisons("timers: CPU time and memory per planned call", rows)


if __name__ == "__main__":
    main()
