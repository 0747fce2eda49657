"""The history of the prompt: what IPython keeps in its database, offered to the line editor."""

from __future__ import annotations

from collections.abc import Iterable

from IPython.core.interactiveshell import InteractiveShell
from prompt_toolkit.history import History

LOADED = 2000
"""Entries that a new session can go back to; the rest can be found with ``%history -g``."""


class SessionHistory(History):
    """Entries of all sessions, the latest first; the shell writes them down itself as it runs them."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__()
        self._shell = shell

    def load_history_strings(self) -> Iterable[str]:
        manager = self._shell.history_manager
        if manager is None:
            return
        rows = manager.get_tail(LOADED, include_latest=True)
        latest = ""
        for _session, _line, text in reversed(list(rows)):
            text = text.rstrip()
            if text and text != latest:
                yield text
                latest = text

    def store_string(self, string: str) -> None:
        """Nothing: running the cell stores it."""
