"""One attempt to connect, from the call of the reactor to the protocol's `connectionMade`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import directlyProvides, implementer, providedBy

from ..arguments import check_factory, check_protocol
from ..defer import Deferred, fail
from ..error import ConnectingCancelledError, NoProtocol, NotConnectingError
from ..failure import Failure
from ..interfaces import IProtocolFactory
from ..protocol import Factory


@implementer(IProtocolFactory)
class Attempt:
    """The factory that is handed to the reactor: it stands between its connector and the user's factory.

    `result` fires with the user's protocol after its `connectionMade`, or with the reason why there is none.
    The protocol itself is connected to the transport, with nothing in between. `is_decided` is true once
    the user's factory was asked for a protocol: what fails after that is not the network's fault.
    """

    noisy = False

    def __init__(self, factory: Any) -> None:
        self.factory = factory
        self.result: Deferred[Any] = Deferred(self._cancelled)
        self.is_decided = False
        self._connector: Any = None

    def logPrefix(self) -> str:
        """What the user's factory says, if it does."""
        prefix = getattr(self.factory, "logPrefix", None)
        return type(self.factory).__name__ if prefix is None else str(prefix())

    def doStart(self) -> None:
        """The connector begins: so does the user's factory."""
        self.factory.doStart()

    def doStop(self) -> None:
        """The connector ends."""
        self.factory.doStop()

    def startedConnecting(self, connector: Any) -> None:
        """Keep the connector, so that the attempt can be stopped."""
        self._connector = connector

    def buildProtocol(self, addr: object) -> Any:
        """The user's protocol; `result` fires when its `makeConnection` has been called."""
        self.is_decided = True
        try:
            protocol = self.factory.buildProtocol(addr)
            if protocol is not None:
                check_protocol(self.factory, protocol)
        except Exception:
            self._failed(Failure())
            return None
        if protocol is None:
            self._failed(Failure(NoProtocol(f"{self.factory!r} has no protocol for {addr}")))
            return None
        return _after_making(protocol, self._made)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """There is no connection: `result` fails, unless it was cancelled."""
        self._failed(reason)

    def clientConnectionLost(self, connector: object, reason: Failure) -> None:
        """The protocol has heard it; an endpoint has no more to say."""

    def _made(self, protocol: Any, failure: Failure | None) -> bool:
        """Fire `result`; whether anybody wants the connection."""
        if failure is not None:
            self._failed(failure)
            return False
        if self.result.called:
            return False
        self.result.callback(protocol)
        return True

    def _failed(self, reason: Failure) -> None:
        if not self.result.called:
            self.result.errback(reason)

    def _cancelled(self, result: Deferred[Any]) -> None:
        connector = self._connector
        destination: Any = None if connector is None else connector.getDestination()
        result.errback(ConnectingCancelledError(destination))
        if connector is not None:
            try:
                connector.stopConnecting()
            except NotConnectingError:
                pass  # the attempt ended in the very moment in which it was cancelled


def attempt(factory: Any, connect: Callable[[Attempt], object]) -> Attempt:
    """Let `connect` hand a new `Attempt` for `factory` to a reactor; what it raises becomes the result."""
    new = Attempt(factory)
    try:
        check_factory("connect", factory)
        connector = connect(new)
        if new._connector is None:  # not every reactor tells the factory in time
            new._connector = connector
    except Exception:
        new._failed(Failure())
    return new


def _after_making(protocol: Any, made: Callable[[Any, Failure | None], bool]) -> Any:
    """`protocol`, in a form that has `made` called once, after `makeConnection`; false drops the connection.

    The method is covered by an attribute of the instance that takes itself away when called: nothing stands
    between protocol and transport afterwards, so an endpoint's connection costs what any connection costs.
    A protocol that cannot be given an attribute has a relay before it.
    """
    original = protocol.makeConnection
    covered = getattr(protocol, "__dict__", {}).get("makeConnection")

    def make_connection(transport: Any) -> None:
        if covered is not None:
            protocol.makeConnection = covered
        elif "makeConnection" in getattr(protocol, "__dict__", {}):
            del protocol.makeConnection
        try:
            original(transport)
        except Exception:
            failure: Failure | None = Failure()
        else:
            failure = None
        if not made(protocol, failure):
            transport.abortConnection()

    try:
        protocol.makeConnection = make_connection
    except AttributeError:
        return _Relay(protocol, make_connection)
    return protocol


class _Relay:
    """Stands before a protocol whose class has `__slots__`: everything but `makeConnection` is passed on."""

    def __init__(self, protocol: Any, make_connection: Callable[[Any], None]) -> None:
        self._protocol = protocol
        self.makeConnection = make_connection
        directlyProvides(self, providedBy(protocol))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)


class _GivenProtocol(Factory):
    """A factory whose only protocol was there before it."""

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Any:
        return self._protocol


def connectProtocol(endpoint: Any, protocol: Any) -> Deferred[Any]:
    """Connect `protocol`, an instance, to a client endpoint without writing a factory.

    The Deferred fires with `protocol` once it is connected; what makes it fail is up to the endpoint.
    Cancelling it stops the attempt.
    """
    if isinstance(protocol, type):
        return fail(
            TypeError(f"connectProtocol() takes a protocol, not a class: call it, {protocol.__name__}()")
        )
    if not hasattr(endpoint, "connect"):
        return fail(
            TypeError(
                f"connectProtocol() takes a client endpoint first, not {endpoint!r}: for a string there is "
                "clientFromString()"
            )
        )
    result: Deferred[Any] = endpoint.connect(_GivenProtocol(protocol))
    return result
