"""The load of the echo benchmark where there is no C compiler: load.c's usage and output, in Python."""

import select
import socket
import sys
import time


def main(port: int, count: int, size: int, seconds: float) -> None:
    message = b"x" * size
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    epoll = select.epoll()
    for client in clients:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(message)
        client.recv(size, socket.MSG_WAITALL)
        epoll.register(client, select.EPOLLIN)
    by_number = {client.fileno(): client for client in clients}
    input("ready\n")

    sent_at = dict.fromkeys(by_number, time.perf_counter())
    samples = []
    end = time.perf_counter() + seconds
    for client in clients:
        client.sendall(message)
    while time.perf_counter() < end:
        for number, _ in epoll.poll(0.1):
            client = by_number[number]
            client.recv(size, socket.MSG_WAITALL)
            now = time.perf_counter()
            samples.append((now - sent_at[number]) * 1e6)
            sent_at[number] = now
            client.sendall(message)
    samples.sort()
    print(len(samples), int(samples[len(samples) // 2]), int(samples[len(samples) * 99 // 100]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]))
