"""Strings behind a length of 1, 2, 4 octets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.protocols.framing import LocalFramingError, PrefixedFraming, StringTooLongError, TooLongAnnounced
from wirelab.protocols.framing.prefixed import BATCH

calm = settings(derandomize=True, max_examples=150, deadline=None, database=None)


def receive(core: PrefixedFraming, chunks: list[bytes]) -> list[bytes]:
    """The strings that come out of `core`; an error ends it."""
    strings: list[bytes] = []
    for chunk in chunks:
        try:
            strings.extend(core.receive_data(chunk))
        except TooLongAnnounced as error:
            return [*strings, b"%d" % error.length]
    return strings


TABLE: list[tuple[str, bytes, list[bytes]]] = [
    ("!B", b"", []),
    ("!B", b"\0\0", [b"", b""]),
    ("!B", b"\x03abc\x01", [b"abc"]),
    ("!B", b"\x01a\x0bb", [b"a", b"11"]),
    ("!H", b"\0\x02ab\0\0\0\x01c", [b"ab", b"", b"c"]),
    ("!H", b"\x01\0", [b"256"]),
    ("!I", b"\0\0\0\x02ab\0\0\0", [b"ab"]),
    ("!I", b"\xff\xff\xff\xff", [b"4294967295"]),
    ("<H", b"\x02\0ab", [b"ab"]),
]


@pytest.mark.parametrize(("struct_format", "stream", "strings"), TABLE)
def test_strings_do_not_depend_on_how_the_stream_was_cut(
    struct_format: str, stream: bytes, strings: list[bytes]
) -> None:
    assert receive(PrefixedFraming(struct_format, 10), [stream]) == strings
    assert receive(PrefixedFraming(struct_format, 10), [bytes([octet]) for octet in stream]) == strings
    for at in range(len(stream)):
        assert receive(PrefixedFraming(struct_format, 10), [stream[:at], stream[at:]]) == strings, at


@calm
@given(st.sampled_from(["!B", "!H", "!I"]), st.lists(st.binary(max_size=9), max_size=90), st.integers(1, 40))
def test_what_is_encoded_comes_back(struct_format: str, strings: list[bytes], size: int) -> None:
    core = PrefixedFraming(struct_format)
    stream = b"".join(map(core.encode, strings))
    assert receive(core, [stream[at : at + size] for at in range(0, len(stream), size)]) == strings
    assert core.is_empty
    assert core.peek() == b""


@calm
@given(st.lists(st.binary(max_size=12), max_size=12))
def test_hostile_streams_raise_nothing_but_the_error_of_their_own(chunks: list[bytes]) -> None:
    assert receive(PrefixedFraming("!B", 9), chunks) == receive(PrefixedFraming("!B", 9), [b"".join(chunks)])


def test_after_a_refusal_nothing_more_is_kept() -> None:
    core = PrefixedFraming("!B", 3)
    with pytest.raises(TooLongAnnounced, match="a string of 9 octets was announced, the limit is 3"):
        list(core.receive_data(b"\x09abc"))
    for _ in range(5):
        with pytest.raises(TooLongAnnounced):
            list(core.receive_data(b"z" * 1000))
    assert core.peek() == b"\x09abc"


def test_who_stops_finds_the_rest_and_may_look_at_it() -> None:
    core = PrefixedFraming("!B")
    core.feed(b"\1a\1b\1c\1")
    strings = core.next_strings()
    assert strings == [b"a", b"b", b"c"]
    core.give_back(strings[1:])
    assert core.peek() == b"\1b\1c\1"
    core.feed(b"d")
    assert core.next_strings() == [b"b", b"c", b"d"]
    assert core.is_empty


def test_strings_come_in_batches() -> None:
    core = PrefixedFraming("!B")
    core.feed(b"\1a" * (BATCH + 3))
    assert [len(core.next_strings()) for _ in range(3)] == [BATCH, 3, 0]


def test_clear_begins_anew() -> None:
    core = PrefixedFraming("!B", 3)
    with pytest.raises(TooLongAnnounced):
        list(core.receive_data(b"\x09"))
    assert core.clear() == b"\x09"
    assert list(core.receive_data(b"\1a")) == [b"a"]


@pytest.mark.parametrize(("struct_format", "most"), [("!B", 255), ("!H", 65535)])
def test_what_the_prefix_cannot_say_is_not_sent(struct_format: str, most: int) -> None:
    core = PrefixedFraming(struct_format)
    assert len(core.encode(b"x" * most)) == most + core.prefix.size
    with pytest.raises(
        StringTooLongError, match=f"a string of {most + 1} octets .* at most {most}"
    ) as caught:
        core.encode(b"x" * (most + 1))
    assert isinstance(caught.value, LocalFramingError)
    assert isinstance(caught.value, AssertionError)


def test_text_that_is_received_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes are received, not str: encode it first"):
        list(PrefixedFraming("!H", 100).receive_data("x"))  # type: ignore[arg-type]  # as it says
