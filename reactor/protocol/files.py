"""A file in the place of a connection."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from zope.interface import implementer

from ..interfaces import ITransport
from .shown import shown

log = logging.getLogger(__name__)


@implementer(ITransport)
class FileWrapper:
    """A transport that writes to a file: for looking at what a protocol says, without a network.

    A producer is asked for data until it says that it has no more.
    """

    closed: int = 0
    disconnecting: int = 0

    def __init__(self, file: Any) -> None:
        """`file` is opened for binary writing; an `io.BytesIO` will do."""
        self.file = file
        self.producer: Any = None
        self.streamingProducer: bool = False
        self._is_asking = False  # the producer is being asked to go on
        self._is_hungry = False  # it wrote, so it is to be asked again

    def write(self, data: bytes) -> None:
        """Write `data` to the file; a file that refuses it closes the transport.

        Raises: TypeError for anything but bytes.
        """
        if isinstance(data, str):
            raise TypeError("write() takes bytes, not str: encode it first, for example data.encode()")
        try:
            self.file.write(data)
        except (OSError, ValueError) as error:  # a closed file raises ValueError
            log.warning("closing %r: its file does not take the data: %s", self, error)
            self.loseConnection()
            return
        self._ask()

    def _ask(self) -> None:
        """Have a pull producer go on: for as long as it writes when asked, without nesting."""
        self._is_hungry = True
        if self._is_asking:
            return
        self._is_asking = True
        try:
            while self._is_hungry and self.producer is not None and not self.streamingProducer:
                self._is_hungry = False
                self.producer.resumeProducing()
        finally:
            self._is_asking = False

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write all of `iovec`, as one."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close the file. A second call does nothing."""
        if self.closed:
            return
        self.closed = self.disconnecting = 1
        try:
            self.file.close()
        except (OSError, ValueError) as error:
            log.warning("%r: its file does not close: %s", self, error)

    def getPeer(self) -> Any:
        """What stands for the address of the other side."""
        return "file", "file"

    def getHost(self) -> Any:
        """What stands for the address of this side."""
        return "file"

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` write here: by itself if `streaming`, else whenever it is asked to go on."""
        if self.producer is not None:
            raise RuntimeError(
                f"{self!r} has a producer already: {shown(self.producer)}; unregister it first"
            )
        self.producer = producer
        self.streamingProducer = streaming
        self._ask()

    def unregisterProducer(self) -> None:
        """The producer has no more."""
        self.producer = None

    def stopConsuming(self) -> None:
        """Take no more: forget the producer and close the file."""
        self.unregisterProducer()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """A file receives nothing, so there is nothing to pause."""

    def resumeProducing(self) -> None:
        """A file receives nothing, so there is nothing to resume."""

    def stopProducing(self) -> None:
        """Close the file."""
        self.loseConnection()
