"""Where a policy takes its time from when nobody gave it a clock."""

from __future__ import annotations

from typing import Any

from ...reactor.proxy import reactor


def clock_of(transport: Any) -> Any:
    """The reactor that `transport` belongs to, else the global one: this is the edge where it may be used."""
    own = getattr(transport, "reactor", None)
    return reactor if own is None else own
