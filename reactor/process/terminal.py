"""A child process on a pseudo-terminal."""

from __future__ import annotations

import os
import termios
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..pipes import PipeReader, PipeWriter
from . import launch
from .base import BaseProcess, order_of

if TYPE_CHECKING:
    from ..core import Reactor

Terminal = tuple[int, int, str]
"""Our side, the child's side, and the name of the terminal, as `os.openpty` and `os.ttyname` give them."""


class PTYProcess(BaseProcess):
    """A child process whose standard input, output and error are one terminal, which it controls.

    What it writes is told as of its standard output. `closeStdin` types the character that means the end of
    the input; to close all is to hang up. Raises as `Process` does.
    """

    def __init__(
        self,
        reactor: Reactor,
        executable: Any,
        args: Any,
        environment: Mapping[Any, Any] | None,
        path: Any,
        proto: Any,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | Terminal = True,
    ) -> None:
        super().__init__(reactor, order_of(executable, args, environment, path, uid, gid), proto)
        ours, theirs = usePTY[:2] if isinstance(usePTY, (tuple, list)) else os.openpty()
        try:
            pid = launch.start(self._order, {0: theirs, 1: theirs, 2: theirs}, has_terminal=True)
            os.set_blocking(ours, False)
            # One descriptor for each direction, as with pipes: each end closes its own.
            copy = os.dup(ours)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)  # else we would hold open what the child closes
        self.pipes[0] = PipeWriter(reactor, copy, self.context, self._input_lost)
        self.pipes[1] = PipeReader(reactor, ours, self.context, self._received, self._output_lost)
        self._begin(pid)

    def fileno(self) -> int:
        """Our side of the terminal, for example to set the size of its window; -1 when closed."""
        output = self.pipes.get(1)
        return -1 if output is None else output.fileno()

    def closeChildFD(self, descriptor: int) -> None:
        """Type the end of the input for 0; close the terminal for 1 and 2, which are the same."""
        if descriptor == 0:
            if {0, 1} <= self.pipes.keys():
                characters = termios.tcgetattr(self.fileno())[6]
                self._write(0, characters[termios.VEOF])
        elif descriptor in (1, 2):
            self.loseConnection()

    def _received(self, data: bytes) -> None:
        self._call(self.proto.childDataReceived, 1, data)

    def _output_lost(self, why: OSError | None) -> None:
        self._pipe_ended(1)
        # A program that closes its descriptors before it ends must not be hung up on while it does.
        if self._is_closing or self._reason is not None:
            self._hang_up()

    def _exited(self) -> None:
        super()._exited()
        if 1 not in self.pipes:
            self._hang_up()

    def _hang_up(self) -> None:
        stdin = self.pipes.get(0)
        if stdin is not None:
            stdin.drop()

    def _input_lost(self, why: OSError | None) -> None:
        self._pipe_ended(0)
