"""One UDP echo server of each kind, ours and the peers': udp_server.py KIND. Prints the port it is bound to.

Each is what a user of that library would write first: a protocol that sends back what it receives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def _wirelab(loop_name: str) -> None:
    from wirelab.reactor.core import Reactor
    from wirelab.reactor.protocol import DatagramProtocol

    class Echo(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
            self.transport.write(datagram, addr)

    if loop_name == "epoll":
        from wirelab.reactor.drivers.epoll import EpollDriver

        reactor = Reactor(EpollDriver())
    else:
        from wirelab.reactor.drivers.asyncio import AsyncioDriver

        reactor = Reactor(AsyncioDriver(__import__(loop_name).new_event_loop()))
    print(reactor.listenUDP(0, Echo(), interface="127.0.0.1").port, flush=True)
    reactor.run()


def _asyncio(loop_name: str) -> None:
    import asyncio

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data, addr)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        print(transport.get_extra_info("sockname")[1], flush=True)
        await loop.create_future()

    __import__(loop_name).run(serve())


def _twisted() -> None:
    from twisted.internet import reactor
    from twisted.internet.protocol import DatagramProtocol

    class Echo(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
            self.transport.write(datagram, addr)

    print(reactor.listenUDP(0, Echo(), interface="127.0.0.1").getHost().port, flush=True)
    reactor.run()


def _bare() -> None:
    """The floor of all that is written in Python: receive and send, and not even an event loop."""
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)
    receive, send = sock.recvfrom, sock.sendto
    while True:
        send(*receive(8192))


KINDS: dict[str, Callable[[], None]] = {
    "wirelab-epoll": lambda: _wirelab("epoll"),
    "wirelab-asyncio": lambda: _wirelab("asyncio"),
    "wirelab-uvloop": lambda: _wirelab("uvloop"),
    "asyncio": lambda: _asyncio("asyncio"),
    "uvloop": lambda: _asyncio("uvloop"),
    "twisted": _twisted,
    "bare Python": _bare,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]]()
