"""Memory that an idle connection costs an echo server, after one exchange: ours beside Twisted's."""

from __future__ import annotations

import resource
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from measure import HERE, Comparison, Server, options, print_comparisons, resident_bytes

#: Ours, the peer, and how many times the peer's memory ours may be.
TARGETS = (
    ("wirelab-epoll", "twisted", 1.0),
    ("wirelab-epoll", "asyncio", None),
    ("wirelab-asyncio", "asyncio", None),
)

#: Connections from one client address; Linux lends an address about 28,000 ports.
PER_ADDRESS = 10_000

#: Closing resets the connection, so that no port stays in TIME_WAIT for the next round.
RESET = struct.pack("ii", 1, 0)


@contextmanager
def _connections(port: int, count: int) -> Iterator[None]:
    clients: list[socket.socket] = []
    try:
        for number in range(count):
            source = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
            client = socket.create_connection(("127.0.0.1", port), source_address=source)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.sendall(b"x")
            clients.append(client)
        for client in clients:
            client.recv(1)  # the server has accepted it and is done with it
        yield
    finally:
        for client in clients:
            client.close()


def _bytes_per_connection(python: str, kind: str, count: int) -> float:
    # The first ones take what the start-up left free in the heap, more or less of it, and do not count.
    with Server([python, HERE / "echo_server.py", kind]) as server, _connections(server.port, count // 5):
        before = resident_bytes(server.pid)
        with _connections(server.port, count - count // 5):
            return (resident_bytes(server.pid) - before) / (count - count // 5)


def main() -> None:
    parser = options(__doc__ or "", rounds=3)
    parser.add_argument("--connections", type=int, default=10_000, help="default: %(default)s")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # servers inherit it
    count = min(arguments.connections, hard - 100)

    kinds = dict.fromkeys(kind for ours, peer, _ in TARGETS for kind in (ours, peer))
    sizes: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(arguments.rounds):
        for kind in kinds:
            python = arguments.peer if kind == "twisted" else sys.executable
            sizes[kind].append(_bytes_per_connection(python, kind, count))
    rows = [
        Comparison(f"{ours} / {peer}", sizes[ours], sizes[peer], "B", target)
        for ours, peer, target in TARGETS
    ]
    print_comparisons(f"memory: {count} idle connections, resident bytes of the server for each", rows)


if __name__ == "__main__":
    main()
