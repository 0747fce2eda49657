"""What is to be called around start-up, shut-down and events of a program's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Literal, NamedTuple

from .defer import Deferred, DeferredList

log = logging.getLogger("wirelab.reactor")

Phase = Literal["before", "during", "after"]
PHASES: tuple[Phase, ...] = ("before", "during", "after")


class Trigger(NamedTuple):
    """One call around an event; as a whole it identifies itself for removal."""

    event: str
    phase: Phase
    key: int
    callable: Callable[..., object]
    args: tuple[Any, ...]
    kw: dict[str, Any]
    context: Context

    def fire(self) -> object:
        """Make the call in the context that asked for it; an exception is logged and gives None."""
        try:
            return self.context.run(self.callable, *self.args, **self.kw)
        except Exception:
            self.context.run(log.exception, "trigger %s %s failed: %r", self.phase, self.event, self.callable)
            return None


class SystemEvents:
    """Triggers by event, each used once, in three phases: before, during and after.

    The 'during' phase waits for all Deferreds that 'before' triggers gave.
    """

    def __init__(self) -> None:
        self._triggers: dict[str, dict[Phase, list[Trigger]]] = {}
        self._made = 0

    def add(
        self,
        phase: Phase,
        event: str,
        callable: Callable[..., object],
        args: tuple[Any, ...] = (),
        kw: dict[str, Any] | None = None,
    ) -> Trigger:
        """Plan a call. Raises KeyError for an unknown phase, TypeError for what cannot be called."""
        if phase not in PHASES:
            raise KeyError(f"the phases of an event are 'before', 'during' and 'after', not {phase!r}")
        if not _is_callable(callable):
            raise TypeError(f"addSystemEventTrigger() takes something to call, not {callable!r}")
        self._made += 1
        trigger = Trigger(event, phase, self._made, callable, args, kw or {}, copy_context())
        phases = self._triggers.setdefault(event, {"before": [], "during": [], "after": []})
        phases[phase].append(trigger)
        return trigger

    def remove(self, trigger: object) -> None:
        """Take a planned call back. Raises ValueError when it is not there (any more)."""
        if not isinstance(trigger, Trigger):
            raise TypeError(
                f"removeSystemEventTrigger() takes what addSystemEventTrigger() gave, not {trigger!r}"
            )
        calls = self._triggers.get(trigger.event, {}).get(trigger.phase, [])
        for index, planned in enumerate(calls):
            if planned.key == trigger.key:
                del calls[index]
                return
        raise ValueError(f"this trigger of {trigger.event!r} was removed or fired already")

    def fire(self, event: str) -> None:
        """Call what was planned for `event`, phase by phase."""
        waiting = [result for result in self._fire_phase(event, "before") if isinstance(result, Deferred)]
        if waiting:
            DeferredList(waiting, consumeErrors=True).addBoth(lambda _: self._conclude(event))
        else:
            self._conclude(event)

    def _conclude(self, event: str) -> None:
        self._fire_phase(event, "during")
        self._fire_phase(event, "after")

    def _fire_phase(self, event: str, phase: Phase) -> list[object]:
        results = []
        calls = self._triggers.get(event, {}).get(phase, [])
        while calls:  # a trigger may add or remove others of the same phase
            results.append(calls.pop(0).fire())
        return results


def _is_callable(thing: object) -> bool:
    return callable(thing)
