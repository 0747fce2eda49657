"""What every child process is to its protocol, whatever it is connected by."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from ..address import ProcessAddress
from ..error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from ..failure import Failure
from ..interfaces import IConsumer, IProcessTransport, IPushProducer
from ..pipes import PipeReader, PipeWriter
from ..stream import checked_bytes, short
from . import launch
from .watch import ExitWatch, reap_abandoned

if TYPE_CHECKING:
    from ..core import Reactor

log = logging.getLogger("wirelab.reactor")

SIGNALS = {each.name.removeprefix("SIG"): each.value for each in signal.Signals}
"""The numbers of signals by their names without ``SIG``."""


@implementer(IProcessTransport, IConsumer, IPushProducer)
class BaseProcess:
    """A child process, as the transport of its `proto`, an IProcessProtocol.

    `pid` is its process id, None once its end was noticed. `shortId` names it for people ("x1"), and
    `protocol` is what they are told it speaks. `state` is "running", then how it ended ("exited 0", "ended by
    SIGTERM") while something still holds its descriptors open, then "closed". `bytesIn` and `bytesOut`
    count octets received from it and taken by the system for it, `bufferedBytes` those that still wait.
    """

    kind = "process"
    pid: int | None = None
    shortId = ""

    def __init__(self, reactor: Reactor, order: launch.Order, proto: Any) -> None:
        self.reactor = reactor
        self.proto = proto
        self.protocol = proto
        self.context: Context = copy_context()
        self.openedAt = time.time()
        self.status: int | None = None
        self.pipes: dict[int, PipeReader | PipeWriter] = {}
        self._closed: dict[int, PipeReader | PipeWriter] = {}
        self._order = order
        self._number = 0
        self._reason: Failure | None = None
        self._is_closing = False
        self._is_ended = False

    def _begin(self, pid: int) -> None:
        """The program runs and `pipes` lead to it: introduce it to its protocol."""
        self.pid = self._number = pid
        self.shortId = self.reactor.register(self, "x")
        self._watch = ExitWatch(self.reactor, pid, self._exited, self.context)
        self._watch.start()
        self._call(self.proto.makeConnection, self)
        for pipe in list(self.pipes.values()):
            pipe.start()

    # -- what people want to know -------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Where in its life it is."""
        if self._is_ended:
            return "closed"
        return self.exit or "running"

    @property
    def exit(self) -> str:
        """How it ended, in two or three words; empty while it runs."""
        if self._reason is None:
            return ""
        why: Any = self._reason.value
        if why.signal is not None:
            return f"ended by {signal_name(why.signal)}"
        return "ended" if why.exitCode is None else f"exited {why.exitCode}"

    @property
    def bytesIn(self) -> int:
        """Octets that it has written to us."""
        return sum(getattr(pipe, "bytesIn", 0) for pipe in self._all_pipes())

    @property
    def bytesOut(self) -> int:
        """Octets that the system took for it."""
        return sum(getattr(pipe, "bytesOut", 0) for pipe in self._all_pipes())

    @property
    def bufferedBytes(self) -> int:
        """Octets written to it that the system has not taken yet."""
        return sum(getattr(pipe, "bufferedBytes", 0) for pipe in self._all_pipes())

    def _all_pipes(self) -> Iterable[PipeReader | PipeWriter]:
        return [*self.pipes.values(), *self._closed.values()]

    def idleSeconds(self) -> float | None:
        """None: the system does not tell when data last moved through a pipe."""
        return None

    def getHost(self) -> ProcessAddress:
        """Which process it is, and how it ended."""
        return ProcessAddress(self._number, self.exit)

    def getPeer(self) -> ProcessAddress:
        """The same with the command."""
        return ProcessAddress(self._number, self.exit, tuple(map(os.fsdecode, self._command())))

    def _command(self) -> tuple[str | bytes, ...]:
        return (self._order.executable, *self._order.args[1:])

    def logPrefix(self) -> str:
        """The name of the protocol and of this process."""
        return f"{type(self.proto).__name__},{self.shortId}"

    def __repr__(self) -> str:
        state = self.exit if self._is_ended else self.state
        return f"<{type(self).__name__} {self.shortId} {self.getPeer()} pid {self._number} {state}>"

    # -- talking ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write to its standard input, without waiting; dropped when that is closed. Raises TypeError."""
        data = data if type(data) is bytes else checked_bytes("write", data)
        self._write(0, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write each of the bytes objects in `data` to its standard input. Raises TypeError."""
        if isinstance(data, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"writeSequence() takes several bytes objects: use write() for {short(data)}")
        self.write(b"".join(checked_bytes("writeSequence", piece) for piece in data))

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Write to the descriptor that is `childFD` for it; dropped when that is closed.

        Raises KeyError when it never had such a descriptor to read from, TypeError.
        """
        data = data if type(data) is bytes else checked_bytes("writeToChild", data)
        known = [fd for fd, pipe in (self.pipes | self._closed).items() if isinstance(pipe, PipeWriter)]
        if childFD not in known:
            raise KeyError(f"the process reads nothing of ours from its descriptor {childFD!r}, of {known}")
        self._write(childFD, data)

    def _write(self, childFD: int, data: bytes) -> None:
        pipe = self.pipes.get(childFD)
        if isinstance(pipe, PipeWriter):
            pipe.write(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` feed its standard input, paused while more than 64 KiB wait. Raises RuntimeError."""
        stdin = self.pipes.get(0)
        if isinstance(stdin, PipeWriter):
            stdin.registerProducer(producer, streaming)
        else:
            producer.stopProducing()

    def unregisterProducer(self) -> None:
        """The producer is done."""
        stdin = self.pipes.get(0)
        if isinstance(stdin, PipeWriter):
            stdin.unregisterProducer()

    def pauseProducing(self) -> None:
        """Receive nothing until `resumeProducing`: it will have to wait when its pipes are full."""
        for pipe in self.pipes.values():
            if isinstance(pipe, PipeReader):
                pipe.pause()

    def resumeProducing(self) -> None:
        """Receive again."""
        for pipe in self.pipes.values():
            if isinstance(pipe, PipeReader):
                pipe.start()

    def stopProducing(self) -> None:
        """Nothing more is wanted of it."""
        self.loseConnection()

    # -- closing and signals ------------------------------------------------------------------------

    def closeStdin(self) -> None:
        """Close its standard input after what was written; it reads the end of the file."""
        self.closeChildFD(0)

    def closeStdout(self) -> None:
        """Close our end of its standard output; it can write there no more."""
        self.closeChildFD(1)

    def closeStderr(self) -> None:
        """Close our end of its standard error; it can write there no more."""
        self.closeChildFD(2)

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end of one of its descriptors; nothing happens when it is closed already."""
        pipe = self.pipes.get(descriptor)
        if pipe is not None:
            pipe.close()

    def loseConnection(self) -> None:
        """Close all that connects us, after what was written. What it makes of that is its own affair.

        Many programs end when their input does; `signalProcess` and `abortConnection` leave no choice.
        """
        self._is_closing = True
        for pipe in list(self.pipes.values()):
            pipe.close()

    def abortConnection(self) -> None:
        """Kill it, and close all that connects us at once: what was not sent is lost."""
        try:
            if not self._watch.collect():
                os.kill(self._number, signal.SIGKILL)
        except PermissionError as error:
            log.warning("%s cannot be killed, it runs as another user now: %s", self.shortId, error)
        self._is_closing = True
        for pipe in list(self.pipes.values()):
            pipe.abort()

    def signalProcess(self, signalID: str | int) -> None:
        """Send it a signal, by name ('TERM', 'KILL', 'INT', ...; 'SIGTERM' too) or by number.

        Raises ProcessExitedAlready, ValueError for an unknown signal, PermissionError for a process that has
        become another user's.
        """
        number = signal_number(signalID)
        if self._watch.collect():
            if self._reason is None:  # nobody has noticed it yet
                self.reactor.call_in(self.context, self._watch.check)
            raise ProcessExitedAlready(f"process {self._number} has ended: {self.exit or 'just now'}")
        os.kill(self._number, number)

    # -- ending -------------------------------------------------------------------------------------

    def reapProcess(self) -> None:
        """See whether it has ended; happens by itself."""
        self._watch.check()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops: close all that connects us. The process goes on; its end is still noticed."""
        for pipe in list(self.pipes.values()):
            pipe.drop()

    def leave(self) -> None:
        """The reactor is closed: nobody will hear of the end of the process any more."""
        self.connectionLost(Failure(ProcessTerminated()))
        self._is_ended = True
        self.reactor.opened.pop(self.shortId, None)
        self._watch.abandon()

    def _pipe_ended(self, childFD: int) -> None:
        self._closed[childFD] = self.pipes.pop(childFD)
        self._maybe_ended()

    def _exited(self) -> None:
        """It has ended: what the watch calls."""
        self.status = self._watch.status
        self.pid = None
        self._reason = Failure(reason_of(self.status))
        self._call(self.proto.processExited, self._reason)
        self._maybe_ended()

    def _maybe_ended(self) -> None:
        if self.pipes or self._reason is None or self._is_ended:
            return
        self._is_ended = True
        self.reactor.opened.pop(self.shortId, None)
        self._call(self.proto.processEnded, self._reason, is_last=True)

    def _call(self, call: Callable[..., object], *args: Any, is_last: bool = False) -> None:
        """Call the protocol; one that raises is told, and loses what connects it with its process."""
        try:
            call(*args)
        except BaseException as error:
            self.reactor.callback_failed(error, call)
            if not is_last:
                self.loseConnection()


def reason_of(status: int | None) -> ProcessDone | ProcessTerminated:
    """What a raw status says of how a process ended; None when it is not known."""
    if status is None:
        return ProcessTerminated()
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return ProcessDone(status)
    return ProcessTerminated(code, None, status) if code > 0 else ProcessTerminated(None, -code, status)


def signal_number(signalID: str | int) -> int:
    """The number of a signal. Raises ValueError, TypeError."""
    if isinstance(signalID, str):
        number = SIGNALS.get(signalID.upper().removeprefix("SIG"))
        if number is None:
            raise ValueError(f"unknown signal {signalID!r}, there are: {', '.join(SIGNALS)}")
        return number
    if not isinstance(signalID, int) or isinstance(signalID, bool):
        raise TypeError(f"signalProcess() takes a name such as 'TERM' or a number, not {short(signalID)}")
    if not 0 <= signalID < signal.NSIG:
        raise ValueError(f"signal {signalID} is not from 0 to {signal.NSIG - 1}")
    return int(signalID)


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15; ``signal 40`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def order_of(
    executable: Any,
    args: Any,
    environment: Mapping[Any, Any] | None,
    path: Any,
    uid: int | None,
    gid: int | None,
) -> launch.Order:
    """The checked order; also collects what earlier reactors left behind."""
    reap_abandoned()
    return launch.checked_order(executable, args, environment, path, uid, gid)
