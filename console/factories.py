"""Factories for what `serve` is given: a protocol class, a factory, or a function of a conversation."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from zope.interface import implementer

from ..reactor.defer import CancelledError, Deferred
from ..reactor.error import ConnectionClosed
from ..reactor.failure import Failure
from ..reactor.interfaces import IHalfCloseableProtocol, IProtocolFactory
from ..reactor.protocol import BaseProtocol, Factory
from .conversation import Conversation
from .errors import EndedError, LocalCallError, shortened
from .waiting import Clock

log = logging.getLogger("wirelab.console")

Talk = Callable[[Conversation], object]
"""A function of one conversation; what it returns may be a coroutine, which is the connection's life."""

ACCEPTED = "a Protocol class, an instance of Factory, or a function (async or not) of a conversation"


class ConversationFactory(Factory):
    """Calls `talk` with a new conversation for every connection."""

    noisy = False

    def __init__(self, talk: Talk, clock: Clock | None = None) -> None:
        self.talk = talk
        self.clock = clock

    @property
    def served_name(self) -> str:
        """What `net` shows."""
        return function_name(self.talk)

    def buildProtocol(self, addr: object) -> Conversation:
        """A conversation that `talk` will be called with."""
        is_async = inspect.iscoroutinefunction(self.talk)
        made = AsyncServed(self.talk, self.clock) if is_async else Served(self.talk, self.clock)
        made.factory = self
        return made


class Served(Conversation):
    """A conversation that a function was given to `serve` for.

    When the function returns a coroutine or a Deferred, that is the connection's life: when it ends, the
    connection closes, and an exception in it is told and closes this connection only.
    """

    def __init__(self, talk: Talk, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._talk = talk
        self._life: Deferred[Any] | None = None

        self.served_name = function_name(talk)

    def connectionMade(self) -> None:
        """Call the function."""
        try:
            result = self._talk(self)
        except Exception:  # the user's function: told where it belongs, and this connection is over
            self._talk_failed(Failure())
            self.close()
            return
        if inspect.iscoroutine(result):
            self._life = driven(result)
        elif isinstance(result, Deferred):
            self._life = result
        if self._life is not None:
            self._life.addErrback(self._talk_failed).addBoth(self._talk_ended)

    def dismiss(self) -> None:
        """Close from outside: the coroutine that talks is cancelled, wherever it waits."""
        self.close()
        if self._life is not None:
            self._life.cancel()

    def _talk_failed(self, failure: Failure) -> None:
        is_over = self._is_closing or self._buffer.is_ended
        if is_over and failure.check(EndedError, ConnectionClosed, CancelledError, asyncio.CancelledError):
            return  # it was told of the end where it waited, and had no more to say
        log.error(
            "%s: %s raised %s",
            self._name,
            self.served_name,
            failure.type.__name__,
            exc_info=(failure.type, failure.value, failure.tb),
        )

    def _talk_ended(self, _: object) -> None:
        self._life = None
        self.close()


@implementer(IHalfCloseableProtocol)
class AsyncServed(Served):
    """One whose function is async: it may go on talking to a peer that has said all it will say."""

    def readConnectionLost(self) -> None:
        """The peer sends no more; it may still listen."""
        self._end(None)

    def writeConnectionLost(self) -> None:
        """What was sent has gone out, and no more will."""


def driven(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """Run a coroutine: as an asyncio task where there is a loop, so that all of asyncio works in it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return Deferred.fromCoroutine(coroutine)
    return Deferred.fromFuture(loop.create_task(coroutine))


def server_factory(what: object, clock: Clock | None) -> Any:
    """The factory that answers connections with `what`.

    Raises LocalCallError for what is not accepted; the text says what is.
    """
    if isinstance(what, BaseProtocol):
        name = type(what).__name__
        raise LocalCallError(
            f"serve() makes a protocol for each connection: give it the class, {name}, not {name}()"
        )
    if isinstance(what, type):
        return _class_factory(what)
    if IProtocolFactory.providedBy(what):
        return what
    if callable(what):
        _check_takes_one(what)
        return ConversationFactory(what, clock)
    raise LocalCallError(f"serve() answers with {ACCEPTED}, not with {shortened(what)}")


def client_factory(protocol: object) -> Any:
    """The factory for one connection, spoken over by `protocol`: a class, an instance or a factory.

    Raises LocalCallError for what is not accepted; the text says what is.
    """
    if isinstance(protocol, BaseProtocol):
        return _Given(protocol)
    if isinstance(protocol, type):
        return _class_factory(protocol, "connect")
    if IProtocolFactory.providedBy(protocol):
        return protocol
    raise LocalCallError(
        "connect() talks through a Protocol class, an instance of one, or an instance of Factory, "
        f"not through {shortened(protocol)}; without one it gives a conversation"
    )


def function_name(function: object) -> str:
    """The name under which a function is shown."""
    return str(getattr(function, "__name__", type(function).__name__))


def _class_factory(made: type, call: str = "serve") -> Factory:
    if issubclass(made, Factory):
        raise LocalCallError(f"{call}() takes an instance of Factory: {made.__name__}(), not the class")
    if not hasattr(made, "makeConnection"):
        raise LocalCallError(
            f"{call}(): {made.__name__} is a class, but no Protocol: class {made.__name__}(Protocol)"
        )
    factory = Factory.forProtocol(made)
    factory.noisy = False
    return factory


def _check_takes_one(function: Callable[..., object]) -> None:
    try:
        inspect.signature(function).bind(None)
    except ValueError:
        return  # a builtin that does not tell what it takes
    except TypeError as error:
        name = function_name(function)
        raise LocalCallError(
            f"serve() calls {name}() with one argument, the conversation, and {error}: def {name}(c): ..."
        ) from None


class _Given(Factory):
    """Its only protocol was there before it."""

    noisy = False

    def __init__(self, protocol: BaseProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> BaseProtocol:
        return self._protocol
