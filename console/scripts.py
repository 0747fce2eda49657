"""Running code that nobody types (``-c``, a file, standard input) as python does, with top-level `await`.

Code without a top-level `await` runs while the loop stands still: `reactor.run()` blocks in it, and
`asyncio.run()` works. Code that awaits runs on the loop; there `reactor.run()` cannot block, and instead
keeps the program alive after its last line, until `reactor.stop()` or Ctrl-C.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import linecache
import os
import sys
import tokenize
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import Any

from ..reactor.core import Reactor
from .interrupt import Blocker
from .leaving import BROKEN_PIPE, FAILED, INTERRUPTED, exit_status, flush_standard_output


@dataclass(frozen=True)
class Script:
    """What to run, and what it sees of the command line."""

    source: str
    filename: str
    argv: tuple[str, ...]
    path_entry: str
    "What becomes sys.path[0]."
    is_file: bool = False


def script_from_code(code: str, words: Sequence[str]) -> Script:
    """The script of ``-c CODE words...``."""
    return Script(code, "<string>", ("-c", *words), "")


def script_from_stdin(words: Sequence[str]) -> Script:
    """The script on standard input; read to its end. Raises SyntaxError for an encoding that is none."""
    data = sys.stdin.buffer.read()
    return Script(_decoded(data), "<stdin>", tuple(words) or ("",), "")


def script_from_file(path: str, words: Sequence[str]) -> Script:
    """The script in the file at `path`. Raises OSError, SyntaxError."""
    with open(path, "rb") as file:
        source = _decoded(file.read())
    folder = os.path.dirname(os.path.realpath(path))
    return Script(source, os.path.abspath(path), (path, *words), folder, is_file=True)


def _decoded(data: bytes) -> str:
    """The text of `data`, with the encoding that its first lines declare (PEP 263)."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return io.IncrementalNewlineDecoder(None, translate=True).decode(data.decode(encoding), final=True)


class ScriptReactor(Reactor):
    """The reactor of a script: `run` never means "nothing to do"."""

    asked_to_stay = False

    def run(self, installSignalHandlers: bool = True) -> None:
        """As `Reactor.run`; inside a running loop, stay after the last line of the script."""
        if self.driver.hosted:
            self.asked_to_stay = True
        else:
            super().run(installSignalHandlers)


class ScriptRun:
    """One run of one script in `namespace`."""

    def __init__(self, script: Script, namespace: dict[str, Any], reactor: ScriptReactor) -> None:
        self._script = script
        self._namespace = namespace
        self._reactor = reactor
        self._loop: asyncio.AbstractEventLoop | None = None
        self.foreground_task: asyncio.Task[object] | None = None
        self.is_blocking = False
        self._interrupted = False
        self.ended_by: int | None = None
        """The number of the signal that ends the script in place of Ctrl-C."""

    def prepare(self) -> None:
        """Make `sys` and the namespace look as they do to a script of python's."""
        script = self._script
        own_program, sys.argv[:] = sys.argv[0], script.argv
        replace_path_entry(script.path_entry, own_program)
        self._namespace["__doc__"] = None
        if script.is_file:
            self._namespace["__file__"] = script.filename
        # Each with its newline, the last one too: tracebacks place their carets by it.
        lines = [f"{line}\n" for line in script.source.splitlines()]
        linecache.cache[script.filename] = (len(script.source), None, lines, script.filename)

    def run(self, loop: asyncio.AbstractEventLoop) -> int:
        """Run the script to its end; the exit status. What went wrong is told on standard error."""
        self._loop = loop
        try:
            code = compile(
                self._script.source,
                self._script.filename,
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
            if code.co_flags & inspect.CO_COROUTINE:
                self.foreground_task = loop.create_task(self._awaited(code))
                loop.run_until_complete(self.foreground_task)
            else:
                self.is_blocking = True
                exec(code, self._namespace)
        except SystemExit as leaving:
            return exit_status(leaving)
        except (KeyboardInterrupt, asyncio.CancelledError) as error:
            if self.ended_by is not None:
                return 128 + self.ended_by
            if isinstance(error, KeyboardInterrupt) or self._interrupted:
                print(f"KeyboardInterrupt{self._place(error.__traceback__)}", file=sys.stderr)
                return INTERRUPTED
            return self._tell(error)
        except BaseException as error:
            return self._tell(error)
        finally:
            self.foreground_task, self.is_blocking = None, False
        return 0

    async def _awaited(self, code: CodeType) -> object:
        await eval(code, self._namespace)
        if self._reactor.asked_to_stay:
            stopped = asyncio.get_running_loop().create_future()
            self._reactor.addSystemEventTrigger("after", "shutdown", stopped.set_result, None)
            await stopped
        return None

    def _tell(self, error: BaseException) -> int:
        if isinstance(error, BrokenPipeError) and not flush_standard_output():
            return BROKEN_PIPE
        if isinstance(error, RuntimeError) and "asyncio.run() cannot be called" in str(error):
            error.add_note(
                "The loop runs already, because this script awaits at its top level: await here, too."
            )
        traceback.print_exception(type(error), error, self._own_part(error.__traceback__))
        return FAILED

    def _own_part(self, trace: TracebackType | None) -> TracebackType | None:
        """`trace` from the script's first frame on; None without one (a SyntaxError shows its own line)."""
        while trace is not None and trace.tb_frame.f_code.co_filename != self._script.filename:
            trace = trace.tb_next
        return trace

    def _place(self, trace: TracebackType | None) -> str:
        place = ""
        while trace is not None:
            place = self.describe_code(trace.tb_frame.f_code, trace.tb_lineno) or place
            trace = trace.tb_next
        return f": {place}" if place else ""

    # -- Ctrl-C, see interrupt.Interruptible

    def interrupt(self) -> None:
        self._interrupted = True
        if self.foreground_task is not None:
            self.foreground_task.cancel()

    def tell_blocked(self, blocker: Blocker) -> None:
        """Nothing: the script ends, with a line that names the place."""

    def describe_code(self, code: CodeType, line: int) -> str | None:
        if code.co_filename != self._script.filename:
            return None
        name = os.path.basename(self._script.filename)
        return f"{name}:{line}" + (f", in {code.co_name}" if code.co_name != "<module>" else "")


def replace_path_entry(entry: str, own_program: str) -> None:
    """Put `entry` where python puts the folder of a script, in place of the folder of `own_program`."""
    if sys.flags.safe_path:  # -P, PYTHONSAFEPATH: nothing is put there
        return
    own = os.path.dirname(os.path.realpath(own_program))
    if sys.path and os.path.realpath(sys.path[0]) == own:
        sys.path[0] = entry
    else:
        sys.path.insert(0, entry)
