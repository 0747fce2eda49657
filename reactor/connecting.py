"""Connections that we make, of every family: the way to one peer, and the attempts along it.

TCP and Unix sockets differ in how an attempt begins and in what their addresses are; the rest is here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from .arguments import check_protocol
from .error import ConnectError, NotConnectingError, TimeoutError, UserError, getConnectError
from .failure import Failure
from .interfaces import IConnector
from .stream import State, StreamConnection

if TYPE_CHECKING:
    from .core import Reactor
    from .timers import DelayedCall


class Attempting(StreamConnection):
    """What a connection is that we make: first an attempt, then open, then closed.

    Mixed before the connection of the family, which says how the attempt is made. It begins in the next turn
    of the loop, so that nothing is reported before its caller can listen.
    """

    __slots__ = ()
    connector: StreamConnector
    factory: Any
    _attempting: bool
    _peer: Any

    def __init__(self, reactor: Reactor, connector: StreamConnector, context: Context) -> None:
        super().__init__(reactor, None, context)
        self.connector = connector
        self.factory = connector.factory
        self._attempting = True
        self.shortId = reactor.register(self, "c")
        reactor.call_in(context, self._attempt)

    # -- what a family says -------------------------------------------------------------------------

    def _attempt(self) -> None:
        """Find out where to, make a socket and `connect_to` it; or `fail`. Unless the attempt has ended."""
        raise NotImplementedError

    def check_made(self) -> None:
        """The socket is connected: remember both addresses. Raises OSError when it is not so."""
        raise NotImplementedError

    def give_up(self) -> None:
        """The attempt has ended: stop what it still waits for."""

    # -- what people want to know -------------------------------------------------------------------

    @property
    def state(self) -> State:
        return "connecting" if self._attempting else super().state

    def fileno(self) -> int:
        return -1 if self._fd == -1 else super().fileno()

    def getPeer(self) -> Any:
        """The address of the other end, or where the attempt goes to."""
        return self._peer if self._peer is not None else self.connector.getDestination()

    def getHost(self) -> Any:
        """The address of this end; None until there is one."""
        return None if self._attempting else super().getHost()

    # -- the attempt --------------------------------------------------------------------------------

    def new_socket(self, family: int) -> bool:
        """Take up a socket for the attempt; False, and the attempt has failed, when there is none."""
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self.fail(getConnectError(error))
            return False
        sock.setblocking(False)
        self._take_socket(sock)
        return True

    def wait_for_decision(self) -> None:
        """The system is about to connect; the descriptor becomes writable when it is decided."""
        self._writing = True
        self.reactor.driver.add_writer(self._fd, self._decided, self.context)

    def _decided(self) -> None:
        self._stop_writing()
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self.refused(OSError(number, os.strerror(number)))
            return
        try:
            self.check_made()
        except OSError as error:
            self.refused(error)
            return
        self._attempting = False
        self.connector.succeeded(self)

    def refused(self, error: OSError, told: ConnectError | None = None) -> None:
        """End the attempt because the system said `error`, which means `told`."""
        where, why = self.connector.getDestination(), error.strerror or str(error)
        told = told or getConnectError((error.errno or 0, f"{where}, {why}"))
        told.__cause__ = error
        self.fail(told)

    def fail(self, why: BaseException) -> None:
        """End the attempt because of `why`; nothing happens when it has ended already."""
        if not self._attempting:
            return
        self._attempting = False
        self._stop_writing()
        if self._fd != -1:
            self.socket.close()
        self.reactor.opened.pop(self.shortId, None)
        self.give_up()
        self.connector.failed(Failure(why))

    def ended(self, protocol: Any, reason: Failure) -> None:
        super().ended(protocol, reason)
        self.connector.lost(reason)


@implementer(IConnector)
class StreamConnector:
    """The way to one peer: an attempt, then the connection, and again when asked to.

    `state` is "disconnected", "connecting" or "connected".
    """

    def __init__(self, reactor: Reactor, factory: Any, timeout: float | None = 30) -> None:
        self.reactor = reactor
        self.factory = factory
        self.timeout = timeout
        self.state: Literal["disconnected", "connecting", "connected"] = "disconnected"
        self.transport: Attempting | None = None
        self.context = copy_context()
        self._timer: DelayedCall | None = None
        self._factory_started = False

    def new_client(self, context: Context) -> Attempting:
        """A new attempt of the family."""
        raise NotImplementedError

    def getDestination(self) -> Any:
        """The address it goes to."""
        raise NotImplementedError

    def connect(self) -> None:
        """Begin an attempt. Raises RuntimeError when there is one, or a connection, already."""
        if self.state != "disconnected":
            raise RuntimeError(f"connect() needs a connector that is disconnected, this one is {self.state}")
        self.state = "connecting"
        if not self._factory_started:
            self.factory.doStart()
            self._factory_started = True
        self.transport = self.new_client(self.context.copy())
        if self.timeout is not None:
            self._timer = self.reactor.callLater(self.timeout, self._timed_out)
        self.factory.startedConnecting(self)

    def _timed_out(self) -> None:
        self._timer = None
        if self.transport is not None:
            self.transport.fail(
                TimeoutError(string=f"{self.getDestination()} gave no answer in {self.timeout} s")
            )

    def stopConnecting(self) -> None:
        """Give up the attempt. Raises NotConnectingError when there is none."""
        if self.state != "connecting" or self.transport is None:
            raise NotConnectingError(f"there is no attempt to stop: this connector is {self.state}")
        self.transport.fail(UserError(string="stopConnecting() was called"))

    def disconnect(self) -> None:
        """Give up the attempt, or close the connection."""
        if self.state == "connecting":
            self.stopConnecting()
        elif self.transport is not None:
            self.transport.loseConnection()

    def succeeded(self, client: Attempting) -> None:
        """The attempt became a connection: join it with a protocol."""
        self.state = "connected"
        self._stop_timer()
        try:
            protocol = self.factory.buildProtocol(client.getPeer())
            if protocol is not None:
                check_protocol(self.factory, protocol)
        except BaseException as error:
            self.reactor.callback_failed(error, self.factory.buildProtocol)
            self._refuse(client, f"buildProtocol raised {type(error).__name__}: {error}")
            return
        if protocol is None:
            self._refuse(client, "the factory gave no protocol")
            return
        client.begin(protocol)

    def _refuse(self, client: Attempting, why: str) -> None:
        client.socket.close()
        self.reactor.opened.pop(client.shortId, None)
        self.lost(Failure(ConnectError(string=why)))

    def failed(self, reason: Failure) -> None:
        """The attempt ended without a connection."""
        self._stop_timer()
        self.transport = None
        self.state = "disconnected"
        self._tell(self.factory.clientConnectionFailed, reason)

    def lost(self, reason: Failure) -> None:
        """The connection ended."""
        self.transport = None
        self.state = "disconnected"
        self._tell(self.factory.clientConnectionLost, reason)

    def _tell(self, call: Callable[[StreamConnector, Failure], object], reason: Failure) -> None:
        try:
            call(self, reason)
        except BaseException as error:
            self.reactor.callback_failed(error, call)
        # The factory may have connected again; only then is it still in use.
        if self.state == "disconnected" and self._factory_started:
            self._factory_started = False
            self.factory.doStop()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def __repr__(self) -> str:
        return f"<Connector to {self.getDestination()} {self.state}>"
