"""A child process as a place to connect to: its standard input and output are the connection."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from zope.interface import implementer

from ..address import ProcessAddress
from ..defer import Deferred, fail, succeed
from ..error import ConnectionDone, NoProtocol, ProcessDone
from ..failure import Failure
from ..interfaces import IHalfCloseableProtocol, IStreamClientEndpoint
from ..processes import EMPTY
from ..protocol import ProcessProtocol

log = logging.getLogger("wirelab.reactor")


class StandardErrorBehavior(Enum):
    """What becomes of what the process writes to its standard error."""

    LOG = "log"
    DROP = "drop"


@implementer(IStreamClientEndpoint)
class ProcessEndpoint:
    """Starts a program; a protocol that connects talks to it through its standard input and output.

    The arguments are those of `spawnProcess`. `errFlag` says what becomes of its standard error.
    """

    def __init__(
        self,
        reactor: Any,
        executable: Any,
        args: Sequence[Any] = (),
        env: Mapping[Any, Any] | None = EMPTY,
        path: Any = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: Any = False,
        childFDs: Mapping[int, Any] | None = None,
        errFlag: StandardErrorBehavior = StandardErrorBehavior.LOG,
    ) -> None:
        self.reactor = reactor
        self.executable = executable
        self.args = args
        self.env = env
        self.path = path
        self.uid = uid
        self.gid = gid
        self.usePTY = usePTY
        self.childFDs = childFDs
        self.errFlag = errFlag

    def __repr__(self) -> str:
        return f"<ProcessEndpoint {self.executable}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the connected protocol, whose transport is the IProcessTransport; it has fired already.

        The protocol's `connectionLost` comes when the process has ended, with ConnectionDone for exit code 0,
        else with ProcessTerminated. Errback: OSError when it cannot be started, NoProtocol.
        """
        try:
            protocolFactory.doStart()
            protocol = protocolFactory.buildProtocol(ProcessAddress(0, "", (os.fsdecode(self.executable),)))
            if protocol is None:
                raise NoProtocol(f"{protocolFactory!r} has no protocol for {self!r}")
            self.reactor.spawnProcess(
                _Between(protocol, protocolFactory, self.errFlag),
                self.executable,
                self.args,
                self.env,
                self.path,
                self.uid,
                self.gid,
                self.usePTY,
                self.childFDs,
            )
        except Exception as error:
            protocolFactory.doStop()
            return fail(error)
        return succeed(protocol)


class _Between(ProcessProtocol):
    """Passes on between a process and a protocol that knows of connections only."""

    def __init__(self, protocol: Any, factory: Any, errors: StandardErrorBehavior) -> None:
        self.protocol = protocol
        self._factory = factory
        self._errors = errors

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport
        transport.protocol = self.protocol  # people see what talks to it, not what stands between
        self.protocol.makeConnection(transport)

    def outReceived(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def errReceived(self, data: bytes) -> None:
        if self._errors is StandardErrorBehavior.LOG:
            text = data.decode(errors="backslashreplace").rstrip("\n")
            log.warning("%s, %s: %s", self.transport.shortId, self.transport.getPeer(), text)

    def outConnectionLost(self) -> None:
        if IHalfCloseableProtocol.providedBy(self.protocol):
            self.protocol.readConnectionLost()

    def inConnectionLost(self) -> None:
        if IHalfCloseableProtocol.providedBy(self.protocol):
            self.protocol.writeConnectionLost()

    def processEnded(self, reason: Failure) -> None:
        self._factory.doStop()
        self.protocol.connectionLost(Failure(ConnectionDone()) if reason.check(ProcessDone) else reason)
