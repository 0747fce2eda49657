"""Sending a file without reading all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from ...reactor.defer import Deferred
from ...reactor.failure import Failure
from ...reactor.interfaces import IPullProducer


class FileTransferStopped(Exception):
    """The consumer wanted no more before the file had ended; usually the connection was lost."""


@implementer(IPullProducer)
class FileSender:
    """Sends a file to a consumer, a piece at a time, as fast as the consumer takes it."""

    CHUNK_SIZE = 2**14
    """Octets read at a time."""

    lastSent = b""
    """The last octet sent so far."""

    file: Any = None
    consumer: Any = None
    transform: Callable[[bytes], bytes] | None = None
    deferred: Deferred[bytes] | None = None

    def beginFileTransfer(
        self, file: Any, consumer: Any, transform: Callable[[bytes], bytes] | None = None
    ) -> Deferred[bytes]:
        """Send all that is left of `file` to `consumer`, each piece as `transform` makes it.

        `file` has ``read(size)`` giving bytes; it is not closed. Gives a Deferred of the last octet sent
        (``b""`` when there was nothing to send); errback: what `read`, `transform` or `write` raised, or
        FileTransferStopped. Cancelling it ends the transfer.

        Raises RuntimeError while another transfer of this sender lasts; TypeError for what is no file.
        """
        if not callable(getattr(file, "read", None)):
            raise TypeError(f"beginFileTransfer() takes a file to read from, open(path, 'rb'), not {file!r}")
        if self.deferred is not None:
            raise RuntimeError("this FileSender is sending already: make one per transfer")
        self.file = file
        self.consumer = consumer
        self.transform = transform
        self.lastSent = b""
        self.deferred = deferred = Deferred[bytes](lambda _: self._finish(None))
        try:
            consumer.registerProducer(self, False)
        except BaseException:
            self.file = self.consumer = self.transform = self.deferred = None
            raise
        return deferred

    def resumeProducing(self) -> None:
        """Send the next piece: the consumer has room."""
        if self.deferred is None:
            return
        try:
            chunk = self._next_chunk()
            if chunk:
                self.consumer.write(chunk)
                self.lastSent = chunk[-1:]
                return
        except Exception:
            self._finish(Failure())
            return
        self._finish(self.lastSent)

    def _next_chunk(self) -> bytes:
        """The next piece to send, empty at the end of the file."""
        while chunk := self.file.read(self.CHUNK_SIZE):
            if isinstance(chunk, str):
                raise TypeError("the file gives str, not bytes: open it in binary mode, open(path, 'rb')")
            if self.transform is None:
                return bytes(chunk)
            if chunk := self.transform(chunk):
                return chunk
        return b""

    def _finish(self, result: bytes | Failure | None) -> None:
        """Leave the consumer and fire the Deferred, unless it was cancelled (None)."""
        deferred, self.deferred = self.deferred, None
        consumer, self.consumer = self.consumer, None
        self.file = self.transform = None
        if consumer is not None:
            consumer.unregisterProducer()
        if deferred is None or result is None:
            return
        if isinstance(result, Failure):
            deferred.errback(result)
        else:
            deferred.callback(result)

    def pauseProducing(self) -> None:
        """Nothing to do: a pull producer waits to be asked anyway."""

    def stopProducing(self) -> None:
        """The consumer will take no more: the Deferred fails with FileTransferStopped."""
        deferred, self.deferred = self.deferred, None
        self.file = self.consumer = self.transform = None
        if deferred is not None:
            deferred.errback(
                Failure(FileTransferStopped("the consumer took no more before the file had ended"))
            )
