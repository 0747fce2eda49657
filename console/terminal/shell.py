"""IPython's part of the terminal: the shell that compiles, runs and shows, without a front end of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.inputtransformer2 import PromptStripper
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from IPython.core.profiledir import ProfileDir
from traitlets import observe
from traitlets.config import Config

from ..folding import folded
from ..shell import SessionShell

# A transcript may be pasted with its prompts: "[3]> c = ..." and "...> continued".
_PROMPT = re.compile(r"^(\s*\[\d+\]> ?|\s*\.\.\.> ?)")


class Leave(ExitAutocall):
    """`exit` and `quit` at the prompt, with or without brackets or a code."""

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)


class PlainDisplay(DisplayHook):
    """Shows results as they are, without "Out[3]:"; `_`, `__` and `_3` keep them as in IPython."""

    prompt_end_newline = True  # nothing stands before a result of several lines

    def write_output_prompt(self) -> None:
        """Nothing: the prompt above tells the number."""


class LazyFolder(ProfileDir):
    """IPython's folder for what its magics keep (%store, %bookmark): made when the first of them writes."""

    @observe("location")
    def _location_changed(self, change: Any) -> None:
        self._location_isset = True

    def check_dirs(self) -> None:
        """Nothing: there is nothing in it yet."""


class TerminalShell(SessionShell, InteractiveShell):
    """The shell of the terminal face; also what scripts run in."""

    interrupted = False
    """Whether the foreground cell was cancelled by Ctrl-C: its CancelledError is shown as what it means."""

    line_starter: Callable[[], None] = staticmethod(lambda: None)
    """Goes to the start of a line of the terminal; a sitting puts its own in place."""

    rl_next_input: str | None = None
    """What `set_next_input` (and so %recall, %load) puts at the next prompt, to be edited."""

    @observe("ipython_dir")
    def _ipython_dir_changed(self, change: Any) -> None:
        """Do not make the folder: most sessions never put anything there."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        """Keep to the one folder of `make_shell`."""
        self.profile_dir = LazyFolder(location=self.ipython_dir)

    def init_instance_attrs(self) -> None:
        super().init_instance_attrs()  # type: ignore[no-untyped-call]
        self.exiter = Leave(self)  # type: ignore[no-untyped-call]

    def init_displayhook(self) -> None:
        self.displayhook_class = PlainDisplay
        super().init_displayhook()  # type: ignore[no-untyped-call]

    def init_prompts(self) -> None:
        """Leave `sys.ps1` alone: libraries look at it to see whether a person is there; a script has none."""

    def init_prefilter(self) -> None:
        super().init_prefilter()  # type: ignore[no-untyped-call]
        strip = PromptStripper(_PROMPT)  # type: ignore[no-untyped-call]
        self.input_transformer_manager.cleanup_transforms.insert(0, strip)
        # IPython's advice after SystemExit; here it is followed at once.
        warnings.filterwarnings("ignore", message="To exit: use 'exit'")

    def init_hooks(self) -> None:
        """Show what IPython would page: a pager holds up the loop for as long as somebody reads."""
        super().init_hooks()  # type: ignore[no-untyped-call]
        self.set_hook("show_in_pager", _show, 0)  # type: ignore[no-untyped-call]

    def ask_exit(self) -> None:
        raise SystemExit

    def transform_cell(self, raw_cell: str) -> str:
        """As IPython's; a cell that is one `!command` awaits it, so that the loop goes on meanwhile."""
        cell: str = super().transform_cell(raw_cell)  # type: ignore[no-untyped-call]
        start = "get_ipython().system("
        if cell.startswith(start) and cell.count("\n") == 1 and raw_cell.lstrip().startswith("!"):
            return "await get_ipython().system_awaited(" + cell[len(start) :]
        return cell

    system = InteractiveShell.system_raw

    async def system_awaited(self, command: str) -> None:
        """Run `command` in the user's shell on this terminal; its exit status goes to `_exit_code`."""
        expanded = self.var_expand(command, depth=0)  # type: ignore[no-untyped-call]
        process = await asyncio.create_subprocess_shell(expanded)
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            # Ctrl-C reached it as well, through the terminal; one that will not go is told to.
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            raise
        self.user_ns["_exit_code"] = status if status >= 0 else 128 - status

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """As the session's, with one line for Ctrl-C and none for leaving."""
        kind, error, trace = exc_tuple or sys.exc_info()
        if kind is not None and issubclass(kind, SystemExit):
            return
        if kind is KeyboardInterrupt or (kind is asyncio.CancelledError and self.interrupted):
            sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace  # for %tb
            self.line_starter()
            print(f"KeyboardInterrupt{self._where(trace)}", file=sys.stderr)
            return
        if error is not None and not isinstance(error, SyntaxError):
            exc_tuple = kind, error, folded(trace)
        super().showtraceback(exc_tuple, *args, **kwargs)

    def _where(self, trace: Any) -> str:
        """The innermost line of a cell in `trace`, as ': [4] line 2'; empty when there is none."""
        place = ""
        while trace is not None:
            code = trace.tb_frame.f_code
            if described := self.describe_code(code, trace.tb_lineno):
                inside = f", in {code.co_name}" if code.co_name != "<module>" else ""
                place = f": {described}{inside}"
            trace = trace.tb_next
        return place

    def describe_code(self, code: CodeType, line: int) -> str | None:
        """'[4] line 3' when `code` was compiled from cell 4; None when from no cell."""
        cell = self.session.cell_name(code.co_filename) if self.session is not None else None
        return f"{cell} line {line}" if cell else None


def _show(_shell: object, text: str | dict[str, str], **_place: object) -> None:
    """IPython's hook for paging: `text` may come as a bundle of MIME types."""
    print(text["text/plain"] if isinstance(text, dict) else text)


InteractiveShellABC.register(TerminalShell)


def make_shell(*, state: Path, history: Path | None) -> TerminalShell:
    """The one shell of this process.

    `state` is the folder for what lasts longer than a session; it need not exist. `history` is the database
    of the prompt's history; None keeps none.
    """
    config = Config()
    config.HistoryManager.enabled = history is not None
    if history is not None:
        config.HistoryManager.hist_file = str(history)
    # Jedi reads source code for seconds, and keeps the interpreter lock from the loop meanwhile; at this
    # prompt the objects are live, and looking at them takes milliseconds.
    config.Completer.use_jedi = False
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        config.InteractiveShell.colors = "nocolor"
    return TerminalShell.instance(config=config, ipython_dir=str(state))
