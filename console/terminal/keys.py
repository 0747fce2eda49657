"""The keys of the prompt, where they differ from prompt_toolkit's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell
from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    emacs_insert_mode,
    has_completions,
    has_focus,
    has_selection,
    vi_insert_mode,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

if TYPE_CHECKING:
    from prompt_toolkit.document import Document

INDENT = 4


@Condition
def _in_leading_space() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


def make_keys(shell: InteractiveShell) -> KeyBindings:
    """Enter runs what is complete, Meta-Enter breaks the line, Tab indents at the start of a line.

    Up, Down, Ctrl-R, the arrow that takes a suggestion, and all else are prompt_toolkit's.
    """
    keys = KeyBindings()
    editing = has_focus(DEFAULT_BUFFER) & (emacs_insert_mode | vi_insert_mode)

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER) & ~has_selection)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if completion_is_selected():
            buffer.complete_state = None
            return
        indent = indent_wanted(shell, buffer.document)
        if indent is None:
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + indent)

    @keys.add("escape", "enter", filter=editing)
    def _break_line(event: KeyPressEvent) -> None:
        _, indent = shell.check_complete(event.current_buffer.document.text_before_cursor)
        event.current_buffer.insert_text("\n" + indent)

    @keys.add("tab", filter=editing & ~has_completions & _in_leading_space)
    def _indent(event: KeyPressEvent) -> None:
        column = event.current_buffer.document.cursor_position_col
        event.current_buffer.insert_text(" " * (INDENT - column % INDENT))

    @keys.add("backspace", filter=editing & ~has_selection & _in_leading_space)
    def _outdent(event: KeyPressEvent) -> None:
        column = event.current_buffer.document.cursor_position_col
        event.current_buffer.delete_before_cursor(((column - 1) % INDENT) + 1 if column else 1)

    return keys


def indent_wanted(shell: InteractiveShell, document: Document) -> str | None:
    """The indent of the line that Enter starts in `document`, or None when Enter runs it."""
    after = document.text_after_cursor
    # With one line, Enter anywhere in it means all of it; with more, only at the end.
    text = document.text if document.line_count == 1 else document.text_before_cursor
    status, indent = shell.check_complete(text)
    if after.strip() and document.line_count > 1:
        return indent
    if status == "incomplete":
        return indent
    return None
