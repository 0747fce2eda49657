"""A reactor on a loop that somebody else runs: asyncio's, as in the console and the notebook."""

import asyncio
from contextvars import ContextVar

import pytest

from wirelab.reactor import running
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred
from wirelab.reactor.drivers.asyncio import AsyncioDriver
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.task import deferLater

cell = ContextVar("cell", default=None)


def hosted(test):
    """Run the coroutine function `test` on a loop of asyncio with a hosted reactor."""

    def run():
        async def main():
            reactor = Reactor(AsyncioDriver())
            reactor.startRunning()
            try:
                await test(reactor)
            finally:
                reactor.close()

        asyncio.run(main())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@hosted
async def test_time_passes_on_the_hosts_loop(reactor):
    assert reactor.hosted and reactor.running
    assert running.current() is reactor
    assert await deferLater(reactor, 0.001, lambda: "later") == "later"


@hosted
async def test_run_returns_at_once_with_a_note(reactor):
    reactor.run()


def test_the_note_says_why(capsys):
    async def main():
        reactor = Reactor(AsyncioDriver())
        reactor.run()
        assert reactor.running
        reactor.close()

    asyncio.run(main())
    assert "the loop is already running" in capsys.readouterr().out


@hosted
async def test_stop_ends_what_was_opened_and_not_the_loop(reactor):
    port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    never = reactor.callLater(1000, print)
    said = []
    reactor.addSystemEventTrigger("before", "shutdown", said.append, "goodbye")
    reactor.stop()
    await asyncio.sleep(0.01)
    assert said == ["goodbye"]
    assert port.state == "closed"
    assert not never.active()
    assert reactor.running
    assert await deferLater(reactor, 0, lambda: "lives on") == "lives on"


@hosted
async def test_tcp_works_on_the_hosts_loop(reactor):
    received = Deferred()

    class Echo(Protocol):
        def dataReceived(self, data):
            self.transport.write(data)

    class Client(Protocol):
        def connectionMade(self):
            self.transport.write(b"hello")

        def dataReceived(self, data):
            received.callback(data)

    port = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Client))
    assert await received == b"hello"


@hosted
async def test_events_run_in_the_context_that_opened_the_port(reactor):
    seen = Deferred()

    class Server(Protocol):
        def connectionMade(self):
            self.made_in = cell.get()

        def dataReceived(self, data):
            seen.callback((self.made_in, cell.get()))

    cell.set("the server's cell")
    port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
    cell.set("the client's cell")

    class Client(Protocol):
        def connectionMade(self):
            self.transport.write(cell.get().encode())

    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Client))
    cell.set("elsewhere")
    assert await seen == ("the server's cell", "the server's cell")


@hosted
async def test_a_connection_paused_and_resumed_by_its_own_event_keeps_its_context(reactor):
    seen = []
    done = Deferred()

    class Server(Protocol):
        def dataReceived(self, data):
            seen.append(cell.get())
            self.transport.pauseProducing()
            self.transport.resumeProducing()
            if len(seen) == 2:
                done.callback(None)
            else:
                self.transport.write(b"more")

    class Client(Protocol):
        def connectionMade(self):
            self.transport.write(b"one")

        def dataReceived(self, data):
            self.transport.write(b"two")

    cell.set("mine")
    port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Client))
    cell.set("elsewhere")
    await done
    assert seen == ["mine", "mine"]


def test_a_loop_is_what_the_driver_takes():
    with pytest.raises(TypeError, match="takes an asyncio event loop or nothing"):
        AsyncioDriver("loop")


def test_iterate_cannot_turn_a_loop_that_runs():
    async def main():
        reactor = Reactor(AsyncioDriver())
        reactor.startRunning()
        with pytest.raises(RuntimeError, match="await something instead"):
            reactor.iterate()
        reactor.close()

    asyncio.run(main())


def test_a_hosted_reactor_may_be_run_when_the_host_has_left():
    """As a script does that ends in reactor.run() after its host has prepared the session."""
    loop = asyncio.new_event_loop()
    reactor = Reactor(AsyncioDriver(loop))

    async def prepare():
        reactor.startRunning()

    loop.run_until_complete(prepare())
    made = []
    reactor.callLater(0.001, made.append, "ran")
    reactor.callLater(0.002, reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert made == ["ran"]
    reactor.close()
    loop.close()


def test_an_exception_that_ends_the_run_leaves_the_loop_fit_for_another():
    loop = asyncio.new_event_loop()
    reactor = Reactor(AsyncioDriver(loop))

    def leave():
        raise KeyboardInterrupt

    loop.call_later(0.001, leave)  # past the reactor: asyncio lets it out of the loop
    with pytest.raises(KeyboardInterrupt):
        reactor.run(installSignalHandlers=False)
    loop.run_until_complete(asyncio.sleep(0.002))
    reactor.close()
    loop.close()
