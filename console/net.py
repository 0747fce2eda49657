"""`net`: what is open, as a table that can be narrowed down and asked for its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import displays
from .amounts import counted, octets, whole_seconds
from .cells import Cell
from .errors import LocalCallError, shortened
from .live import LiveConnection, LivePort, LiveThing, cell_of
from .table import Column, Table

COLUMNS = (
    Column("id"),
    Column("kind"),
    Column("here", can_shrink=True),
    Column(""),
    Column("peer", can_shrink=True),
    Column("protocol", can_shrink=True),
    Column("in/out"),
    Column("idle"),
    Column("made"),
)

Find = Callable[[str], object]


class Net:
    """What is open: ports and connections. Type `net` to see it.

    net('tcp'), net('listen'), net('Echo'), net('c3') show the rows in which a column begins with that word,
    net(cell=5) those of a cell; net['c3'] gives the object itself, and so does the name c3 at the prompt.
    """

    def __init__(self, opened: Mapping[str, Any], find: Find) -> None:
        self._opened = opened
        self._find = find

    def things(self, *words: str, cell: int | None = None) -> list[LiveThing]:
        """What is open, in the order of opening, narrowed down as by a call."""
        wanted = [word.lower() for word in words]
        return [
            thing
            for thing in list(self._opened.values())
            if (cell is None or _number(cell_of(thing)) == cell) and all(_matches(thing, w) for w in wanted)
        ]

    def __call__(self, *words: str, cell: int | None = None) -> Table:
        """The table, with the rows that fit all `words`, and that were opened in `cell`."""
        for word in words:
            if not isinstance(word, str):
                raise LocalCallError(f"net() takes words, net('tcp'), and net(cell=5), not {shortened(word)}")
        things = self.things(*words, cell=cell)
        rows, narrow = [row(thing) for thing in things], [row(thing, is_narrow=True) for thing in things]
        empty = "nothing is open"
        if (words or cell is not None) and self._opened:
            empty = f"nothing of that is open; {counted(len(self._opened), 'thing')} in all: net"
        return Table(COLUMNS, rows, empty, narrow=narrow)

    def __getitem__(self, label: str) -> object:
        if isinstance(label, int):
            raise LocalCallError(
                f"net[{label}]: net['c{label}'] gives an object, net(cell={label}) shows a cell's"
            )
        found = self._find(label) if isinstance(label, str) else None
        if found is None:
            there = ", ".join(self._opened) or "nothing"
            raise LocalCallError(f"net[{shortened(label)}]: not open; open: {there}")
        return found

    def __iter__(self) -> Iterator[LiveThing]:
        return iter(self.things())

    def __len__(self) -> int:
        return len(self._opened)

    def __repr__(self) -> str:
        return str(self())

    def _repr_html_(self) -> str:
        return self()._repr_html_()


def row(thing: LiveThing, is_narrow: bool = False) -> tuple[str, ...]:
    """The row of one thing; a narrow one leaves the peer's host out where it is the one on this side."""
    made = displays.made_in(thing)
    here = displays.place(displays.host(thing))
    if isinstance(thing, LivePort):
        count = thing.connections
        peers = f"{count} conn" if is_narrow else counted(count, "connection")
        return (thing.shortId, "listen", here, "", peers, displays.protocol_name(thing), "", "", made)
    if isinstance(thing, LiveConnection):
        idle = thing.idleSeconds()
        counts = f"{octets(thing.bytesIn)} / {octets(thing.bytesOut)}"
        there = displays.place(displays.peer(thing))
        same, _, port = there.rpartition(":")
        if is_narrow and same and here.startswith(f"{same}:"):
            there = f":{port}"
        return (
            thing.shortId,
            displays.kind(thing),
            here,
            "->" if there else "",
            there,
            displays.protocol_name(thing) or thing.state,
            counts,
            "" if idle is None else whole_seconds(idle),
            made,
        )
    return (thing.shortId, displays.kind(thing), here, "", "", thing.state, "", "", made)


def _matches(thing: LiveThing, word: str) -> bool:
    texts = [*row(thing), thing.state, displays.kind(thing)]
    return any(text.lower().startswith(word) for text in texts)


def _number(cell: Cell | None) -> int | None:
    return None if cell is None else cell.number
