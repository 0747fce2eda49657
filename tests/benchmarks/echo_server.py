"""One echo server of each kind, ours and the peers': echo_server.py KIND. Prints the port it listens on.

Each is what a user of that library would write first: a Protocol that writes back what it receives, and no
options but TCP_NODELAY, which asyncio and uvloop set by themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

BACKLOG = 1024


def _report(port: int) -> None:
    print(port, flush=True)


def _wirelab(loop_name: str) -> None:
    from wirelab.reactor.core import Reactor
    from wirelab.reactor.protocol import Factory, Protocol

    class Echo(Protocol):
        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    if loop_name == "epoll":
        from wirelab.reactor.drivers.epoll import EpollDriver

        reactor = Reactor(EpollDriver())
    else:
        from wirelab.reactor.drivers.asyncio import AsyncioDriver

        asyncio = __import__(loop_name)
        reactor = Reactor(AsyncioDriver(asyncio.new_event_loop()))
    port = reactor.listenTCP(0, Factory.forProtocol(Echo), backlog=BACKLOG, interface="127.0.0.1")
    _report(port.getHost().port)
    reactor.run()


def _asyncio(loop_name: str) -> None:
    import asyncio

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=BACKLOG)
        _report(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    __import__(loop_name).run(serve())


def _twisted() -> None:
    from twisted.internet import reactor
    from twisted.internet.protocol import Factory, Protocol

    class Echo(Protocol):
        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    port = reactor.listenTCP(0, Factory.forProtocol(Echo), backlog=BACKLOG, interface="127.0.0.1")
    _report(port.getHost().port)
    reactor.run()


KINDS: dict[str, Callable[[], None]] = {
    "wirelab-epoll": lambda: _wirelab("epoll"),
    "wirelab-asyncio": lambda: _wirelab("asyncio"),
    "wirelab-uvloop": lambda: _wirelab("uvloop"),
    "asyncio": lambda: _asyncio("asyncio"),
    "uvloop": lambda: _asyncio("uvloop"),
    "twisted": _twisted,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]]()
