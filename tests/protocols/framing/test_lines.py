"""Lines are cut the same however the stream was cut, and modes change at the very octet."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.protocols.framing import LineFraming, LineTooLong

calm = settings(derandomize=True, max_examples=150, deadline=None, database=None)


def splits(data: bytes) -> Iterable[list[bytes]]:
    """`data` whole, cut in two and in three at every place, and octet by octet."""
    yield [data]
    yield [bytes([octet]) for octet in data]
    for first in range(len(data) + 1):
        yield [data[:first], data[first:]]
    for first, second in itertools.combinations(range(len(data) + 1), 2):
        yield [data[:first], data[first:second], data[second:]]


def events(core: LineFraming, chunks: Iterable[bytes]) -> list[bytes | str]:
    """What comes out of `core`, "too long" standing for the error."""
    seen: list[bytes | str] = []
    for chunk in chunks:
        core.feed(chunk)
        while True:
            try:
                event = core.next_event()
            except LineTooLong:
                seen.append("too long")
                continue
            if event is None:
                break
            seen.append(event)
    return seen


def lines_ahead(core: LineFraming, chunks: Iterable[bytes]) -> list[bytes | str]:
    """As `events`, by way of `next_lines`."""
    seen: list[bytes | str] = []
    for chunk in chunks:
        core.feed(chunk)
        while not core.is_empty:
            lines = core.next_lines()
            seen += lines
            if not lines:
                got = events(core, [b""])
                seen += got
                if not got:
                    break
    return seen


TABLE: list[tuple[bytes, bytes, list[bytes]]] = [
    (b"\r\n", b"", []),
    (b"\r\n", b"a", []),
    (b"\r\n", b"a\r\n", [b"a"]),
    (b"\r\n", b"\r\n\r\n", [b"", b""]),
    (b"\r\n", b"a\nb\rc\r\n", [b"a\nb\rc"]),
    (b"\r\n", b"a\r\r\nb\n\r\n", [b"a\r", b"b\n"]),
    (b"\n", b"a\r\n\nb\n", [b"a\r", b"", b"b"]),
    (b"--", b"a---b--", [b"a", b"-b"]),
    (b"aa", b"xaaay", [b"x"]),
    (b"abab", b"1ababab2abab", [b"1", b"ab2"]),
    (b"\0", b"x\0\0", [b"x", b""]),
]


@pytest.mark.parametrize(("delimiter", "stream", "lines"), TABLE)
def test_lines_do_not_depend_on_how_the_stream_was_cut(
    delimiter: bytes, stream: bytes, lines: list[bytes]
) -> None:
    for chunks in splits(stream):
        assert events(LineFraming(delimiter), chunks) == lines, chunks
        assert lines_ahead(LineFraming(delimiter), chunks) == lines, chunks


@pytest.mark.parametrize(("delimiter", "stream", "lines"), TABLE)
def test_receive_data_gives_the_events_in_order(delimiter: bytes, stream: bytes, lines: list[bytes]) -> None:
    assert list(LineFraming(delimiter).receive_data(stream)) == lines


@calm
@given(
    st.sampled_from([b"\r\n", b"\n", b"--", b"aab"]),
    st.lists(st.sampled_from([b"a", b"b", b"\r", b"\n", b"-", b"\r\n", b"x" * 9]), max_size=60),
    st.integers(1, 12),
)
def test_any_cut_of_any_stream_gives_what_split_gives(
    delimiter: bytes, parts: list[bytes], size: int
) -> None:
    stream = b"".join(parts)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    core = LineFraming(delimiter)
    *lines, rest = stream.split(delimiter)
    assert lines_ahead(core, chunks) == lines
    assert core.clear() == rest


@calm
@given(st.lists(st.binary(max_size=30), max_size=20), st.sampled_from([1, 2, 5, 20]))
def test_hostile_streams_raise_nothing_but_the_error_of_their_own(chunks: list[bytes], limit: int) -> None:
    core = LineFraming(b"\r\n", limit)
    for event in events(core, chunks):
        assert event == "too long" or len(event) <= limit
    assert len(core.clear()) <= limit + 1


def test_a_line_of_the_limit_passes_and_one_more_octet_does_not() -> None:
    for chunks in splits(b"12345\r\nabc\r\n"):
        assert events(LineFraming(b"\r\n", 5), chunks) == [b"12345", b"abc"]
        assert events(LineFraming(b"\r\n", 4), chunks)[0] == "too long"


def test_a_long_whole_line_is_passed_over_and_the_next_one_is_heard() -> None:
    assert events(LineFraming(b"\r\n", 3), [b"a\r\n1234\r\nb\r\n"]) == [b"a", "too long", b"b"]


def test_the_error_shows_the_line_and_the_limit() -> None:
    core = LineFraming(b"\n", 3)
    with pytest.raises(LineTooLong, match=r"the line b'12345' is longer than 3 octets") as caught:
        list(core.receive_data(b"12345"))
    assert (caught.value.line, caught.value.limit, caught.value.is_whole) == (b"12345", 3, False)
    with pytest.raises(LineTooLong, match=r"octets\) is longer") as caught:
        list(core.receive_data(b"x" * 1000 + b"\n"))
    assert caught.value.is_whole
    assert len(str(caught.value)) < 120


def test_an_unfinished_line_may_hold_most_of_its_delimiter_beyond_the_limit() -> None:
    core = LineFraming(b"\r\n", 3)
    assert list(core.receive_data(b"123\r")) == []
    assert list(core.receive_data(b"\n")) == [b"123"]


def test_raw_mode_begins_and_ends_in_the_middle_of_the_buffer() -> None:
    core = LineFraming()
    seen = []
    for event in core.receive_data(b"a\r\nDATA\r\nraw\r\nraw"):
        seen.append(event)
        core.raw = event == b"DATA"
    assert seen == [b"a", b"DATA", b"raw\r\nraw"]
    assert list(core.receive_data(b"b\r\n")) == [b"b"]


def test_raw_mode_gives_the_beginning_of_a_line_too() -> None:
    core = LineFraming()
    assert list(core.receive_data(b"half a li")) == []
    core.raw = True
    assert list(core.receive_data(b"ne")) == [b"half a line"]
    assert list(core.receive_data(b"")) == []


def test_who_stops_asking_finds_the_rest_later() -> None:
    core = LineFraming()
    assert next(core.receive_data(b"a\r\nb\r\nc")) == b"a"
    core.feed(b"c\r\nd")
    core.feed(b"d\r\n")
    assert list(core.receive_data(b"")) == [b"b", b"cc", b"dd"]
    assert core.is_empty


def test_lines_given_back_come_again() -> None:
    core = LineFraming()
    core.feed(b"a\r\nb\r\nc\r\nd")
    lines = core.next_lines()
    assert lines == [b"a", b"b", b"c"]
    core.give_back(lines[1:])
    assert not core.is_empty
    core.feed(b"d\r\n")
    assert events(core, [b""]) == [b"b", b"c", b"dd"]


def test_a_new_delimiter_holds_from_the_next_octet_even_for_what_is_kept() -> None:
    core = LineFraming()
    assert list(core.receive_data(b"a;b")) == []
    core.change_delimiter(b";")
    assert list(core.receive_data(b"c;")) == [b"a", b"bc"]


@pytest.mark.parametrize(
    ("delimiter", "error"), [(b"", ValueError), ("\n", TypeError), (None, TypeError), (10, TypeError)]
)
def test_a_delimiter_that_is_none_is_refused(delimiter: bytes, error: type[Exception]) -> None:
    with pytest.raises(error, match="a delimiter"):
        LineFraming(delimiter)


def test_clear_takes_everything_from_wherever_it_waits() -> None:
    core = LineFraming()
    list(core.receive_data(b"ke"))
    list(core.receive_data(b"pt"))
    assert core.clear() == b"kept"
    core.feed(b"buffer")
    core.feed(b"waiting")
    assert core.clear() == b"bufferwaiting"
    assert core.is_empty
    assert core.clear() == b""


def test_the_fast_lane_takes_what_ends_no_line() -> None:
    core = LineFraming(b"\r\n", 10)
    assert core.room < 0
    list(core.receive_data(b"abc"))
    assert core.room == 7
    core.room -= 3
    core.keep(b"def")
    assert list(core.receive_data(b"g\r\n")) == [b"abcdefg"]
    assert core.room < 0
