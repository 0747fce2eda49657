"""Protocols, the things that are said on one connection, and factories, which make one per connection.

A `Protocol` is told of its life by four calls, always in this order: `makeConnection` (which calls
`connectionMade`), any number of `dataReceived`, one `connectionLost`. It answers through
`self.transport`. What outlives a connection belongs to the `Factory`, which each protocol reaches as
`self.factory`.

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    reactor.listenTCP(8007, Factory.forProtocol(Echo))
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zope.interface import implementer

from . import running
from .defer import Deferred
from .error import ConnectionDone, ConnectionLost, NotConnectingError
from .failure import Failure
from .interfaces import (
    IConsumer,
    ILoggingContext,
    IProcessProtocol,
    IProtocol,
    IProtocolFactory,
    ITransport,
)

if TYPE_CHECKING:
    from typing import Self

log = logging.getLogger(__name__)

P = TypeVar("P", bound="Protocol")

connectionDone = Failure(ConnectionDone())
"""The reason of a connection that ended cleanly; the default of `Protocol.connectionLost`."""

connectionLost = Failure(ConnectionLost())
"""The reason of a connection that ended any other way."""


def _shown(value: object) -> str:
    """`value` as an error message shows it: its repr, cut to a length that fits in a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# -- protocols ----------------------------------------------------------------------------------------


class BaseProtocol:
    """What all connected protocols have in common: a transport and the moment they got it."""

    connected: int = 0
    """1 once `makeConnection` was called; it stays 1 after the connection is lost."""

    transport: Any = None
    """The connection: `write`, `loseConnection`, `getPeer` and so on; None before there is one."""

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`; called once by whoever opened it. Override `connectionMade`, not this."""
        self.connected = 1
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """The connection is open: greet, or start to listen. Nothing is done here by default."""


@implementer(IProtocol, ILoggingContext)
class Protocol(BaseProtocol):
    """One conversation over one stream of octets; subclass it and override `dataReceived`."""

    factory: Any = None
    """The factory that built this protocol, where one did."""

    def logPrefix(self) -> str:
        """The name under which this connection is logged: its class's."""
        return type(self).__name__

    def dataReceived(self, data: bytes) -> None:
        """`data` came in: at least one octet, cut wherever the network cut it. Frame it yourself."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone; called once, last.

        `reason` wraps `error.ConnectionDone` when the peer closed cleanly, `error.ConnectionLost` (or a
        kin of it) when not; tell them apart with ``reason.check(...)``.
        """


@implementer(IProcessProtocol)
class ProcessProtocol(BaseProtocol):
    """The near side of a child process: what it writes comes in, how it ended is told last."""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """The child wrote `data` to its descriptor `childFD`; 1 means `outReceived`, 2 `errReceived`."""
        if childFD == 1:
            self.outReceived(data)
        elif childFD == 2:
            self.errReceived(data)

    def outReceived(self, data: bytes) -> None:
        """The child wrote `data` to its standard output."""

    def errReceived(self, data: bytes) -> None:
        """The child wrote `data` to its standard error."""

    def childConnectionLost(self, childFD: int) -> None:
        """The child's descriptor `childFD` was closed; 0, 1 and 2 go on to the call of their own."""
        if childFD == 0:
            self.inConnectionLost()
        elif childFD == 1:
            self.outConnectionLost()
        elif childFD == 2:
            self.errConnectionLost()

    def inConnectionLost(self) -> None:
        """The child's standard input was closed: nothing more can be written to it."""

    def outConnectionLost(self) -> None:
        """The child's standard output was closed: no more `outReceived`."""

    def errConnectionLost(self) -> None:
        """The child's standard error was closed: no more `errReceived`."""

    def processExited(self, reason: Failure) -> None:
        """The child ended, but its descriptors may still hold data (a grandchild may keep them open).

        `reason` wraps `error.ProcessDone` for exit code 0, else `error.ProcessTerminated`.
        """

    def processEnded(self, reason: Failure) -> None:
        """The child ended and all its descriptors are closed; called once, last, with the same `reason`."""


# -- factories ----------------------------------------------------------------------------------------


@implementer(IProtocolFactory, ILoggingContext)
class Factory:
    """Makes one protocol per connection, and holds what they share.

    Set `protocol`, or override `buildProtocol`.
    """

    protocol: Any = None
    """Called without arguments for every new connection; most often a `Protocol` class."""

    numPorts: int = 0
    """How many ports and connectors use this factory now."""

    noisy: bool = True
    """Whether the start and the end of use are logged (at INFO)."""

    @classmethod
    def forProtocol(cls, protocol: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:
        """A factory, made as ``cls(*args, **kwargs)``, whose connections are served by `protocol`.

        Raises: TypeError when `protocol` cannot be called.
        """
        if not callable(protocol):
            raise TypeError(_not_a_class(protocol, f"{cls.__name__}.forProtocol()"))
        factory = cls(*args, **kwargs)
        factory.protocol = protocol
        return factory

    def logPrefix(self) -> str:
        """The name under which this factory is logged: its class's."""
        return type(self).__name__

    def doStart(self) -> None:
        """Count one more port or connector, and `startFactory` for the first. Called by the reactor."""
        if not self.numPorts:
            if self.noisy:
                log.info("starting factory %r", self)
            self.startFactory()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one port or connector less, and `stopFactory` after the last. Called by the reactor."""
        if not self.numPorts:
            return  # stopped more often than started: a port that failed to open may report twice
        self.numPorts -= 1
        if not self.numPorts:
            if self.noisy:
                log.info("stopping factory %r", self)
            self.stopFactory()

    def startFactory(self) -> None:
        """Open what the factory needs: it is about to be used. Nothing is done by default."""

    def stopFactory(self) -> None:
        """Close what `startFactory` opened: the last port or connector is gone; connections may not be."""

    def buildProtocol(self, addr: Any) -> Any:
        """A new protocol for the connection from `addr`, with its `factory` set; None refuses the connection.

        Raises: TypeError when `self.protocol` is not something that makes protocols.
        """
        make = self.protocol
        if make is None or not callable(make):
            raise TypeError(_not_a_class(make, f"{type(self).__name__}.protocol"))
        protocol = make()
        if not isinstance(protocol, BaseProtocol) and not hasattr(protocol, "makeConnection"):
            raise TypeError(
                f"{type(self).__name__}.protocol made {_shown(protocol)}, which is no protocol: "
                f"subclass wirelab.reactor.protocol.Protocol"
            )
        protocol.factory = self
        return protocol


def _not_a_class(value: object, place: str) -> str:
    """What to say when `value` stands at `place`, where something that makes protocols belongs."""
    if value is None:
        return f"{place} is None: set it to a Protocol class, or call Factory.forProtocol(MyProtocol)"
    if isinstance(value, BaseProtocol):
        name = type(value).__name__
        return f"{place} takes a Protocol class, not one instance for all: write {name}, not {name}()"
    return f"{place} takes a Protocol class, not {_shown(value)}"


class ServerFactory(Factory):
    """A factory for connections that others open."""


class ClientFactory(Factory):
    """A factory for a connection that we open, told how each attempt goes.

    In the last two calls, ``connector.connect()`` tries again.
    """

    def startedConnecting(self, connector: Any) -> None:
        """An attempt began; ``connector.stopConnecting()`` gives it up."""

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """The attempt failed: no protocol was built; `reason` wraps an `error.ConnectError` most often."""

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """The connection was open and is gone; its protocol's `connectionLost` was called before."""


class ReconnectingClientFactory(ClientFactory):
    """A client factory that tries again, after a delay that grows with every attempt.

    Call `resetDelay` once a connection has proved good, so that the next loss starts from
    `initialDelay` again; `stopTrying` ends it for good.
    """

    maxDelay: float = 3600.0
    """Seconds: no delay is longer."""

    initialDelay: float = 1.0
    """Seconds: where the delay starts, before the first multiplication."""

    # Powers of e: the growth of the documented defaults, about 1, 3, 7, 20, 55 s.
    factor: float = 2.718281828459045
    """The growth of the delay from one attempt to the next."""

    # The molar Planck constant times c, in J m / mol: a fraction as good as any, and the documented one.
    jitter: float | None = 0.119626565582
    """The standard deviation of the delay, as a fraction of it, so that clients do not return all at once."""

    delay: float = initialDelay
    """Seconds: the latest delay."""

    retries: int = 0
    """Attempts since the last `resetDelay`."""

    maxRetries: int | None = None
    """How many attempts to make before giving up; None means without end."""

    connector: Any = None
    """The connector of the latest failure, which `retry` uses when it is given none."""

    clock: Any = None
    """Gives `callLater`; None means the reactor that runs. A test sets a `task.Clock`."""

    continueTrying: int = 1
    """0 after `stopTrying`."""

    _callID: Any = None

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Try again later."""
        self._failed(connector)

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Try again later."""
        self._failed(connector)

    def _failed(self, connector: Any) -> None:
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def retry(self, connector: Any = None) -> None:
        """Have `connector` (by default that of the latest failure) connect after the next delay.

        Raises: ValueError when there was no failure yet and no connector is given.
        """
        if not self.continueTrying:
            self._say("giving up on %s: stopTrying() was called", connector)
            return
        connector = self.connector if connector is None else connector
        if connector is None:
            raise ValueError("no connector to retry: pass the one that clientConnectionFailed() was given")
        if self.maxRetries is not None and self.retries >= self.maxRetries:
            self._say("giving up on %s after %d retries", connector, self.retries)
            return
        self.retries += 1
        self.delay = self._next_delay()
        self._say("%s tries again in %.1f seconds", connector, self.delay)
        self._callID = self._clock().callLater(self.delay, self._reconnect, connector)

    def _next_delay(self) -> float:
        """Seconds until the next attempt: grown, spread out, and never beyond `maxDelay`."""
        delay = min(self.delay * self.factor, self.maxDelay)
        if self.jitter:
            delay = random.normalvariate(delay, delay * self.jitter)
            # At the limit the upper half of the spread is folded down: clipping would bring half of all
            # clients back in the same moment.
            delay = self.maxDelay - abs(self.maxDelay - delay)
        return max(delay, 0.0)

    def _clock(self) -> Any:
        if self.clock is not None:
            return self.clock
        current = running.current()
        if current is None:
            raise RuntimeError(f"no reactor runs in this thread: set {type(self).__name__}.clock, or run one")
        return current

    def _reconnect(self, connector: Any) -> None:
        self._callID = None
        connector.connect()

    def _drop_call(self) -> None:
        if (
            self._callID is not None and self._callID.active()
        ):  # a hosted reactor cancels all calls when it stops
            self._callID.cancel()
        self._callID = None

    def _say(self, message: str, *args: object) -> None:
        if self.noisy:
            log.info(message, *args)

    def stopTrying(self) -> None:
        """Try no more: cancel the attempt that waits or runs. An open connection stays open."""
        self._drop_call()
        self.continueTrying = 0
        try:
            if self.connector is not None:
                self.connector.stopConnecting()
        except NotConnectingError:
            pass  # no attempt was under way, which is what is wanted

    def resetDelay(self) -> None:
        """Start over: the connection proved good. An attempt that waits is cancelled."""
        self._drop_call()
        self.delay = self.initialDelay
        self.retries = 0
        self.continueTrying = 1


# -- one connection, as a Deferred ----------------------------------------------------------------------


class _OneConnection(ClientFactory, Generic[P]):
    """Hands out `instance` for one connection, and fires `deferred` in the turn after it was made or failed.

    The turn between lets the protocol have its `connectionMade` before its new owner gets hold of it.
    """

    noisy = False

    def __init__(self, reactor: Any, instance: P, deferred: Deferred[P]) -> None:
        self.reactor = reactor
        self.instance = instance
        self.deferred: Deferred[P] | None = deferred
        self.pending: Any = None

    def __repr__(self) -> str:
        return f"<ClientCreator's factory for {_shown(self.instance)}>"

    def buildProtocol(self, addr: Any) -> P:
        if self.deferred is not None:
            self._fire_soon(self.deferred.callback, self.instance)
        return self.instance

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        if self.deferred is not None:
            self._fire_soon(self.deferred.errback, reason)

    def _fire_soon(self, fire: Callable[[Any], None], value: object) -> None:
        self.pending = self.reactor.callLater(0, self._fire, fire, value)
        self.deferred = None

    def _fire(self, fire: Callable[[Any], None], value: object) -> None:
        self.pending = None
        fire(value)

    def give_up(self, connector: Any) -> None:
        """The Deferred was cancelled: drop the attempt, or the connection that nobody will get."""
        self.deferred = None
        if self.pending is not None:
            self.pending.cancel()
            self.pending = None
        connector.disconnect()


class ClientCreator(Generic[P]):
    """Opens connections that share nothing and do not reconnect: each call gives a Deferred of its protocol.

    Cancelling the Deferred gives up the attempt; it fails with `defer.CancelledError`.
    """

    def __init__(self, reactor: Any, protocolClass: Callable[..., P], *args: Any, **kwargs: Any) -> None:
        """Protocols are made as ``protocolClass(*args, **kwargs)``, connections by `reactor`."""
        if not callable(protocolClass):
            raise TypeError(_not_a_class(protocolClass, "ClientCreator()"))
        self.reactor = reactor
        self.protocolClass = protocolClass
        self.args = args
        self.kwargs = kwargs

    def connectTCP(
        self, host: str, port: int, timeout: float | None = 30, bindAddress: tuple[str, int] | None = None
    ) -> Deferred[P]:
        """Connect to TCP `port` of `host`, giving up after `timeout` seconds, from `bindAddress` if given."""
        return self._connect(self.reactor.connectTCP, host, port, timeout=timeout, bindAddress=bindAddress)

    def connectUNIX(self, address: str, timeout: float | None = 30, checkPID: bool = False) -> Deferred[P]:
        """Connect to the Unix socket at the path `address`; `checkPID` looks at its lock file first."""
        return self._connect(self.reactor.connectUNIX, address, timeout=timeout, checkPID=checkPID)

    def connectSSL(
        self,
        host: str,
        port: int,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Deferred[P]:
        """Connect with TLS to TCP `port` of `host`, as `contextFactory` (`ssl.optionsForClientTLS`) says."""
        return self._connect(
            self.reactor.connectSSL,
            host,
            port,
            contextFactory=contextFactory,
            timeout=timeout,
            bindAddress=bindAddress,
        )

    def _connect(self, method: Callable[..., Any], *args: object, **kwargs: object) -> Deferred[P]:
        """Open a connection by calling `method` with the factory put where all three of them take it."""
        deferred: Deferred[P] = Deferred(lambda _: factory.give_up(connector))
        factory = _OneConnection(self.reactor, self.protocolClass(*self.args, **self.kwargs), deferred)
        connector = method(*args, factory, **kwargs)
        return deferred


# -- datagrams ------------------------------------------------------------------------------------------


class AbstractDatagramProtocol:
    """What is said in datagrams: each comes whole, or not at all, from whoever sent it."""

    transport: Any = None
    numPorts: int = 0
    noisy: bool = True

    def doStart(self) -> None:
        """Count one more port, and `startProtocol` for the first. Called by the reactor."""
        if not self.numPorts:
            if self.noisy:
                log.info("starting protocol %r", self)
            self.startProtocol()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one port less, and `stopProtocol` after the last. Called by the reactor."""
        if not self.numPorts:
            return  # stopped more often than started: a port that failed to open may report twice
        self.numPorts -= 1
        self.transport = None
        if not self.numPorts:
            if self.noisy:
                log.info("stopping protocol %r", self)
            self.stopProtocol()

    def startProtocol(self) -> None:
        """The port is open and `transport` is set: join groups, send the first datagram."""

    def stopProtocol(self) -> None:
        """The last port is closed; nothing comes any more and nothing can be sent."""

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`; called by the reactor when the port opens."""
        if self.transport is not None:
            raise RuntimeError(f"{self!r} has a transport already: {_shown(self.transport)}")
        self.transport = transport
        self.doStart()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """`datagram` came from `addr`: (host, port) for IP, a path or None for Unix sockets."""


@implementer(ILoggingContext)
class DatagramProtocol(AbstractDatagramProtocol):
    """A protocol in datagrams over UDP or multicast; override `datagramReceived`."""

    def logPrefix(self) -> str:
        """The name under which this port is logged: the class's."""
        return type(self).__name__

    def connectionRefused(self) -> None:
        """Nobody listens where the last `write` went; only told on a connected port, and not reliably."""


class ConnectedDatagramProtocol(DatagramProtocol):
    """A protocol in datagrams with one peer (a connected Unix datagram socket)."""

    def datagramReceived(self, datagram: bytes, addr: Any = None) -> None:
        """`datagram` came from the one peer there is."""

    def connectionFailed(self, failure: Failure) -> None:
        """The port could not be connected to its peer."""


# -- between protocols, consumers and files -------------------------------------------------------------


@implementer(IConsumer)
class ProtocolToConsumerAdapter:
    """Makes a protocol take what a producer writes: each `write` becomes a `dataReceived`."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, data: bytes) -> None:
        self.original.dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """A protocol cannot be full, so the producer is never paused."""

    def unregisterProducer(self) -> None:
        """Nothing was kept of the producer."""


@implementer(IProtocol)
class ConsumerToProtocolAdapter:
    """Makes a consumer take what a connection receives: each `dataReceived` becomes a `write`."""

    factory: Any = None

    def __init__(self, original: Any) -> None:
        self.original = original

    def dataReceived(self, data: bytes) -> None:
        self.original.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A consumer has no call for the end of its data."""

    def makeConnection(self, transport: Any) -> None:
        """A consumer has no use for a transport: it does not answer."""

    def connectionMade(self) -> None:
        """A consumer has no call for the beginning of its data."""


@implementer(ITransport)
class FileWrapper:
    """A transport that writes to a file: for looking at what a protocol says, without a network.

    A producer is asked for data until it says that it has no more.
    """

    closed: int = 0
    disconnecting: int = 0

    def __init__(self, file: Any) -> None:
        """`file` is opened for binary writing; an `io.BytesIO` will do."""
        self.file = file
        self.producer: Any = None
        self.streamingProducer: bool = False
        self._is_asking = False  # the producer is being asked to go on
        self._is_hungry = False  # it wrote, so it is to be asked again

    def write(self, data: bytes) -> None:
        """Write `data` to the file; a file that refuses it closes the transport.

        Raises: TypeError for anything but bytes.
        """
        if isinstance(data, str):
            raise TypeError("write() takes bytes, not str: encode it first, for example data.encode()")
        try:
            self.file.write(data)
        except (OSError, ValueError) as error:  # a closed file raises ValueError
            log.warning("closing %r: its file does not take the data: %s", self, error)
            self.loseConnection()
            return
        self._ask()

    def _ask(self) -> None:
        """Have a pull producer go on: for as long as it writes when asked, without nesting."""
        self._is_hungry = True
        if self._is_asking:
            return
        self._is_asking = True
        try:
            while self._is_hungry and self.producer is not None and not self.streamingProducer:
                self._is_hungry = False
                self.producer.resumeProducing()
        finally:
            self._is_asking = False

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write all of `iovec`, as one."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close the file. A second call does nothing."""
        if self.closed:
            return
        self.closed = self.disconnecting = 1
        try:
            self.file.close()
        except (OSError, ValueError) as error:
            log.warning("%r: its file does not close: %s", self, error)

    def getPeer(self) -> Any:
        """What stands for the address of the other side."""
        return "file", "file"

    def getHost(self) -> Any:
        """What stands for the address of this side."""
        return "file"

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` write here: by itself if `streaming`, else whenever it is asked to go on."""
        if self.producer is not None:
            raise RuntimeError(
                f"{self!r} has a producer already: {_shown(self.producer)}; unregister it first"
            )
        self.producer = producer
        self.streamingProducer = streaming
        self._ask()

    def unregisterProducer(self) -> None:
        """The producer has no more."""
        self.producer = None

    def stopConsuming(self) -> None:
        """Take no more: forget the producer and close the file."""
        self.unregisterProducer()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """A file receives nothing, so there is nothing to pause."""

    def resumeProducing(self) -> None:
        """A file receives nothing, so there is nothing to resume."""

    def stopProducing(self) -> None:
        """Close the file."""
        self.loseConnection()


__all__ = [
    "AbstractDatagramProtocol",
    "BaseProtocol",
    "ClientCreator",
    "ClientFactory",
    "ConnectedDatagramProtocol",
    "ConsumerToProtocolAdapter",
    "DatagramProtocol",
    "Factory",
    "FileWrapper",
    "ProcessProtocol",
    "Protocol",
    "ProtocolToConsumerAdapter",
    "ReconnectingClientFactory",
    "ServerFactory",
    "connectionDone",
    "connectionLost",
]
