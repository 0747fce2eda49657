"""Unix ports: listening sockets with a path or an abstract name."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from ..address import UNIXAddress
from ..defer import DeferredFilesystemLock
from ..error import CannotListenError
from ..listening import StreamPort
from ..stream import Socket
from .connection import Server
from .files import SocketFile
from .locks import locked
from .paths import Path, address_from, checked_path, explained, is_abstract

if TYPE_CHECKING:
    from ..core import Reactor


class Port(StreamPort):
    """A Unix port: accepts connections and joins each with a protocol of `factory`.

    `mode` are the permissions of the socket's file: who may connect. With `wantPID` a lock file stands beside
    it while the port listens.
    """

    kind = "unix"

    def __init__(
        self,
        reactor: Reactor,
        address: Path,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
        adopted: Socket | None = None,
    ) -> None:
        super().__init__(reactor, factory, backlog, adopted)
        self.name = checked_path("listenUNIX", address) if adopted is None else b""
        self.mode = mode
        self.wantPID = bool(wantPID)
        self._lock: DeferredFilesystemLock | None = None
        self._file: SocketFile | None = None

    def bound_socket(self) -> Socket:
        sock = None
        try:
            if self.wantPID and not is_abstract(self.name):
                self._lock = locked(self.name)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setblocking(False)
            self._file = SocketFile(self.name, self.mode)
            self._file.bind(sock)
            sock.listen(self.backlog)
        except OSError as error:
            told = explained(error, self.name)
            if sock is not None:
                sock.close()
            self.closed()
            raise CannotListenError("", str(UNIXAddress(self.name)), told) from error
        return sock

    def closed(self) -> None:
        """Remove our files; what somebody else has put in their place is left alone."""
        file, self._file = self._file, None
        if file is not None:
            file.remove()
        lock, self._lock = self._lock, None
        if lock is not None and os.path.islink(lock.name):
            lock.unlock()

    def address_from(self, sock: Socket, sockaddr: Any) -> UNIXAddress:
        return address_from(sockaddr)

    def connection_on(self, sock: Socket, peer: Any) -> Server:
        return Server(self.reactor, sock, peer, self.factory, self.context.copy(), self)

    def _wanted(self) -> str:
        return str(UNIXAddress(self.name))
