"""What `serve` is given, over memory: functions as the life of a connection."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from wirelab.console.conversation import Conversation
from wirelab.console.factories import AsyncServed, ConversationFactory, Served, client_factory, server_factory
from wirelab.reactor.defer import Deferred
from wirelab.reactor.interfaces import IHalfCloseableProtocol, IProtocolFactory
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.testing import Pair, connected_pair


def serve(talk: Any) -> tuple[Conversation, Pair[Conversation, Conversation]]:
    """The client's end of a connection that `talk` serves, and the wire."""
    served = server_factory(talk, None).buildProtocol(None)
    client = Conversation()
    return client, connected_pair(client, served)


def test_a_function_is_called_with_each_conversation() -> None:
    seen: list[Conversation] = []
    factory = server_factory(seen.append, None)
    assert isinstance(factory, ConversationFactory) and factory.served_name == "append"
    first, second = factory.buildProtocol(None), factory.buildProtocol(None)
    assert first is not second and first.factory is factory and seen == []


def test_only_async_functions_keep_a_half_closed_connection() -> None:
    async def talk(c: Conversation) -> None: ...

    made = server_factory(talk, None).buildProtocol(None)
    assert isinstance(made, AsyncServed) and IHalfCloseableProtocol.providedBy(made)
    plain = server_factory(lambda c: None, None).buildProtocol(None)
    assert isinstance(plain, Served) and not IHalfCloseableProtocol.providedBy(plain)


def test_a_plain_function_leaves_its_conversation_open() -> None:
    def talk(c: Conversation) -> None:
        c.send(b"hi")

    client, pair = serve(talk)
    pair.flush()
    assert client.unread == 2 and not pair.is_closed


def test_the_end_of_a_coroutine_is_the_end_of_the_connection() -> None:
    async def talk(c: Conversation) -> None:
        c.send(await c.line())

    client, pair = serve(talk)
    client.sendline(b"x")
    pair.flush()
    assert pair.is_closed and client.unread == 1


def test_a_deferred_that_a_function_gives_is_its_life_too() -> None:
    end: Deferred[None] = Deferred()
    _, pair = serve(lambda c: end)
    pair.flush()
    assert not pair.is_closed
    end.callback(None)
    pair.flush()
    assert pair.is_closed


@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_is_logged_once_and_closes_the_connection(caplog: Any, is_async: bool) -> None:
    async def coroutine(c: Conversation) -> None:
        raise KeyError("x")

    def plain(c: Conversation) -> None:
        raise KeyError("x")

    _, pair = serve(coroutine if is_async else plain)
    pair.flush()
    assert pair.is_closed
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().endswith("raised KeyError") and record.exc_info is not None


def test_a_failure_of_its_own_after_the_end_is_still_told(caplog: Any) -> None:
    async def talk(c: Conversation) -> None:
        await c.recv()
        raise ValueError("after the end")

    client, pair = serve(talk)
    client.close()
    pair.flush()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "c2: talk raised ValueError"
    ]


def test_the_end_of_another_conversation_is_an_error_like_any_other(caplog: Any) -> None:
    other, wire = Conversation(), Conversation()
    pair_of_other = connected_pair(other, wire)

    async def talk(c: Conversation) -> None:
        await other.line()

    _, pair = serve(talk)
    wire.close()
    pair_of_other.flush()
    pair.flush()
    assert pair.is_closed and any("raised RemoteClosedError" in r.getMessage() for r in caplog.records)


def test_factories_for_classes_and_factories_as_they_are() -> None:
    own = Factory.forProtocol(Protocol)
    assert server_factory(own, None) is own and client_factory(own) is own
    made = server_factory(Protocol, None)
    assert IProtocolFactory.providedBy(made) and made.protocol is Protocol and not made.noisy
    instance = Protocol()
    assert client_factory(instance).buildProtocol(None) is instance


def test_a_builtin_that_does_not_tell_its_arguments_is_taken() -> None:
    assert isinstance(server_factory(max, None), ConversationFactory)
