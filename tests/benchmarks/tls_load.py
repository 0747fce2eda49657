"""Load for a TLS echo server, by Python's ssl module: tls_load.py PORT bulk MEGABYTES | handshakes COUNT.

Says "ready" when it is connected (or could be), begins with the first line it is given, and says when it is
done. Every handshake is a full one: no session is resumed.
"""

from __future__ import annotations

import socket
import ssl
import sys

#: Octets on their way at a time, so that neither side waits for the other with full buffers.
BLOCK = 262144


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connected(context: ssl.SSLContext, port: int) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)))


def _echo(connection: ssl.SSLSocket, data: bytes, buffer: bytearray) -> None:
    connection.sendall(data)
    left = len(data)
    while left:
        left -= connection.recv_into(buffer)


def main() -> None:
    port, kind, amount = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    context, buffer = _context(), bytearray(65536)
    if kind == "bulk":
        with _connected(context, port) as connection:
            _echo(connection, b"x" * BLOCK, buffer)
            print("ready", flush=True)
            sys.stdin.readline()
            for _ in range(amount * 1_000_000 // BLOCK):
                _echo(connection, b"x" * BLOCK, buffer)
            print("done", flush=True)
            sys.stdin.readline()
        return
    for _ in range(20):
        with _connected(context, port) as connection:
            _echo(connection, b"x", buffer)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(amount):
        with _connected(context, port) as connection:
            _echo(connection, b"x", buffer)
    print("done", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
