"""Connections over Unix sockets, and those of them that a port accepted."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from ..address import UNIXAddress
from ..error import ConnectionClosed, ConnectionDone, FileDescriptorOverrun
from ..interfaces import IFileDescriptorReceiver, IUNIXTransport
from ..listening import Accepted
from ..stream import READ_SIZE, Socket, StreamConnection
from .credentials import PeerCredentials, credentials_of_peer
from .passing import Waiting, receive
from .paths import address_from

if TYPE_CHECKING:
    from ..core import Reactor

log = logging.getLogger("wirelab.reactor")


@implementer(IUNIXTransport)
class Connection(StreamConnection):
    """A connection over a Unix socket.

    A protocol that provides IFileDescriptorReceiver when it is connected is passed the descriptors that the
    peer sends; for any other protocol the system closes them.
    """

    __slots__ = ("_arrived", "_credentials", "_host", "_peer", "_takes_descriptors", "_waiting")
    kind = "unix"
    _host: UNIXAddress | None
    _peer: UNIXAddress | None

    def __init__(self, reactor: Reactor, sock: Socket | None, context: Context) -> None:
        # Before the others: they are looked at while the connection is being set up.
        self._waiting = Waiting()
        self._arrived: deque[int] = deque()
        self._takes_descriptors = False
        self._host = self._peer = None
        self._credentials: PeerCredentials | None = None
        super().__init__(reactor, sock, context)

    # -- who and where ------------------------------------------------------------------------------

    def getHost(self) -> Any:
        """The UNIXAddress of this end; without a name when it was not bound to one."""
        if self._host is None:
            self._host = address_from(self.socket.getsockname())
        return self._host

    def getPeer(self) -> Any:
        """The UNIXAddress of the other end; without a name when it was not bound to one."""
        if self._peer is None:
            self._peer = address_from(self.socket.getpeername())
        return self._peer

    @property
    def peerCredentials(self) -> PeerCredentials | None:
        """The pid, uid and gid of the process at the other end; None where the system does not tell."""
        if self._credentials is None and self.connected:
            self._credentials = credentials_of_peer(self.socket)
        return self._credentials

    # -- passing descriptors on ---------------------------------------------------------------------

    def sendFileDescriptor(self, descriptor: Any) -> None:
        """Pass an open descriptor to the peer: a number, or an object with `fileno`.

        It travels with the octet that is written next, and each descriptor needs an octet of its own, which
        has to be written in the same turn: a connection with more descriptors than octets to carry them ends
        with FileDescriptorOverrun. A duplicate is made now: yours is still yours to close. What comes after
        the end is dropped. Raises TypeError, ValueError for what is no open descriptor, OSError.
        """
        if not self._takes_data():
            return
        if not self._waiting:
            self.reactor.call_in(self.context, self._check_carried)
        self._waiting.add(descriptor, self._written)
        self._direct = False  # what carries it goes through the queue

    @property
    def _written(self) -> int:
        """Octets written so far, sent or not."""
        return self.bytesOut + self.bufferedBytes

    def _check_carried(self) -> None:
        if self.connected and not self._ending and not self._waiting.are_carried_before(self._written):
            self._lose(self._overrun())

    def _overrun(self) -> FileDescriptorOverrun:
        return FileDescriptorOverrun("write() an octet for each sendFileDescriptor(), in the same turn")

    def _review(self) -> None:
        super()._review()
        self._direct = self._direct and not self._waiting

    def doWrite(self) -> None:
        """Send from the queue, and descriptors with it. What the driver calls while a `send` fell short."""
        try:
            while self._waiting and self._queue:
                self._send_up_to_descriptor()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._write_failed(error)
            return
        super().doWrite()

    def _send_up_to_descriptor(self) -> None:
        """Send what stands before the next descriptor, or that descriptor with what stands behind it."""
        queue, waiting = self._queue, self._waiting
        data = memoryview(queue[0])
        before = waiting.next_at - self.bytesOut
        if before > 0:
            sent = self._send(data[:before])
        else:
            end = waiting.next_but_one_at
            portion = data if end is None else data[: end - self.bytesOut]
            sent = self.socket.sendmsg([portion], waiting.message)
            waiting.drop_first()
        self.bytesOut += sent
        self._queued -= sent
        if sent < len(data):
            queue[0] = data[sent:]
        else:
            queue.popleft()

    def _forget_queue(self) -> None:
        self._waiting.drop_all()
        super()._forget_queue()

    # -- being passed descriptors -------------------------------------------------------------------

    def begin(self, protocol: Any) -> None:
        if IFileDescriptorReceiver.providedBy(protocol):
            self._takes_descriptors = True
            self._recv = self._receive
        super().begin(protocol)

    def _start_reading(self) -> None:
        if not self._takes_descriptors:
            super()._start_reading()
            return
        self._reading = True
        self.reactor.driver.add_reader(self._fd, self._read_with_descriptors, self.context)

    def _receive(self, size: int, flags: int = 0) -> bytes:
        data, descriptors = receive(self.socket, size)
        self._arrived += descriptors
        return data

    def _read_with_descriptors(self) -> None:
        """As `doRead`: descriptors first, then the data that they came with."""
        try:
            data = self._recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(self._loss_from(error))
            return
        while self._arrived and self._listens:
            self._give(self.protocol.fileDescriptorReceived, self._arrived.popleft())
        if data:
            self.bytesIn += len(data)
            if self._listens:
                self._give(self.protocol.dataReceived, data)
        elif self._listens:
            self._read_end()

    @property
    def _listens(self) -> bool:
        """Whether the protocol wants to hear more."""
        return self.connected and not (self.disconnecting or self._ending)

    def _give(self, call: Callable[[Any], object], value: int | bytes) -> None:
        """Call the protocol, as an event of its own."""
        self._first = self._blank
        try:
            call(value)
        except BaseException as error:
            self._protocol_failed(error, call)
            return
        if self.connected:
            self._after_event()

    # -- ending -------------------------------------------------------------------------------------

    def _lose(self, why: ConnectionClosed) -> None:
        if self.connected:
            self._remember()  # the socket cannot be asked any more afterwards
            if isinstance(why, ConnectionDone) and not self._waiting.are_carried_before(self._written):
                why = self._overrun()
        while self._arrived:
            os.close(self._arrived.popleft())  # nobody was told of them
        if self._takes_descriptors:
            self._recv = self.socket.recv  # no cycle is left behind
        super()._lose(why)

    def _remember(self) -> None:
        try:
            self.getHost()
            self.getPeer()
        except OSError as error:
            log.debug("%s: the system no longer knows the addresses: %s", self.shortId, error)

    def __repr__(self) -> str:
        ends = " -> ".join(str(end) for end in (self._host, self._peer) if end is not None)
        return f"<{type(self).__name__} {self.shortId} {ends} {self.state}>"


class Server(Accepted, Connection):
    """A connection that a port accepted, or that was adopted."""

    __slots__ = ("factory", "server")
