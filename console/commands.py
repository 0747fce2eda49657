"""Sub-commands that other rooms bring (``wirelab kernel ...``), as entry points of `wirelab.commands`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from textwrap import shorten

GROUP = "wirelab.commands"

Command = Callable[[Sequence[str]], int | None]


def find_command(name: str) -> EntryPoint | None:
    """The command called `name`, or None."""
    return next(iter(entry_points(group=GROUP, name=name)), None)


def about_commands() -> dict[str, str]:
    """Every command with the first line that its module says about itself."""
    return {point.name: _about(point) for point in entry_points(group=GROUP)}


def _about(point: EntryPoint) -> str:
    try:
        text = sys.modules[point.load().__module__].__doc__ or ""
    except Exception as error:  # a broken add-on must not take the help away
        return f"(cannot be loaded: {error})"
    return shorten(text.strip().partition("\n")[0], 70, placeholder=" ...")
