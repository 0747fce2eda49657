"""Completion at the prompt: IPython's completer, asked in a thread of prompt_toolkit's."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable

from IPython.core.completer import Completion as Found
from IPython.core.completer import cursor_to_position, provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

log = logging.getLogger(__name__)

MOST = 500
"""Completions that are offered: a menu of more is no help, and drawing it takes long."""


class SessionCompleter(Completer):
    """What IPython offers for the text before the cursor."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        if not document.current_line_before_cursor.strip():
            return
        offset = cursor_to_position(document.text, document.cursor_position_row, document.cursor_position_col)
        try:
            with provisionalcompleter(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of objects that are looked into
                found = list(self._shell.Completer.completions(document.text, offset))
        except Exception:  # of whatever object is looked into: an empty menu, not a dead prompt
            log.debug("no completion for %r", document.text, exc_info=True)
            return
        seen: set[tuple[int, str]] = set()
        for one in found[:MOST]:
            if one.text and (one.start, one.text) not in seen:
                seen.add((one.start, one.text))
                yield _offered(one, document.text, offset)


def _offered(found: Found, text: str, offset: int) -> Completion:
    insert = found.text
    # IPython completes the name of an argument with its '=', also where one stands already.
    if insert.endswith("=") and text[offset : offset + 1] == "=":
        insert = insert[:-1]
    is_function = found.type == "function"
    kind = "" if found.type == "<unknown>" else found.type
    return Completion(
        insert,
        start_position=found.start - offset,
        display=found.text.removeprefix(".") + ("()" if is_function else ""),
        display_meta=f"{kind}{found.signature or ''}" if is_function else kind,
    )
