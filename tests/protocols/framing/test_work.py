"""The cores do work in proportion to what they receive, however it is cut.

Work is counted: the octets that are searched and copied, and the steps of the interpreter, as lines run. What
`join` copies cannot be counted; there CPU time is compared between two sizes, with much room.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest

from wirelab.protocols.framing import LineFraming, NetstringFraming, PrefixedFraming


class Counted(bytes):
    """Bytes whose copies are counted, in octets, and stay countable."""

    copied = 0

    def _count(self, data: bytes) -> Counted:
        Counted.copied += len(data)
        return Counted(data)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return part if isinstance(part, int) else self._count(part)

    def __add__(self, other: Any) -> Any:
        return self._count(super().__add__(other))

    def __radd__(self, other: Any) -> Any:
        return self._count(bytes(other) + bytes(self))

    def find(self, *args: Any) -> int:
        start = args[1] if len(args) > 1 else 0
        end = args[2] if len(args) > 2 else len(self)
        found = super().find(*args)
        Counted.copied += (found if found >= 0 else min(end, len(self))) - start
        return found


def copied(run: Callable[[], object]) -> int:
    """Octets that `run` copies or searches."""
    Counted.copied = 0
    run()
    return Counted.copied


def steps(run: Callable[[], object]) -> int:
    """Lines of Python that `run` runs."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


def feed_lines(chunks: Iterable[bytes], size: int) -> int:
    core = LineFraming(b"\r\n", size)
    return sum(len(line) for chunk in chunks for line in core.receive_data(chunk))


def feed_netstrings(chunks: Iterable[bytes], size: int) -> int:
    core = NetstringFraming(size)
    return sum(len(string) for chunk in chunks for string in core.receive_data(chunk))


def feed_prefixed(chunks: Iterable[bytes], size: int) -> int:
    core = PrefixedFraming("!I", size)
    return sum(len(string) for chunk in chunks for string in core.receive_data(chunk))


def framed(feed: Callable[..., int], payload: bytes) -> bytes:
    """`payload` as a message of what `feed` feeds."""
    if feed is feed_lines:
        return payload + b"\r\n"
    if feed is feed_netstrings:
        return b"%d:%b," % (len(payload), payload)
    return len(payload).to_bytes(4, "big") + payload


FEEDS = [feed_lines, feed_netstrings, feed_prefixed]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("filling", [b"x", b"\n", b"\r", b"x\n"], ids=["x", "LF", "CR", "x LF"])
def test_one_long_message_in_pieces_is_searched_and_copied_a_few_times(
    feed: Callable[..., int], filling: bytes
) -> None:
    size = 40_000
    message = framed(feed, filling * (size // len(filling)))
    chunks = [Counted(message[at : at + 16]) for at in range(0, len(message), 16)]
    results: list[int] = []
    assert copied(lambda: results.append(feed(chunks, size))) <= 6 * len(message)
    assert results == [size]


@pytest.mark.parametrize("feed", FEEDS)
def test_octet_by_octet_each_costs_the_same(feed: Callable[..., int]) -> None:
    def work(size: int) -> float:
        message = framed(feed, b"y" * size)
        chunks = [bytes([octet]) for octet in message]
        return steps(lambda: feed(chunks, size)) / size

    assert work(8000) <= 1.1 * work(1000)


@pytest.mark.parametrize("feed", FEEDS)
def test_messages_in_one_chunk_each_cost_the_same(feed: Callable[..., int]) -> None:
    def work(times: int) -> float:
        stream = Counted(framed(feed, b"y" * 10) * times)
        octets = copied(lambda: feed([stream], 10))
        return octets / times + steps(lambda: feed([bytes(stream)], 10)) / times

    assert work(4000) <= 1.1 * work(500)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_message_of_10_megabytes_passes(feed: Callable[..., int]) -> None:
    size = 10 * 2**20
    message = framed(feed, b"z" * size)
    chunks = [message[at : at + 65536] for at in range(0, len(message), 65536)]
    assert steps(lambda: feed(chunks, size)) < 60 * len(chunks)


def test_leaving_and_entering_line_mode_does_not_cut_the_rest_again() -> None:
    def work(times: int) -> float:
        core = LineFraming()
        core.feed(b"a\r\n" * times)

        def run() -> None:
            while lines := core.next_lines():
                core.give_back(lines[1:])

        return steps(run) / times

    assert work(2000) <= 1.1 * work(200)


@pytest.mark.parametrize("feed", FEEDS)
def test_pieces_are_not_put_together_again_and_again(feed: Callable[..., int]) -> None:
    def used(size: int) -> float:
        message = framed(feed, b"\n" * size)  # each piece might end a line, and none does
        chunks = [message[at : at + 8] for at in range(0, len(message), 8)]
        times = []
        for _ in range(3):
            started = time.process_time()
            feed(chunks, size)
            times.append(time.process_time() - started)
        return min(times)

    # Four times the size: 4 when linear, 16 when every piece costs what came before it.
    assert used(800_000) <= 9 * used(200_000)
