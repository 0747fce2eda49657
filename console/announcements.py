"""What is told late: errors that nobody handled, each once, in the cell that made them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import Context, copy_context

from .tracebacks import CellName, story, with_cells

LOGGERS = ("wirelab.reactor", "wirelab.protocols", "wirelab.console")
"""Where this package logs; what comes through is told at the prompt from WARNING on."""


class Announcements(logging.Handler):
    """Shows the log records of wirelab where they belong.

    `cell_name` tells cells' file names from others; `is_ours` whether what runs in a context belongs to this
    session, where several live in one process.
    """

    def __init__(self, cell_name: CellName, is_ours: Callable[[Context], bool]) -> None:
        super().__init__(logging.WARNING)
        self._cell_name = cell_name
        self._is_ours = is_ours

    def install(self) -> None:
        """Begin to listen."""
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)

    def remove(self) -> None:
        """Listen no more."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record, in the context it belongs to."""
        belongs = getattr(record, "deferred_context", None)
        # A copy, because the context may be the one that runs right now.
        context = belongs.copy() if isinstance(belongs, Context) else copy_context()
        if not self._is_ours(context):
            return
        try:
            context.run(self._show, record)
        except Exception:  # logging's own rule: telling of an error must not raise another one
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        lines = [with_cells(record.getMessage(), self._cell_name)]
        _, error, trace = record.exc_info or (None, None, None)
        if error is not None:
            lines += story(error, trace, self._cell_name)
            # "f raised ZeroDivisionError" goes on with what the error said; some messages say it all.
            for said in (type(error).__name__, lines[1]):
                if lines[0].endswith(f" {said}"):
                    lines[:2] = [lines[0].removesuffix(said) + lines[1]]
                    break
        print("\n".join(lines), file=sys.stderr)
