"""NetstringReceiver, the IntNStringReceivers and StatefulStringProtocol."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from wirelab.protocols.basic import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    NetstringReceiver,
    StatefulStringProtocol,
    StringTooLongError,
)
from wirelab.reactor.interfaces import IProtocol, IPushProducer
from wirelab.reactor.testing import StringTransport

calm = settings(derandomize=True, max_examples=100, deadline=None, database=None)


class _Commands:
    """Writes down what is received, and does what it is told to by some strings."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def stringReceived(self, string: bytes) -> None:
        self.seen.append(string)
        command = getattr(self, "do_" + string.decode("latin-1"), None)
        if command is not None:
            command()

    def do_close(self) -> None:
        self.transport.loseConnection()

    def do_again(self) -> None:
        self.dataReceived(self.again)
        self.seen.append("end of again")

    def do_raise(self) -> None:
        raise RuntimeError("told to")


class Net(_Commands, NetstringReceiver):
    again = b"5:inner,"


class _Int(_Commands):
    def do_pause(self) -> None:
        self.pauseProducing()

    def do_blink(self) -> None:
        self.pauseProducing()
        self.resumeProducing()

    def do_look(self) -> None:
        self.seen.append(("held", self.recvd))

    def do_replace(self) -> None:
        self.recvd = b"\x02zz"

    def do_stop(self) -> None:
        self.stopProducing()

    def do_grow(self) -> None:
        self.MAX_LENGTH = 200


class Int8(_Int, Int8StringReceiver):
    again = b"\x05inner"


class Int16(_Int, Int16StringReceiver):
    again = b"\0\x05inner"


class Int32(_Int, Int32StringReceiver):
    again = b"\0\0\0\x05inner"


ALL = [Net, Int8, Int16, Int32]
PREFIXED = [Int8, Int16, Int32]


def connected(cls: type, **attributes: Any) -> Any:
    protocol = cls()
    for name, value in attributes.items():
        setattr(protocol, name, value)
    protocol.makeConnection(StringTransport())
    return protocol


def framed(cls: type, *strings: bytes) -> bytes:
    """`strings` as `cls` sends them."""
    protocol = connected(cls)
    for string in strings:
        protocol.sendString(string)
    return protocol.transport.value()


def received(cls: type, *chunks: bytes, **attributes: Any) -> list[Any]:
    protocol = connected(cls, **attributes)
    for chunk in chunks:
        protocol.dataReceived(chunk)
    return protocol.seen


def octets(data: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in data]


@pytest.mark.parametrize(
    ("cls", "stream"),
    [(Net, b"2:ab,0:,"), (Int8, b"\2ab\0"), (Int16, b"\0\2ab\0\0"), (Int32, b"\0\0\0\2ab\0\0\0\0")],
)
def test_strings_have_their_documented_form(cls: type, stream: bytes) -> None:
    assert framed(cls, b"ab", b"") == stream
    assert received(cls, stream) == [b"ab", b""]


def test_the_prefix_is_described() -> None:
    described = [(cls.structFormat, cls.prefixLength, cls.MAX_LENGTH) for cls in PREFIXED]
    assert described == [("!B", 1, 99999), ("!H", 2, 99999), ("!I", 4, 99999)]
    assert NetstringReceiver.MAX_LENGTH == 99999


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("strings", [[b"a"], [b"", b""], [b"abc", b"", b"de"], [b"x", b"close"]])
def test_strings_do_not_depend_on_how_the_stream_was_cut(cls: type, strings: list[bytes]) -> None:
    stream = framed(cls, *strings)
    assert received(cls, stream) == strings
    assert received(cls, *octets(stream)) == strings
    for at in range(len(stream)):
        assert received(cls, stream[:at], stream[at:]) == strings, at


@calm
@given(st.sampled_from(ALL), st.lists(st.binary(max_size=12), max_size=90), st.integers(1, 60))
def test_what_is_sent_is_received(cls: type, strings: list[bytes], size: int) -> None:
    stream = framed(cls, *strings)
    assert received(cls, *(stream[at : at + size] for at in range(0, len(stream), size))) == strings


@calm
@given(st.sampled_from(ALL), st.lists(st.binary(max_size=12), max_size=12))
def test_hostile_data_is_received_the_same_however_it_is_cut(cls: type, chunks: list[bytes]) -> None:
    logging.disable(logging.WARNING)
    try:
        assert received(cls, *chunks, MAX_LENGTH=9) == received(cls, b"".join(chunks), MAX_LENGTH=9)
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("before", [[], [b"a"]])
@pytest.mark.parametrize("after", [[], [b"b"]])
def test_data_received_inside_a_delivery_waits_for_its_turn(
    cls: type, before: list[bytes], after: list[bytes]
) -> None:
    stream = framed(cls, *before, b"again", *after)
    assert received(cls, stream) == [*before, b"again", "end of again", *after, b"inner"]


@pytest.mark.parametrize("cls", ALL)
def test_nothing_is_delivered_after_lose_connection(cls: type) -> None:
    assert received(cls, framed(cls, b"a", b"close", b"b")) == [b"a", b"close"]


@pytest.mark.parametrize("cls", ALL)
def test_after_a_string_that_raised_the_others_still_come(cls: type) -> None:
    protocol = connected(cls)
    with pytest.raises(RuntimeError, match="told to"):
        protocol.dataReceived(framed(cls, b"a", b"raise", b"b"))
    protocol.dataReceived(framed(cls, b"c"))
    assert protocol.seen == [b"a", b"raise", b"b", b"c"]


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("text", r"sendString\(\) takes bytes, not str: encode it first"),
        (None, r"sendString\(\) takes bytes, not NoneType"),
    ],
)
def test_send_string_of_something_else_names_the_right_call(cls: type, string: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        connected(cls).sendString(string)


@pytest.mark.parametrize("cls", ALL)
def test_send_string_takes_kinds_of_bytes(cls: type) -> None:
    protocol = connected(cls)
    protocol.sendString(bytearray(b"ab"))
    protocol.sendString(memoryview(b"ab"))
    assert protocol.transport.value() == framed(cls, b"ab", b"ab")


@pytest.mark.parametrize("base", [NetstringReceiver, Int16StringReceiver])
def test_what_must_be_overridden_says_so(base: type) -> None:
    with pytest.raises(NotImplementedError, match=r"define stringReceived\(\)"):
        connected(base).dataReceived(framed(base, b"a"))


def test_the_promises_hold() -> None:
    for cls in ALL:
        assert verifyObject(IProtocol, connected(cls))
    for cls in PREFIXED:
        assert verifyObject(IPushProducer, connected(cls))


# -- too long and broken --------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ALL)
def test_a_string_over_the_limit_closes_and_says_why(cls: type, caplog: pytest.LogCaptureFixture) -> None:
    protocol = connected(cls, MAX_LENGTH=10)
    protocol.dataReceived(framed(cls, b"a", b"x" * 10, b"x" * 11, b"b"))
    protocol.dataReceived(b"more")
    assert protocol.seen == [b"a", b"x" * 10]
    assert protocol.transport.disconnecting
    [record] = caplog.records
    assert "closes the connection from" in record.getMessage()
    assert "the limit is 10" in record.getMessage()


@pytest.mark.parametrize("cls", PREFIXED)
def test_length_limit_exceeded_is_told_the_length_and_may_do_otherwise(cls: type) -> None:
    class Lenient(cls):  # type: ignore[misc]
        def lengthLimitExceeded(self, length: int) -> None:
            self.seen.append(("too long", length))

    protocol = connected(Lenient, MAX_LENGTH=10)
    protocol.dataReceived(framed(cls, b"a", b"x" * 11))
    assert protocol.seen == [b"a", ("too long", 11)]
    assert not protocol.transport.disconnecting
    protocol.dataReceived(b"y" * 100)
    assert len(protocol.recvd) < 20


@pytest.mark.parametrize("cls", PREFIXED)
def test_a_limit_raised_by_a_string_holds_for_the_next(cls: type) -> None:
    assert received(cls, framed(cls, b"grow", b"x" * 11), MAX_LENGTH=10) == [b"grow", b"x" * 11]


@pytest.mark.parametrize(("cls", "most"), [(Int8, 255), (Int16, 65535)])
def test_a_string_that_does_not_fit_its_prefix_is_not_sent(cls: type, most: int) -> None:
    protocol = connected(cls)
    protocol.sendString(b"x" * most)
    protocol.transport.clear()
    with pytest.raises(StringTooLongError, match=f"a string of {most + 1} octets"):
        protocol.sendString(b"x" * (most + 1))
    assert protocol.transport.value() == b""


def test_a_broken_netstring_closes_and_marks_the_peer(caplog: pytest.LogCaptureFixture) -> None:
    protocol = connected(Net)
    assert not protocol.brokenPeer
    protocol.dataReceived(b"1:a,01:b,")
    protocol.dataReceived(b"1:c,")
    assert protocol.seen == [b"a"]
    assert protocol.brokenPeer
    assert protocol.transport.disconnecting
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "begins with its length, not with b'01'" in caplog.text


# -- pausing, and what is held -----------------------------------------------------------------------------


@pytest.mark.parametrize("cls", PREFIXED)
def test_pausing_stops_at_once_and_resuming_goes_on(cls: type) -> None:
    protocol = connected(cls)
    stream = framed(cls, b"a", b"pause", b"b", b"c")
    protocol.dataReceived(stream[:-1])
    assert protocol.seen == [b"a", b"pause"]
    assert protocol.transport.producerState == "paused"
    assert protocol.recvd == framed(cls, b"b", b"c")[:-1]
    protocol.dataReceived(stream[-1:])
    assert protocol.seen == [b"a", b"pause"]
    protocol.resumeProducing()
    assert protocol.seen == [b"a", b"pause", b"b", b"c"]
    assert protocol.recvd == b""


@pytest.mark.parametrize("cls", PREFIXED)
def test_pausing_at_every_string_of_many_loses_nothing(cls: type) -> None:
    protocol = connected(cls)
    protocol.dataReceived(framed(cls, *[b"pause"] * 200))
    while protocol.paused:
        protocol.resumeProducing()
    assert protocol.seen == [b"pause"] * 200


def test_resuming_inside_the_same_string_keeps_the_order() -> None:
    assert received(Int8, framed(Int8, b"a", b"blink", b"b")) == [b"a", b"blink", b"b"]


def test_stop_producing_ends_the_delivery() -> None:
    assert received(Int8, framed(Int8, b"a", b"stop", b"b")) == [b"a", b"stop"]


def test_recvd_is_what_was_not_delivered_and_can_be_replaced() -> None:
    assert received(Int8, b"\x04look\x01b\x04ab") == [b"look", ("held", b"\x01b\x04ab"), b"b"]
    assert received(Int8, b"\x07replace\x01b\x04ab", b"\x01c") == [b"replace", b"zz", b"c"]
    protocol = connected(Int8)
    assert protocol.recvd == b""
    protocol.recvd = b"\x03a"
    protocol.dataReceived(b"bc")
    assert protocol.seen == [b"abc"]


def test_a_prefix_of_ones_own() -> None:
    class Little(_Int, IntNStringReceiver):
        structFormat = "<H"
        prefixLength = 2

    assert framed(Little, b"ab") == b"\2\0ab"
    assert received(Little, b"\2\0ab") == [b"ab"]


# -- states -----------------------------------------------------------------------------------------------


class Login(StatefulStringProtocol, NetstringReceiver):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def proto_init(self, string: bytes) -> str:
        self.seen.append(("init", string))
        return "password"

    def proto_password(self, string: bytes) -> str | None:
        self.seen.append(("password", string))
        return {b"good": "done", b"nowhere": "nowhere", b"nothing": None}.get(string, "password")


def test_the_state_names_the_method_and_done_closes() -> None:
    protocol = connected(Login)
    assert protocol.state == "init"
    protocol.dataReceived(b"1:a,3:bad,4:good,1:c,")
    assert protocol.seen == [("init", b"a"), ("password", b"bad"), ("password", b"good")]
    assert protocol.transport.disconnecting
    assert protocol.state == "done"


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        (
            b"1:a,7:nowhere,1:b,",
            AttributeError,
            r"no method proto_nowhere\(\) for its state 'nowhere'",
        ),
        (b"1:a,7:nothing,", TypeError, r"proto_password\(\) gave None: it gives the name of the next state"),
    ],
)
def test_a_state_that_does_not_exist_is_told(stream: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        connected(Login).dataReceived(stream)
