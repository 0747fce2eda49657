"""Where output goes: straight to the terminal, or above the prompt with the label of its cell.

The cell in the foreground writes straight through, as any program does. What comes later (from timers,
protocols, threads, Deferreds of cells that ended) is collected line by line and shown in batches above the
prompt, so that the line being typed stays whole. `current_cell` decides which is which.

`Output` owns both streams: `install` puts them in place of `sys.stdout` and `sys.stderr`, `restore` puts the
old ones back. What kept a stream (a logging handler) goes on working then: it writes straight through.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import sys
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from .cells import Cell, current_cell

BATCH_DELAY = 0.016
"""Seconds that late lines wait for company: one frame of a 60 Hz screen."""

LINES_PER_SECOND = 400
"""How fast lines are shown while they keep coming: also a terminal at the end of a slow link can follow."""

RETRY_DELAY = 0.25
"""Seconds until a batch that could not be shown is tried again."""

PARTIAL_DELAY = 0.5
"""Seconds after which a late line is shown though its end has not come: somebody prints dots."""

BATCH_LINES = 200
"""Lines that one cell gets in one batch; the rest is counted. Some screens: nobody reads more at once."""

LINE_LENGTH = 4096
"""Characters of one late line that are shown; the rest is counted."""

# What a late line may keep of its control sequences: colours and links. Anything else could move the cursor
# out of the batch and into the line being typed.
_KEPT = re.compile(r"(\x1b\[[0-9;:]*m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\))")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Key = tuple[Cell | None, int, str]  # the cell, the thread, and the stream a line is being written by


@dataclass
class _Partial:
    """A late line whose end has not come yet."""

    text: str = ""
    since: float = 0.0
    dropped: int = 0
    rewound: bool = False  # a carriage return came: what comes next writes over what is here

    def add(self, text: str) -> None:
        """Add `text`, which has no line end in it; what a carriage return writes over is left out."""
        shown = text.rstrip("\r")
        _, returned, last = shown.rpartition("\r")
        if shown and (self.rewound or returned):
            self.text, self.dropped = "", 0
        self.rewound = len(shown) < len(text) or (self.rewound and not shown)
        room = LINE_LENGTH - len(self.text)
        self.text += last[:room]
        self.dropped += max(0, len(last) - room)

    def take(self) -> str:
        text = self.text if not self.dropped else f"{self.text} … {self.dropped:,} more characters"
        self.text, self.dropped, self.rewound = "", 0, False
        return text


@dataclass
class _Batch:
    """The complete late lines since the last batch, bounded per cell."""

    lines: list[tuple[Cell | None, str]] = field(default_factory=list)
    counts: dict[Cell | None, int] = field(default_factory=dict)

    def add(self, cell: Cell | None, line: str) -> None:
        count = self.counts.get(cell, 0) + 1
        self.counts[cell] = count
        if count <= BATCH_LINES:
            self.lines.append((cell, line))

    def folded(self) -> list[tuple[Cell | None, int]]:
        """The cells that wrote more than is shown, with how many lines more."""
        return [(cell, n - BATCH_LINES) for cell, n in self.counts.items() if n > BATCH_LINES]


class Output:
    """The way from everything that is written in a session to its terminal.

    `terminal` is the descriptor of the terminal; it is duplicated, so closing the original by accident takes
    nothing away. `foreground` tells the cell that holds the prompt, or None.
    """

    def __init__(self, terminal: int, *, foreground: Callable[[], Cell | None], colour: bool) -> None:
        self.fd = os.dup(terminal)
        self.stdout = RoutedStream(self, sys.stdout, "stdout")
        self.stderr = RoutedStream(self, sys.stderr, "stderr")
        self._foreground = foreground
        self._colour = colour
        self._lock = threading.RLock()
        self._batch = _Batch()
        self._partials: dict[Key, _Partial] = {}
        self._loop: AbstractEventLoop | None = None
        self._show: Callable[[str], bool] | None = None
        self._delay = BATCH_DELAY
        self._due: float | None = None
        self._at_line_start = True
        self._gone = False
        self._before: tuple[TextIO, TextIO] | None = None

    # -- putting the streams in place

    def install(self) -> None:
        """Take the place of `sys.stdout` and `sys.stderr`. All goes straight through until `route`."""
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def route(self, loop: AbstractEventLoop, show: Callable[[str], bool]) -> None:
        """From now on bring late lines above the prompt.

        `show(text)` does so, on the thread of `loop`; it returns False while it cannot (an editor has the
        screen), and is asked again a little later.
        """
        self._loop, self._show = loop, show

    def stop_routing(self) -> None:
        """Show all that waits; from now on all writes go straight through again."""
        self.flush()
        self._loop = self._show = None

    def restore(self) -> None:
        """Give `sys.stdout` and `sys.stderr` back."""
        self.stop_routing()
        if self._before is not None:
            if sys.stdout is self.stdout:
                sys.stdout = self._before[0]
            if sys.stderr is self.stderr:
                sys.stderr = self._before[1]
            self._before = None

    # -- writing

    def write(self, text: str, stream: str) -> None:
        """Write `text` for the running code; safe from any thread."""
        cell = current_cell.get()
        foreground = self._foreground()
        if self._show is None or (foreground is not None and cell == foreground):
            self.write_through(text)
        else:
            self._write_late(cell, text, stream)

    def write_through(self, text: str) -> None:
        """Write `text` to the terminal at once."""
        if not text:
            return
        with self._lock:
            self._at_line_start = text.endswith("\n")
            self._write_all(text.encode("utf-8", "backslashreplace"))

    def start_line(self) -> None:
        """Go to the start of a line, when the last one written was left without its end."""
        if not self._at_line_start:
            self.write_through("\n")

    def flush(self) -> None:
        """Show all that is collected, lines without an end included."""
        with self._lock:
            self._end_partials(older_than=0.0)
            self._show_batch(self._show or self._show_plainly)

    def _write_late(self, cell: Cell | None, text: str, stream: str) -> None:
        with self._lock:
            key = cell, threading.get_ident(), stream
            partial = self._partials.pop(key, None) or _Partial()
            *whole, rest = text.split("\n")
            for piece in whole:
                partial.add(piece)
                self._batch.add(cell, partial.take())
            partial.add(rest)
            if partial.text:
                partial.since = partial.since or time.monotonic()
                self._partials[key] = partial
            self._schedule(self._delay if whole else PARTIAL_DELAY)

    # -- batches

    def _schedule(self, delay: float) -> None:
        loop, due = self._loop, time.monotonic() + delay
        if loop is None or loop.is_closed() or (self._due is not None and self._due <= due):
            return
        self._due = due
        loop.call_soon_threadsafe(self._arm, delay)

    def _arm(self, delay: float) -> None:
        if self._loop is not None:
            self._loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        with self._lock:
            self._due = None
            self._end_partials(older_than=PARTIAL_DELAY)
            lines = len(self._batch.lines)
            if self._show is not None and not self._show_batch(self._show):
                self._schedule(RETRY_DELAY)
                return
            self._delay = max(BATCH_DELAY, lines / LINES_PER_SECOND)
            if self._partials:
                self._schedule(PARTIAL_DELAY)

    def _end_partials(self, older_than: float) -> None:
        before = time.monotonic() - older_than
        for key, partial in list(self._partials.items()):
            if partial.since <= before:
                del self._partials[key]
                self._batch.add(key[0], partial.take())

    def _show_batch(self, show: Callable[[str], bool]) -> bool:
        batch = self._batch
        if not batch.lines:
            return True
        if not show("".join(self._render(batch))):
            return False
        self._batch = _Batch()
        return True

    def _render(self, batch: _Batch) -> Iterable[str]:
        for cell, line in batch.lines:
            yield f"{self._label(cell)}{self._clean(line)}\n"
        for cell, count in batch.folded():
            whose = f" from {cell}" if cell is not None else ""
            yield f"{self._dim(f'… {count:,} more lines{whose}')}\n"

    def _label(self, cell: Cell | None) -> str:
        return "" if cell is None else f"{self._dim(str(cell))} "

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._colour else text

    def _clean(self, line: str) -> str:
        """`line` without what could move the cursor out of it."""
        kept = _KEPT.split(line)
        kept[::2] = [_CONTROL.sub(_visible, part) for part in kept[::2]]
        return "".join(kept) + ("\x1b[0m" if len(kept) > 1 else "")

    def _show_plainly(self, text: str) -> bool:
        self.start_line()
        self.write_through(text)
        return True

    def _write_all(self, data: bytes) -> None:
        """Write all of `data`; nothing when the terminal went away."""
        while data and not self._gone:
            try:
                data = data[os.write(self.fd, data) :]
            except BlockingIOError:  # a child made the shared terminal non-blocking
                select.select([], [self.fd], [])
            except OSError:  # EIO after a hang-up; there is nobody left to tell
                self._gone = True


def _visible(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class RoutedStream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a session. One that is no terminal (2>errors) keeps its own way."""

    def __init__(self, output: Output, original: TextIO, name: str) -> None:
        self._output = output
        self._original = original
        self._name = name
        self._elsewhere = not _is_terminal(original)

    @property
    def name(self) -> str:
        return f"<{self._name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there, and as true here
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> BinaryIO:
        return _RoutedBytes(self)  # type: ignore[return-value]  # a BufferedIOBase is one in all but name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(
                f"write() takes str, not {type(text).__name__}: use sys.{self._name}.buffer for bytes"
            )
        if self._elsewhere:
            self._original.write(text)
            self._original.flush()
        else:
            self._output.write(text, self._name)
        return len(text)

    def flush(self) -> None:
        """Nothing: what can be shown is shown at once, and a late line waits for its end."""

    def close(self) -> None:
        """Nothing: the session needs it after the cell that closed it."""

    def isatty(self) -> bool:
        return not self._elsewhere

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._original.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _RoutedBytes(io.BufferedIOBase):
    """The `buffer` of a routed stream: bytes that are text go its way, others are shown escaped."""

    def __init__(self, stream: RoutedStream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        whole = bytes(data)
        self._stream.write(whole.decode("utf-8", "backslashreplace"))
        return len(whole)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()


def _is_terminal(stream: TextIO) -> bool:
    with contextlib.suppress(ValueError, OSError):  # closed, or without a descriptor
        return stream.isatty()
    return False
