"""Deferreds that were shown: their labels (`d1`), the list of those that wait, and how the others went."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

from ..reactor.defer import Deferred
from ..reactor.failure import Failure
from . import displays
from .amounts import seconds
from .cells import Cell, current_cell
from .errors import LocalCallError, shortened
from .table import Column, Table
from .tracebacks import CellName, with_cells
from .waiting import Clock, what_of

COLUMNS = (Column("id"), Column("state"), Column("age"), Column("what", can_shrink=True), Column("made"))

Names = Callable[[], Mapping[str, object]]
"""Gives the names at the prompt, with the user's own among them."""

_LABEL = re.compile(r"d[0-9]+\Z")

WATCHER = "(the session's watch)"
"""The callback by which a session learns of a result, in the chain of the Deferred."""

Told = Callable[["Job", Any], None]
"""Called with a job and its result (a Failure is one), in the job's context, when the Deferred has it."""


@dataclass(frozen=True, eq=False)
class Job:
    """A Deferred that was shown, until it has its result. `since` is of `time.monotonic`."""

    label: str
    deferred: Deferred[Any]
    what: str
    since: float
    context: Context

    @property
    def cell(self) -> Cell | None:
        """The cell that showed it first."""
        return self.context.get(current_cell)

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self.since

    def __str__(self) -> str:
        return displays.waiting_line(self.label, self.age, self.what, self.cell)


class Jobs:
    """The Deferreds that wait, of those that were shown at the prompt: `jobs` lists them.

    jobs['d1'] gives the Deferred, and so does the name d1 at the prompt.
    """

    def __init__(self, clock: Clock, told: Told, names: Names, cell_name: CellName) -> None:
        self._clock = clock
        self._told = told
        self._names = names
        self._cell_name = cell_name
        self._waiting: dict[str, Job] = {}
        self._labels: WeakKeyDictionary[Deferred[Any], str] = WeakKeyDictionary()
        self._count = 0

    def announce(self, deferred: Deferred[Any]) -> Job:
        """List `deferred` and have its result told; one that is listed already stays as it is.

        What it passes to its callbacks is not touched.
        """
        label = self._labels.get(deferred)
        if label in self._waiting:
            return self._waiting[label]
        if label is None:
            label = self._labels[deferred] = self._new_label(deferred)
        state = deferred.describe()
        since = time.monotonic() - (state.age or 0.0)
        job = Job(
            label,
            deferred,
            what_of(deferred) or with_cells(state.origin or "", self._cell_name),
            since,
            copy_context(),
        )
        self._waiting[label] = job
        self._watch(job)
        return job

    def label(self, deferred: Deferred[Any]) -> str | None:
        """The label it was given; None when it was never shown."""
        return self._labels.get(deferred)

    def job(self, deferred: Deferred[Any]) -> Job | None:
        """The job of a Deferred that waits; None when it was never shown, or has its result."""
        return self._waiting.get(self._labels.get(deferred, ""))

    def find(self, label: str) -> Deferred[Any] | None:
        """The Deferred that waits under `label`."""
        job = self._waiting.get(label)
        return None if job is None else job.deferred

    def forget(self) -> None:
        """Tell of none of them any more, and let go of those who would be told."""
        self._waiting.clear()
        # Deferreds that the user keeps have a callback that knows us: they must not keep the session.
        self._told = lambda job, result: None
        self._names = dict
        self._cell_name = lambda filename: None

    def _new_label(self, deferred: Deferred[Any]) -> str:
        """The next free one; the user's own name for it, when that looks like a label."""
        names = self._names()
        for name, value in names.items():
            if value is deferred and _LABEL.match(name) and name not in self._labels.values():
                return name
        taken = {*names, *self._labels.values()}
        while (label := f"d{self._count + 1}") in taken:
            self._count += 1
        self._count += 1
        return label

    def _watch(self, job: Job) -> None:
        """Look at the result when it is there: after all callbacks that are there by then."""

        def fired(result: Any) -> Any:
            # Not now: callbacks behind this one may still change the result.
            self._clock.callLater(0, self._look, job)
            return result

        fired.__qualname__ = WATCHER  # what a chain that is looked at calls it
        job.deferred.addBoth(fired)

    def _look(self, job: Job) -> None:
        if job.label not in self._waiting:
            return  # the session has ended
        deferred = job.deferred
        if not deferred.called or deferred.paused or isinstance(deferred.result, Deferred):
            self._watch(job)  # a callback gave another Deferred, and the result is yet to come
            return
        del self._waiting[job.label]
        self._told(job, deferred.result)

    # -- at the prompt --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._waiting.values()))

    def __len__(self) -> int:
        return len(self._waiting)

    def __getitem__(self, label: str) -> Deferred[Any]:
        found = self.find(label)
        if found is None:
            waiting = ", ".join(self._waiting) or "none"
            raise LocalCallError(
                f"jobs[{shortened(label)}]: no such Deferred waits; those that do: {waiting}"
            )
        return found

    def __call__(self) -> Table:
        """The list as a table."""
        rows = [(job.label, _state(job), seconds(job.age), job.what, str(job.cell or "")) for job in self]
        return Table(COLUMNS, rows, "no Deferred waits")

    def __repr__(self) -> str:
        return str(self())

    def _repr_html_(self) -> str:
        return self()._repr_html_()


def _state(job: Job) -> str:
    state = job.deferred.describe().state
    return state if state in ("fired", "failed", "paused") else "waiting"


def deferred_line(deferred: Deferred[Any], label: str | None) -> str:
    """A Deferred that has its result, in one line."""
    result = deferred.result
    name = label or "Deferred"
    if isinstance(result, Failure):
        return f"{name}  failed: {displays.failure_line(result)}"
    return f"{name}  fired -> {displays.brief(result)}"


def deferred_html(
    deferred: Deferred[Any], label: str | None, what: str, cell: Cell | None, cell_name: CellName
) -> str:
    """A Deferred as a box: its state, its age, its callbacks and what each returned."""
    state = deferred.describe()
    facts = {
        "what": what,
        "age": "" if state.age is None else seconds(state.age),
        "result": state.result or "",
        "fired by": state.fired_by or "",
        "made at": with_cells(state.origin or "", cell_name),
        "made in": "" if cell is None else str(cell),
    }
    links = "".join(
        f"<li><code>{escape(link.name)}</code> {escape(link.kind)}"
        + ("" if link.returned is None else f" &rarr; <code>{escape(link.returned)}</code>")
        + "</li>"
        for link in state.chain
        if link.name != WATCHER  # nobody wrote that one
        if not link.name.startswith(f"{Jobs.__name__}.")  # the one that waits for the result, to tell it
    )
    chain = f'<ol style="margin:.2em 0 0;padding-left:1.6em">{links}</ol>' if links else ""
    return displays.facts_html(label or "Deferred", state.state, facts, chain)
