"""`spawnProcess`: the part of a reactor that starts programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from .interfaces import IReactorProcess
from .stream import short

if TYPE_CHECKING:
    from .core import Reactor
    from .process import BaseProcess

EMPTY: Mapping[Any, Any] = MappingProxyType({})
"""The environment of a process that is given none."""


@implementer(IReactorProcess)
class SpawnsProcesses:
    """The part of a reactor that starts child processes and knows those that run."""

    opened: dict[str, Any]

    def spawnProcess(
        self,
        processProtocol: Any,
        executable: Any,
        args: Sequence[Any] = (),
        env: Mapping[Any, Any] | None = EMPTY,
        path: Any = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: Any = False,
        childFDs: Mapping[int, Any] | None = None,
    ) -> BaseProcess:
        """Start `executable`, a file or the name of one in the PATH, talking to `processProtocol`.

        `args` begins with the name that the program sees itself called by, as a rule that of the file. `env`
        is its whole environment, empty by default; None gives it ours. `path` is the directory to start in,
        `uid` and `gid` whom to run as. With `usePTY` it gets a terminal: true, or a tuple of our
        descriptor, its descriptor (both the process's to close from now on) and the name. `childFDs` says for
        each descriptor that it gets: 'r' we read what it writes there, 'w' we write what it reads, or the
        number of a descriptor of ours; without it, those of 0, 1 and 2 are pipes. Nothing else is inherited.

        The transport; `processProtocol.connectionMade` has been called. When the reactor stops, the pipes are
        closed and children that still run are left to do so. Raises OSError when it cannot be started,
        TypeError and ValueError for arguments that make no sense.
        """
        # Few programs start others: what they need for it is loaded then.
        from .process import Process, PTYProcess

        _check_protocol(processProtocol)
        reactor = cast("Reactor", self)
        if usePTY:
            if childFDs is not None:
                raise ValueError("spawnProcess() takes usePTY or childFDs: a terminal is 0, 1 and 2 at once")
            return PTYProcess(reactor, executable, args, env, path, processProtocol, uid, gid, usePTY)
        return Process(reactor, executable, args, env, path, processProtocol, uid, gid, childFDs)

    def leave_children(self) -> None:
        """The reactor is being closed: forget the children that still run; they go on without us."""
        for process in [each for each in self.opened.values() if hasattr(each, "leave")]:
            process.leave()


def _check_protocol(protocol: Any) -> None:
    if isinstance(protocol, type):
        raise TypeError(f"spawnProcess() takes a protocol, not a class: try {protocol.__name__}()")
    if not callable(getattr(protocol, "processEnded", None)):
        raise TypeError(f"spawnProcess() takes a ProcessProtocol, not {short(protocol)}")
