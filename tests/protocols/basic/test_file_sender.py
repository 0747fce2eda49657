"""FileSender: the whole file, piece by piece, and an end that is always told."""

from __future__ import annotations

import io
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from wirelab.protocols.basic import FileSender, FileTransferStopped
from wirelab.reactor.error import ConnectionLost
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IPullProducer
from wirelab.reactor.protocol import Protocol
from wirelab.reactor.testing import StringTransport, connected_pair


class Pulling(StringTransport):
    """A consumer that asks for more as long as there is a producer."""

    def pull(self, times: int = 1000) -> None:
        for _ in range(times):
            if self.producer is None:
                return
            self.producer.resumeProducing()


def start(file: Any, transform: Any = None) -> tuple[Pulling, list[Any], FileSender]:
    """A transfer of `file` begun, and the list that its result will be in."""
    consumer, results, sender = Pulling(), [], FileSender()
    sender.beginFileTransfer(file, consumer, transform).addBoth(results.append)
    assert consumer.producer is sender
    assert consumer.streaming is False
    return consumer, results, sender


@pytest.mark.parametrize("size", [1, 2**14 - 1, 2**14, 2**14 + 1, 100_000])
def test_the_whole_file_is_sent_and_the_last_octet_is_the_result(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    consumer, results, sender = start(io.BytesIO(content))
    consumer.pull()
    assert consumer.value() == content
    assert results == [content[-1:]]
    assert sender.lastSent == content[-1:]
    assert consumer.producer is None


def test_an_empty_file_sends_nothing_and_results_in_nothing() -> None:
    consumer, results, _ = start(io.BytesIO())
    consumer.pull()
    assert (consumer.value(), results) == (b"", [b""])


def test_a_piece_is_sent_per_request() -> None:
    assert FileSender.CHUNK_SIZE == 2**14
    consumer, results, _ = start(io.BytesIO(b"x" * 40_000))
    consumer.pull(1)
    assert len(consumer.value()) == 2**14
    assert results == []


def test_each_piece_passes_through_the_transform() -> None:
    consumer, results, _ = start(io.BytesIO(b"a" * 20_000), bytes.upper)
    consumer.pull()
    assert consumer.value() == b"A" * 20_000
    assert results == [b"A"]


def test_a_transform_that_makes_nothing_of_a_piece_does_not_end_the_transfer() -> None:
    consumer, results, _ = start(io.BytesIO(b"a" * 2**14 + b"b"), lambda data: data.replace(b"a", b""))
    consumer.pull()
    assert (consumer.value(), results) == (b"b", [b"b"])


def test_the_file_is_read_from_where_it_stands_and_stays_open() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(7)
    consumer, _, _ = start(file)
    consumer.pull()
    assert consumer.value() == b"789"
    assert not file.closed


def test_what_reading_raises_is_the_failure() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the disk is gone")

    consumer, results, _ = start(Broken())
    consumer.pull()
    assert results[0].check(OSError)
    assert consumer.producer is None


def test_what_the_transform_raises_is_the_failure() -> None:
    consumer, results, _ = start(io.BytesIO(b"a"), lambda data: data.no_such_method())
    consumer.pull()
    assert results[0].check(AttributeError)


def test_a_text_file_is_refused_in_words() -> None:
    consumer, results, _ = start(io.StringIO("text"))
    consumer.pull()
    assert results[0].check(TypeError)
    assert "open it in binary mode, open(path, 'rb')" in str(results[0].value)


def test_a_consumer_that_stops_fails_the_transfer() -> None:
    consumer, results, sender = start(io.BytesIO(b"a" * 100_000))
    consumer.pull(1)
    sender.stopProducing()
    assert results[0].check(FileTransferStopped)
    sender.resumeProducing()
    sender.stopProducing()
    assert len(results) == 1


def test_cancelling_ends_the_transfer_and_leaves_the_consumer() -> None:
    consumer, results = Pulling(), []
    deferred = FileSender().beginFileTransfer(io.BytesIO(b"a" * 100_000), consumer)
    deferred.addErrback(results.append)
    consumer.pull(1)
    deferred.cancel()
    assert consumer.producer is None
    assert results[0].type.__name__ == "CancelledError"
    assert len(consumer.value()) == 2**14


def test_a_sender_sends_one_file_at_a_time_and_then_the_next() -> None:
    consumer, _, sender = start(io.BytesIO(b"a"))
    with pytest.raises(RuntimeError, match="make one per transfer"):
        sender.beginFileTransfer(io.BytesIO(b"b"), consumer)
    consumer.pull()
    sender.beginFileTransfer(io.BytesIO(b"b"), consumer)
    consumer.pull()
    assert consumer.value() == b"ab"


def test_a_consumer_that_has_a_producer_already_is_not_touched() -> None:
    consumer, _, first = start(io.BytesIO(b"a"))
    second = FileSender()
    with pytest.raises(RuntimeError, match="unregisterProducer"):
        second.beginFileTransfer(io.BytesIO(b"b"), consumer)
    assert consumer.producer is first
    consumer.pull()
    second.beginFileTransfer(io.BytesIO(b"b"), consumer)
    consumer.pull()
    assert consumer.value() == b"ab"


def test_the_promise_holds() -> None:
    assert verifyObject(IPullProducer, FileSender())


class _Sends(Protocol):
    content = b"z" * 300_000

    def connectionMade(self) -> None:
        self.results: list[Any] = []
        deferred = FileSender().beginFileTransfer(io.BytesIO(self.content), self.transport)
        deferred.addBoth(self.results.append)
        deferred.addBoth(lambda _: self.transport.loseConnection())


class _Receives(Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.reason: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        self.reason = reason


def test_over_a_connection_the_file_arrives_before_the_close() -> None:
    sending, receiving = _Sends(), _Receives()
    pair = connected_pair(receiving, sending)
    pair.flush()
    assert receiving.received == _Sends.content
    assert sending.results == [b"z"]
    assert receiving.reason is not None


def test_a_connection_that_is_lost_fails_the_transfer() -> None:
    sending, receiving = _Sends(), _Receives()
    pair = connected_pair(receiving, sending)
    pair.pump()
    receiving.transport.abortConnection()
    pair.flush()
    assert sending.results[0].check(FileTransferStopped, ConnectionLost)


def test_what_is_no_file_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a file to read from, open\(path, 'rb'\), not 'a.txt'"):
        FileSender().beginFileTransfer("a.txt", StringTransport())
