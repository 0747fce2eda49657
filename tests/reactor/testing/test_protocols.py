"""The ready-made protocols and producers for tests."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred
from wirelab.reactor.interfaces import IPullProducer
from wirelab.reactor.protocol import Factory
from wirelab.reactor.testing import (
    AccumulatingProtocol,
    LineSendingProtocol,
    NonStreamingProducer,
    StringTransport,
    connected_pair,
    waitUntilAllDisconnected,
)


def test_accumulating_protocol_keeps_what_it_is_told() -> None:
    one, other = AccumulatingProtocol(), AccumulatingProtocol()
    assert (one.made, one.closed, one.data) == (0, 0, b"")
    pair = connected_pair(one, other, chunk=1)
    assert (one.made, one.closed) == (1, 0)
    pair.server.write(b"data")
    pair.server.loseConnection()
    pair.flush()
    assert (one.data, one.closed) == (b"data", 1)
    assert one.closedReason is not None


def test_accumulating_protocol_fires_what_waits_for_it_once() -> None:
    factory = Factory.forProtocol(AccumulatingProtocol)
    begun = []
    factory.protocolConnectionMade = Deferred().addCallback(begun.append)
    protocol = factory.buildProtocol(None)
    ended = []
    protocol.closedDeferred = Deferred().addCallback(ended.append)
    pair = connected_pair(protocol, AccumulatingProtocol())
    assert begun == [protocol]
    assert factory.protocolConnectionMade is None
    pair.client.abortConnection()
    pair.flush()
    assert ended == [None]
    assert protocol.closedDeferred is None


def test_line_sending_protocol_sends_its_lines_at_once() -> None:
    sender = LineSendingProtocol([b"one", b"two"])
    pair = connected_pair(sender, server := AccumulatingProtocol())
    pair.flush()
    assert server.data == b"one\r\ntwo\r\n"
    pair.server.write(b"yes\r\nno\r\nunfin")
    pair.flush()
    assert sender.response == [b"yes", b"no"]
    pair.chunk = 1
    pair.server.write(b"ished\r\n")
    pair.server.loseConnection()
    pair.flush()
    assert sender.response == [b"yes", b"no", b"unfinished"]
    assert sender.lostConn


def test_line_sending_protocol_waits_for_a_line_when_told_to() -> None:
    sender = LineSendingProtocol([b"one"], start=False)
    sender.makeConnection(transport := StringTransport())
    assert transport.value() == b""
    sender.dataReceived(b"greeting\r\nmore\r\n")
    assert transport.value() == b"one\r\n"
    assert sender.response == [b"greeting", b"more"]


def test_line_sending_protocol_ends_on_a_line_without_end() -> None:
    sender = LineSendingProtocol([])
    sender.makeConnection(transport := StringTransport())
    sender.dataReceived(b"x" * 20000)
    assert transport.disconnecting


def test_line_sending_protocol_sends_bytes_only() -> None:
    sender = LineSendingProtocol([])
    sender.makeConnection(StringTransport())
    with pytest.raises(TypeError, match=r"sendLine\(\) takes bytes, not str"):
        sender.sendLine("text")


def test_non_streaming_producer_writes_ten_numbers() -> None:
    transport = StringTransport()
    producer = NonStreamingProducer(transport)
    verifyObject(IPullProducer, producer)
    transport.registerProducer(producer, False)
    for _ in range(10):
        producer.resumeProducing()
    assert transport.value() == b"0123456789"
    assert transport.producer is None
    assert producer.stopped
    with pytest.raises(RuntimeError, match="after the tenth number"):
        producer.resumeProducing()


def test_non_streaming_producer_cannot_be_paused_but_stopped() -> None:
    producer = NonStreamingProducer(StringTransport())
    with pytest.raises(RuntimeError, match="of a pull producer"):
        producer.pauseProducing()
    producer.stopProducing()
    assert producer.stopped
    with pytest.raises(RuntimeError, match="stopProducing"):
        producer.resumeProducing()


def test_wait_until_all_disconnected_fires_after_the_last(clock) -> None:
    protocols = [AccumulatingProtocol() for _ in range(4)]
    pairs = [connected_pair(*protocols[:2]), connected_pair(*protocols[2:])]
    fired = []
    waitUntilAllDisconnected(clock, protocols).addCallback(fired.append)
    clock.advance(1)
    pairs[0].client.abortConnection()
    pairs[0].flush()
    clock.advance(1)
    assert fired == []
    pairs[1].client.loseConnection()
    pairs[1].flush()
    clock.advance(1)
    assert fired == [None]
    assert clock.getDelayedCalls() == []


def test_wait_until_all_disconnected_can_be_given_up(clock) -> None:
    pair = connected_pair(AccumulatingProtocol(), AccumulatingProtocol())
    failed = []
    waiting = waitUntilAllDisconnected(clock, [pair.client_protocol])
    waiting.addErrback(failed.append)
    clock.advance(0)
    waiting.cancel()
    clock.advance(1)
    assert len(failed) == 1
    assert clock.getDelayedCalls() == []
