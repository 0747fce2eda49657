"""Protocols and the factories that make them."""

import io
import logging
import random

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor import protocol, running
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import CancelledError, Deferred, maybeDeferred
from wirelab.reactor.error import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NotConnectingError,
)
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import (
    IConsumer,
    ILoggingContext,
    IProcessProtocol,
    IProtocol,
    IProtocolFactory,
    ITransport,
)
from wirelab.reactor.protocol import (
    ClientCreator,
    ClientFactory,
    ConnectedDatagramProtocol,
    ConsumerToProtocolAdapter,
    DatagramProtocol,
    Factory,
    FileWrapper,
    ProcessProtocol,
    Protocol,
    ProtocolToConsumerAdapter,
    ReconnectingClientFactory,
    ServerFactory,
)
from wirelab.reactor.task import Clock
from wirelab.reactor.testing import MemoryReactorClock, StringTransport


class Recorder:
    """Notes every call made on it."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, *args))


# -- Protocol -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interface", "made"),
    [
        (IProtocol, Protocol()),
        (ILoggingContext, Protocol()),
        (IProcessProtocol, ProcessProtocol()),
        (IProtocolFactory, Factory()),
        (IProtocolFactory, ServerFactory()),
        (IProtocolFactory, ClientFactory()),
        (IProtocolFactory, ReconnectingClientFactory()),
        (ILoggingContext, Factory()),
        (ILoggingContext, DatagramProtocol()),
        (IConsumer, ProtocolToConsumerAdapter(Protocol())),
        (IProtocol, ConsumerToProtocolAdapter(Recorder())),
        (ITransport, FileWrapper(io.BytesIO())),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_is_promised_is_provided(interface, made):
    assert verifyObject(interface, made)


def test_make_connection_sets_the_transport_before_connection_made():
    class Greeter(Protocol):
        def connectionMade(self):
            self.seen = (self.connected, self.transport)

    greeter = Greeter()
    assert (greeter.connected, greeter.transport) == (0, None)
    greeter.makeConnection("wire")
    assert greeter.seen == (1, "wire")


def test_a_new_protocol_holds_nothing_of_its_own():
    assert vars(Protocol()) == {}


def test_the_default_reasons_are_documented_failures():
    assert protocol.connectionDone.check(ConnectionDone)
    assert protocol.connectionLost.check(ConnectionLost)
    assert Protocol().connectionLost() is None


def test_log_prefix_is_the_name_of_the_class():
    class Echo(Protocol):
        pass

    class Echoes(Factory):
        pass

    assert (Echo().logPrefix(), Echoes().logPrefix()) == ("Echo", "Echoes")


def test_each_child_descriptor_reaches_the_call_of_its_own():
    heard = []

    class Child(ProcessProtocol):
        def outReceived(self, data):
            heard.append(("out", data))

        def errReceived(self, data):
            heard.append(("err", data))

        def inConnectionLost(self):
            heard.append("in lost")

        def outConnectionLost(self):
            heard.append("out lost")

        def errConnectionLost(self):
            heard.append("err lost")

    child = Child()
    for fd in (1, 2, 7):
        child.childDataReceived(fd, b"x")
    for fd in (0, 1, 2, 7):
        child.childConnectionLost(fd)
    assert heard == [("out", b"x"), ("err", b"x"), "in lost", "out lost", "err lost"]


# -- Factory ------------------------------------------------------------------------------------------


def test_build_protocol_makes_a_new_one_and_sets_its_factory():
    factory = Factory()
    factory.protocol = Protocol
    one, other = factory.buildProtocol(None), factory.buildProtocol(None)
    assert one is not other
    assert one.factory is factory


def test_for_protocol_passes_its_arguments_to_the_factory():
    class Chat(ServerFactory):
        def __init__(self, room, *, size=1):
            self.room, self.size = room, size

    chat = Chat.forProtocol(Protocol, "lobby", size=9)
    assert type(chat) is Chat
    assert (chat.room, chat.size, chat.protocol) == ("lobby", 9, Protocol)


def test_a_function_that_makes_protocols_will_do():
    factory = Factory.forProtocol(lambda: Protocol())
    assert isinstance(factory.buildProtocol(None), Protocol)


def test_something_with_make_connection_counts_as_a_protocol():
    class Own:
        def makeConnection(self, transport):
            pass

    factory = Factory.forProtocol(Own)
    assert factory.buildProtocol(None).factory is factory


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "Factory.protocol is None: set it to a Protocol class"),
        (Protocol(), "takes a Protocol class, not one instance for all: write Protocol, not Protocol()"),
        (3, "Factory.protocol takes a Protocol class, not 3"),
        (dict, "Factory.protocol made {}, which is no protocol: subclass wirelab.reactor.protocol.Protocol"),
        (lambda: None, "Factory.protocol made None, which is no protocol"),
    ],
)
def test_what_makes_no_protocols_is_named(given, message):
    factory = Factory()
    factory.protocol = given
    with pytest.raises(TypeError) as caught:
        factory.buildProtocol(None)
    assert message in str(caught.value)


def test_for_protocol_refuses_an_instance_at_once():
    with pytest.raises(TypeError, match="write Protocol, not Protocol"):
        Factory.forProtocol(Protocol())


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(TypeError) as caught:
        Factory.forProtocol([b"x" * 1000])
    assert len(str(caught.value)) < 200


class Counted(Factory):
    noisy = False

    def __init__(self):
        self.events = []

    def startFactory(self):
        self.events.append("start")

    def stopFactory(self):
        self.events.append("stop")


def test_a_factory_starts_with_its_first_port_and_stops_with_its_last():
    factory = Counted()
    factory.doStart()
    factory.doStart()
    assert (factory.events, factory.numPorts) == (["start"], 2)
    factory.doStop()
    assert factory.events == ["start"]
    factory.doStop()
    assert (factory.events, factory.numPorts) == (["start", "stop"], 0)
    factory.doStart()
    assert factory.events == ["start", "stop", "start"]


def test_a_factory_stopped_too_often_stays_as_it_is():
    factory = Counted()
    factory.doStop()
    assert (factory.events, factory.numPorts) == ([], 0)


@pytest.mark.parametrize(("noisy", "lines"), [(True, 2), (False, 0)])
def test_only_a_noisy_factory_logs_its_start_and_end(noisy, lines, caplog):
    factory = Factory()
    factory.noisy = noisy
    with caplog.at_level(logging.INFO):
        factory.doStart()
        factory.doStop()
    assert len(caplog.records) == lines


def test_client_factories_take_every_call_of_a_connector():
    factory = ClientFactory()
    factory.startedConnecting("connector")
    factory.clientConnectionFailed("connector", protocol.connectionLost)
    factory.clientConnectionLost("connector", protocol.connectionDone)


# -- ReconnectingClientFactory ------------------------------------------------------------------------


class Connector:
    def __init__(self):
        self.connects = 0
        self.is_connecting = False

    def connect(self):
        self.connects += 1

    def stopConnecting(self):
        if not self.is_connecting:
            raise NotConnectingError
        self.is_connecting = False


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reconnecting(clock):
    factory = ReconnectingClientFactory()
    factory.noisy = False
    factory.jitter = None
    factory.clock = clock
    return factory


def failed(factory, connector):
    factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))


def test_the_delay_grows_by_the_factor_up_to_the_limit(reconnecting, clock):
    connector = Connector()
    reconnecting.maxDelay = 10.0
    delays = []
    for attempt in range(5):
        failed(reconnecting, connector)
        delays.append(round(reconnecting.delay, 3))
        clock.advance(reconnecting.delay)
        assert connector.connects == attempt + 1
    assert delays == [2.718, 7.389, 10.0, 10.0, 10.0]


def test_a_lost_connection_is_tried_again_too(reconnecting, clock):
    connector = Connector()
    reconnecting.clientConnectionLost(connector, protocol.connectionDone)
    clock.advance(3)
    assert connector.connects == 1


def test_reset_delay_starts_over_and_cancels_the_attempt_that_waits(reconnecting, clock):
    connector = Connector()
    for _ in range(3):
        failed(reconnecting, connector)
        clock.advance(reconnecting.delay)
    failed(reconnecting, connector)
    reconnecting.resetDelay()
    assert (reconnecting.delay, reconnecting.retries, clock.getDelayedCalls()) == (1.0, 0, [])


def test_after_max_retries_nothing_is_tried(reconnecting, clock):
    connector = Connector()
    reconnecting.maxRetries = 2
    for _ in range(4):
        failed(reconnecting, connector)
        clock.advance(100)
    assert connector.connects == 2
    assert clock.getDelayedCalls() == []


def test_stop_trying_cancels_the_attempt_that_waits(reconnecting, clock):
    connector = Connector()
    failed(reconnecting, connector)
    reconnecting.stopTrying()
    assert clock.getDelayedCalls() == []
    failed(reconnecting, connector)
    reconnecting.retry(connector)
    assert clock.getDelayedCalls() == []


def test_stop_trying_stops_the_attempt_that_runs(reconnecting, clock):
    connector = Connector()
    failed(reconnecting, connector)
    clock.advance(3)
    connector.is_connecting = True
    reconnecting.stopTrying()
    assert not connector.is_connecting


def test_an_attempt_that_the_reactor_cancelled_when_it_stopped_is_no_obstacle(reconnecting, clock):
    for action in (reconnecting.stopTrying, reconnecting.resetDelay):
        reconnecting.continueTrying = 1
        failed(reconnecting, Connector())
        clock.getDelayedCalls()[0].cancel()
        action()
        assert clock.getDelayedCalls() == []


def test_stop_trying_before_any_attempt_is_fine(reconnecting):
    reconnecting.stopTrying()
    assert not reconnecting.continueTrying


def test_retry_without_a_connector_says_what_is_missing(reconnecting):
    with pytest.raises(ValueError, match="no connector to retry: pass the one"):
        reconnecting.retry()


def test_without_a_reactor_or_a_clock_retry_says_what_to_set(reconnecting):
    reconnecting.clock = None
    with pytest.raises(RuntimeError, match=r"set ReconnectingClientFactory\.clock"):
        failed(reconnecting, Connector())


def test_without_a_clock_the_reactor_that_runs_gives_the_time(reconnecting, clock):
    reconnecting.clock = None
    running.enter(clock)
    try:
        failed(reconnecting, Connector())
    finally:
        running.leave(clock)
    assert len(clock.getDelayedCalls()) == 1


def test_jitter_spreads_delays_but_never_beyond_the_limits(reconnecting, monkeypatch):
    monkeypatch.setattr(random, "normalvariate", random.Random(7).normalvariate)
    reconnecting.jitter = 0.5
    reconnecting.maxDelay = 100.0
    reconnecting.delay = 100.0
    delays = [reconnecting._next_delay() for _ in range(500)]
    assert all(0 <= delay <= 100 for delay in delays)
    assert len(set(delays)) > 450
    assert sum(delay == 100 for delay in delays) < 5


def test_a_noisy_factory_says_when_it_tries_again_and_when_it_gives_up(reconnecting, caplog):
    reconnecting.noisy = True
    reconnecting.maxRetries = 1
    with caplog.at_level(logging.INFO):
        failed(reconnecting, "<connector>")
        failed(reconnecting, "<connector>")
        reconnecting.stopTrying = None
        reconnecting.continueTrying = 0
        reconnecting.retry("<connector>")
    assert [record.getMessage() for record in caplog.records] == [
        "<connector> tries again in 2.7 seconds",
        "giving up on <connector> after 1 retries",
        "giving up on <connector>: stopTrying() was called",
    ]


# -- ClientCreator ------------------------------------------------------------------------------------


class Named(Protocol):
    def __init__(self, name="?", *, size=0):
        self.name, self.size = name, size


@pytest.fixture
def memory():
    return MemoryReactorClock()


def test_connect_tcp_passes_everything_on(memory):
    ClientCreator(memory, Named).connectTCP("host", 99, timeout=7, bindAddress=("127.0.0.1", 5))
    host, port, factory, timeout, bind = memory.tcpClients[0]
    assert (host, port, timeout, bind) == ("host", 99, 7, ("127.0.0.1", 5))
    assert not factory.noisy
    assert "Named" in repr(factory)


def test_connect_unix_passes_everything_on(memory):
    ClientCreator(memory, Named).connectUNIX("/run/x", timeout=7, checkPID=True)
    path, _, timeout, check = memory.unixClients[0]
    assert (path, timeout, check) == ("/run/x", 7, True)


def test_connect_ssl_passes_everything_on(memory):
    context = object()
    ClientCreator(memory, Named).connectSSL("host", 99, context, timeout=7, bindAddress=("127.0.0.1", 5))
    host, port, _, given, timeout, bind = memory.sslClients[0]
    assert (host, port, given, timeout, bind) == ("host", 99, context, 7, ("127.0.0.1", 5))


def test_the_protocol_comes_in_the_turn_after_its_connection_was_made(memory):
    results = []
    ClientCreator(memory, Named, "ann", size=3).connectTCP("host", 99).addCallback(results.append)
    made = memory.tcpClients[0][2].buildProtocol(None)
    made.makeConnection(StringTransport())
    assert results == []
    memory.advance(0)
    assert results == [made]
    assert (made.name, made.size) == ("ann", 3)


def test_a_failed_attempt_fails_the_deferred(memory):
    failures = []
    ClientCreator(memory, Named).connectTCP("host", 99).addErrback(failures.append)
    reason = Failure(ConnectionRefusedError())
    memory.tcpClients[0][2].clientConnectionFailed(memory.connectors[0], reason)
    memory.advance(0)
    assert failures[0].value is reason.value


@pytest.mark.parametrize("moment", ["connecting", "connected", "failed"])
def test_cancelling_gives_up_the_attempt_or_the_connection(memory, moment):
    failures = []
    d = ClientCreator(memory, Named).connectTCP("host", 99)
    d.addErrback(failures.append)
    factory, connector = memory.tcpClients[0][2], memory.connectors[0]
    disconnects = []
    connector.disconnect = lambda: disconnects.append(1)
    if moment == "connected":
        factory.buildProtocol(None).makeConnection(StringTransport())
    elif moment == "failed":
        factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
    d.cancel()
    assert disconnects == [1]
    assert failures[0].check(CancelledError)
    assert memory.getDelayedCalls() == []
    # What a real connector then tells its factory changes nothing.
    factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
    assert memory.getDelayedCalls() == []


@pytest.fixture
def reactor():
    made = Reactor()
    yield made
    made.close()


def run(reactor, main):
    """Run `reactor` until what `main` gives is done; its result, or its failure raised."""
    results = []
    reactor.callWhenRunning(
        lambda: maybeDeferred(main).addBoth(results.append).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def test_a_real_connection_is_made_and_echoed(reactor):
    class Echo(Protocol):
        def dataReceived(self, data):
            self.transport.write(data)

    class Asking(Protocol):
        def __init__(self):
            self.answer = Deferred()

        def dataReceived(self, data):
            self.answer.callback(data)

    async def main():
        port = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        asking = await ClientCreator(reactor, Asking).connectTCP("127.0.0.1", port.getHost().port)
        asking.transport.write(b"hello")
        answer = await asking.answer
        asking.transport.loseConnection()
        return answer

    assert run(reactor, main) == b"hello"


def test_a_real_attempt_that_is_cancelled_leaves_nothing_open(reactor):
    async def main():
        port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        d = ClientCreator(reactor, Protocol).connectTCP("127.0.0.1", port.getHost().port)
        d.cancel()
        with pytest.raises(CancelledError):
            await d
        await port.stopListening()
        return dict(reactor.opened)

    assert run(reactor, main) == {}


def test_a_real_client_reconnects_when_its_server_closes(reactor):
    made = []
    done = Deferred()

    class Closing(Protocol):
        def connectionMade(self):
            self.transport.loseConnection()

    class Client(ReconnectingClientFactory):
        noisy = False
        initialDelay = delay = 0.0001

        def buildProtocol(self, addr):
            made.append(addr)
            if len(made) == 3:
                self.stopTrying()
                done.callback(None)
            return super().buildProtocol(addr)

    async def main():
        port = reactor.listenTCP(0, Factory.forProtocol(Closing), interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, Client.forProtocol(Protocol))
        await done

    run(reactor, main)
    assert len(made) == 3


def test_client_creator_refuses_an_instance(memory):
    with pytest.raises(TypeError, match=r"ClientCreator\(\) takes a Protocol class, not one instance"):
        ClientCreator(memory, Protocol())


# -- datagrams ----------------------------------------------------------------------------------------


def test_a_datagram_protocol_starts_with_its_port_and_stops_after_it():
    events = []

    class Beacon(DatagramProtocol):
        noisy = False

        def startProtocol(self):
            events.append(("start", self.transport))

        def stopProtocol(self):
            events.append(("stop", self.transport))

    beacon = Beacon()
    beacon.makeConnection("port")
    beacon.doStop()
    beacon.doStop()
    assert events == [("start", "port"), ("stop", None)]
    assert beacon.logPrefix() == "Beacon"
    beacon.makeConnection("another")
    assert beacon.numPorts == 1


def test_a_datagram_protocol_takes_one_transport_at_a_time():
    one = DatagramProtocol()
    one.noisy = False
    one.makeConnection("port")
    with pytest.raises(RuntimeError, match="has a transport already: 'port'"):
        one.makeConnection("other")


def test_a_noisy_datagram_protocol_logs_its_start_and_end(caplog):
    one = DatagramProtocol()
    with caplog.at_level(logging.INFO):
        one.makeConnection("port")
        one.doStop()
    assert [record.getMessage().split()[0] for record in caplog.records] == ["starting", "stopping"]


def test_datagram_calls_do_nothing_by_default():
    one = ConnectedDatagramProtocol()
    one.datagramReceived(b"x")
    one.connectionFailed(protocol.connectionLost)
    one.connectionRefused()
    DatagramProtocol().datagramReceived(b"x", ("127.0.0.1", 1))


# -- adapters and files -------------------------------------------------------------------------------


def test_what_a_producer_writes_is_received_by_the_protocol():
    wrapped = Recorder()
    consumer = ProtocolToConsumerAdapter(wrapped)
    consumer.registerProducer("producer", True)
    consumer.write(b"data")
    consumer.unregisterProducer()
    assert wrapped.calls == [("dataReceived", b"data")]


def test_what_a_connection_receives_is_written_to_the_consumer():
    wrapped = Recorder()
    adapted = ConsumerToProtocolAdapter(wrapped)
    adapted.makeConnection(StringTransport())
    adapted.connectionMade()
    adapted.dataReceived(b"data")
    adapted.connectionLost()
    assert wrapped.calls == [("write", b"data")]


class Kept(io.BytesIO):
    def close(self):
        self.kept = self.getvalue()
        super().close()


def test_a_file_wrapper_writes_to_its_file_and_closes_it_once():
    file = Kept()
    wire = FileWrapper(file)
    wire.write(b"a")
    wire.writeSequence([b"b", b"c"])
    wire.loseConnection()
    wire.loseConnection()
    assert file.kept == b"abc"
    assert (wire.closed, wire.disconnecting) == (1, 1)
    assert (wire.getPeer(), wire.getHost()) == (("file", "file"), "file")


def test_a_file_wrapper_says_that_text_must_be_encoded():
    with pytest.raises(TypeError, match=r"write\(\) takes bytes, not str: encode it first"):
        FileWrapper(io.BytesIO()).write("text")


def test_a_file_that_refuses_data_closes_the_wrapper_and_is_told(caplog):
    file = io.BytesIO()
    file.close()
    wire = FileWrapper(file)
    wire.write(b"x")
    assert wire.closed
    assert "does not take the data" in caplog.text


def test_a_file_that_does_not_close_is_told(caplog):
    class Stubborn(io.BytesIO):
        stubborn = True

        def close(self):
            if self.stubborn:
                raise OSError("disk full")

    file = Stubborn()
    FileWrapper(file).loseConnection()
    file.stubborn = False
    assert "disk full" in caplog.text


def test_a_pull_producer_is_asked_until_it_has_no_more():
    file = io.BytesIO()
    wire = FileWrapper(file)

    class Pull:
        left = 5000

        def resumeProducing(self):
            if self.left:
                self.left -= 1
                wire.write(b"x")
            else:
                wire.unregisterProducer()

    wire.registerProducer(Pull(), False)
    assert file.getvalue() == b"x" * 5000
    assert wire.producer is None


def test_a_push_producer_is_left_alone_and_a_second_one_refused():
    producer = Recorder()
    wire = FileWrapper(io.BytesIO())
    wire.registerProducer(producer, True)
    wire.write(b"x")
    assert producer.calls == []
    with pytest.raises(RuntimeError, match="has a producer already"):
        wire.registerProducer(producer, True)
    wire.pauseProducing()
    wire.resumeProducing()
    wire.stopConsuming()
    assert (wire.producer, wire.closed) == (None, 1)


def test_stop_producing_closes_the_file():
    wire = FileWrapper(io.BytesIO())
    wire.stopProducing()
    assert wire.closed
