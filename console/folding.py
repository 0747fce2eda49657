"""Tracebacks without the machinery between the user's own frames."""

from __future__ import annotations

from types import TracebackType

from .tracebacks import is_machinery


def folded(trace: TracebackType | None) -> TracebackType | None:
    """A copy of `trace` without the frames of the machinery that come after the first of the user's.

    What comes before it stays, because shells count their own frames away. Without a frame of the user's, or
    when nothing but him is in it, `trace` comes back as it is.
    """
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    first = next((i for i, one in enumerate(entries) if not _hidden(one)), len(entries))
    kept = [one for i, one in enumerate(entries) if i < first or not _hidden(one)]
    if len(kept) == len(entries):
        return entries[0] if entries else None
    copied: TracebackType | None = None
    for one in reversed(kept):
        copied = TracebackType(copied, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return copied


def _hidden(entry: TracebackType) -> bool:
    return is_machinery(entry.tb_frame.f_code.co_filename)
