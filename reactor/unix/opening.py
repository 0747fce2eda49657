"""Opening Unix sockets: the part of a reactor that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from ..arguments import check_client_factory, check_datagram_protocol, check_factory, check_packet_size
from ..interfaces import IReactorUNIX, IReactorUNIXDatagram
from .client import Connector
from .datagrams import ConnectedDatagramPort, DatagramPort
from .paths import Path
from .port import Port

if TYPE_CHECKING:
    from ..core import Reactor


@implementer(IReactorUNIX, IReactorUNIXDatagram)
class OpensUNIX:
    """The part of a reactor that listens and connects within the machine."""

    def listenUNIX(
        self, address: Path, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> Port:
        r"""Accept connections at the path `address` with protocols of `factory`.

        An `address` that begins with ``\0`` is an abstract name, which has no file. `mode` are the
        permissions of the file: who may connect. With `wantPID` a lock file beside it tells a server that
        lives from one that crashed, whose socket is then taken over. The file is removed at the end. Raises
        CannotListenError, and TypeError or ValueError for arguments that make no sense.
        """
        check_factory("listenUNIX", factory)
        port = Port(cast("Reactor", self), address, factory, backlog, mode, wantPID)
        port.startListening()
        return port

    def connectUNIX(
        self, address: Path, factory: Any, timeout: float | None = 30, checkPID: bool = False
    ) -> Connector:
        r"""Connect to the path `address`, or to the abstract name that begins with ``\0``.

        The attempt is given up after `timeout` seconds; None waits as long as the server's queue is full.
        With `checkPID` a live process must hold the lock file. What happens is told to the factory. Raises
        TypeError or ValueError for arguments that make no sense.
        """
        check_client_factory("connectUNIX", factory)
        connector = Connector(cast("Reactor", self), address, factory, timeout, checkPID)
        connector.connect()
        return connector

    def listenUNIXDatagram(
        self, address: Path, protocol: Any, maxPacketSize: int = 8192, mode: int = 0o666
    ) -> DatagramPort:
        r"""Give the datagrams that come to the path `address`, or the abstract name, to `protocol`.

        `mode` are the permissions of the file: who may send. The protocol is told the sender's path, None
        for a sender without one. Raises CannotListenError, and TypeError or ValueError for arguments that
        make no sense.
        """
        check_datagram_protocol("listenUNIXDatagram", protocol)
        check_packet_size("listenUNIXDatagram", maxPacketSize)
        port = DatagramPort(cast("Reactor", self), address, protocol, maxPacketSize, mode)
        port.startListening()
        return port

    def connectUNIXDatagram(
        self,
        address: Path,
        protocol: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: Path | None = None,
    ) -> ConnectedDatagramPort:
        r"""Exchange datagrams with whoever is at the path `address`, or at the abstract name.

        `bindAddress` is a path of our own, without which the peer cannot answer. When nobody is there, the
        protocol's `connectionFailed` is called. Raises CannotListenError for `bindAddress`, and TypeError or
        ValueError for arguments that make no sense.
        """
        check_datagram_protocol("connectUNIXDatagram", protocol)
        check_packet_size("connectUNIXDatagram", maxPacketSize)
        if not hasattr(protocol, "connectionFailed"):
            raise TypeError(f"connectUNIXDatagram() takes a ConnectedDatagramProtocol, not {protocol!r}")
        port = ConnectedDatagramPort(
            cast("Reactor", self), address, protocol, maxPacketSize, mode, bindAddress
        )
        port.startListening()
        return port
