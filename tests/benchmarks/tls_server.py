"""One TLS echo server of each kind: tls_server.py KIND PEM. Prints the port it listens on.

PEM holds the key and the certificate. Each is what a user of that library would write first, with its
defaults: a Protocol that writes back what it receives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

BACKLOG = 1024


def _report(port: int) -> None:
    print(port, flush=True)


def _wirelab(loop_name: str, pem: str) -> None:
    from wirelab.reactor.core import Reactor
    from wirelab.reactor.protocol import Factory, Protocol
    from wirelab.reactor.ssl import PrivateCertificate

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    if loop_name == "epoll":
        from wirelab.reactor.drivers.epoll import EpollDriver

        reactor = Reactor(EpollDriver())
    else:
        from wirelab.reactor.drivers.asyncio import AsyncioDriver

        asyncio = __import__(loop_name)
        reactor = Reactor(AsyncioDriver(asyncio.new_event_loop()))
    with open(pem, "rb") as file:
        options = PrivateCertificate.loadPEM(file.read()).options()
    port = reactor.listenSSL(0, Factory.forProtocol(Echo), options, backlog=BACKLOG, interface="127.0.0.1")
    _report(port.getHost().port)
    reactor.run()


def _asyncio(loop_name: str, pem: str) -> None:
    import asyncio
    import ssl

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def serve() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=BACKLOG, ssl=context)
        _report(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    __import__(loop_name).run(serve())


def _twisted(pem: str) -> None:
    from twisted.internet import reactor, ssl
    from twisted.internet.protocol import Factory, Protocol

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    with open(pem, "rb") as file:
        options = ssl.PrivateCertificate.loadPEM(file.read()).options()
    port = reactor.listenSSL(0, Factory.forProtocol(Echo), options, backlog=BACKLOG, interface="127.0.0.1")
    _report(port.getHost().port)
    reactor.run()


KINDS: dict[str, Callable[[str], None]] = {
    "wirelab-epoll": lambda pem: _wirelab("epoll", pem),
    "wirelab-asyncio": lambda pem: _wirelab("asyncio", pem),
    "asyncio": lambda pem: _asyncio("asyncio", pem),
    "uvloop": lambda pem: _asyncio("uvloop", pem),
    "twisted": _twisted,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](sys.argv[2])
