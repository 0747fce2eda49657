"""What a Deferred can tell about itself, and what it remembers for that when debugging is on."""

from __future__ import annotations

import reprlib
import time
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from . import origin

if TYPE_CHECKING:
    from .deferred import Deferred

#: Whether Deferreds made now remember. The hot path reads this name; only `setDebugging` writes it.
is_on = False

_shorten = reprlib.Repr()
_shorten.maxstring = _shorten.maxother = 60
shorten = _shorten.repr


def setDebugging(on: bool) -> None:
    """Have every Deferred made from now on remember its age, its callbacks, what each returned, and who fired it."""
    global is_on
    is_on = bool(on)


def getDebugging() -> bool:
    """Whether Deferreds made now remember."""
    return is_on


@dataclass(frozen=True, slots=True)
class Link:
    """One callback of a chain.

    `name` is the function's qualified name, `kind` what it is called for, `returned` the shortened repr of what it gave
    (None while it has not run), `raised` whether that was an exception or a Failure.
    """

    name: str
    kind: Literal["callback", "errback", "both", "await"]
    returned: str | None = None
    raised: bool = False


@dataclass(frozen=True, slots=True)
class DeferredState:
    """What a Deferred is at this moment, for a display.

    `age` is seconds since it was made, and `fired_by` and `chain` beyond what waits are known only of a Deferred made while
    debugging was on. `origin` is "file:line in function". `result` is the shortened repr, None while there is none.
    """

    state: Literal["waiting", "fired", "failed", "paused", "chained"]
    age: float | None
    origin: str
    fired_by: str | None
    chain: tuple[Link, ...]
    result: str | None


class Record:
    """What one Deferred remembers."""

    __slots__ = ("context", "fired_by", "links", "made_at")

    def __init__(self) -> None:
        self.made_at = time.monotonic()
        self.context = copy_context()
        self.fired_by: str | None = None


def fired(deferred: Deferred[Any]) -> None:
    pass


def firer(deferred: Deferred[Any]) -> str:
    return ""


def line(deferred: Deferred[Any]) -> str:
    return "<Deferred %s %s>" % (deferred._state, shorten(deferred.result) if deferred.called else "")


def describe(deferred: Deferred[Any]) -> DeferredState:
    return DeferredState(
        "fired" if deferred.called else "waiting",
        None,
        origin.place(deferred._code, deferred._lasti),
        None,
        (),
        None,
    )
