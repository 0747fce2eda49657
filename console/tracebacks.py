"""Errors of late code in few lines: the user's own frames, and the machinery folded away."""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, TracebackType

from ..reactor.failure import is_machinery as is_ours

CellName = Callable[[str], str | None]
"""Tells which cell a file name stands for, as ``[3]``; None for a real file."""

FRAMES = 12
"""Frames shown of one traceback: beyond that (a recursion) the middle says nothing new."""

_LOOPS = (
    "asyncio",
    "concurrent.futures",
    "threading",
    "selectors",
    "IPython",
    "ipykernel",
    "tornado",
    "uvloop",
)

_PLACE = re.compile(r"(\S+):(\d+) in ([\w.<>]+)")


@dataclass(frozen=True)
class Frame:
    """One frame: which code, at which line."""

    code: CodeType
    line: int

    @property
    def is_machinery(self) -> bool:
        """It says how the user's code was reached, not what it did."""
        return is_machinery(self.code.co_filename)


def is_machinery(filename: str) -> bool:
    """Whether the file is one of ours, or of the loops and shells under us."""
    return is_ours(filename) or any(filename.startswith(folder) for folder in _loop_folders())


def _loop_folders() -> Iterator[str]:
    yield "uvloop/"  # its compiled frames name their source as it was when uvloop was built
    for name in _LOOPS:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file:
            yield os.path.dirname(file) + os.sep if file.endswith("__init__.py") else file


def frames_of(trace: TracebackType | None) -> list[Frame]:
    """The frames of a traceback, the outermost first."""
    found = []
    while trace is not None:
        found.append(Frame(trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    return found


def story(error: BaseException, trace: TracebackType | None, cell_name: CellName) -> list[str]:
    """`error` in lines: what it is, then the user's frames, the innermost last, each with its line of code.

    Frames of the machinery are counted; an error that never met the user's code shows its last frames.
    """
    frames = frames_of(trace)
    shown = [frame for frame in frames if not frame.is_machinery] or frames[-3:]
    lines = [headline(error)]
    for frame in _without_middle(shown):
        lines += _frame_lines(frame, cell_name) if frame else [f"  ... {len(shown) - FRAMES} more frames ..."]
    hidden = len(frames) - len(shown)
    if hidden and frames[-1].is_machinery:
        last = frames[-1]
        lines.append(f"  then {hidden} frames of machinery, the last {_place(last, cell_name)}")
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        lines.append(f"  after {headline(cause)}")
    return lines


def user_lines(trace: TracebackType | None, cell_name: CellName, least: int = 2) -> list[str]:
    """The user's frames, two lines each; empty when there are less than `least`.

    A single one is the line at the prompt, which everybody sees.
    """
    shown = [frame for frame in frames_of(trace) if not frame.is_machinery]
    if len(shown) < least:
        return []
    return [line for frame in _without_middle(shown) if frame for line in _frame_lines(frame, cell_name)]


def without_machinery(trace: TracebackType | None) -> tuple[TracebackType | None, int]:
    """The same traceback with the user's frames alone, and how many frames of ours that leaves out.

    One that never met the user's code stays as it is.
    """
    links = []
    link = trace
    while link is not None:
        links.append(link)
        link = link.tb_next
    kept = [link for link in links if not is_ours(link.tb_frame.f_code.co_filename)]
    if not any(not is_machinery(link.tb_frame.f_code.co_filename) for link in kept):
        return trace, 0
    shorter: TracebackType | None = None
    for each in reversed(kept):
        shorter = TracebackType(shorter, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return shorter, len(links) - len(kept)


def headline(error: BaseException) -> str:
    """``ZeroDivisionError: division by zero``."""
    try:
        text = str(error)
    except Exception as second:  # a user's __str__ may do anything; the name is still worth telling
        text = f"(its text cannot be had: {type(second).__name__})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def with_cells(text: str, cell_name: CellName) -> str:
    """`text` with places in cells as people know them: ``[3] line 1`` for a made-up file name."""

    def known(found: re.Match[str]) -> str:
        cell = cell_name(found[1])
        return found[0] if cell is None else f"{cell} line {found[2]}{_inside(found[3])}"

    return _PLACE.sub(known, text)


def _without_middle(frames: list[Frame]) -> list[Frame | None]:
    if len(frames) <= FRAMES:
        return list(frames)
    half = FRAMES // 2
    return [*frames[:half], None, *frames[-half:]]


def _frame_lines(frame: Frame, cell_name: CellName) -> list[str]:
    source = linecache.getline(frame.code.co_filename, frame.line).strip()
    return [f"  {_place(frame, cell_name)}", *([f"    {source}"] if source else [])]


def _place(frame: Frame, cell_name: CellName) -> str:
    cell = cell_name(frame.code.co_filename)
    where = f"{cell} line {frame.line}" if cell else f"{frame.code.co_filename}:{frame.line}"
    return where + _inside(frame.code.co_qualname)


def _inside(name: str) -> str:
    return "" if name.startswith(("<module>", "<cell")) else f", in {name}"
