"""Reactors that note what they are asked for instead of doing it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from zope.interface import implementer

from ..address import IPv4Address, IPv6Address, UNIXAddress
from ..error import NotConnectingError, UnsupportedAddressFamily
from ..interfaces import (
    IConnector,
    IHostnameResolver,
    IHostResolution,
    IListeningPort,
    IReactorCore,
    IReactorFDSet,
    IReactorPluggableNameResolver,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorTime,
    IReactorUNIX,
)
from ..task import Clock

ADOPTED_PORT = 1234
"""The number that a `MemoryReactor` gives to a port whose descriptor it adopted."""

Address = IPv4Address | IPv6Address | UNIXAddress


@implementer(IListeningPort)
class MemoryPort:
    """A port that listens in name only; `listening` is False once `stopListening` was called."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.listening = True

    def startListening(self) -> None:
        """Note it in `listening`."""
        self.listening = True

    def stopListening(self) -> None:
        """Note it in `listening`."""
        self.listening = False

    def getHost(self) -> Address:
        """The address it was asked to listen on."""
        return self.address


@implementer(IConnector)
class MemoryConnector:
    """A connection attempt that never gets anywhere.

    `stoppedConnecting` is True once `stopConnecting` was called, `disconnected` once `disconnect` was.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.stoppedConnecting = False
        self.disconnected = False

    def connect(self) -> None:
        """Note in `stoppedConnecting` that it goes on."""
        self.stoppedConnecting = False

    def stopConnecting(self) -> None:
        """Note it. Raises NotConnectingError when it was called before."""
        if self.stoppedConnecting:
            raise NotConnectingError(f"stopConnecting() twice on the connector to {self.address}")
        self.stoppedConnecting = True

    def disconnect(self) -> None:
        """Note it."""
        self.disconnected = True

    def getDestination(self) -> Address:
        """The address it was asked to connect to."""
        return self.address


@implementer(IHostResolution)
class SynchronousResolution:
    """A look-up that was over when it began."""

    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> NoReturn:
        """Raises RuntimeError: there is nothing to cancel any more."""
        raise RuntimeError(f"the look-up of {self.name!r} is over: it cannot be cancelled")


@implementer(IHostnameResolver)
class SynchronousResolver:
    """Resolves every name at once to `addresses`, by default 127.0.0.1, and keeps the names in `names`."""

    def __init__(self, addresses: Iterable[str] = ("127.0.0.1",)) -> None:
        self.addresses = list(addresses)
        self.names: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Iterable[type] | None = None,
        transportSemantics: str = "TCP",
    ) -> SynchronousResolution:
        """Tell `resolutionReceiver` the addresses of the wanted types, with `portNumber`, at once."""
        self.names.append(hostName)
        wanted = (IPv4Address, IPv6Address) if addressTypes is None else tuple(addressTypes)
        resolution = SynchronousResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        for text in self.addresses:
            address = _ip_address(text, portNumber, transportSemantics)
            if isinstance(address, wanted):
                resolutionReceiver.addressResolved(address)
        resolutionReceiver.resolutionComplete()
        return resolution


def _ip_address(host: str, port: int, semantics: str = "TCP") -> IPv4Address | IPv6Address:
    """The address of `host`, of the family that its spelling shows; names count as IPv4."""
    return IPv6Address(semantics, host, port) if ":" in host else IPv4Address(semantics, host, port)


@implementer(
    IReactorCore,
    IReactorTCP,
    IReactorSSL,
    IReactorUNIX,
    IReactorSocket,
    IReactorFDSet,
    IReactorPluggableNameResolver,
)
class MemoryReactor:
    """A reactor that opens nothing: it keeps what it is asked for in lists for the test to read.

    - `tcpServers` (port, factory, backlog, interface);
    - `tcpClients` (host, port, factory, timeout, bindAddress);
    - `sslServers` (port, factory, contextFactory, backlog, interface);
    - `sslClients` (host, port, factory, contextFactory, timeout, bindAddress);
    - `unixServers` (address, factory, backlog, mode, wantPID);
    - `unixClients` (address, factory, timeout, checkPID);
    - `adoptedPorts` and `adoptedStreamConnections` (descriptor, family, factory);
    - `ports` and `connectors`, the objects given for them, in order;
    - `triggers`, phase -> event -> list of (callable, args, kw); `whenRunningHooks`, a list of the same;
    - `readers`, `writers`; `running`, `hasRun`, `hasStopped`, `hasCrashed`, `hasInstalled`.

    A connection is never made: the test builds the protocol from the factory it finds in `tcpClients`.
    """

    def __init__(self) -> None:
        self.hasInstalled = False
        self.running: bool | None = False
        self.hasRun = False
        self.hasStopped = False
        self.hasCrashed = False
        self.whenRunningHooks: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]] = []
        self.triggers: dict[
            str, dict[str, list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]]]
        ] = {}
        self.tcpClients: list[tuple[str, int, Any, float, object]] = []
        self.tcpServers: list[tuple[int, Any, int, str]] = []
        self.sslClients: list[tuple[str, int, Any, Any, float, object]] = []
        self.sslServers: list[tuple[int, Any, Any, int, str]] = []
        self.unixClients: list[tuple[str | bytes, Any, float, int]] = []
        self.unixServers: list[tuple[str | bytes, Any, int, int, bool]] = []
        self.adoptedPorts: list[tuple[object, ...]] = []
        self.adoptedStreamConnections: list[tuple[int, int, Any]] = []
        self.ports: list[MemoryPort] = []
        self.connectors: list[MemoryConnector] = []
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.nameResolver: Any = SynchronousResolver()

    def install(self) -> None:
        """Note it in `hasInstalled`."""
        self.hasInstalled = True

    # -- IReactorCore ---------------------------------------------------------------------------------

    def resolve(self, name: str, timeout: Any = 10) -> NoReturn:
        """Raises NotImplementedError: give the test a name resolver."""
        raise NotImplementedError(
            f"resolve({name!r}): a MemoryReactor resolves through its nameResolver only"
        )

    def run(self) -> None:
        """Call what `callWhenRunning` was given, then `stop`, as if it had been stopped in the first turn."""
        if self.running is None:
            raise RuntimeError("run() after crash(): make a new MemoryReactor")
        self.running = True
        self.hasRun = True
        for call, args, kw in list(self.whenRunningHooks):
            call(*args, **kw)
        self.stop()

    def stop(self) -> None:
        """Note it in `running` and `hasStopped`."""
        self.running = False
        self.hasStopped = True

    def crash(self) -> None:
        """Note it in `hasCrashed`; `running` becomes None."""
        self.running = None
        self.hasCrashed = True

    def iterate(self, delay: float = 0) -> NoReturn:
        """Raises NotImplementedError: nothing happens by itself here."""
        raise NotImplementedError(
            "iterate(): a MemoryReactor has nothing to wait for; use MemoryReactorClock.advance()"
        )

    def fireSystemEvent(self, eventType: str) -> NoReturn:
        """Raises NotImplementedError: call what `triggers` holds."""
        raise NotImplementedError(f"fireSystemEvent({eventType!r}): call what the test finds in triggers")

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., object], *args: Any, **kw: Any
    ) -> tuple[str, str, tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]]:
        """Keep it in ``triggers[phase][eventType]``."""
        entry = (callable, args, kw)
        self.triggers.setdefault(phase, {}).setdefault(eventType, []).append(entry)
        return phase, eventType, entry

    def removeSystemEventTrigger(
        self, triggerID: tuple[str, str, tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]]
    ) -> None:
        """Take it out of `triggers`. Raises ValueError when it is not there (any more)."""
        phase, event, entry = triggerID
        self.triggers.get(phase, {}).get(event, []).remove(entry)

    def callWhenRunning(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Call it now when running, else keep it in `whenRunningHooks` for `run`."""
        if self.running:
            callable(*args, **kw)
        else:
            self.whenRunningHooks.append((callable, args, kw))

    # -- TCP, TLS and Unix ----------------------------------------------------------------------------

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> MemoryPort:
        """Note it in `tcpServers`."""
        self.tcpServers.append((port, factory, backlog, interface))
        return self._port(_ip_address(interface or "0.0.0.0", port))

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: object = None
    ) -> MemoryConnector:
        """Note it in `tcpClients`, and tell the factory that it started."""
        self.tcpClients.append((host, port, factory, timeout, bindAddress))
        return self._connector(_ip_address(host, port), factory)

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> MemoryPort:
        """Note it in `sslServers`."""
        self.sslServers.append((port, factory, contextFactory, backlog, interface))
        return self._port(_ip_address(interface or "0.0.0.0", port))

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: Any,
        contextFactory: Any,
        timeout: float = 30,
        bindAddress: object = None,
    ) -> MemoryConnector:
        """Note it in `sslClients`, and tell the factory that it started."""
        self.sslClients.append((host, port, factory, contextFactory, timeout, bindAddress))
        return self._connector(_ip_address(host, port), factory)

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> MemoryPort:
        """Note it in `unixServers`."""
        self.unixServers.append((address, factory, backlog, mode, wantPID))
        return self._port(UNIXAddress(address))

    def connectUNIX(
        self, address: str | bytes, factory: Any, timeout: float = 30, checkPID: int = 0
    ) -> MemoryConnector:
        """Note it in `unixClients`, and tell the factory that it started."""
        self.unixClients.append((address, factory, timeout, checkPID))
        return self._connector(UNIXAddress(address), factory)

    # -- IReactorSocket -------------------------------------------------------------------------------

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> MemoryPort:
        """Note it in `adoptedPorts`. Raises UnsupportedAddressFamily for others than IPv4 and IPv6."""
        address = _adopted_address("TCP", addressFamily)
        self.adoptedPorts.append((fileDescriptor, addressFamily, factory))
        return self._port(address)

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> None:
        """Note it in `adoptedStreamConnections`."""
        self.adoptedStreamConnections.append((fileDescriptor, addressFamily, factory))

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> MemoryPort:
        """Note it in `adoptedPorts`, with `maxPacketSize` as fourth. Raises as `adoptStreamPort` does."""
        address = _adopted_address("UDP", addressFamily)
        self.adoptedPorts.append((fileDescriptor, addressFamily, protocol, maxPacketSize))
        return self._port(address)

    # -- IReactorFDSet --------------------------------------------------------------------------------

    def addReader(self, reader: Any) -> None:
        """Keep it in `readers`."""
        self.readers.add(reader)

    def addWriter(self, writer: Any) -> None:
        """Keep it in `writers`."""
        self.writers.add(writer)

    def removeReader(self, reader: Any) -> None:
        """Take it out of `readers`, if it is there."""
        self.readers.discard(reader)

    def removeWriter(self, writer: Any) -> None:
        """Take it out of `writers`, if it is there."""
        self.writers.discard(writer)

    def removeAll(self) -> list[Any]:
        """Empty `readers` and `writers`; a list of what was in them."""
        removed = list(self.readers | self.writers)
        self.readers.clear()
        self.writers.clear()
        return removed

    def getReaders(self) -> list[Any]:
        """A list of `readers`."""
        return list(self.readers)

    def getWriters(self) -> list[Any]:
        """A list of `writers`."""
        return list(self.writers)

    # -- IReactorPluggableNameResolver ----------------------------------------------------------------

    def installNameResolver(self, resolver: Any) -> Any:
        """Use `resolver` from now on; the one used before."""
        previous, self.nameResolver = self.nameResolver, resolver
        return previous

    # -- the insides ----------------------------------------------------------------------------------

    def _port(self, address: Address) -> MemoryPort:
        port = MemoryPort(address)
        self.ports.append(port)
        return port

    def _connector(self, address: Address, factory: Any) -> MemoryConnector:
        connector = MemoryConnector(address)
        self.connectors.append(connector)
        factory.startedConnecting(connector)
        return connector


@implementer(IReactorTime)
class MemoryReactorClock(MemoryReactor, Clock):
    """A `MemoryReactor` with the time of a `Clock`: nothing is called before the test says `advance`."""

    def __init__(self) -> None:
        MemoryReactor.__init__(self)
        Clock.__init__(self)


@implementer(IReactorTCP, IReactorSSL, IReactorUNIX, IReactorSocket, IReactorPluggableNameResolver)
class RaisingMemoryReactor:
    """A reactor on which every listening raises `listenException` and every connecting `connectException`."""

    def __init__(
        self, listenException: Exception | None = None, connectException: Exception | None = None
    ) -> None:
        self._listen_exception = listenException
        self._connect_exception = connectException
        self.nameResolver: Any = SynchronousResolver()

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> NoReturn:
        """Raises `listenException`."""
        self._refuse_to_listen()

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: object = None
    ) -> NoReturn:
        """Raises `connectException`."""
        self._refuse_to_connect()

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> NoReturn:
        """Raises `listenException`."""
        self._refuse_to_listen()

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: Any,
        contextFactory: Any,
        timeout: float = 30,
        bindAddress: object = None,
    ) -> NoReturn:
        """Raises `connectException`."""
        self._refuse_to_connect()

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> NoReturn:
        """Raises `listenException`."""
        self._refuse_to_listen()

    def connectUNIX(
        self, address: str | bytes, factory: Any, timeout: float = 30, checkPID: int = 0
    ) -> NoReturn:
        """Raises `connectException`."""
        self._refuse_to_connect()

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> NoReturn:
        """Raises `listenException`."""
        self._refuse_to_listen()

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> NoReturn:
        """Raises `connectException`."""
        self._refuse_to_connect()

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> NoReturn:
        """Raises `listenException`."""
        self._refuse_to_listen()

    def installNameResolver(self, resolver: Any) -> Any:
        """Use `resolver` from now on; the one used before."""
        previous, self.nameResolver = self.nameResolver, resolver
        return previous

    def _refuse_to_listen(self) -> NoReturn:
        if self._listen_exception is None:
            raise RuntimeError("RaisingMemoryReactor(listenException=...) was not given")
        raise self._listen_exception

    def _refuse_to_connect(self) -> NoReturn:
        if self._connect_exception is None:
            raise RuntimeError("RaisingMemoryReactor(connectException=...) was not given")
        raise self._connect_exception


def _adopted_address(semantics: str, family: int) -> IPv4Address | IPv6Address:
    if family == socket.AF_INET:
        return IPv4Address(semantics, "0.0.0.0", ADOPTED_PORT)
    if family == socket.AF_INET6:
        return IPv6Address(semantics, "::", ADOPTED_PORT)
    raise UnsupportedAddressFamily(family)
