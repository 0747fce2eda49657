"""Late lines: who wrote them, how they are joined, cut, counted and made harmless."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextvars import copy_context

import pytest

from wirelab.console.cells import Cell, current_cell
from wirelab.console.output import BATCH_LINES, LINE_LENGTH, Output


class Loop:
    """A loop that is turned by hand."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, call: Callable[[float], None], delay: float) -> None:
        call(delay)

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self.calls.append((delay, call))

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for _, call in calls:
            call()


class Screen:
    """An `Output` on a pipe, and what it shows above the prompt."""

    def __init__(self, colour: bool = False) -> None:
        self.reading, writing = os.pipe()
        self.foreground: Cell | None = None
        self.output = Output(writing, foreground=lambda: self.foreground, colour=colour)
        os.close(writing)
        self.loop = Loop()
        self.above: list[str] = []
        self.can_show = True
        self.output.route(self.loop, self.show)  # type: ignore[arg-type]  # as much of a loop as it needs

    def show(self, text: str) -> bool:
        if self.can_show:
            self.above += text.splitlines()
        return self.can_show

    def write(self, cell: Cell | None, *texts: str) -> None:
        def write() -> None:
            current_cell.set(cell)
            for text in texts:
                self.output.write(text, "stdout")

        copy_context().run(write)

    @property
    def direct(self) -> bytes:
        return os.read(self.reading, 1 << 16)

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.output.fd)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


FOUR = Cell(4)


def test_late_line_waits_for_its_batch(screen: Screen) -> None:
    screen.write(FOUR, "one", "\n", "two\nthree\n")
    assert screen.above == []
    screen.loop.turn()
    assert screen.above == ["[4] one", "[4] two", "[4] three"]


def test_foreground_goes_straight_through(screen: Screen) -> None:
    screen.foreground = FOUR
    screen.write(FOUR, "direct")
    assert screen.direct == b"direct"
    screen.loop.turn()
    assert screen.above == []


def test_line_of_nobody_has_no_label(screen: Screen) -> None:
    screen.write(None, "plain\n")
    screen.loop.turn()
    assert screen.above == ["plain"]


def test_lines_of_two_cells_are_not_mixed(screen: Screen) -> None:
    screen.write(FOUR, "a")
    screen.write(Cell(5), "b")
    screen.write(FOUR, "A\n")
    screen.write(Cell(5), "B\n")
    screen.loop.turn()
    assert screen.above == ["[4] aA", "[5] bB"]


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (("10 %\r20 %\n",), "20 %"),
        (("10 %\r", "20 %\r", "30 %", "\n"), "30 %"),
        (("\r10 %", "\r20 %", "\n"), "20 %"),
        (("crlf\r\n",), "crlf"),
        (("tab\there\n",), "tab\there"),
        (("\x1b[31mred\x1b[0m\n",), "\x1b[31mred\x1b[0m\x1b[0m"),
        (("\x1b[2Jgone\n",), "\\x1b[2Jgone"),
        (("\x07\x00\x9b\n",), "\\x07\\x00\\x9b"),
        (("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n",), "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1b[0m"),
        (("x" * (LINE_LENGTH + 1000), "y" * 1000, "\n"), "x" * LINE_LENGTH + " … 2,000 more characters"),
    ],
)
def test_line_is_shown_as(screen: Screen, texts: tuple[str, ...], line: str) -> None:
    screen.write(FOUR, *texts)
    screen.loop.turn()
    assert screen.above == [f"[4] {line}"]


def test_flood_is_folded_for_each_cell(screen: Screen) -> None:
    screen.write(FOUR, "x\n" * (BATCH_LINES + 1234))
    screen.write(Cell(5), "quiet\n")
    screen.loop.turn()
    assert len(screen.above) == BATCH_LINES + 2
    assert screen.above[-2:] == ["[5] quiet", "… 1,234 more lines from [4]"]


def test_batch_that_cannot_be_shown_is_kept(screen: Screen) -> None:
    screen.can_show = False
    screen.write(FOUR, "kept\n")
    screen.loop.turn()
    screen.can_show = True
    screen.loop.turn()
    assert screen.above == ["[4] kept"]


def test_nothing_is_lost_when_routing_stops(screen: Screen) -> None:
    screen.write(FOUR, "whole\n", "part")
    screen.output.stop_routing()
    assert screen.above == ["[4] whole", "[4] part"]
    screen.write(FOUR, "after\n")
    assert screen.direct == b"after\n"


def test_what_cannot_be_encoded_is_escaped(screen: Screen) -> None:
    screen.output.write_through("\udcff é\n")
    assert screen.direct == b"\\udcff \xc3\xa9\n"


def test_terminal_that_went_away_is_no_error(screen: Screen) -> None:
    os.close(screen.reading)
    screen.output.write_through("to nobody\n")
    screen.output.write_through("again\n")
    screen.reading, _ = os.pipe()
    os.close(_)


def test_new_line_begins_only_where_one_was_left(screen: Screen) -> None:
    screen.output.start_line()
    screen.output.write_through("begun")
    screen.output.start_line()
    screen.output.start_line()
    assert screen.direct == b"begun\n"


def test_writing_bytes_as_text_names_the_right_call(screen: Screen) -> None:
    with pytest.raises(TypeError, match=r"write\(\) takes str, not bytes: use sys.stdout.buffer"):
        screen.output.stdout.write(b"bytes")  # type: ignore[arg-type]
