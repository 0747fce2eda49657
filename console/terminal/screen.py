"""The terminal as the prompt uses it: what is read from it, and what is drawn on it."""

from __future__ import annotations

import os
import termios
from contextlib import AbstractContextManager, suppress
from typing import TextIO

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input.vt100 import Vt100Input, raw_mode
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

_FALLBACK = Size(rows=24, columns=80)

_CC, _LFLAG = 6, 3  # places in what tcgetattr gives


class KeyMode(raw_mode):
    """Keys one by one, without echo; but Ctrl-C stays a signal.

    As a mere key it would wait in the input for the loop to read it, and a callback that blocks the loop
    could not be interrupted. The other keys that make signals are given to the prompt.
    """

    @classmethod
    def _patch_lflag(cls, attrs: int) -> int:
        # NOFLSH: the signal must throw away neither what is typed ahead nor what is being drawn.
        return super()._patch_lflag(attrs) | termios.ISIG | termios.NOFLSH

    def __enter__(self) -> None:
        super().__enter__()
        with suppress(termios.error):  # no terminal any more: raw_mode passes over it as well
            attributes = termios.tcgetattr(self.fileno)
            off = _disabled(self.fileno)
            for name in ("VQUIT", "VSUSP", "VDSUSP"):
                if hasattr(termios, name):
                    attributes[_CC][getattr(termios, name)] = off
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)


class KeyInput(Vt100Input):
    """The terminal's keys, in `KeyMode`."""

    def raw_mode(self) -> AbstractContextManager[None]:
        return KeyMode(self.fileno())


def _disabled(fd: int) -> bytes:
    """The character that stands for "no such key" on this terminal."""
    try:
        return bytes([os.fpathconf(fd, "PC_VDISABLE")])
    except (OSError, ValueError):
        return b"\0"


def open_screen(stdin: TextIO, terminal: int) -> tuple[KeyInput, Vt100_Output]:
    """The input and the output for a prompt: keys from `stdin`, drawn on the descriptor `terminal`.

    The descriptors are duplicated: code that closes 0 or 1 takes nothing away from the prompt.
    """
    keys = KeyInput(os.fdopen(os.dup(stdin.fileno()), encoding="utf-8", errors="surrogateescape"))
    drawn = os.fdopen(os.dup(terminal), "w", encoding="utf-8", errors="replace")

    def size() -> Size:
        try:
            columns, rows = os.get_terminal_size(terminal)
        except OSError:  # hung up
            return _FALLBACK
        # A pseudo-terminal that nobody gave a size to says 0.
        return Size(rows=rows or _FALLBACK.rows, columns=columns or _FALLBACK.columns)

    # Without asking where the cursor is: the answers arrive among the keys, late or (in a flood) never, and
    # all they would buy is a toolbar that we do not have.
    depth = ColorDepth.from_env()  # NO_COLOR
    terminal_name = os.environ.get("TERM")
    return keys, Vt100_Output(
        drawn, size, term=terminal_name, default_color_depth=depth, enable_bell=False, enable_cpr=False
    )
