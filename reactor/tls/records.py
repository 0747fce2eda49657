"""OpenSSL's side of a session: plain octets in and out on one side, records on the other."""

from __future__ import annotations

from collections.abc import Callable

from OpenSSL import SSL

RECORD = 16384
"""Octets in a record, at most (RFC 8446 section 5.1)."""

GATHER = 4 * RECORD
"""Octets decrypted at a time: about what one read from a socket brings."""

CHUNK = 131072
"""Octets encrypted at a time, so that a big write is not held three times over."""


class Records:
    """Encrypts and decrypts for one `connection`; `write` takes the records that go out."""

    __slots__ = ("_connection", "_receive", "_send", "_take", "_write", "feed")

    def __init__(self, connection: SSL.Connection, write: Callable[[bytes], object]) -> None:
        self._connection = connection
        self._write = write
        self._send = connection.send
        self._take = connection.bio_read
        self._receive = connection.recv
        self.feed = connection.bio_write
        """Takes the octets that came in; `gather` gives what is in them."""

    def send(self, data: bytes) -> None:
        """Encrypt `data` and hand the records on. Raises SSL.Error."""
        size = len(data)
        if not size:
            return
        sent = 0
        if size <= CHUNK:
            sent = self._send(data)
            self.flush(sent + (sent >> 8) + 256)  # a record adds 22 octets, or a few more before TLS 1.3
            if sent == size:
                return
        view = memoryview(data)
        while sent < size:
            done = self._send(view[sent : sent + CHUNK])
            self.flush(done + (done >> 8) + 256)
            sent += done

    def flush(self, most: int = RECORD) -> None:
        """Hand on what OpenSSL has to send; `most` is about how many octets that can be."""
        take, write = self._take, self._write
        try:
            while True:
                records = take(most)
                write(records)
                if len(records) < most:
                    return
        except SSL.WantReadError:
            return  # there is no more

    def gather(self) -> tuple[bytes, SSL.Error | None]:
        """Some plain octets, and why there are no more for now; None: there may be more.

        WantReadError: more has to come in first. ZeroReturnError: the peer ended its direction.
        """
        receive = self._receive
        pieces: list[bytes] = []
        size = 0
        end: SSL.Error | None = None
        try:
            while size < GATHER:
                piece = receive(RECORD)
                pieces.append(piece)
                size += len(piece)
        except SSL.Error as error:
            end = error.with_traceback(None)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces), end
