"""`StringTransport` and its kin keep what is written and note what they are asked for."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionAborted, ConnectionDone
from wirelab.reactor.interfaces import IConsumer, IPushProducer, ITransport, IUDPTransport
from wirelab.reactor.testing import (
    AccumulatingProtocol,
    FakeDatagramTransport,
    StringIOWithoutClosing,
    StringTransport,
    StringTransportWithDisconnection,
)


@pytest.fixture
def transport() -> StringTransport:
    return StringTransport()


@pytest.mark.parametrize("interface", [ITransport, IConsumer, IPushProducer])
def test_it_keeps_the_promises_of_transports(transport: StringTransport, interface) -> None:
    verifyObject(interface, transport)


def test_value_is_all_that_was_written_since_clear(transport: StringTransport) -> None:
    transport.write(b"one")
    transport.writeSequence([b" two", b" three"])
    assert transport.value() == b"one two three"
    transport.clear()
    assert transport.value() == b""
    transport.write(b"four")
    assert transport.value() == b"four"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("text", r"write\(\) takes bytes, not str: encode it first, for example 'text'\.encode\(\)"),
        (None, r"write\(\) takes bytes, not NoneType"),
        (7, r"write\(\) takes bytes, not int"),
        ([b"x"], r"write\(\) takes bytes, not list"),
    ],
)
def test_what_is_not_bytes_is_refused(transport: StringTransport, wrong: object, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        transport.write(wrong)
    assert transport.value() == b""


@pytest.mark.parametrize("wrong", [b"bytes", "text", bytearray(b"x"), ["text"], [b"good", 1]])
def test_write_sequence_refuses_what_is_not_a_sequence_of_bytes(transport: StringTransport, wrong) -> None:
    with pytest.raises(TypeError, match=r"writeSequence\(\) takes"):
        transport.writeSequence(wrong)
    assert transport.value() == b""


def test_bytes_of_other_kinds_are_copied(transport: StringTransport) -> None:
    data = bytearray(b"before")
    transport.write(data)
    data[:] = b"later!"
    transport.write(memoryview(b"!"))
    assert transport.value() == b"before!"


def test_lose_connection_is_noted_and_nothing_else(transport: StringTransport) -> None:
    transport.loseConnection()
    assert (transport.disconnecting, transport.disconnected, transport.connected) == (True, False, True)
    transport.write(b"still kept")
    assert transport.value() == b"still kept"


def test_abort_connection_is_noted(transport: StringTransport) -> None:
    transport.abortConnection()
    assert (transport.disconnecting, transport.disconnected) == (True, True)


def test_addresses_are_those_given_or_fixed_ones(transport: StringTransport) -> None:
    assert transport.getHost() == IPv4Address("TCP", "10.0.0.1", 12345)
    assert transport.getPeer() == IPv4Address("TCP", "192.168.1.1", 54321)
    host, peer = IPv4Address("TCP", "127.0.0.1", 1), IPv4Address("TCP", "127.0.0.1", 2)
    named = StringTransport(hostAddress=host, peerAddress=peer)
    assert (named.getHost(), named.getPeer()) == (host, peer)


def test_one_producer_at_a_time(transport: StringTransport) -> None:
    first = object()
    transport.registerProducer(first, True)
    assert (transport.producer, transport.streaming) == (first, True)
    with pytest.raises(RuntimeError, match=r"call unregisterProducer\(\) first"):
        transport.registerProducer(object(), False)
    transport.unregisterProducer()
    assert (transport.producer, transport.streaming) == (None, None)
    with pytest.raises(RuntimeError, match="without a registered producer"):
        transport.unregisterProducer()


def test_producer_state_follows_the_calls(transport: StringTransport) -> None:
    assert transport.producerState == "producing"
    transport.pauseProducing()
    assert transport.producerState == "paused"
    transport.resumeProducing()
    assert transport.producerState == "producing"
    transport.stopProducing()
    assert transport.producerState == "stopped"


@pytest.mark.parametrize("call", ["pauseProducing", "resumeProducing", "stopProducing"])
def test_a_stopped_producer_stays_stopped(transport: StringTransport, call: str) -> None:
    transport.stopProducing()
    with pytest.raises(RuntimeError, match=rf"{call}\(\) after stopProducing\(\)"):
        getattr(transport, call)()


def test_resuming_after_the_end_is_an_error_unless_lenient() -> None:
    for lenient in (False, True):
        transport = StringTransportWithDisconnection(lenient=lenient)
        transport.protocol = AccumulatingProtocol()
        transport.loseConnection()
        if lenient:
            transport.resumeProducing()
        else:
            with pytest.raises(RuntimeError, match="after the connection was lost"):
                transport.resumeProducing()


@pytest.mark.parametrize(
    ("call", "reason"), [("loseConnection", ConnectionDone), ("abortConnection", ConnectionAborted)]
)
def test_disconnection_is_told_to_the_protocol_once(call: str, reason: type[Exception]) -> None:
    transport = StringTransportWithDisconnection()
    transport.protocol = protocol = AccumulatingProtocol()
    reasons = []
    protocol.connectionLost = reasons.append
    getattr(transport, call)()
    getattr(transport, call)()
    assert [each.type for each in reasons] == [reason]
    assert not transport.connected


def test_a_closed_string_io_can_still_be_read() -> None:
    file = StringIOWithoutClosing(b"kept")
    file.close()
    assert file.read() == b"kept"


def test_datagrams_are_kept_with_their_addresses() -> None:
    transport = FakeDatagramTransport()
    verifyObject(IUDPTransport, transport)
    transport.write(b"one")
    transport.write(b"two", ("127.0.0.1", 53))
    assert transport.written == [(b"one", FakeDatagramTransport.noAddr), (b"two", ("127.0.0.1", 53))]
    with pytest.raises(TypeError, match=r"write\(\) takes bytes, not str"):
        transport.write("text")


def test_a_datagram_transport_connects_once() -> None:
    transport = FakeDatagramTransport()
    transport.connect("127.0.0.1", 53)
    assert transport.connectedAddr == ("127.0.0.1", 53)
    with pytest.raises(RuntimeError, match="already connected"):
        transport.connect("127.0.0.1", 54)
    assert FakeDatagramTransport(connectedAddress=IPv4Address("UDP", "::", 5)).connectedAddr == ("::", 5)


def test_a_datagram_transport_notes_its_options() -> None:
    transport = FakeDatagramTransport()
    assert transport.getBroadcastAllowed() is False
    transport.setBroadcastAllowed(1)
    assert transport.getBroadcastAllowed() is True
    transport.stopListening()
    assert transport.listening is False
    assert transport.getHost() == IPv4Address("UDP", "10.0.0.1", 12345)
