"""What a Deferred can tell about itself, and what it remembers for that when debugging is on."""

from __future__ import annotations

import os
import reprlib
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..failure import Failure, caught
from . import origin
from .awaiting import RESUMES, Waiting

if TYPE_CHECKING:
    from .deferred import Deferred, Entry

#: Whether Deferreds made now remember. Read where they are made; `debugging.setDebugging` writes it.
is_on = False

#: How many of the callbacks that ran are remembered, the last ones.
LINKS = 100

Kind = Literal["callback", "errback", "await", "deferred"]

# What Deferred._state may be, in words. Those that run their callbacks are told apart by their result.
_STATES: dict[int, Literal["waiting", "chained", "paused"]] = {
    0: "waiting",
    4: "chained",
    5: "paused",
    6: "paused",
    7: "paused",
    8: "paused",
}


class _Shortener(reprlib.Repr):
    """`repr` that stays short, and does not build what is long only to cut it."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_bytes(self, value: bytes, level: int) -> str:
        if len(value) <= self.maxstring:
            return repr(value)
        return f"{value[:20]!r}... ({len(value)} bytes)"

    repr_bytearray = repr_bytes


shorten = _Shortener().repr


@dataclass(frozen=True, slots=True)
class Link:
    """One callback of a chain.

    `name` is the function's qualified name, and `kind` what it is: "await" is a coroutine that waits,
    "deferred" another Deferred that does. `returned` is the shortened repr of what it gave, None while it
    has not run; `raised` whether that was an exception or a Failure.
    """

    name: str
    kind: Kind
    returned: str | None = None
    raised: bool = False

    def __str__(self) -> str:
        if self.returned is None:
            return f"{self.kind} {self.name}: not yet"
        return f"{self.kind} {self.name} {'raised' if self.raised else '->'} {self.returned}"


@dataclass(frozen=True, slots=True)
class DeferredState:
    """What a Deferred is at one moment, for a display.

    `origin` and `fired_by` are "file:line in function". Known only of a Deferred made while debugging was
    on: `age`, seconds since it was made; `fired_by`; and of `chain` the callbacks that have run, which
    stand before those to come. `result` is the shortened repr, or "ValueError: message" of a failure, None
    while there is none.
    """

    state: Literal["waiting", "fired", "failed", "paused", "chained"]
    age: float | None
    origin: str | None
    fired_by: str | None
    chain: tuple[Link, ...]
    result: str | None

    def __str__(self) -> str:
        parts: list[str] = [self.state]
        if self.age is not None:
            parts.append(f"{self.age:.1f} s")
        if self.result is not None:
            parts.append(self.result)
        if self.origin is not None:
            parts.append(f"made at {self.origin}")
        if self.fired_by is not None:
            parts.append(f"fired at {self.fired_by}")
        return "\n  ".join([", ".join(parts), *map(str, self.chain)])


class Record:
    """What one Deferred remembers."""

    __slots__ = ("context", "fired_by", "links", "made_at")

    def __init__(self) -> None:
        self.made_at = time.monotonic()
        self.context = copy_context()
        self.fired_by: origin.Origin | None = None
        self.links: deque[Link] = deque(maxlen=LINKS)


class Recorded:
    """A callback that notes what it returned."""

    __slots__ = ("function", "kind", "links")

    def __init__(self, function: Callable[..., Any], kind: Kind, links: deque[Link]) -> None:
        self.function = function
        self.kind = kind
        self.links = links

    def __call__(self, result: Any, *args: Any, **keywords: Any) -> Any:
        try:
            returned = self.function(result, *args, **keywords)
        except BaseException as error:
            # To return a Failure is as good as to raise, and leaves this frame out of the traceback.
            if isinstance(result, Failure) and error is result.value:
                error.__traceback__ = result.tb  # an errback raised again what it was given
                returned = result
            else:
                returned = caught(error)
        raised = isinstance(returned, Failure)
        shown = _outcome(returned) if raised else shorten(returned)
        self.links.append(Link(_name(self.function), self.kind, shown, raised))
        try:
            return returned
        finally:
            del returned, result  # the frames of what was raised refer to this one: it would be a cycle


def describe(deferred: Deferred[Any]) -> DeferredState:
    """What `deferred` is now."""
    record: Record | None = getattr(deferred, "_record", None)
    state: Literal["waiting", "fired", "failed", "paused", "chained"] | None = _STATES.get(deferred._state)
    is_there = deferred.called and state != "chained" and deferred._state != 7
    if state is None:
        state = "failed" if isinstance(deferred.result, Failure) else "fired"
    return DeferredState(
        state,
        None if record is None else time.monotonic() - record.made_at,
        origin.place(deferred._code, deferred._lasti) if hasattr(deferred, "_code") else None,
        None if record is None or record.fired_by is None else origin.place(*record.fired_by),
        (*(() if record is None else record.links), *_to_come(deferred)),
        _outcome(deferred.result) if is_there else None,
    )


def line(deferred: Deferred[Any]) -> str:
    """The repr of `deferred`."""
    state = describe(deferred)
    parts: list[str] = ["waiting for another Deferred" if state.state == "chained" else state.state]
    if state.age is not None:
        parts[0] += f" {state.age:.1f} s"
    if state.result is not None:
        parts[0] += f": {state.result}"
    if state.origin is not None:
        parts.append(f"made at {os.path.basename(state.origin)}")
    return f"<{type(deferred).__name__} {', '.join(parts)}>"


def firer(deferred: Deferred[Any]) -> str:
    """Who fired `deferred`, for the message to who fires it again."""
    record: Record | None = getattr(deferred, "_record", None)
    if record is None:
        return " (setDebugging(True) before it is made tells by whom)"
    if record.fired_by is None:
        return ""
    return f", at {origin.place(*record.fired_by)}"


def _to_come(deferred: Deferred[Any]) -> list[Link]:
    entries = deferred._callbacks
    if entries is None:
        return []
    return [link for entry in (entries if isinstance(entries, list) else [entries]) if (link := _link(entry))]


def _link(entry: Entry) -> Link | None:
    callback, errback, context, extra = entry
    if context is RESUMES:
        if isinstance(extra, Waiting):
            return Link("task", "await")
        coroutine = getattr(getattr(extra, "__self__", None), "_coroutine", None)
        return Link(_name(coroutine), "await") if coroutine is not None else Link("Deferred", "deferred")
    if context is extra:  # another Deferred
        return Link("Deferred", "deferred")
    if callback is None and errback is None:
        return None
    if callback is None:
        return Link(_name(errback), "errback")
    return Link(_name(callback), "callback")


def _name(function: Any) -> str:
    if isinstance(function, Recorded):
        function = function.function
    function = getattr(function, "func", function)  # of a functools.partial
    return str(getattr(function, "__qualname__", None) or type(function).__name__)


def _outcome(result: Any) -> str:
    if not isinstance(result, Failure):
        return shorten(result)
    message = shorten(result.getErrorMessage())[1:-1]
    return f"{result.type.__name__}: {message}" if message else result.type.__name__
