"""Datagrams at the prompt: `serve('udp:9999', SomeDatagramProtocol)`, and a conversation in datagrams::

u = await connect('udp:127.0.0.1:9999')
u.send(b'hello')
await u.recv(timeout=1)
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..reactor.abstract import isIPAddress, isIPv6Address
from ..reactor.defer import Deferred
from ..reactor.endpoints import EndpointStringError
from ..reactor.endpoints.description import Description, parse_description
from ..reactor.error import CannotListenError, ConnectionRefusedError
from ..reactor.failure import Failure
from ..reactor.protocol import AbstractDatagramProtocol, DatagramProtocol
from . import displays
from .errors import LocalCallError, LocalClosedError, LocalEndpointError, LocalListenError, shortened
from .live import LiveConnection
from .waiting import Clock, Wait, checked_timeout

if TYPE_CHECKING:
    from .session import Session

MOST_UNREAD = 1000
"""Datagrams that may wait to be read; those that come when there are so many are dropped, and counted."""

LARGEST = 65535
"""Octets that a datagram can have at most (RFC 768)."""


class DatagramConversation(DatagramProtocol):
    """Send datagrams to one peer, and wait for its answers.

    `clock` gives the time for `timeout=`. `dropped` counts datagrams that came while too many were unread.
    """

    noisy = False
    served_name = "Datagrams"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._unread: deque[bytes] = deque()
        self._waits: deque[Wait[bytes]] = deque()
        self._is_refused = False
        self._port: Any = None  # stays when the transport is taken away at the end
        self.dropped = 0

    def startProtocol(self) -> None:
        """The port is open."""
        self._port = self.transport

    # -- talking --------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send one datagram. Raises: LocalCallError for anything but bytes; LocalClosedError."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            right = f"b{shortened(data, 40)}" if isinstance(data, str) and data.isascii() else "b'...'"
            raise LocalCallError(f"{self._name}.send() takes bytes, not {type(data).__name__}: send({right})")
        self._check_open("send")
        self.transport.write(bytes(data))

    def recv(self, timeout: float | None = None) -> Deferred[bytes]:
        """Wait for one datagram, whole.

        Fails with ConnectionRefusedError when the peer's machine says that nobody listens there.
        """
        seconds = checked_timeout(f"{self._name}.recv()", timeout)
        self._check_open("recv")
        wait: Wait[bytes] = Wait(f"{self._name} recv", self._forget)
        self._waits.append(wait)
        self._answer()
        if wait.called:
            return wait
        return wait.stop_after(
            seconds, self._clock, lambda: f"{self._name}: no datagram within {seconds:g} s"
        )

    @property
    def unread(self) -> int:
        """How many datagrams came in and wait to be read."""
        return len(self._unread)

    def close(self) -> None:
        """Close; what still waits for a datagram fails with LocalClosedError."""
        if self._port is not None and self._port.state in ("listening", "paused"):
            self._port.stopListening()

    # -- what the port calls --------------------------------------------------------------------------

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        """A datagram came in."""
        if len(self._unread) >= MOST_UNREAD:
            self.dropped += 1
            return
        self._unread.append(datagram)
        self._answer()

    def connectionRefused(self) -> None:
        """Nobody listens there: who waits, or else the next to wait, is told."""
        self._is_refused = True
        self._answer()

    def stopProtocol(self) -> None:
        """The port is closed."""
        while self._waits:
            self._waits.popleft().errback(Failure(self._closed("recv")))

    # -- inside ---------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return getattr(self._port, "shortId", "conversation")

    def _answer(self) -> None:
        while self._waits and (self._unread or self._is_refused):
            wait = self._waits.popleft()
            if self._unread:
                wait.callback(self._unread.popleft())
            else:
                self._is_refused = False
                text = f"nobody listens at {self._port.getPeer()}"
                wait.errback(Failure(ConnectionRefusedError(string=text)))

    def _forget(self, wait: Deferred[bytes]) -> None:
        self._waits = deque(each for each in self._waits if each is not wait)

    def _check_open(self, call: str) -> None:
        if self._port is None or self._port.state not in ("listening", "paused"):
            raise self._closed(call)

    def _closed(self, call: str) -> LocalClosedError:
        return LocalClosedError(
            f"{self._name}.{call}(): this conversation is closed; connect() makes another"
        )

    def __repr__(self) -> str:
        if isinstance(self._port, LiveConnection):
            return displays.connection_line(self._port)
        return "<conversation in datagrams, not connected>"

    def _repr_html_(self) -> str | None:
        if not isinstance(self._port, LiveConnection):
            return None
        return displays.connection_html(self._port, {"unread": str(self.unread)})


# -- the verbs ----------------------------------------------------------------------------------------


def is_datagrams(where: str) -> bool:
    """Whether `where` is a place of datagrams."""
    return where.partition(":")[0].strip().lower() == "udp" and "://" not in where


def serve_datagrams(session: Session, where: str, what: object, interface: str | None) -> Any:
    """The open port. Raises LocalEndpointError, LocalCallError, LocalListenError."""
    host, port = _place("serve", where, "interface", "udp:9999")
    if interface is not None and host is not None:
        raise LocalCallError(f"serve({where!r}, interface={interface!r}): the interface is named twice")
    address = _literal("serve", where, interface or host or "127.0.0.1")
    try:
        return session.reactor.listenUDP(port, _protocol(what), address, LARGEST)
    except CannotListenError as error:
        reason = error.socketError.strerror or str(error.socketError)
        raise LocalListenError(f"serve({where!r}): {reason[:1].lower()}{reason[1:]}") from error


def connect_datagrams(session: Session, where: str, protocol: object, seconds: float | None) -> Deferred[Any]:
    """A Deferred of a conversation, or of the protocol that was given. Raises as `serve_datagrams`."""
    host, port = _place("connect", where, "host", "udp:127.0.0.1:9999")
    if not port:
        raise LocalEndpointError(f"connect({shortened(where)}): port 0 is none that can be sent to")
    reactor = session.reactor
    talks = DatagramConversation(reactor) if protocol is None else _protocol(protocol)
    wait: Wait[Any] = Wait(f"connect {where}", lambda _: found.cancel())
    session.track(wait)
    found: Deferred[Any] = _address(session, host or "127.0.0.1")
    found.addCallback(lambda address: _connected(session, talks, address, port))
    found.addCallbacks(wait.callback, wait.errback)
    return wait.stop_after(seconds, reactor, lambda: f"connect({where!r}): no address within {seconds:g} s")


def _address(session: Session, host: str) -> Deferred[Any]:
    known: Deferred[Any] = Deferred()
    if isIPAddress(host) or isIPv6Address(host):
        known.callback(host)
        return known
    return session.reactor.first_address(host, 0).addCallback(lambda address: address.host)


def _connected(session: Session, talks: Any, host: str, port: int) -> Any:
    opened = session.reactor.listenUDP(0, talks, "::" if isIPv6Address(host) else "", LARGEST)
    try:
        opened.connect(host, port)
    except BaseException:
        opened.stopListening()
        raise
    return talks


def _place(call: str, where: str, name: str, example: str) -> tuple[str | None, int]:
    """The host or interface, None when there is none, and the port of `where`."""
    try:
        description: Description = parse_description(where)
    except EndpointStringError as error:
        raise LocalEndpointError(f"{call}({shortened(where)}): {error.message}") from error
    values, named = list(description.positional), dict(description.named)
    host = named.pop(name, values.pop(0) if len(values) > 1 else None)
    text = named.pop("port", values.pop(0) if values else "")
    if values or named or not (text.isascii() and text.isdigit()) or int(text) > LARGEST:
        right = f"{call}({example!r}{', ...' if call == 'serve' else ''})"
        raise LocalEndpointError(
            f"{call}({shortened(where)}): udp takes a port, and a host before it: {right}"
        )
    return (host or None), int(text)


def _literal(call: str, where: str, host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    if not (isIPAddress(host) or isIPv6Address(host)):
        raise LocalEndpointError(
            f"{call}({shortened(where)}): {host!r} is no literal address of an interface"
        )
    return host


def _protocol(what: object) -> AbstractDatagramProtocol:
    if isinstance(what, type) and issubclass(what, AbstractDatagramProtocol):
        what = what()
        what.noisy = False
    if not isinstance(what, AbstractDatagramProtocol):
        raise LocalCallError(f"udp talks through a DatagramProtocol or its class, not {shortened(what)}")
    return what
