"""Cells: which one is running, and so to which one a late event belongs.

Whatever a cell registers (a timer, a callback, a connection, a port) keeps a copy of the context it was
registered in, and runs in it. So `current_cell`, asked from anywhere, names the cell that the running code
belongs to, also long after that cell ended.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One run of one cell.

    `number` is the number at the prompt. `id` is the front end's name for the place in the notebook, the
    same when the cell runs again; None at a terminal and from front ends that send none.
    """

    number: int
    id: str | None = None

    def __str__(self) -> str:
        return f"[{self.number}]"


current_cell: ContextVar[Cell | None] = ContextVar("wirelab_cell", default=None)
"""The cell that the running code belongs to; None for what no cell started."""
