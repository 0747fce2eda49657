"""The near ends of pipes, terminals and plain files: one is read from, or one is written to.

A process has one for each of its descriptors, standard input and output are one each. Who owns one is told
of its end once, in a turn of its own, and never inside a call that the owner makes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .stream import HIGH_WATER, READ_SIZE, checked_bytes

if TYPE_CHECKING:
    from .core import Reactor

Ended = Callable[[OSError | None], object]
"""Told that an end of a pipe is closed: why, or None when there was no error."""


class Readiness:
    """Calls `call` in `context` whenever `fd` can be read from, or written to when `is_for_writing`.

    A descriptor that never makes anyone wait, a plain file, cannot be watched with every driver: it is ready
    in each turn of the loop.
    """

    def __init__(
        self, reactor: Reactor, fd: int, call: Callable[[], object], context: Context, is_for_writing: bool
    ) -> None:
        driver = reactor.driver
        self._add = driver.add_writer if is_for_writing else driver.add_reader
        self._remove = driver.remove_writer if is_for_writing else driver.remove_reader
        self._reactor = reactor
        self._fd = fd
        self._call = call
        self._context = context
        self._is_always_ready = False
        self._turn: Any = None
        self.is_on = False

    def start(self) -> None:
        """Begin to watch; nothing happens when it is watched already."""
        if self.is_on:
            return
        self.is_on = True
        if not self._is_always_ready:
            try:
                self._add(self._fd, self._call, self._context)
            except (PermissionError, RuntimeError):  # epoll refuses it; uvloop says so in its own way
                self._is_always_ready = True
        if self._is_always_ready:
            self._next_turn()

    def stop(self) -> None:
        """Watch no more."""
        if not self.is_on:
            return
        self.is_on = False
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        elif not self._is_always_ready:
            self._remove(self._fd)

    def _next_turn(self) -> None:
        self._turn = self._reactor.call_in(self._context, self._ready)

    def _ready(self) -> None:
        self._turn = None
        try:
            self._call()
        finally:
            if self.is_on:
                self._next_turn()


class PipeReader:
    """Reads from `fd`, which is its own to close: `received` is called with data, `ended` once, at the end.

    `bytesIn` counts octets. Call `start` to begin.
    """

    def __init__(
        self, reactor: Reactor, fd: int, context: Context, received: Callable[[bytes], object], ended: Ended
    ) -> None:
        self._reactor = reactor
        self._fd = fd
        self._context = context
        self._received = received
        self._ended = ended
        self._is_closing = False
        self._readable = Readiness(reactor, fd, self._read, context, is_for_writing=False)
        self.bytesIn = 0

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self._fd

    def start(self) -> None:
        """Read, and go on until the end, or until `pause`."""
        if self._fd != -1 and not self._is_closing:
            self._readable.start()

    def pause(self) -> None:
        """Read no more until `start`: the other side will have to wait."""
        self._readable.stop()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            # The last one to have the other side of a terminal closed it: Linux calls that an I/O error.
            self._lose(None if error.errno == errno.EIO else error)
            return
        if not data:
            self._lose(None)
            return
        self.bytesIn += len(data)
        self._received(data)

    def close(self) -> None:
        """Close our end soon; nothing more is received."""
        if self._fd == -1 or self._is_closing:
            return
        self._is_closing = True
        self._readable.stop()
        self._reactor.call_in(self._context, self._lose, None)

    abort = close

    def drop(self) -> None:
        """Close at once."""
        self._lose(None)

    def _lose(self, why: OSError | None) -> None:
        if self._fd == -1:
            return
        self._is_closing = True
        self._readable.stop()
        fd, self._fd = self._fd, -1
        os.close(fd)
        self._ended(why)


class PipeWriter:
    """Writes to `fd`, which is its own to close. `ended` is called once, when it is closed from either side.

    `bytesOut` counts octets that the system took, `bufferedBytes` those that wait for it.
    """

    def __init__(self, reactor: Reactor, fd: int, context: Context, ended: Ended) -> None:
        self._reactor = reactor
        self._fd = fd
        self._context = context
        self._ended = ended
        self._queue: deque[bytes | memoryview] = deque()
        self._is_closing = False  # once the queue is empty and the producer done
        self._is_ending = False  # it will be closed in the next turn
        self._producer_paused = False
        self._is_pulling = False
        self._writable = Readiness(reactor, fd, self._write_queue, context, is_for_writing=True)
        # The writing end of a pipe that is watched for reading tells that nobody reads from it any more.
        self._broken = Readiness(reactor, fd, self._peer_closed, context, is_for_writing=False)
        self.producer: Any = None
        self.bytesOut = 0
        self.bufferedBytes = 0

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self._fd

    def start(self) -> None:
        """Notice when the other side closes, where the system tells without a write."""
        if stat.S_ISFIFO(os.fstat(self._fd).st_mode):
            self._broken.start()

    # -- writing ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data` without waiting; after the end it drops. Raises TypeError for anything but bytes."""
        if type(data) is not bytes:
            data = checked_bytes("write", data)
        if not data or self._is_ending or self._fd == -1:
            return
        sent = 0 if self._queue or self._is_pulling else self._send(data)
        if sent < len(data) and not self._is_ending:
            self._enqueue(memoryview(data)[sent:])

    def _send(self, data: bytes | memoryview) -> int:
        try:
            sent = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._lose_soon(error)
            return 0
        self.bytesOut += sent
        return sent

    def _enqueue(self, data: memoryview) -> None:
        self._queue.append(data)
        self.bufferedBytes += len(data)
        self._writable.start()
        if self.bufferedBytes > HIGH_WATER and self.producer is not None and not self._is_pulling:
            self._pause_producer()

    def _pause_producer(self) -> None:
        if not self._producer_paused:
            self._producer_paused = True
            self.producer.pauseProducing()

    def _write_queue(self) -> None:
        queue = self._queue
        while queue:
            sent = self._send(queue[0])
            self.bufferedBytes -= sent
            if self._is_ending:
                return
            if sent < len(queue[0]):
                queue[0] = memoryview(queue[0])[sent:]
                return
            queue.popleft()
        self._writable.stop()
        self._drained()

    def _drained(self) -> None:
        if self._producer_paused or self._is_pulling:
            self._producer_paused = False
            self.producer.resumeProducing()
        elif self._is_closing and self.producer is None:
            self._lose(None)

    # -- producers ----------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take data from a push producer (`streaming`) or a pull producer, as connections do.

        Raises RuntimeError when another one is registered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"cannot register {producer!r}: {self.producer!r} was not unregistered; "
                "call unregisterProducer() first"
            )
        if self._fd == -1 or self._is_ending:
            producer.stopProducing()
            return
        self.producer = producer
        self._is_pulling = not streaming
        if not streaming:
            producer.resumeProducing()
        elif self.bufferedBytes > HIGH_WATER:
            self._pause_producer()

    def unregisterProducer(self) -> None:
        """The producer is done; a close that waited for it goes on."""
        self.producer = None
        self._is_pulling = self._producer_paused = False
        if self._is_closing and not self._queue:
            self._lose_soon(None)

    # -- ending -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close after everything written has left and the producer, if any, is done."""
        if self._is_closing or self._fd == -1:
            return
        self._is_closing = True
        if not self._queue and self.producer is None:
            self._lose_soon(None)

    def abort(self) -> None:
        """Close soon; what has not left is lost."""
        self._lose_soon(None)

    def drop(self) -> None:
        """Close at once; what has not left is lost."""
        self._lose(None)

    def _peer_closed(self) -> None:
        self._lose(None)

    def _lose_soon(self, why: OSError | None) -> None:
        if self._is_ending or self._fd == -1:
            return
        self._is_closing = self._is_ending = True
        self._writable.stop()
        self._broken.stop()
        self._reactor.call_in(self._context, self._lose, why)

    def _lose(self, why: OSError | None) -> None:
        if self._fd == -1:
            return
        self._is_closing = self._is_ending = True
        self._writable.stop()
        self._broken.stop()
        self._queue.clear()
        self.bufferedBytes = 0
        fd, self._fd = self._fd, -1
        os.close(fd)
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self._ended(why)
