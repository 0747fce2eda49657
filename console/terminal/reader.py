"""What a console reads from: the line editor at a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Protocol


class Cleared(Exception):
    """Ctrl-C took back what was typed; `text` is what it was."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Reader(Protocol):
    """Where cells come from: the line editor, or plain lines."""

    async def read(self) -> str:
        """The next cell. Raises EOFError at the end (Ctrl-D), Cleared on Ctrl-C."""

    async def ask(self, question: str) -> bool:
        """Whether the answer to `question` is yes; Ctrl-D is one."""

    def interrupt(self) -> bool:
        """Make a waiting `read` or `ask` answer Ctrl-C; False when none is waiting."""

    def end(self) -> None:
        """Make a waiting `read` or `ask` answer the end."""

    def show_above(self, text: str) -> bool:
        """Show whole lines above the prompt, when there is one; False when it cannot be done just now."""

    def close(self) -> None:
        """Give the terminal back as it was."""
