"""A conversation: one connection, talked over by hand.

It is what `connect` gives when no protocol is named, and what a function given to `serve` is called with::

    c = await connect('tcp:127.0.0.1:8007')
    c.send(b'hello\\r\\n')
    await c.line()

Everything that waits returns a Deferred, takes `timeout=` in seconds, and can be cancelled; what was not read
waits for the next read. Reads are answered in the order in which they asked.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..reactor import running
from ..reactor.defer import Deferred
from ..reactor.error import ConnectionDone
from ..reactor.failure import Failure
from ..reactor.protocol import Protocol, connectionDone
from . import displays
from .errors import EndedError, LocalCallError, LocalClosedError, RemoteClosedError, shortened
from .live import LiveConnection
from .outgoing import Outgoing
from .reading import LINE_LIMIT, Exactly, ReadBuffer, Some, Until, Want
from .waiting import Clock, Done, Wait, checked_timeout

if TYPE_CHECKING:
    from typing import Self


SENT_HIGH_WATER = 1 << 16
"""Bytes that may be queued before one who awaits `send` has to wait: where a transport pauses producers."""


class Conversation(Protocol):
    """Send bytes, and wait for bytes, on one connection.

    `newline` is what `sendline` puts at the end. `clock` gives the time for `timeout=`; None means the
    reactor that runs.
    """

    newline = b"\r\n"
    served_name = "Line"  # under which views show it: what people speak by hand is lines

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._buffer = ReadBuffer()
        self._waits: dict[Want, Read] = {}
        # Not the read itself: it would keep all that it was given.
        self._last_answered: weakref.ref[Read] | None = None
        self._ends: list[Wait[None]] = []
        self._outgoing = Outgoing(self)
        self._is_answering = False
        self._is_paused = False
        self._is_lost = False
        self._is_closing = False

    # -- sending --------------------------------------------------------------------------------------

    def send(self, data: bytes, timeout: float | None = None) -> Deferred[None]:
        """Send `data`. What the network does not take yet is queued.

        Who sends much awaits it: it fires at once, or when more than `SENT_HIGH_WATER` bytes are queued, when
        they have gone out. Left alone, it tells of no failure.

        Raises: LocalCallError for anything but bytes; LocalClosedError, RemoteClosedError when it is closed.
        """
        return self._send("send", self._checked_bytes("send", data), timeout)

    def sendline(self, line: bytes = b"", timeout: float | None = None) -> Deferred[None]:
        """Send `line` and `newline` (CR LF); in all else as `send`."""
        return self._send("sendline", self._checked_bytes("sendline", line) + self.newline, timeout)

    def drain(self, timeout: float | None = None) -> Deferred[None]:
        """Wait until all that was sent has been taken by the network.

        Fails with the reason, such as ConnectionLost, when the connection ends before.
        """
        seconds = checked_timeout(f"{self._name}.drain()", timeout)
        self._check_open("drain")
        wait: Wait[None] = Wait(f"{self._name} drain", self._outgoing.forget)
        self._outgoing.add(wait)
        return wait.stop_after(
            seconds, self._clock, lambda: f"{self._name}: not drained within {seconds:g} s"
        )

    # -- receiving ------------------------------------------------------------------------------------

    def recv(self, n: int | None = None, timeout: float | None = None) -> Deferred[bytes]:
        """Wait for anything: all that is there, at most `n` bytes of it; b'' once the conversation ended."""
        if n is not None:
            self._check_count("recv", n)
        return self._read("recv", Some(n), timeout)

    def recvn(self, n: int, timeout: float | None = None) -> Deferred[bytes]:
        """Wait for exactly `n` bytes. Fails with an EndedError when the conversation ends before."""
        self._check_count("recvn", n)
        return self._read("recvn", Exactly(n), timeout)

    def recvuntil(
        self, delimiter: bytes, timeout: float | None = None, *, limit: int = LINE_LIMIT
    ) -> Deferred[bytes]:
        """Wait for everything up to and with `delimiter`: `await c.recvuntil(b'> ')`.

        Fails with an EndedError when the conversation ends before, with LocalLimitError when `limit` bytes
        came without it.
        """
        delimiter = self._checked_bytes("recvuntil", delimiter)
        if not delimiter:
            raise LocalCallError(
                f"{self._name}.recvuntil(): the delimiter is empty; recv() waits for anything"
            )
        self._check_count("recvuntil", limit)
        return self._read("recvuntil", Until(delimiter, limit), timeout)

    def line(self, timeout: float | None = None, *, limit: int = LINE_LIMIT) -> Deferred[bytes]:
        """Wait for a line; its end (LF, or CR LF) is left out.

        Fails with an EndedError when the conversation ends before, with LocalLimitError when the line is
        longer than `limit` bytes.
        """
        self._check_count("line", limit)
        return self._read("line", Until(b"\n", limit, is_line=True), timeout)

    def lines(self, timeout: float | None = None, *, limit: int = LINE_LIMIT) -> Lines:
        """All lines until the end: `async for line in c.lines(): ...`. `timeout` is for each line.

        An end in the middle of a line fails with an EndedError, whose `partial` is what came of it.
        """
        self._check_count("lines", limit)
        return Lines(self, checked_timeout(f"{self._name}.lines()", timeout), limit)

    @property
    def unread(self) -> int:
        """How many bytes came in and wait to be read."""
        return len(self._buffer)

    # -- ending ---------------------------------------------------------------------------------------

    def close(self, timeout: float | None = None) -> Deferred[None]:
        """Close when all that was sent has gone out. Who wants to wait until it is closed awaits it."""
        if not (self.transport is None or self._is_lost or self._is_closing):
            self._is_closing = True
            self._outgoing.let_go()
            self.transport.loseConnection()
            self._buffer.receive_end(is_local=True)
            self._answer()
        return self._wait_closed("close", Done(f"{self._name} close", self._forget_end), timeout)

    aclose = close  # under the name that contextlib.aclosing() calls

    def abort(self, timeout: float | None = None) -> Deferred[None]:
        """Close at once, and throw away what has not gone out yet. May be awaited as `close`."""
        closed = self.close(timeout)
        if self.transport is not None and not self._is_lost:
            self.transport.abortConnection()
        return closed

    def drop_waits(self) -> None:
        """Answer none of the waits that there are: whoever made them is going away."""
        waits = [*self._waits.items()]
        self._waits.clear()
        for want, wait in waits:
            wait.drop()
            self._buffer.withdraw(want)
        self._ends.clear()
        self._outgoing.drop()

    def wait_closed(self, timeout: float | None = None) -> Deferred[None]:
        """Wait until the connection is closed, by either side, cleanly or not."""
        return self._wait_closed("wait_closed", Wait(f"{self._name} wait_closed", self._forget_end), timeout)

    def _wait_closed(self, call: str, wait: Wait[None], timeout: object) -> Deferred[None]:
        seconds = checked_timeout(f"{self._name}.{call}()", timeout)
        if self._is_lost or self.transport is None:
            wait.callback(None)
            return wait
        self._ends.append(wait)
        return wait.stop_after(seconds, self._clock, lambda: f"{self._name}: still open after {seconds:g} s")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- what the transport calls ---------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Bytes came in."""
        if not self._buffer.is_ended:
            self._buffer.receive_data(data)
            self._answer()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone: all that waits is answered."""
        self._is_lost = True
        is_clean = self._is_closing or reason.check(ConnectionDone)
        error = None if is_clean else reason.value
        self._end(error if isinstance(error, Exception) else None)
        if self._is_closing and reason.check(ConnectionDone):
            self._outgoing.succeed()  # a close waits until all has gone out
        else:
            self._outgoing.fail(reason)
        ends, self._ends = self._ends, []
        for wait in ends:
            wait.callback(None)

    def _end(self, error: Exception | None) -> None:
        """Nothing more comes in, because of `error` or cleanly."""
        self._buffer.receive_end(error)
        self._answer()

    # -- inside ---------------------------------------------------------------------------------------

    def clock(self) -> Clock | None:
        """What gives the time: what it was made with, or the reactor that runs."""
        return self._clock or running.current()

    @property
    def _name(self) -> str:
        return getattr(self.transport, "shortId", "conversation")

    def _send(self, call: str, data: bytes, timeout: object) -> Deferred[None]:
        seconds = checked_timeout(f"{self._name}.{call}()", timeout)
        self._check_open(call)
        self.transport.write(data)
        done = Done(f"{self._name} {call}", self._outgoing.forget)
        # A double of a transport may not count.
        if getattr(self.transport, "bufferedBytes", 0) <= SENT_HIGH_WATER:
            done.callback(None)
            return done
        self._outgoing.add(done)
        return done.stop_after(seconds, self._clock, lambda: f"{self._name}: not sent within {seconds:g} s")

    def _read(self, call: str, want: Want, timeout: object) -> Deferred[bytes]:
        seconds = checked_timeout(f"{self._name}.{call}()", timeout)
        if self.transport is None:
            raise LocalClosedError(
                "this conversation has no connection yet: c = await connect('tcp:HOST:PORT')"
            )
        wait = Read(self, f"{self._name} {call}", want)
        self._waits[want] = wait
        self._buffer.ask(want)
        self._answer()
        if wait.called:
            return wait
        return wait.stop_after(seconds, self._clock, lambda: self._too_late(want, seconds or 0))

    def _withdraw(self, want: Want) -> None:
        self._waits.pop(want, None)
        self._buffer.withdraw(want)
        # The one behind it may need less. Its callbacks run before the cancelled one's: no harm in that.
        self._answer()

    def _put_back(self, wait: Read, data: bytes) -> None:
        if self._last_answered is not None and self._last_answered() is wait:
            self._last_answered = None
            self._buffer.put_back(data)
            self._answer()

    def _forget_end(self, wait: Deferred[None]) -> None:
        self._ends = [each for each in self._ends if each is not wait]

    def _answer(self) -> None:
        """Answer all reads that can be; one whose callback reads again is answered in its turn."""
        if self._is_answering:
            return  # a callback below asked for more: the loop that called it goes on, without recursion
        self._is_answering = True
        try:
            while (answer := self._buffer.next_answer()) is not None:
                want, result = answer
                wait = self._waits.pop(want)
                if isinstance(result, Exception):
                    wait.errback(Failure(result))
                else:
                    self._last_answered = weakref.ref(wait)
                    wait.answer(result)
        finally:
            self._is_answering = False
        self._press_back()

    def _press_back(self) -> None:
        """Make the peer wait while too much is unread."""
        is_full = self._buffer.is_full
        if is_full == self._is_paused or self._buffer.is_ended:
            return
        self._is_paused = is_full
        if is_full:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def _too_late(self, want: Want, seconds: float) -> str:
        what = f"no {want}" if not isinstance(want, Some) else "nothing"
        waiting = self.unread
        rest = f"; {waiting} bytes wait unread: {shortened(self._buffer.peek(30), 40)}" if waiting else ""
        return f"{self._name}: {what} within {seconds:g} s{rest}"

    def _check_open(self, call: str) -> None:
        if self.transport is None:
            raise LocalClosedError(f"{call}(): this conversation has no connection yet")
        if self._is_closing or self._is_lost:
            raise self._ended_error(call)

    def _ended_error(self, call: str) -> EndedError:
        if self._is_closing:
            return LocalClosedError(
                f"{self._name}.{call}(): you closed this conversation; connect() makes another"
            )
        return RemoteClosedError(
            f"{self._name}.{call}(): the peer closed this conversation; connect() makes another"
        )

    def _checked_bytes(self, call: str, data: object) -> bytes:
        if isinstance(data, bytes):
            return data
        if isinstance(data, (bytearray, memoryview)):
            return bytes(data)
        right = "b'...'"
        if isinstance(data, str):
            right = f"b{shortened(data, 40)}" if data.isascii() else "text.encode()"
        raise LocalCallError(
            f"{self._name}.{call}() takes bytes, not {type(data).__name__}: {self._name}.{call}({right})"
        )

    def _check_count(self, call: str, n: object) -> None:
        if not isinstance(n, int) or isinstance(n, bool) or n < 0:
            raise LocalCallError(
                f"{self._name}.{call}() takes a number of bytes, 0 or more, not {shortened(n)}"
            )

    # -- showing --------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        if isinstance(self.transport, LiveConnection):
            return displays.connection_line(self.transport)
        return (
            f"<conversation over {type(self.transport).__name__}>"
            if self.transport
            else "<conversation, not connected>"
        )

    def _repr_html_(self) -> str | None:
        if not isinstance(self.transport, LiveConnection):
            return None
        return displays.connection_html(self.transport, {"unread": f"{self.unread} B"})


class Lines:
    """The lines of a conversation, for `async for`."""

    def __init__(self, conversation: Conversation, timeout: float | None, limit: int) -> None:
        self._conversation = conversation
        self._timeout = timeout
        self._limit = limit

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._conversation.line(self._timeout, limit=self._limit)
        except EndedError as end:
            if end.partial:
                raise
            raise StopAsyncIteration from None


class Read(Wait[bytes]):
    """A read of a conversation.

    A task that is cancelled in the moment between the answer and its own waking takes nothing either: the
    bytes go back, unless a later read has been answered since.
    """

    __slots__ = ("_conversation", "_given")

    def __init__(self, conversation: Conversation, what: str, want: Want) -> None:
        super().__init__(what, lambda _: conversation._withdraw(want))
        self._conversation = conversation
        self._given: bytes | None = None

    def answer(self, data: bytes) -> None:
        """Fire with `data`."""
        self._given = data
        self.callback(data)

    def __await__(self) -> Generator[Any, Any, bytes]:
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            if self._given is not None and self.result is self._given:
                self._conversation._put_back(self, self._given)
            raise
