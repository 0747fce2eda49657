"""Netstrings are taken apart as the draft says, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.protocols.framing import (
    NetstringFraming,
    NetstringParseError,
    RemoteFramingError,
    encode_netstring,
)

calm = settings(derandomize=True, max_examples=200, deadline=None, database=None)


def receive(core: NetstringFraming, chunks: list[bytes]) -> list[bytes]:
    """The strings that come out of `core`, those before an error included; the error ends it."""
    strings: list[bytes] = []
    for chunk in chunks:
        try:
            strings += core.receive_data(chunk)
        except NetstringParseError as error:
            return strings + [*error.before, b"ERROR"]
    return strings


TABLE: list[tuple[bytes, list[bytes]]] = [
    (b"", []),
    (b"0:,", [b""]),
    (b"12:hello world!,", [b"hello world!"]),
    (b"3:a,b,1:,,", [b"a,b", b","]),
    (b"3:3:,,", [b"3:,"]),
    (b"2:ab", []),
    (b"2:ab;", [b"ERROR"]),
    (b"1:a,01:b,", [b"a", b"ERROR"]),
    (b"00:,", [b"ERROR"]),
    (b"1:a,-1:b,", [b"a", b"ERROR"]),
    (b"+1:b,", [b"ERROR"]),
    (b" 1:b,", [b"ERROR"]),
    (b"1 :b,", [b"ERROR"]),
    (b":,", [b"ERROR"]),
    (b"1:a,\r\n", [b"a", b"ERROR"]),
    (b"20:x", []),
    (b"21:x", [b"ERROR"]),
    (b"100", [b"ERROR"]),
    (b"99999999999999999999", [b"ERROR"]),
    ("\u0661:a,".encode(), [b"ERROR"]),
]


@pytest.mark.parametrize(("stream", "strings"), TABLE)
def test_strings_do_not_depend_on_how_the_stream_was_cut(stream: bytes, strings: list[bytes]) -> None:
    assert receive(NetstringFraming(20), [stream]) == strings
    assert receive(NetstringFraming(20), [bytes([octet]) for octet in stream]) == strings
    for at in range(len(stream)):
        assert receive(NetstringFraming(20), [stream[:at], stream[at:]]) == strings, at


@calm
@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(1, 9))
def test_what_is_encoded_comes_back(strings: list[bytes], size: int) -> None:
    stream = b"".join(map(encode_netstring, strings))
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert receive(NetstringFraming(20), chunks) == strings


@calm
@given(st.lists(st.sampled_from([b"3:abc,", b"0:,", b"1", b"2:", b",", b"x", b"05", b"-"]), max_size=12))
def test_mutated_streams_raise_nothing_but_the_error_of_their_own(parts: list[bytes]) -> None:
    whole = receive(NetstringFraming(5), [b"".join(parts)])
    assert receive(NetstringFraming(5), parts) == whole
    assert all(len(string) <= 5 for string in whole)


def test_after_an_error_nothing_is_taken_and_nothing_is_kept() -> None:
    core = NetstringFraming(10)
    for data in (b"1:a,x", b"1:b,", b"z" * 100_000):
        with pytest.raises(NetstringParseError, match="begins with its length, not with b'x'"):
            core.receive_data(data)
    assert issubclass(NetstringParseError, (RemoteFramingError, ValueError))
    assert not core._pieces and not core._head


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"2:abc", "a netstring ends in a comma, not in b'c'"),
        (b"x", "a netstring begins with its length, not with b'x'"),
        (b"11:", "a netstring begins with b'11', the limit is 10 octets"),
    ],
)
def test_the_error_shows_what_came_and_the_limit(stream: bytes, message: str) -> None:
    with pytest.raises(NetstringParseError, match=message):
        NetstringFraming(10).receive_data(stream)
