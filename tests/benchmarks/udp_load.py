"""The load of the UDP benchmark: udp_load.py PORT SOCKETS SIZE SECONDS.

Each socket has one datagram under way, and sends the next when its echo has come. Prints "ready", begins when
a line comes in, and prints how many echoes there were. A lost datagram is sent again after 0.1 s of silence.
"""

from __future__ import annotations

import select
import socket
import sys
import time


def main(port: int, count: int, size: int, seconds: float) -> None:
    message = b"x" * size
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    epoll = select.epoll()
    for client in clients:
        client.connect(("127.0.0.1", port))
        client.settimeout(5)
        client.send(message)
        client.recv(size)
        epoll.register(client, select.EPOLLIN)
    by_number = {client.fileno(): client for client in clients}
    input("ready\n")

    echoes = 0
    end = time.perf_counter() + seconds
    for client in clients:
        client.send(message)
    while time.perf_counter() < end:
        events = epoll.poll(0.1)
        for number, _ in events:
            by_number[number].recv(size)
            by_number[number].send(message)
        echoes += len(events)
        if not events:
            for client in clients:
                client.send(message)
    print(echoes)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]))
