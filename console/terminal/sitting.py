"""One sitting of a person at a terminal: what is put in place for the prompt, and put back afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import pydoc
import signal
import sys
import termios
from importlib.metadata import version
from types import FrameType, TracebackType
from typing import Any

from ..arguments import Arguments
from ..interrupt import CtrlC, run_through_interrupts
from ..output import Output
from .console import Console
from .plain import PlainReader
from .reader import Reader
from .shell import TerminalShell
from .threads import ThreadContexts

_LFLAG = 3  # its place in what tcgetattr gives


class Sitting:
    """A console for `shell` on the terminal of this process. Use it in a ``with`` statement, then `run`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shell: TerminalShell, arguments: Arguments) -> None:
        self._loop = loop
        self._shell = shell
        self._arguments = arguments
        self._terminal = 1 if _is_terminal(1) or not _is_terminal(2) else 2
        self._output = Output(self._terminal, foreground=self._foreground, colour=shell.colors != "nocolor")
        self._console = Console(shell, self._output, loop)
        self._keys = CtrlC(loop, self._console)
        self._modes: Any = None
        self._threads = ThreadContexts()

    def __enter__(self) -> Sitting:
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(0)
            # On Ctrl-C the terminal would put "^C" in front of the line that tells what was interrupted, and
            # (without NOFLSH) sometimes throw that line away: it signals first, and flushes after that.
            changed = termios.tcgetattr(0)
            changed[_LFLAG] = changed[_LFLAG] & ~termios.ECHOCTL | termios.NOFLSH
            termios.tcsetattr(0, termios.TCSADRAIN, changed)
        self._shell.line_starter = self._output.start_line
        self._output.install()
        self._threads.install()
        # As for `?`: help() in a pager would hold up the loop for as long as somebody reads.
        self._pager, pydoc.pager = pydoc.pager, pydoc.plainpager
        sys.ps1, sys.ps2 = "[n]> ", "...> "  # libraries look here whether a person is there
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del sys.ps1, sys.ps2
        self._threads.restore()
        pydoc.pager = self._pager
        self._output.restore()
        if self._modes is not None:
            with contextlib.suppress(termios.error):  # hung up
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)

    def run(self) -> int:
        """Talk until the person leaves; the exit status."""
        if self._arguments.banner:
            self._output.write_through(self._banner())
        reader = self._make_reader()
        self._output.route(self._loop, reader.show_above)
        self._keys.install()
        before = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGHUP)}
        try:
            task = self._loop.create_task(self._console.run(reader))
            return run_through_interrupts(self._loop, task, self._console.tell_stray)
        finally:
            self._keys.restore()
            for number, action in before.items():
                signal.signal(number, action)
            self._output.stop_routing()
            reader.close()

    def _make_reader(self) -> Reader:
        if (
            _is_terminal(0)
            and _is_terminal(self._terminal)
            and os.environ.get("TERM") not in ("dumb", "unknown")
        ):
            from .prompt import Prompt  # prompt_toolkit, only where it can draw

            return Prompt(self._shell, self._output, sys.stdin, self._arguments.editing_mode)
        return PlainReader(self._shell, self._output, sys.stdin)

    def _banner(self) -> str:
        head = f"wirelab {version('wirelab')}, Python {platform.python_version()}, {self._arguments.loop}"
        session = self._shell.session
        return "\n".join([head, *([session.banner()] if session is not None else [])]) + "\n"

    def _foreground(self) -> Any:
        return self._console.foreground_cell()

    def _end(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGHUP: leave in order; what blocks the loop, or holds the prompt, is interrupted."""
        self._loop.call_soon_threadsafe(self._console.leave, 128 + number)
        self._keys.press(frame)


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
