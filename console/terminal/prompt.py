"""The line editor: prompt_toolkit on the loop that everything else runs on."""

from __future__ import annotations

from typing import TextIO

from IPython.utils.PyColorize import theme_table
from ipython_pygments_lexers import IPython3Lexer  # type: ignore[import-untyped]
from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app_or_none
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import has_focus, is_done, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.layout.processors import ConditionalProcessor, HighlightMatchingBracketProcessor
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.search import stop_search
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import BaseStyle, Style, merge_styles
from prompt_toolkit.styles.pygments import style_from_pygments_cls

from ..output import Output
from .completion import SessionCompleter
from .history import SessionHistory
from .keys import make_keys
from .reader import Cleared
from .screen import open_screen
from .shell import TerminalShell

PROMPT_STYLE = Style([("prompt", "ansigreen"), ("continuation", "ansibrightblack"), ("aborting", "")])


class Prompt:
    """The prompt of a session: one editor for all its cells."""

    def __init__(self, shell: TerminalShell, output: Output, stdin: TextIO, editing_mode: str) -> None:
        self._shell = shell
        self._output = output
        self._input, self._drawn = open_screen(stdin, output.fd)
        self._session: PromptSession[str] = PromptSession(
            message=self._message,
            prompt_continuation=_continuation,
            multiline=True,
            editing_mode=EditingMode(editing_mode.upper()),
            cursor=ModalCursorShapeConfig() if editing_mode == "vi" else None,
            lexer=PygmentsLexer(IPython3Lexer),
            style=_style(shell.colors),
            include_default_pygments_style=False,
            history=SessionHistory(shell),
            enable_history_search=True,
            auto_suggest=AutoSuggestFromHistory(),
            completer=SessionCompleter(shell),
            complete_in_thread=True,
            complete_style=CompleteStyle.MULTI_COLUMN,
            enable_suspend=True,
            enable_open_in_editor=True,
            tempfile_suffix=".py",
            key_bindings=merge_key_bindings([make_keys(shell), _interrupting_keys()]),
            input_processors=[
                ConditionalProcessor(
                    HighlightMatchingBracketProcessor(chars="[](){}"),
                    filter=has_focus(DEFAULT_BUFFER) & ~is_done,
                )
            ],
            input=self._input,
            output=self._drawn,
        )
        # SIGWINCH tells of a new size; asking for it twice a second as well would wake an idle console.
        self._session.app.terminal_size_polling_interval = None

        # SIGWINCH tells of a new size; looking twice a second would keep an idle console awake.
        self._session.app.terminal_size_polling_interval = None

    async def read(self) -> str:
        self._output.start_line()
        default, self._shell.rl_next_input = self._shell.rl_next_input or "", None
        # Its own handlers would freeze the prompt at "Press ENTER", and take Ctrl-C away from what runs.
        try:
            return await self._session.prompt_async(
                default=default, set_exception_handler=False, handle_sigint=False
            )
        except KeyboardInterrupt:
            raise Cleared(self._session.default_buffer.text) from None

    async def ask(self, question: str) -> bool:
        keys = KeyBindings()

        @keys.add("y")
        @keys.add("Y")
        @keys.add("c-d")
        def _yes(event: KeyPressEvent) -> None:
            event.app.exit(result="y")

        @keys.add("<any>")
        @keys.add("enter")
        @keys.add("<sigint>")
        def _no(event: KeyPressEvent) -> None:
            event.app.exit(result="")

        asking: PromptSession[str] = PromptSession(
            message=f"{question} [y/N] ", key_bindings=keys, input=self._input, output=self._drawn
        )
        try:
            return await asking.prompt_async(set_exception_handler=False, handle_sigint=False) == "y"
        except EOFError:  # the terminal went away
            return True

    def interrupt(self) -> bool:
        app = get_app_or_none()
        if app is None or not app.is_running or app.is_done:
            return False
        app.key_processor.send_sigint()
        return True

    def end(self) -> None:
        app = get_app_or_none()
        if app is not None and app.is_running and not app.is_done:
            app.exit(exception=EOFError)

    def show_above(self, text: str) -> bool:
        app = get_app_or_none()
        if app is None or not app.is_running:
            self._output.start_line()
            self._output.write_through(text)
            return True
        if app._running_in_terminal:  # an editor, or we are stopped: nothing may be drawn
            return False
        app.renderer.erase()
        self._output.write_through(text)
        app._redraw()  # at once: a prompt that is gone until the loop comes round again flickers
        return True

    def close(self) -> None:
        """Give the terminal back."""
        self._drawn.reset_attributes()
        self._drawn.reset_cursor_shape()
        self._drawn.show_cursor()
        self._drawn.disable_bracketed_paste()
        self._drawn.flush()
        self._input.stdin.close()
        self._drawn.stdout.close()

    def _message(self) -> StyleAndTextTuples:
        return [("class:prompt", f"[{self._shell.execution_count}]> ")]


def _continuation(width: int, line_number: int, wrap_count: int) -> StyleAndTextTuples:
    if wrap_count:
        return [("", " " * width)]
    return [("class:continuation", "...> ".rjust(width))]


def _style(colours: str) -> BaseStyle:
    """The colours of IPython's theme of that name, for the line being typed."""
    if colours.lower() == "nocolor":
        return PROMPT_STYLE
    return merge_styles([style_from_pygments_cls(theme_table[colours].as_pygments_style()), PROMPT_STYLE])


def _interrupting_keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("<sigint>", filter=is_searching)
    def _stop_searching(event: KeyPressEvent) -> None:
        stop_search()

    return keys
