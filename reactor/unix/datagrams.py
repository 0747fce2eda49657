"""Datagrams over Unix sockets: like UDP within one machine, with paths for addresses, and in order."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ..address import UNIXAddress
from ..datagrams import NO_ROOM
from ..datagrams import DatagramPort as AnyDatagramPort
from ..error import CannotListenError, getConnectError
from ..failure import Failure
from ..stream import Socket
from .files import SocketFile
from .paths import Path, address_from, checked_path, explained

if TYPE_CHECKING:
    from ..core import Reactor


class DatagramPort(AnyDatagramPort):
    """A bound Unix datagram socket: gives each datagram that comes to `protocol`, and sends what that writes.

    Addresses are paths, in text, or in bytes when they are abstract names; the one of a sender that has none
    is None.
    """

    kind = "unixgram"
    lost_in_silence = NO_ROOM  # nothing gets lost between two programs of one machine

    def __init__(
        self,
        reactor: Reactor,
        address: Path | None,
        protocol: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
    ) -> None:
        super().__init__(reactor, protocol, maxPacketSize)
        self.name = None if address is None else checked_path("listenUNIXDatagram", address)
        self.mode = mode
        self._shown = _shown
        self._file: SocketFile | None = None

    def bound_socket(self) -> Socket:
        sock = None
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sock.setblocking(False)
            if self.name is not None:
                self._file = SocketFile(self.name, self.mode)
                self._file.bind(sock)
        except OSError as error:
            if sock is not None:
                sock.close()
            self.closed()
            name = self.name or b""
            raise CannotListenError("", str(UNIXAddress(name)), explained(error, name)) from error
        return sock

    def closed(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.remove()

    def address_from(self, sock: Socket, sockaddr: Any) -> UNIXAddress:
        return address_from(sockaddr)

    def checked_destination(self, addr: Any) -> bytes:
        if addr is None:
            raise ValueError("write() needs to know where to: write(packet, path)")
        return checked_path("write", addr)


class ConnectedDatagramPort(DatagramPort):
    """A Unix datagram socket with one peer, at the path `address`.

    The protocol is told the datagrams without their sender, and by `connectionFailed` when there is no peer.
    """

    tells_sender = False

    def __init__(
        self,
        reactor: Reactor,
        address: Path,
        protocol: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: Path | None = None,
    ) -> None:
        super().__init__(reactor, bindAddress, protocol, maxPacketSize, mode)
        self.remote = checked_path("connectUNIXDatagram", address)

    def startListening(self) -> None:
        if self.state != "closed":
            return
        sock = self.bound_socket()
        try:
            sock.connect(self.remote)
        except OSError as error:
            sock.close()
            self.closed()
            told = getConnectError(explained(error, self.remote))
            told.__cause__ = error
            self.reactor.call_in(self.context, self.protocol.connectionFailed, Failure(told))
            return
        self._peer = self.remote
        self._adopted = sock
        super().startListening()

    def getPeer(self) -> UNIXAddress:
        """The UNIXAddress it is connected to."""
        return UNIXAddress(self.remote)

    def getDestination(self) -> UNIXAddress:
        """The same, as of a connector."""
        return self.getPeer()

    def _check_is_peer(self, addr: Any) -> None:
        if addr is not None:
            raise ValueError(f"write() takes no address here: this port is connected to {self.getPeer()}")

    def _where(self, addr: Any) -> str:
        return str(self.getPeer())


def _shown(sockaddr: Any) -> str | bytes | None:
    """A sender as the protocol is told of it."""
    return sockaddr or None
