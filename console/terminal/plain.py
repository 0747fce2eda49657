"""Cells as plain lines, for terminals that cannot move a cursor (TERM=dumb), and for ``-i`` behind a pipe."""

from __future__ import annotations

import asyncio
import os
from typing import TextIO

from ..output import Output
from .reader import Cleared
from .shell import TerminalShell


class PlainReader:
    """Reads lines as the terminal's own line editing gives them; the loop runs on meanwhile."""

    def __init__(self, shell: TerminalShell, output: Output, stdin: TextIO) -> None:
        self._shell = shell
        self._output = output
        self._fd = os.dup(stdin.fileno())
        self._pending = b""
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None
        self._shown = ""  # the prompt that stands on the screen

    async def read(self) -> str:
        lines: list[str] = []
        prompt = f"[{self._shell.execution_count}]> "
        while True:
            try:
                lines.append(await self._line(prompt if not lines else "...> ".rjust(len(prompt))))
            except KeyboardInterrupt:
                self._output.start_line()
                raise Cleared("\n".join(lines)) from None
            text = "\n".join(lines)
            if self._shell.check_complete(text)[0] != "incomplete":
                return text

    async def ask(self, question: str) -> bool:
        try:
            return (await self._line(f"{question} [y/N] ")).strip().lower() in ("y", "yes")
        except EOFError:
            return True
        except KeyboardInterrupt:
            return False

    def interrupt(self) -> bool:
        return self._wake(KeyboardInterrupt())

    def end(self) -> None:
        self._ended = True
        self._wake(EOFError())

    def show_above(self, text: str) -> bool:
        # The line being typed belongs to the terminal, where it stays: only the prompt is said again.
        self._output.start_line()
        self._output.write_through(text + self._shown)
        return True

    def close(self) -> None:
        os.close(self._fd)

    def _wake(self, error: BaseException) -> bool:
        if self._waiting is None or self._waiting.done():
            return False
        self._waiting.set_exception(_Woken(error))
        return True

    async def _line(self, prompt: str) -> str:
        """The next line without its end. Raises EOFError, KeyboardInterrupt."""
        self._output.start_line()
        self._output.write_through(prompt)
        self._shown = prompt
        try:
            while b"\n" not in self._pending and not self._ended:
                await self._receive()
        finally:
            self._shown = ""
        line, _, self._pending = self._pending.partition(b"\n")
        if self._ended and not line:
            raise EOFError
        return line.decode("utf-8", "replace").removesuffix("\r")

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        waiting = self._waiting = loop.create_future()
        try:
            loop.add_reader(self._fd, self._readable)
        except (PermissionError, OSError):  # a file: it is always ready
            self._readable()
        try:
            await waiting
        except _Woken as woken:
            raise woken.error from None
        finally:
            loop.remove_reader(self._fd)
            self._waiting = None

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: hung up
            data = b""
        self._pending += data
        self._ended = self._ended or not data
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class _Woken(Exception):
    """Carries KeyboardInterrupt through a future, which asyncio would let out of the loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
