"""A child process on pipes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ..pipes import PipeReader, PipeWriter
from ..stream import short
from . import launch
from .base import BaseProcess, order_of

if TYPE_CHECKING:
    from ..core import Reactor

ChildFDs = Mapping[int, Literal["r", "w"] | int]

USUAL: ChildFDs = {0: "w", 1: "r", 2: "r"}
"""Standard input, output and error, a pipe each."""


class Process(BaseProcess):
    """A child process with a pipe for each descriptor that we read ('r') or write ('w') on its other side.

    Raises OSError when it cannot be started, TypeError and ValueError for arguments that make no sense.
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
        childFDs: ChildFDs | None = None,
    ) -> None:
        super().__init__(reactor, order_of(executable, args, environment, path, uid, gid), proto)
        wanted = USUAL if childFDs is None else checked_child_fds(childFDs)
        ours: dict[int, int] = {}
        theirs: dict[int, int] = {}
        opened: list[int] = []
        try:
            for child, what in wanted.items():
                if isinstance(what, int):
                    theirs[child] = what
                    continue
                reading, writing = os.pipe()
                opened.append(writing if what == "r" else reading)
                theirs[child] = opened[-1]
                ours[child] = reading if what == "r" else writing
                os.set_blocking(ours[child], False)
            pid = launch.start(self._order, theirs)
        except BaseException as error:
            for fd in ours.values():
                os.close(fd)
            if isinstance(error, OSError) and error.filename is None:  # no descriptors left for the pipes
                raise launch.explained(error, self._order) from error
            raise
        finally:
            for fd in opened:
                os.close(fd)
        self._connect(wanted, ours)
        self._begin(pid)

    def _connect(self, wanted: ChildFDs, ours: Mapping[int, int]) -> None:
        for child, fd in ours.items():
            ended = partial(self._lost, child)
            if wanted[child] == "r":
                received = partial(self._received, child)
                self.pipes[child] = PipeReader(self.reactor, fd, self.context, received, ended)
            else:
                self.pipes[child] = PipeWriter(self.reactor, fd, self.context, ended)

    def _received(self, childFD: int, data: bytes) -> None:
        self._call(self.proto.childDataReceived, childFD, data)

    def _lost(self, childFD: int, why: OSError | None) -> None:
        # Why does not matter to a protocol: either side may close a pipe at any time.
        self._call(self.proto.childConnectionLost, childFD, is_last=self._is_closing)
        self._pipe_ended(childFD)


def checked_child_fds(childFDs: Any) -> ChildFDs:
    """A copy of the mapping. Raises TypeError, ValueError, OSError for a descriptor that is not open."""
    if not isinstance(childFDs, Mapping):
        raise TypeError(f"spawnProcess() takes childFDs as a dict such as {USUAL}, not {short(childFDs)}")
    for child, what in childFDs.items():
        if not isinstance(child, int) or isinstance(child, bool) or child < 0:
            raise ValueError(f"childFDs has descriptors of the child as keys, 0 or more, not {child!r}")
        if what in ("r", "w"):
            continue
        if not isinstance(what, int) or isinstance(what, bool) or what < 0:
            raise ValueError(
                f"childFDs[{child}] is {what!r}: 'r' for one that we read from, 'w' for one that we write "
                "to, or the number of a descriptor of ours"
            )
        try:
            os.fstat(what)
        except OSError as error:
            raise OSError(error.errno, f"childFDs[{child}] is {what}, which is not open here") from error
    return dict(childFDs)
