"""Conversations over memory: what is sent, what is read, what is left when a read is given up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from wirelab.console.conversation import Conversation
from wirelab.console.errors import (
    EndedError,
    LocalCallError,
    LocalClosedError,
    LocalLimitError,
    LocalTimeoutError,
    RemoteClosedError,
)
from wirelab.console.reading import HIGH_WATER
from wirelab.reactor.defer import CancelledError, Deferred
from wirelab.reactor.error import ConnectionAborted, ConnectionLost
from wirelab.reactor.failure import Failure
from wirelab.reactor.task import Clock
from wirelab.reactor.testing import Pair, StringTransport, connected_pair


class Wire:
    """A conversation, its peer (another conversation) and a clock."""

    def __init__(self, chunk: int | None = None, window: int = 65536) -> None:
        self.clock = Clock()
        self.here = Conversation(self.clock)
        self.peer = Conversation(self.clock)
        self.pair: Pair[Conversation, Conversation] = connected_pair(
            self.here, self.peer, chunk=chunk, window=window
        )

    def say(self, data: bytes) -> None:
        """The peer says `data`, and it has arrived."""
        self.peer.send(data)
        self.pair.flush()


@pytest.fixture
def wire() -> Wire:
    return Wire()


def result(deferred: Deferred[Any]) -> Any:
    """The result of a Deferred that has fired; its failure is raised."""
    assert deferred.called, "it still waits"
    values: list[Any] = []
    deferred.addBoth(values.append)
    if isinstance(values[0], Failure):
        values[0].raiseException()
    return values[0]


# -- reading ------------------------------------------------------------------------------------------


def test_a_line_comes_without_its_end(wire: Wire) -> None:
    line = wire.here.line()
    assert not line.called
    wire.say(b"hello\r\n")
    assert result(line) == b"hello"


def test_reads_are_answered_in_the_order_in_which_they_asked() -> None:
    wire = Wire(chunk=1)
    reads = [wire.here.line(), wire.here.recvn(3), wire.here.recvuntil(b"> "), wire.here.recv(1)]
    wire.say(b"one\r\nabcok> x")
    assert [result(read) for read in reads] == [b"one", b"abc", b"ok> ", b"x"]


def test_recv_gives_what_is_there(wire: Wire) -> None:
    wire.say(b"abcdef")
    assert wire.here.unread == 6
    assert [result(wire.here.recv(2)), result(wire.here.recv())] == [b"ab", b"cdef"]


def test_a_cancelled_read_leaves_its_bytes_to_the_next(wire: Wire) -> None:
    first, second = wire.here.recvn(10), wire.here.line()
    wire.say(b"hi\n")
    first.cancel()
    with pytest.raises(CancelledError):
        result(first)
    assert result(second) == b"hi"


def test_a_read_that_times_out_says_what_waits_and_leaves_it(wire: Wire) -> None:
    line = wire.here.line(timeout=5)
    wire.say(b"user> ")
    wire.clock.advance(4.9)
    assert not line.called
    wire.clock.advance(0.1)
    with pytest.raises(LocalTimeoutError) as told:
        result(line)
    assert str(told.value) == "c1: no line within 5 s; 6 bytes wait unread: b'user> '"
    assert isinstance(told.value, TimeoutError)
    assert result(wire.here.recv()) == b"user> "


def test_a_read_answered_in_time_leaves_no_timer(wire: Wire) -> None:
    line = wire.here.line(timeout=5)
    wire.say(b"x\n")
    assert result(line) == b"x" and wire.clock.getDelayedCalls() == []


def test_a_callback_that_reads_again_does_not_recurse(wire: Wire) -> None:
    got: list[bytes] = []

    def again(line: bytes) -> None:
        got.append(line)
        wire.here.line().addCallback(again).addErrback(lambda failure: failure.trap(EndedError))

    wire.here.line().addCallback(again)
    wire.say(b"x\n" * 5000)
    assert len(got) == 5000
    wire.here.close()


def test_a_read_cancelled_by_the_callback_of_another_takes_nothing(wire: Wire) -> None:
    first, second, third = wire.here.line(), wire.here.line(), wire.here.line()
    second.addErrback(lambda failure: failure.trap(CancelledError))
    first.addCallback(lambda _: second.cancel())
    wire.say(b"one\ntwo\n")
    assert result(third) == b"two"


# -- ends ---------------------------------------------------------------------------------------------


def test_at_the_end_recv_gives_nothing_and_the_others_say_what_was_left(wire: Wire) -> None:
    line, rest, end = wire.here.line(), wire.here.recv(), wire.here.recv()
    wire.say(b"hel")
    wire.peer.close()
    wire.pair.flush()
    with pytest.raises(RemoteClosedError) as told:
        result(line)
    assert told.value.partial == b"hel"
    assert [result(rest), result(end), result(wire.here.recv())] == [b"hel", b"", b""]


def test_a_lost_connection_gives_its_reason_to_all_reads(wire: Wire) -> None:
    reads = [wire.here.line(), wire.here.recv()]
    wire.peer.abort()
    wire.pair.flush()
    for read in [*reads, wire.here.recvn(1)]:
        with pytest.raises(ConnectionLost):
            result(read)


def test_a_close_on_this_side_ends_reads_at_once(wire: Wire) -> None:
    line = wire.here.line()
    wire.here.close()
    with pytest.raises(LocalClosedError, match="closed here before a line came"):
        result(line)
    wire.pair.flush()


def test_close_waits_until_all_is_sent_and_closed(wire: Wire) -> None:
    wire.here.send(b"bye\n")
    closed, seen = wire.here.close(), wire.peer.wait_closed()
    assert not closed.called
    wire.pair.flush()
    assert closed.called and seen.called and result(wire.peer.line()) == b"bye"
    assert wire.here.close().called


def test_waiting_for_the_end_can_be_cancelled_and_timed(wire: Wire) -> None:
    end, late = wire.here.wait_closed(), wire.here.wait_closed(timeout=1)
    end.cancel()
    wire.clock.advance(1)
    with pytest.raises(CancelledError):
        result(end)
    with pytest.raises(LocalTimeoutError, match="c1: still open after 1 s"):
        result(late)
    wire.here.close()
    wire.pair.flush()


def test_bytes_after_our_own_close_are_dropped(wire: Wire) -> None:
    wire.peer.send(b"late")
    wire.here.close()
    wire.pair.flush()
    assert wire.here.unread == 0


def test_what_was_sent_can_be_awaited_or_left_alone(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    assert result(wire.here.send(b"x")) is None and result(wire.here.sendline()) is None
    wire.here.transport._window = 0
    wire.here.send(b"x" * (1 << 17))
    asked = wire.here.send(b"y")
    assert not asked.called
    wire.here.abort()
    wire.pair.flush()
    with pytest.raises(ConnectionAborted):
        result(asked)
    gc.collect()
    assert caplog.records == []


def test_a_send_that_takes_too_long_says_so(wire: Wire) -> None:
    wire.here.transport._window = 0
    sent = wire.here.send(b"x" * (1 << 17), timeout=2)
    wire.clock.advance(2)
    with pytest.raises(LocalTimeoutError, match="c1: not sent within 2 s"):
        result(sent)
    wire.here.abort()
    wire.pair.flush()


def test_a_cancelled_send_still_goes_out() -> None:
    wire = Wire(window=1 << 16)
    sent = wire.here.send(b"x" * (1 << 19))
    assert not sent.called
    sent.cancel()
    with pytest.raises(CancelledError):
        result(sent)
    wire.pair.flush()
    assert wire.peer.unread == 1 << 19


def test_it_talks_over_a_double_that_counts_nothing() -> None:
    alone, double = Conversation(), StringTransport()
    alone.makeConnection(double)
    alone.sendline(b"x")
    assert double.value() == b"x\r\n" and repr(alone) == "<conversation over StringTransport>"


# -- limits -------------------------------------------------------------------------------------------


def test_a_line_beyond_its_limit_fails_and_stays(wire: Wire) -> None:
    line = wire.here.line(limit=4)
    wire.say(b"abcdef\n")
    with pytest.raises(LocalLimitError):
        result(line)
    assert result(wire.here.recv()) == b"abcdef\n"


def test_too_much_unread_makes_the_peer_wait_until_it_is_read() -> None:
    wire = Wire(window=1 << 16)
    wire.say(b"x" * (3 * HIGH_WATER))
    assert HIGH_WATER <= wire.here.unread <= HIGH_WATER + (1 << 16)
    assert wire.pair.client.paused
    got = 0
    while got < 3 * HIGH_WATER:
        got += len(result(wire.here.recv()))
        wire.pair.flush()
    assert not wire.pair.client.paused and got == 3 * HIGH_WATER


def test_drain_waits_until_the_network_has_taken_all() -> None:
    wire = Wire(window=1 << 16)
    wire.here.send(b"x" * (HIGH_WATER + (1 << 18)))
    drained = wire.here.drain()
    wire.pair.flush()
    assert not drained.called
    result(wire.peer.recv())
    wire.pair.flush()
    assert result(drained) is None
    assert wire.here.drain().called


def test_drain_fails_when_the_connection_ends_before() -> None:
    wire = Wire(window=1 << 16)
    wire.here.send(b"x" * (2 * HIGH_WATER))
    drained = wire.here.drain()
    wire.pair.flush()
    wire.here.abort()
    wire.pair.flush()
    with pytest.raises(ConnectionAborted):
        result(drained)


def test_drain_is_done_when_a_close_has_sent_all() -> None:
    wire = Wire(window=1 << 16)
    wire.here.send(b"x" * (2 * HIGH_WATER))
    drained = wire.here.drain()
    wire.here.close()
    wire.pair.flush()
    assert not drained.called
    for _ in range(3):
        result(wire.peer.recv())
        wire.pair.flush()
    assert result(drained) is None


def test_a_cancelled_drain_lets_the_connection_close(wire: Wire) -> None:
    wire.here.transport.pauseProducing()
    wire.here.send(b"x" * (1 << 17))
    drained = wire.here.drain()
    drained.cancel()
    with pytest.raises(CancelledError):
        result(drained)
    wire.here.close()
    wire.pair.flush()
    assert wire.pair.is_closed


# -- sending ------------------------------------------------------------------------------------------


def test_sendline_ends_the_line(wire: Wire) -> None:
    wire.here.sendline(b"QUIT")
    wire.here.newline = b"\n"
    wire.here.sendline(b"x")
    wire.pair.flush()
    assert result(wire.peer.recv()) == b"QUIT\r\nx\n"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda c: c.send("hi\r\n"), r"c1.send() takes bytes, not str: c1.send(b'hi\r\n')"),
        (lambda c: c.send("grün"), "c1.send() takes bytes, not str: c1.send(text.encode())"),
        (lambda c: c.send(7), "c1.send() takes bytes, not int: c1.send(b'...')"),
        (lambda c: c.sendline("x"), "c1.sendline() takes bytes, not str: c1.sendline(b'x')"),
        (lambda c: c.recvuntil("> "), "c1.recvuntil() takes bytes, not str: c1.recvuntil(b'> ')"),
        (lambda c: c.recvuntil(b""), "c1.recvuntil(): the delimiter is empty; recv() waits for anything"),
        (lambda c: c.recvn(-1), "c1.recvn() takes a number of bytes, 0 or more, not -1"),
        (lambda c: c.recvn("5"), "c1.recvn() takes a number of bytes, 0 or more, not '5'"),
        (lambda c: c.recv(True), "c1.recv() takes a number of bytes, 0 or more, not True"),
        (lambda c: c.line(timeout="5"), "c1.line(): timeout is a number of seconds, 0 or more, not '5'"),
        (lambda c: c.line(timeout=-1), "c1.line(): timeout is a number of seconds, 0 or more, not -1"),
        (lambda c: c.lines(timeout="x"), "c1.lines(): timeout is a number of seconds, 0 or more, not 'x'"),
    ],
)
def test_a_wrong_argument_names_the_right_call(
    wire: Wire, call: Callable[[Conversation], object], text: str
) -> None:
    with pytest.raises(LocalCallError) as told:
        call(wire.here)
    assert str(told.value) == text
    assert isinstance(told.value, TypeError)


def test_sending_on_a_closed_conversation_says_who_closed_it(wire: Wire) -> None:
    wire.here.close()
    wire.pair.flush()
    with pytest.raises(LocalClosedError, match="you closed this conversation"):
        wire.here.send(b"x")
    with pytest.raises(RemoteClosedError, match="the peer closed this conversation"):
        wire.peer.sendline(b"x")


def test_a_conversation_without_a_connection_says_so() -> None:
    alone = Conversation()
    for call in (alone.line, lambda: alone.send(b"x")):
        with pytest.raises(LocalClosedError, match="has no connection yet"):
            call()
    alone.close()
    assert repr(alone) == "<conversation, not connected>"


# -- showing ------------------------------------------------------------------------------------------


def test_it_shows_as_one_line(wire: Wire) -> None:
    assert repr(wire.here) == "c1  memory 127.0.0.1:50001 -> 127.0.0.1:8007  open  0 B in  0 B out"
    wire.say(b"hi")
    wire.here.close()
    wire.pair.flush()
    assert repr(wire.here) == "c1  memory 127.0.0.1:50001 -> 127.0.0.1:8007  closed  2 B in  0 B out"
    html = wire.here._repr_html_()
    assert html is not None and "<b>c1</b>" in html and "closed" in html


# -- in tasks -----------------------------------------------------------------------------------------


def test_lines_end_with_the_conversation(wire: Wire) -> None:
    async def read() -> list[bytes]:
        return [line async for line in wire.here.lines()]

    lines = Deferred.fromCoroutine(read())
    wire.say(b"one\r\ntwo\n")
    wire.peer.close()
    wire.pair.flush()
    assert result(lines) == [b"one", b"two"]


def test_lines_cut_off_in_the_middle_say_so(wire: Wire) -> None:
    async def read() -> None:
        async for _ in wire.here.lines():
            pass

    lines = Deferred.fromCoroutine(read())
    wire.say(b"one\ntw")
    wire.peer.close()
    wire.pair.flush()
    with pytest.raises(RemoteClosedError) as told:
        result(lines)
    assert told.value.partial == b"tw"


def test_async_with_closes(wire: Wire) -> None:
    async def talk() -> None:
        async with wire.here as c:
            c.send(b"x")

    done = Deferred.fromCoroutine(talk())
    wire.pair.flush()
    assert done.called and wire.pair.is_closed


def test_a_task_cancelled_between_answer_and_waking_takes_nothing(wire: Wire) -> None:
    async def race() -> bytes:
        task = asyncio.ensure_future(_line(wire.here))
        await asyncio.sleep(0)
        wire.say(b"kept\n")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await wire.here.recv()

    assert asyncio.run(race()) == b"kept"


def test_a_task_cancelled_while_it_waits_takes_nothing(wire: Wire) -> None:
    async def race() -> bytes:
        task = asyncio.ensure_future(_line(wire.here))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        wire.say(b"kept\n")
        return await wire.here.line()

    assert asyncio.run(race()) == b"kept"


async def _line(conversation: Conversation) -> bytes:
    return await conversation.line()
