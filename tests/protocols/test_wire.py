"""The small servers do what their RFCs say, and none of them keeps what a slow peer does not take."""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from wirelab.protocols.wire import (
    ANSWERING_PORTS,
    PATTERN,
    QOTD,
    Chargen,
    DatagramChargen,
    DatagramDaytime,
    DatagramDiscard,
    DatagramEcho,
    DatagramQOTD,
    DatagramTime,
    Daytime,
    Discard,
    Echo,
    Time,
    daytime,
    time_since_1900,
)
from wirelab.reactor.interfaces import IPullProducer
from wirelab.reactor.protocol import Protocol
from wirelab.reactor.testing import FakeDatagramTransport, StringTransport, connected_pair

MOMENT = 1_795_196_263.0  # Fri Nov 20 17:37:43 2026 UTC
ADDRESS = ("192.0.2.1", 4711)


class Client(Protocol):
    """Keeps what it receives, and can stop to read."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.is_lost = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.is_lost = True


def answer(
    protocol: Any, datagram: bytes = b"", address: tuple[str, int] = ADDRESS
) -> list[tuple[bytes, Any]]:
    """What `protocol` sends when it receives `datagram`."""
    protocol.transport = transport = FakeDatagramTransport()
    protocol.datagramReceived(datagram, address)
    return transport.written


# -- echo ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 7, None])
def test_echo_sends_back_what_it_receives(chunk: int | None) -> None:
    client = Client()
    pair = connected_pair(client, Echo(), chunk=chunk)
    for data in (b"a", bytes(range(256)), b"\r\n"):
        client.transport.write(data)
    pair.flush()
    assert client.received == b"a" + bytes(range(256)) + b"\r\n"


def test_echo_works_where_nothing_is_ever_buffered() -> None:
    echo = Echo()
    echo.makeConnection(StringTransport())
    echo.dataReceived(b"x")
    assert echo.transport.value() == b"x"


def test_echo_does_not_keep_more_than_enough_for_a_peer_that_does_not_read() -> None:
    client = Client()
    pair = connected_pair(client, Echo(), window=1000)
    client.transport.pauseProducing()
    total = 40 * 20_000
    most = 0
    for _ in range(40):
        client.transport.write(b"z" * 20_000)
        while pair.pump():
            most = max(most, pair.server.bufferedBytes)
    assert 0 < most <= Echo.ENOUGH + 1000
    assert pair.client.bufferedBytes > total // 2
    client.transport.resumeProducing()
    pair.flush(10_000)
    assert len(client.received) == total


def test_echo_can_be_closed_while_it_waits_for_its_peer() -> None:
    client, echo = Client(), Echo()
    pair = connected_pair(client, echo, window=1000)
    client.transport.pauseProducing()
    client.transport.write(b"z" * 100_000)
    pair.flush()
    echo.transport.loseConnection()
    client.transport.resumeProducing()
    pair.flush()
    assert client.is_lost


def test_echo_survives_a_peer_that_is_gone_while_it_waits() -> None:
    client, echo = Client(), Echo()
    pair = connected_pair(client, echo, window=1000)
    client.transport.pauseProducing()
    client.transport.write(b"z" * 100_000)
    pair.flush()
    client.transport.abortConnection()
    pair.flush()
    assert pair.is_closed
    assert verifyObject(IPullProducer, echo)


def test_datagram_echo_answers_the_sender() -> None:
    assert answer(DatagramEcho(), b"ping") == [(b"ping", ADDRESS)]


# -- discard ------------------------------------------------------------------------------------------


def test_discard_says_nothing() -> None:
    client = Client()
    pair = connected_pair(client, Discard())
    client.transport.write(b"x" * 100_000)
    pair.flush()
    assert client.received == b""
    assert not client.is_lost
    assert answer(DatagramDiscard(), b"x") == []


# -- chargen ------------------------------------------------------------------------------------------


def test_the_pattern_is_the_one_of_the_rfc() -> None:
    lines = PATTERN.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 95
    assert {len(line) for line in lines} == {72}
    assert lines[0] == rb" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefg".replace(
        b'\\"', b'"'
    )
    assert lines[1].startswith(b'!"#') and lines[1].endswith(b"fgh")
    assert lines[94].startswith(b"~ !")


def test_chargen_sends_without_end_and_as_fast_as_it_is_read() -> None:
    client, server = Client(), Chargen()
    pair = connected_pair(client, server, window=1000)
    for _ in range(100):
        pair.pump()
        assert pair.server.bufferedBytes <= len(PATTERN)
    read = len(client.received)
    assert read > 2 * len(PATTERN)
    assert client.received == (PATTERN * 20)[:read]
    client.transport.pauseProducing()
    for _ in range(100):
        pair.pump()
    assert len(client.received) <= read + 2000
    assert verifyObject(IPullProducer, server)


def test_chargen_can_be_closed_from_either_side() -> None:
    for closing in ("client", "server"):
        client, server = Client(), Chargen()
        pair = connected_pair(client, server, window=1000)
        pair.pump()
        getattr(pair, closing).loseConnection()
        for _ in range(200):
            pair.pump()
        assert pair.is_closed, closing


def test_datagram_chargen_answers_with_at_most_512_characters() -> None:
    sizes = set()
    for _ in range(200):
        [(data, address)] = answer(DatagramChargen())
        assert PATTERN.startswith(data)
        assert address == ADDRESS
        sizes.add(len(data))
    assert max(sizes) <= 512
    assert len(sizes) > 10


# -- daytime, time, quotes ----------------------------------------------------------------------------


def said(protocol: Any) -> bytes:
    """What `protocol` says before it closes the connection."""
    client = Client()
    pair = connected_pair(client, protocol)
    pair.flush()
    assert client.is_lost
    return bytes(client.received)


def at_the_moment(cls: Any) -> Any:
    protocol = cls()
    protocol.now = lambda: MOMENT
    return protocol


def test_daytime_says_the_time_and_closes() -> None:
    assert daytime(MOMENT) == b"Fri Nov 20 17:37:43 2026 UTC\r\n"
    assert said(at_the_moment(Daytime)) == daytime(MOMENT)
    assert answer(at_the_moment(DatagramDaytime)) == [(daytime(MOMENT), ADDRESS)]
    assert re.fullmatch(rb"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} UTC\r\n", said(Daytime()))


def test_time_counts_seconds_since_1900() -> None:
    # The example in RFC 868: 1 May 1983 is 2,629,584,000.
    assert time_since_1900(420_595_200) == struct.pack("!I", 2_629_584_000)
    assert time_since_1900(-SECONDS_OF_70_YEARS) == bytes(4)
    assert said(at_the_moment(Time)) == time_since_1900(MOMENT)
    assert answer(at_the_moment(DatagramTime)) == [(time_since_1900(MOMENT), ADDRESS)]


SECONDS_OF_70_YEARS = 2_208_988_800


def test_time_begins_again_in_2036() -> None:
    assert time_since_1900(2**32 - SECONDS_OF_70_YEARS + 5) == struct.pack("!I", 5)


def test_a_quote_is_a_line_of_less_than_512_characters() -> None:
    quotes = {quote + b"\r\n" for quote in QOTD.quotes}
    assert all(len(quote) < 512 for quote in quotes)
    assert said(QOTD()) in quotes
    [(quote, _)] = answer(DatagramQOTD())
    assert quote in quotes


@pytest.mark.parametrize("cls", [DatagramEcho, DatagramChargen, DatagramDaytime, DatagramTime, DatagramQOTD])
@pytest.mark.parametrize("port", sorted(ANSWERING_PORTS))
def test_two_such_services_do_not_answer_each_other_for_ever(cls: Any, port: int) -> None:
    assert answer(cls(), b"x", ("192.0.2.1", port)) == []
