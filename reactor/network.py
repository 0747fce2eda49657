"""Opening ports and connections, and knowing what is open."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from .adoption import Adopts
from .arguments import check_client_factory, check_factory, check_port
from .connecting import Attempting
from .error import ConnectionLost
from .failure import Failure
from .interfaces import IReactorTCP
from .listening import StreamPort
from .securing import OpensTLS
from .stream import short
from .tcp import Connector, Port
from .timers import checked_delay
from .udp.opening import OpensUDP
from .unix.opening import OpensUNIX

if TYPE_CHECKING:
    from .core import Reactor


@implementer(IReactorTCP)
class Network(OpensTLS, OpensUNIX, OpensUDP, Adopts):
    """The part of a reactor that opens things, and keeps them by `shortId` in `opened`."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: dict[str, Any] = {}
        self._ids: dict[str, Callable[[], int]] = {}

    def register(self, transport: Any, letter: str) -> str:
        """Note that `transport` is open; its name: `letter` and a number that is never used again."""
        following = self._ids.get(letter)
        if following is None:
            following = self._ids[letter] = count(1).__next__
        name = f"{letter}{following()}"
        self.opened[name] = transport
        return name

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        """Accept connections on `port` (0: any free one) with protocols of `factory`.

        `interface` is a literal IPv4 or IPv6 address to listen on; empty means all IPv4 ones, "::" all of
        both families. Raises CannotListenError, and TypeError or ValueError for arguments that make no
        sense.
        """
        check_port("listenTCP", port)
        check_factory("listenTCP", factory)
        if not isinstance(interface, str):
            raise TypeError(f"listenTCP() takes the interface as a literal address, not {interface!r}")
        if not isinstance(backlog, int):
            raise TypeError(f"listenTCP() takes the backlog as a number of connections, not {backlog!r}")
        listening = Port(self._reactor, port, factory, backlog, interface)
        listening.startListening()
        return listening

    def connectTCP(
        self,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Connector:
        """Connect to `host`, a literal address or a name, on `port`, a number or a service's name.

        The attempt is given up after `timeout` seconds; None waits as long as the system does.
        `bindAddress` is the (host, port) to connect from, with port 0 for any. What happens is told to the
        factory. Raises TypeError or ValueError for arguments that make no sense.
        """
        if isinstance(host, bytes):
            raise TypeError(f"connectTCP() takes the host as text, not bytes: try {short(host)}.decode()")
        if not isinstance(host, str) or not host:
            raise TypeError(f"connectTCP() takes a host name or address, not {host!r}")
        if not isinstance(port, str):
            check_port("connectTCP", port)
        check_client_factory("connectTCP", factory)
        if timeout is not None:
            timeout = checked_delay("connectTCP", timeout)
        connector = Connector(self._reactor, host, port, factory, timeout, bindAddress)
        connector.connect()
        return connector

    def close_everything(self) -> None:
        """Close all that is open: ports first, so that nothing new comes in."""
        for port in [opened for opened in self.opened.values() if isinstance(opened, StreamPort)]:
            port.stopListening()
        for connection in list(self.opened.values()):
            if isinstance(connection, Attempting) and connection.state == "connecting":
                connection.fail(ConnectionLost("the reactor was stopped"))
            else:
                connection.connectionLost(Failure(ConnectionLost("the reactor was stopped")))

    @property
    def _reactor(self) -> Reactor:
        return cast("Reactor", self)
