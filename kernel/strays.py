"""Exceptions that get out of the loop itself: what they mean, and where their story starts."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from .interrupt import without_handler

_MACHINERY = ("asyncio", "tornado", "wirelab.kernel")


def tell(error: BaseException) -> None:
    """Write to `sys.stderr` what `error` was, the user's frames first; in the context of who caused it."""
    trace = without_handler(own_part(error.__traceback__))
    lines = traceback.format_exception(type(error), error, trace)
    print(_headline(error, trace), "".join(lines), sep="\n", end="", file=sys.stderr)


def _headline(error: BaseException, trace: TracebackType | None) -> str:
    place = ""
    for frame, line in traceback.walk_tb(trace):
        if not _is_machinery(frame.f_globals):
            place = f" in {frame.f_code.co_name}, line {line},"
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted: a callback{place} kept the loop from everything else"
    return f"{type(error).__name__}{place} ends no kernel: exit() in a cell does"


def own_part(trace: TracebackType | None) -> TracebackType | None:
    """`trace` from its first frame that is not machinery of the loop; all of it when there is none."""
    first = trace
    while trace is not None and _is_machinery(trace.tb_frame.f_globals):
        trace = trace.tb_next
    return trace or first


def _is_machinery(names: dict[str, object]) -> bool:
    return str(names.get("__name__", "")).startswith(_MACHINERY)
