"""A table of short texts, for a terminal and for a notebook."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

GAP = "  "
SMALLEST = 6
"""Characters below which no column is cut: less says nothing."""


@dataclass(frozen=True)
class Column:
    """One column: its title, and whether it may be cut, in the middle, when the table is too wide."""

    title: str
    can_shrink: bool = False


def _natural(lines: list[Sequence[str]]) -> list[int]:
    return [max(len(text) for text in column) for column in zip_longest(*lines, fillvalue="")]


def cut(text: str, width: int) -> str:
    """`text` in at most `width` characters: what is cut out is in the middle, because both ends tell."""
    if len(text) <= width:
        return text
    kept = max(0, width - 2)
    return text[: kept - kept // 2] + ".."[: width - kept] + (text[-(kept // 2) :] if kept // 2 else "")


def screen_width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


@dataclass(frozen=True)
class Table:
    """Rows of texts under `columns`; `empty` is said in place of a table without rows.

    `narrow` are the same rows in shorter words, for when the others do not fit. It shows as text (`__str__`
    and `__repr__`, as wide as the terminal) and in a notebook as HTML.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    empty: str
    note: str = ""
    narrow: Sequence[Sequence[str]] | None = None

    def text(self, width: int) -> str:
        """The table in lines of at most `width` characters."""
        if not self.rows:
            return self.empty
        rows = self.rows
        if self.narrow is not None and self._over(_natural(self._lines(rows)), width) > 0:
            rows = self.narrow
        widths = self._widths(_natural(self._lines(rows)), width)
        lines = [self._line(row, widths) for row in self._lines(rows)]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _lines(self, rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        return [[column.title for column in self.columns], *rows]

    @staticmethod
    def _over(widths: list[int], width: int) -> int:
        # One character stands in front of the first column.
        return 1 + sum(widths) + len(GAP) * (len(widths) - 1) - width

    def _widths(self, widths: list[int], width: int) -> list[int]:
        over = self._over(widths, width)
        while over > 0:
            shrinking = [i for i, c in enumerate(self.columns) if c.can_shrink and widths[i] > SMALLEST]
            if not shrinking:
                break
            widest = max(shrinking, key=lambda i: widths[i])
            widths[widest] -= 1
            over -= 1
        return widths

    @staticmethod
    def _line(row: Sequence[str], widths: list[int]) -> str:
        cells = (cut(text, width).ljust(width) for text, width in zip(row, widths, strict=True))
        return (" " + GAP.join(cells)).rstrip()

    def __str__(self) -> str:
        return self.text(screen_width())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<em>{escape(self.empty)}</em>"
        # Nothing but greys with transparency and the page's own colours: readable in light and dark.
        line = "border-bottom:1px solid rgba(128,128,128,.35)"
        cell = f"text-align:left;padding:.15em .9em .15em 0;{line};font-variant-numeric:tabular-nums"
        head = "".join(f'<th style="{cell};opacity:.7">{escape(c.title)}</th>' for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f'<td style="{cell}">{escape(text)}</td>' for text in row) + "</tr>"
            for row in self.rows
        )
        note = f'<div style="opacity:.7">{escape(self.note)}</div>' if self.note else ""
        return (
            f'<table style="border-collapse:collapse;color:inherit;background:transparent">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
        )
