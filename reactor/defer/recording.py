"""What a Deferred can tell about itself, and what it remembers for that when debugging is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_is_on = False


def setDebugging(on: bool) -> None:
    """Have every Deferred made from now on remember its age, its callbacks and what each returned."""
    global _is_on
    _is_on = bool(on)


def getDebugging() -> bool:
    """Whether Deferreds made now remember."""
    return _is_on


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
