"""Two protocols joined in memory see what they would see over TCP."""

from __future__ import annotations

import contextvars

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor import error
from wirelab.reactor.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from wirelab.reactor.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.task import deferLater
from wirelab.reactor.testing import AccumulatingProtocol, NonStreamingProducer, connected_pair
from wirelab.reactor.testing import pair as pair_module


class Teller(Protocol):
    """Keeps everything it is told, data joined, in `told`."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def connectionMade(self) -> None:
        self.told.append("made")

    def dataReceived(self, data: bytes) -> None:
        if isinstance(self.told[-1], bytes):
            self.told[-1] += data
        else:
            self.told.append(data)

    def connectionLost(self, reason) -> None:
        self.told.append(reason.type.__name__)


@implementer(IHalfCloseableProtocol)
class HalfTeller(Teller):
    """One that also hears of each direction apart."""

    def readConnectionLost(self) -> None:
        self.told.append("read lost")

    def writeConnectionLost(self) -> None:
        self.told.append("write lost")


class Producer:
    """A push producer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


# -- the same scripts in memory and over TCP ----------------------------------------------------------

SCRIPTS = {
    "the client closes": (
        (Teller, Teller),
        [("client", "loseConnection")],
        ["made", "ConnectionDone"],
        ["made", "ConnectionDone"],
    ),
    "the client says something and closes": (
        (Teller, Teller),
        [("client", "write", b"bye"), ("client", "loseConnection")],
        ["made", "ConnectionDone"],
        ["made", b"bye", "ConnectionDone"],
    ),
    "a long farewell arrives whole": (
        (Teller, Teller),
        [("client", "write", b"x" * 500_000), ("client", "loseConnection")],
        ["made", "ConnectionDone"],
        ["made", b"x" * 500_000, "ConnectionDone"],
    ),
    "the server closes": (
        (Teller, Teller),
        [("server", "write", b"bye"), ("server", "loseConnection")],
        ["made", b"bye", "ConnectionDone"],
        ["made", "ConnectionDone"],
    ),
    "the client aborts": (
        (Teller, Teller),
        [("client", "abortConnection")],
        ["made", "ConnectionAborted"],
        ["made", "ConnectionLost"],
    ),
    "one that hears halves is aborted": (
        (HalfTeller, HalfTeller),
        [("client", "abortConnection")],
        ["made", "ConnectionAborted"],
        ["made", "ConnectionLost"],
    ),
    "an aborted connection takes no more": (
        (Teller, Teller),
        [("client", "abortConnection"), ("client", "write", b"more")],
        ["made", "ConnectionAborted"],
        ["made", "ConnectionLost"],
    ),
    "a half close ends the conversation of one that does not know halves": (
        (HalfTeller, Teller),
        [("client", "write", b"q"), ("client", "loseWriteConnection")],
        ["made", "write lost", "ConnectionDone"],
        ["made", b"q", "ConnectionDone"],
    ),
    "an answer follows a half close": (
        (HalfTeller, HalfTeller),
        [("client", "write", b"q"), ("client", "loseWriteConnection"), ("server", "write", b"a")],
        ["made", "write lost", b"a"],
        ["made", b"q", "read lost"],
    ),
    "two half closes are a close": (
        (HalfTeller, HalfTeller),
        [("client", "loseWriteConnection"), ("server", "loseWriteConnection")],
        ["made", "write lost", "ConnectionDone"],
        ["made", "read lost", "write lost", "ConnectionDone"],
    ),
    "nothing is written after a half close": (
        (HalfTeller, HalfTeller),
        [("client", "loseWriteConnection"), ("client", "write", b"late")],
        ["made", "write lost"],
        ["made", "read lost"],
    ),
    "the server closes after the client's half close": (
        (HalfTeller, HalfTeller),
        [("client", "loseWriteConnection"), ("server", "loseConnection")],
        ["made", "write lost", "ConnectionDone"],
        ["made", "read lost", "ConnectionDone"],
    ),
    "the client closes after its half close": (
        (HalfTeller, HalfTeller),
        [("client", "loseWriteConnection"), ("client", "loseConnection")],
        ["made", "write lost", "ConnectionDone"],
        ["made", "read lost"],
    ),
    "whoever keeps talking to one who has closed loses the connection": (
        (Teller, HalfTeller),
        [("client", "loseConnection"), ("server", "write", b"a"), ("server", "write", b"b")],
        ["made", "ConnectionDone"],
        ["made", "read lost", "ConnectionLost"],
    ),
    "what waits is read after a pause, then the end": (
        (Teller, Teller),
        [
            ("server", "pauseProducing"),
            ("client", "write", b"patience"),
            ("client", "loseConnection"),
            ("server", "resumeProducing"),
        ],
        ["made", "ConnectionDone"],
        ["made", b"patience", "ConnectionDone"],
    ),
    "a paused side closes": (
        (Teller, Teller),
        [("client", "pauseProducing"), ("client", "loseConnection")],
        ["made", "ConnectionDone"],
        ["made", "ConnectionDone"],
    ),
    "an answer that still waits is sent before the end": (
        (HalfTeller, Teller),
        [
            ("client", "pauseProducing"),
            ("server", "write", b"a" * 300_000),
            ("client", "loseWriteConnection"),
            ("client", "resumeProducing"),
        ],
        ["made", "write lost", b"a" * 300_000, "ConnectionDone"],
        ["made", "ConnectionDone"],
    ),
    "whoever has read the end learns of an abort when it writes": (
        (HalfTeller, HalfTeller),
        [
            ("client", "loseWriteConnection"),
            ("client", "abortConnection"),
            ("server", "write", b"a"),
            ("server", "write", b"b"),
        ],
        ["made", "write lost", "ConnectionAborted"],
        ["made", "read lost", "ConnectionLost"],
    ),
    "aborting twice is aborting": (
        (Teller, Teller),
        [("client", "abortConnection"), ("client", "abortConnection")],
        ["made", "ConnectionAborted"],
        ["made", "ConnectionLost"],
    ),
    "closing twice is closing": (
        (Teller, Teller),
        [("client", "loseConnection"), ("client", "loseConnection"), ("client", "stopProducing")],
        ["made", "ConnectionDone"],
        ["made", "ConnectionDone"],
    ),
}


@pytest.mark.parametrize("chunk", [None, 1000, 7])
@pytest.mark.parametrize("name", SCRIPTS)
def test_script_in_memory(name: str, chunk: int | None) -> None:
    (client, server), steps, client_hears, server_hears = SCRIPTS[name]
    pair = connected_pair(client(), server(), chunk=chunk)
    for side, call, *args in steps:
        getattr(getattr(pair, side), call)(*args)
        pair.flush(rounds=200_000)
    assert pair.client_protocol.told == client_hears
    assert pair.server_protocol.told == server_hears


@pytest.mark.parametrize("name", SCRIPTS)
async def test_script_over_tcp(reactor, name: str) -> None:
    (client, server), steps, client_hears, server_hears = SCRIPTS[name]
    served = []

    class Keeping(Factory):
        noisy = False

        def buildProtocol(self, addr):
            served.append(server())
            return served[-1]

    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Keeping())
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    protocols = {"client": await connectProtocol(endpoint, client())}
    while not served:
        await deferLater(reactor, 0, lambda: None)
    protocols["server"] = served[0]
    transports = {side: protocol.transport for side, protocol in protocols.items()}

    async def settled(turns: int = 5) -> None:
        # Loopback delivers within a turn or two; a big write takes as many turns as it needs.
        for _ in range(turns):
            await deferLater(reactor, 0.001, lambda: None)
        while any(transport.bufferedBytes for transport in transports.values()):
            await deferLater(reactor, 0.001, lambda: None)

    for side, call, *args in steps:
        getattr(transports[side], call)(*args)
        await settled()
    for _ in range(200):
        if protocols["client"].told == client_hears and protocols["server"].told == server_hears:
            break
        await settled()
    assert protocols["client"].told == client_hears
    assert protocols["server"].told == server_hears
    for transport in transports.values():
        transport.abortConnection()
    await port.stopListening()


# -- what only memory can do --------------------------------------------------------------------------


def pair_of(client=Teller, server=Teller, **options):
    return connected_pair(client(), server(), **options)


@pytest.mark.parametrize("interface", [ITCPTransport, IConsumer, IPushProducer])
def test_the_ends_keep_the_promises_of_tcp_transports(interface) -> None:
    pair = pair_of()
    for end in (pair.client, pair.server):
        verifyObject(interface, end)


def test_both_hear_that_they_are_connected_and_no_more_before_pump() -> None:
    pair = pair_of()
    pair.client.write(b"soon")
    assert (pair.client_protocol.told, pair.server_protocol.told) == (["made"], ["made"])
    assert pair.client_protocol.transport is pair.client
    assert pair.pump() is True
    assert pair.server_protocol.told == ["made", b"soon"]
    assert pair.pump() is False


def test_the_ends_know_their_addresses() -> None:
    pair = pair_of()
    assert pair.client.getHost() == pair.server.getPeer() == pair_module.CLIENT_ADDRESS
    assert pair.client.getPeer() == pair.server.getHost() == pair_module.SERVER_ADDRESS


def test_writes_are_one_stream() -> None:
    pair = connected_pair(Teller(), server := Counter())
    pair.client.write(b"one")
    pair.client.writeSequence([b" two", b" three"])
    pair.pump()
    assert server.portions == [b"one two three"]


class Counter(Protocol):
    """Keeps the portions in which data comes."""

    def __init__(self) -> None:
        self.portions: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self.portions.append(data)


@pytest.mark.parametrize(
    ("chunk", "portions"),
    [(None, [b"abcdefg"]), (1, [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]), (3, [b"abc", b"def", b"g"])],
)
def test_data_comes_in_portions_of_the_chunk(chunk, portions) -> None:
    pair = connected_pair(Teller(), server := Counter(), chunk=chunk)
    pair.client.write(b"abcdefg")
    pair.pump()
    assert server.portions == portions


def test_the_chunk_can_be_changed_on_the_way() -> None:
    pair = connected_pair(Teller(), server := Counter())
    assert pair.chunk is None
    pair.chunk = 2
    pair.client.write(b"abc")
    pair.pump()
    assert server.portions == [b"ab", b"c"]


@pytest.mark.parametrize("option", ["chunk", "window"])
@pytest.mark.parametrize("size", [0, -1, 1.5, "1"])
def test_sizes_are_positive_numbers(option: str, size: object) -> None:
    with pytest.raises(ValueError, match=f"{option} is a positive number of bytes, not"):
        pair_of(**{option: size})


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


def test_a_round_delivers_what_was_under_way_when_it_began() -> None:
    pair = connected_pair(Echo(), Echo())
    pair.client.write(b"ball")
    for _ in range(3):
        assert pair.pump()
    with pytest.raises(RuntimeError, match="still talk after 10 rounds"):
        pair.flush(rounds=10)


def test_what_a_greeting_says_is_delivered() -> None:
    class Greeter(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"hello")

    pair = connected_pair(Teller(), Greeter())
    pair.flush()
    assert pair.client_protocol.told == ["made", b"hello"]


def test_counters_and_states() -> None:
    pair = pair_of()
    assert (pair.client.state, pair.client.shortId, pair.server.shortId) == ("open", "c1", "c2")
    pair.client.write(b"12345")
    pair.flush()
    assert (pair.client.bytesOut, pair.server.bytesIn, pair.client.bufferedBytes) == (5, 5, 0)
    assert pair.client.idleSeconds() is None
    assert "c1 127.0.0.1:50001 -> 127.0.0.1:8007 open" in repr(pair.client)
    pair.client.loseConnection()
    assert (pair.client.state, pair.client.disconnecting, pair.is_closed) == ("closing", True, False)
    pair.flush()
    assert (pair.client.state, pair.client.connected, pair.client.disconnected) == ("closed", False, True)
    assert pair.is_closed


def test_socket_options_are_remembered() -> None:
    end = pair_of().client
    assert (end.getTcpNoDelay(), end.getTcpKeepAlive()) == (True, False)
    end.setTcpNoDelay(0)
    end.setTcpKeepAlive(1)
    assert (end.getTcpNoDelay(), end.getTcpKeepAlive()) == (False, True)


def test_what_is_not_bytes_is_refused() -> None:
    pair = pair_of()
    with pytest.raises(TypeError, match=r"write\(\) takes bytes, not str: encode it first"):
        pair.client.write("text")
    with pytest.raises(TypeError, match=r"writeSequence\(\) takes"):
        pair.client.writeSequence(b"bytes")


def test_what_is_written_after_close_and_before_the_round_still_leaves() -> None:
    pair = pair_of()
    pair.client.loseConnection()
    pair.client.write(b"postscript")
    pair.flush()
    assert pair.server_protocol.told == ["made", b"postscript", "ConnectionDone"]
    pair.client.write(b"too late")
    assert not pair.pump()


def test_nothing_is_read_after_close() -> None:
    pair = pair_of()
    pair.server.write(b"unheard")
    pair.client.loseConnection()
    pair.flush()
    assert pair.client_protocol.told == ["made", "ConnectionDone"]


def test_pause_holds_data_back_in_the_wire_and_then_in_the_queue() -> None:
    pair = pair_of(window=10)
    pair.server.pauseProducing()
    pair.client.write(b"x" * 25)
    pair.flush()
    assert pair.server_protocol.told == ["made"]
    assert (pair.client.bytesOut, pair.client.bufferedBytes) == (10, 15)
    pair.server.resumeProducing()
    pair.flush()
    assert pair.server_protocol.told == ["made", b"x" * 25]


def test_a_protocol_that_pauses_while_it_reads_gets_no_more() -> None:
    class Careful(Counter):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            self.transport.pauseProducing()

    pair = connected_pair(Teller(), server := Careful(), chunk=1)
    pair.client.write(b"abc")
    pair.flush()
    assert server.portions == [b"a"]
    pair.server.resumeProducing()
    pair.flush()
    assert server.portions == [b"a", b"b"]


def test_a_writer_without_end_is_told() -> None:
    pair = pair_of()
    pair.server.pauseProducing()
    with pytest.raises(BufferError, match=r"pump\(\) the pair, or write from a producer"):
        for _ in range(100):
            pair.client.write(bytes(1_000_000))


def test_pump_inside_pump_is_refused() -> None:
    class Pumping(Protocol):
        def dataReceived(self, data: bytes) -> None:
            pair.pump()

    pair = connected_pair(Teller(), Pumping())
    pair.client.write(b"x")
    with pytest.raises(RuntimeError, match=r"pump\(\) inside pump\(\)"):
        pair.pump()


# -- producers ----------------------------------------------------------------------------------------


def test_a_push_producer_waits_while_the_queue_is_long() -> None:
    pair, producer = pair_of(), Producer()
    pair.client.registerProducer(producer, True)
    pair.client.write(b"x" * pair_module.WINDOW)
    assert producer.told == []
    pair.client.write(b"x" * (pair_module.HIGH_WATER + 1))
    pair.client.write(b"x")
    assert producer.told == ["pause"]
    pair.flush()
    assert producer.told == ["pause", "resume"]
    assert pair.client.bufferedBytes == 0


def test_a_pull_producer_is_asked_whenever_all_has_left() -> None:
    pair = pair_of()
    pair.client.registerProducer(NonStreamingProducer(pair.client), False)
    pair.flush()
    assert pair.server_protocol.told == ["made", b"0123456789"]
    assert pair.client.producer is None


def test_a_pull_producer_is_not_asked_while_the_reader_waits() -> None:
    pair = pair_of(window=2)
    pair.server.pauseProducing()
    producer = NonStreamingProducer(pair.client)
    pair.client.registerProducer(producer, False)
    pair.flush()
    assert producer.counter == 3  # two in the wire, one in the queue
    pair.server.resumeProducing()
    pair.flush()
    assert pair.server_protocol.told == ["made", b"0123456789"]


def test_close_waits_for_the_producer() -> None:
    pair, producer = pair_of(), Producer()
    pair.client.registerProducer(producer, True)
    pair.client.loseConnection()
    pair.flush()
    assert pair.client.state == "closing"
    pair.client.write(b"the rest")
    pair.client.unregisterProducer()
    pair.flush()
    assert pair.server_protocol.told == ["made", b"the rest", "ConnectionDone"]
    assert producer.told == []


def test_the_producer_hears_that_the_connection_ended() -> None:
    pair, producer = pair_of(), Producer()
    pair.client.registerProducer(producer, True)
    pair.server.loseConnection()
    pair.flush()
    assert producer.told == ["stop"]
    assert pair.client.producer is None
    pair.client.registerProducer(late := Producer(), True)
    assert late.told == ["stop"]


def test_one_producer_at_a_time() -> None:
    pair = pair_of()
    pair.client.registerProducer(Producer(), True)
    with pytest.raises(RuntimeError, match=r"call unregisterProducer\(\) first"):
        pair.client.registerProducer(Producer(), True)


# -- protocols that fail ------------------------------------------------------------------------------


class Failing(Teller):
    """Answers and then raises whatever `in_` says."""

    in_ = "dataReceived"

    def makeConnection(self, transport) -> None:
        super().makeConnection(transport)
        if self.in_ == "connectionMade":
            raise ZeroDivisionError

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        if self.in_ == "dataReceived":
            self.transport.write(b"last words")
            raise ZeroDivisionError

    def connectionLost(self, reason) -> None:
        super().connectionLost(reason)
        self.reason = reason
        if self.in_ == "connectionLost":
            raise ZeroDivisionError


def test_a_protocol_that_raises_loses_its_connection_and_the_test_hears_it() -> None:
    pair = pair_of(server=Failing)
    pair.client.write(b"x")
    with pytest.raises(ZeroDivisionError):
        pair.pump()
    pair.flush()
    assert pair.server_protocol.told == ["made", b"x", "ConnectionLost"]
    assert isinstance(pair.server_protocol.reason.value.__cause__, ZeroDivisionError)
    assert "dataReceived raised ZeroDivisionError" in str(pair.server_protocol.reason.value)
    assert pair.client_protocol.told == ["made", b"last words", "ConnectionDone"]


def test_a_protocol_that_cannot_begin_is_heard_at_once() -> None:
    server = Failing()
    server.in_ = "connectionMade"
    with pytest.raises(ZeroDivisionError):
        connected_pair(Teller(), server)
    assert server.told == ["made", "ConnectionLost"]


def test_a_protocol_that_fails_at_its_end_is_heard_once() -> None:
    pair = pair_of(server=Failing)
    pair.server_protocol.in_ = "connectionLost"
    pair.server.loseConnection()
    with pytest.raises(ZeroDivisionError):
        pair.pump()
    pair.flush()
    assert pair.server_protocol.told == ["made", "ConnectionDone"]
    assert pair.client_protocol.told == ["made", "ConnectionDone"]


# -- context ------------------------------------------------------------------------------------------

owner: contextvars.ContextVar[str] = contextvars.ContextVar("owner", default="nobody")


def test_protocols_are_called_in_the_context_in_which_the_pair_was_made() -> None:
    class Asking(Protocol):
        seen: str = ""

        def dataReceived(self, data: bytes) -> None:
            self.seen = owner.get()

    owner.set("somebody")
    pair = connected_pair(Teller(), server := Asking())
    owner.set("nobody")
    pair.client.write(b"x")
    pair.pump()
    assert server.seen == "somebody"
    assert pair.server.context.get(owner) == "somebody"


# -- any conversation ---------------------------------------------------------------------------------


@given(
    pieces=st.lists(st.binary(max_size=50), max_size=20),
    chunk=st.none() | st.integers(1, 60),
    window=st.integers(1, 200),
    pumps=st.lists(st.booleans(), max_size=20),
)
def test_every_byte_arrives_once_and_in_order(pieces, chunk, window, pumps) -> None:
    pair = connected_pair(AccumulatingProtocol(), AccumulatingProtocol(), chunk=chunk, window=window)
    for piece, pump in zip(pieces, pumps + [False] * len(pieces), strict=False):
        pair.client.write(piece)
        pair.server.write(piece[::-1])
        if pump:
            pair.pump()
    pair.flush()
    pair.client.loseConnection()
    pair.flush()
    assert pair.server_protocol.data == b"".join(pieces)
    assert pair.client_protocol.data == b"".join(piece[::-1] for piece in pieces)
    assert pair.server_protocol.closedReason.check(error.ConnectionDone)
    assert pair.client_protocol.closedReason.check(error.ConnectionDone)
