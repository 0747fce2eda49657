"""Where a Deferred was made: captured as a code object and an offset, turned into text only when asked."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

from ..failure import is_machinery

Origin = tuple[CodeType, int]

#: How many frames of machinery are looked through; beyond that the innermost is as good a name as any.
_DEPTH = 24

#: Frames of the standard library are not where a user wrote something either.
_LIBRARY = os.path.dirname(os.__file__) + os.sep

#: Nor are installed programs, such as the one that starts a console.
_PROGRAMS = os.path.dirname(sys.executable) + os.sep

#: Who runs a loop did not write what happens in it: the search ends at the frames that turn it.
_LOOPS = (
    os.path.join(os.path.dirname(os.path.dirname(__file__)), "drivers", ""),
    os.path.join(_LIBRARY, "asyncio", ""),
)

#: Files known to hold users' code. One entry per source file, or cell, of the process.
user_files: set[str] = set()


def outside(frame: FrameType) -> Origin:
    """Code and offset of the nearest frame that a user wrote, from `frame` on, or else of `frame`."""
    found: FrameType | None = frame
    for _ in range(_DEPTH):
        if found is None:
            break
        name = found.f_code.co_filename
        if name in user_files or _is_users(name):
            return found.f_code, found.f_lasti
        if name.startswith(_LOOPS):
            break
        found = found.f_back
    return frame.f_code, frame.f_lasti


def _is_users(filename: str) -> bool:
    if is_machinery(filename) or filename.startswith("<frozen "):
        return False
    if filename.startswith((_LIBRARY, _PROGRAMS)) and "-packages" not in filename:
        return False
    user_files.add(filename)
    return True


def caller() -> Origin:
    """Code and offset of the nearest caller that a user wrote."""
    return outside(sys._getframe(1))


def place(code: CodeType, lasti: int) -> str:
    """ "file:line in function" for a code object and an offset."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
            break
    return f"{code.co_filename}:{line} in {code.co_name}"


def firer(code: CodeType, lasti: int) -> str:
    """ "at file:line in function", or "by the reactor" when what fired a Deferred is not a user's."""
    return f"at {place(code, lasti)}" if _is_users(code.co_filename) else "by the reactor"
