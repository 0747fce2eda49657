"""Unix connections that we make: the way to one socket, and the attempts along it."""

from __future__ import annotations

import socket
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..address import UNIXAddress
from ..connecting import Attempting, StreamConnector
from ..error import BadFileError
from .connection import Connection
from .locks import live_holder, lock_path
from .paths import Path, address_from, checked_path, explained

if TYPE_CHECKING:
    from ..core import Reactor
    from ..timers import DelayedCall

#: Seconds until the next try while the server's queue of new connections is full, the first time and at most.
#: The system has no event for room in it.
FIRST_RETRY, LAST_RETRY = 0.005, 0.25


class Client(Attempting, Connection):
    """A Unix connection that we make: first an attempt, then open, then closed."""

    __slots__ = ("_attempting", "_retry", "_retry_after", "connector", "factory")
    connector: Connector

    def __init__(self, reactor: Reactor, connector: Connector, context: Context) -> None:
        self._retry: DelayedCall | None = None
        self._retry_after = FIRST_RETRY
        super().__init__(reactor, connector, context)

    def _attempt(self) -> None:
        if not self._attempting:
            return
        name = self.connector.name
        if self.connector.checkPID and live_holder(name) is None:
            self.fail(BadFileError(string=f"no live process holds {lock_path(name)}"))
        elif self.new_socket(socket.AF_UNIX):
            self._connect()

    def _connect(self) -> None:
        self._retry = None
        try:
            self.socket.connect(self.connector.name)
        except BlockingIOError:
            self._retry = self.reactor.callLater(self._retry_after, self._connect)
            self._retry_after = min(2 * self._retry_after, LAST_RETRY)
        except OSError as error:
            self.refused(explained(error, self.connector.name))
        else:
            self._decided()

    def check_made(self) -> None:
        self._peer = UNIXAddress(self.connector.name)
        self._host = address_from(self.socket.getsockname())

    def give_up(self) -> None:
        retry, self._retry = self._retry, None
        if retry is not None:
            retry.cancel()


class Connector(StreamConnector):
    """The way to one Unix socket: an attempt, then the connection, and again when asked to."""

    def __init__(
        self,
        reactor: Reactor,
        address: Path,
        factory: Any,
        timeout: float | None = 30,
        checkPID: bool = False,
    ) -> None:
        super().__init__(reactor, factory, timeout)
        self.name = checked_path("connectUNIX", address)
        self.checkPID = bool(checkPID)

    def new_client(self, context: Context) -> Client:
        return Client(self.reactor, self, context)

    def getDestination(self) -> UNIXAddress:
        """The path or abstract name it goes to."""
        return UNIXAddress(self.name)
