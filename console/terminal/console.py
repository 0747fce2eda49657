"""The console: reads a cell, runs it in the foreground, shows what it gives, until somebody leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from types import CodeType

from ..cells import Cell
from ..failures import LoopFailures
from ..interrupt import Blocker
from ..leaving import exit_status
from ..output import Output
from ..tracebacks import story
from .reader import Cleared, Reader
from .shell import TerminalShell

STUBBORN = 3
"""Presses of Ctrl-C after which a cell that ignores being cancelled is left to the background."""

MOST_LISTED = 10
"""Open things that are listed before the question whether to leave: half a small screen."""

HINT = "nothing runs in the foreground: Ctrl-D or `exit` leaves, Ctrl-C clears the line"


class Console:
    """One person at one terminal. `run` is the whole conversation."""

    def __init__(self, shell: TerminalShell, output: Output, loop: asyncio.AbstractEventLoop) -> None:
        self._shell = shell
        self._output = output
        self._loop = loop
        self._reader: Reader | None = None
        self._status: int | None = None
        self._presses = 0
        self._is_early = False
        self._let_go = asyncio.Event()
        self.foreground_task: asyncio.Task[object] | None = None
        self.is_blocking = False
        LoopFailures(loop, self.tell_failure)

    def foreground_cell(self) -> Cell | None:
        """The cell that holds the prompt; None at a prompt."""
        session = self._shell.session
        return session.foreground if session is not None and self.foreground_task is not None else None

    async def run(self, reader: Reader) -> int:
        """Read and run cells until somebody leaves; the exit status."""
        self._reader = reader
        while self._status is None:
            self._is_early = False
            try:
                await self._turn(reader)
            except KeyboardInterrupt:  # the prompt itself was what kept the loop waiting
                continue
        return self._status

    async def _turn(self, reader: Reader) -> None:
        """One cell, or one try to leave."""
        try:
            source = await reader.read()
        except Cleared as cleared:
            if not cleared.text:
                self._say(HINT)
        except EOFError:
            if self._status is None and await self._may_leave(reader):
                self._status = 0
        else:
            if source.strip():
                await self.run_cell(source)

    # -- a cell

    async def run_cell(self, source: str) -> None:
        """Run one cell in the foreground, until it is done or let go."""
        self._presses = 0
        self._let_go.clear()
        self._shell.interrupted = False
        if self._is_early:
            self._say("KeyboardInterrupt: before anything ran")
            return
        task = self.foreground_task = self._loop.create_task(self._execute(source))
        letting_go = self._loop.create_task(self._let_go.wait())
        try:
            await asyncio.wait({task, letting_go}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            letting_go.cancel()
            self.foreground_task = None
        if task.done():
            self._conclude(task)
        else:
            self._say(f"[{self._shell.execution_count - 1}] ignores Ctrl-C: it goes on in the background")
            task.add_done_callback(self._conclude)

    async def _execute(self, source: str) -> object:
        shell, failed = self._shell, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:  # whatever a transformation of the user's raises is shown as the cell's error
            transformed, failed = source, sys.exc_info()
        result = None
        try:
            result = await shell.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failed
            )
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result

    def _conclude(self, task: asyncio.Task[object]) -> None:
        """Show what IPython let through, and leave when the cell said so."""
        try:
            error = getattr(task.result(), "error_in_exec", None)
        except BaseException as raised:  # outside of IPython's own net: a deep recursion, a cancelled display
            error = raised
            if not isinstance(raised, SystemExit):
                self._shell.showtraceback((type(raised), raised, raised.__traceback__))
        if isinstance(error, SystemExit):
            self.leave(exit_status(error))

    # -- Ctrl-C, see interrupt.Interruptible

    def interrupt(self) -> None:
        task = self.foreground_task
        if task is None:
            # Between a line that is typed and its cell that runs, Ctrl-C is meant for the cell.
            self._is_early = self._reader is not None and not self._reader.interrupt()
            return
        self._presses += 1
        self._shell.interrupted = True
        if self._presses >= STUBBORN:
            self._let_go.set()
        task.cancel()

    def tell_blocked(self, blocker: Blocker) -> None:
        self._tell_above(f"KeyboardInterrupt: interrupted {blocker}, which kept the loop waiting")

    def describe_code(self, code: CodeType, line: int) -> str | None:
        return self._shell.describe_code(code, line)

    # -- what nobody else shows

    def tell_failure(self, what: str, error: BaseException | None) -> None:
        """Show an error that the loop caught, in the cell that `current_cell` names."""
        session = self._shell.session
        lines = [what]
        if error is not None and session is not None:
            first, *frames = story(error, error.__traceback__, session.cell_name)
            lines = [f"{what} {first}", *frames]
        print("\n".join(lines), file=sys.stderr)

    def tell_stray(self, error: BaseException) -> None:
        """Show what a callback let out of the loop; the loop has been entered again."""
        if isinstance(error, SystemExit):
            self._tell_above("SystemExit in a callback ends nothing here: `exit` at the prompt leaves")

    def _tell_above(self, line: str) -> None:
        print(line, file=sys.stderr)

    def _say(self, text: str) -> None:
        """Tell the person something, while there is no prompt."""
        self._output.flush()
        self._output.start_line()
        self._output.write_through(text + "\n")

    # -- leaving

    def leave(self, status: int) -> None:
        """End `run` with `status`, from wherever it is."""
        if self._status is None:
            self._status = status
        if self.foreground_task is not None:
            self.foreground_task.cancel()
            self._let_go.set()
        if self._reader is not None:
            self._reader.end()

    async def _may_leave(self, reader: Reader) -> bool:
        session = self._shell.session
        still_open = session.open_resources() if session is not None else []
        if not still_open:
            return True
        self._say("\n".join(["still open:", *(f"  {line}" for line in shortened_list(still_open))]))
        return await reader.ask("close them and leave?")


def shortened_list(lines: Sequence[str]) -> list[str]:
    """The first `MOST_LISTED` of `lines`, with a count of the others."""
    rest = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], f"... and {rest} more"] if rest > 0 else list(lines)
