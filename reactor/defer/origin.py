"""Where a Deferred was made: captured as a code object and an offset, turned into text only when asked."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

#: Code in this folder makes Deferreds on behalf of its callers, who are the origin worth telling.
_MACHINERY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: How many frames of machinery are looked through; beyond that the innermost is as good a name as any.
_DEPTH = 16

#: Every file seen so far -> whether it is machinery. Grows by one entry per source file of the process.
_known: dict[str, bool] = {}


def is_machinery(filename: str) -> bool:
    """Whether `filename` belongs to this room."""
    known = _known.get(filename)
    if known is None:
        known = _known[filename] = filename.startswith(_MACHINERY)
    return known


def outside(frame: FrameType) -> tuple[CodeType, int]:
    """Code and offset of the nearest frame outside this room, beginning with `frame`."""
    found: FrameType | None = frame
    for _ in range(_DEPTH):
        if found is None:
            break
        if not is_machinery(found.f_code.co_filename):
            return found.f_code, found.f_lasti
        found = found.f_back
    return frame.f_code, frame.f_lasti


def caller() -> tuple[CodeType, int]:
    """Code and offset of the nearest caller outside this room."""
    return outside(sys._getframe(1))


def place(code: CodeType | None, lasti: int) -> str:
    """ "file:line in function" for a code object and an offset, or "an unknown place"."""
    if code is None:
        return "an unknown place"
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
            break
    return f"{code.co_filename}:{line} in {code.co_name}"
