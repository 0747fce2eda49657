"""LineReceiver and LineOnlyReceiver: what is delivered, in which order, and when no longer."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from wirelab.protocols.basic import LineOnlyReceiver, LineReceiver
from wirelab.protocols.framing import LineFraming
from wirelab.reactor.interfaces import IProtocol, IPushProducer
from wirelab.reactor.protocol import Protocol
from wirelab.reactor.testing import StringTransport

calm = settings(derandomize=True, max_examples=100, deadline=None, database=None)


class _Commands:
    """Writes down what is received, and does what it is told to by some lines."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def lineReceived(self, line: bytes) -> None:
        self.seen.append(line)
        command = getattr(self, "do_" + line.decode("latin-1"), None)
        if command is not None:
            command()

    def do_close(self) -> None:
        self.transport.loseConnection()

    def do_again(self) -> None:
        self.dataReceived(b"inner1\r\ninner2\r\n")
        self.seen.append("end of again")

    def do_raise(self) -> None:
        raise RuntimeError("told to")

    def do_semicolon(self) -> None:
        self.delimiter = b";"

    def do_turn(self) -> None:
        self.delimiter = b";"
        self.dataReceived(b"x;y;")

    def do_short(self) -> None:
        self.MAX_LENGTH = 3


class Only(_Commands, LineOnlyReceiver):
    pass


class Line(_Commands, LineReceiver):
    def rawDataReceived(self, data: bytes) -> None:
        self.seen.append(("raw", data))
        if b"!" in data:
            _, rest = data.split(b"!", 1)
            self.setLineMode(rest)
        if b"?" in data:
            self.pauseProducing()

    def do_raw(self) -> None:
        self.setRawMode()

    def do_pause(self) -> None:
        self.pauseProducing()

    def do_blink(self) -> None:
        self.pauseProducing()
        self.resumeProducing()

    def do_stop(self) -> None:
        self.stopProducing()

    def do_clear(self) -> None:
        self.seen.append(("cleared", self.clearLineBuffer()))

    def do_extra(self) -> None:
        self.setLineMode(b"ex\r\ntra\r\n")


def connected(cls: type, **attributes: Any) -> Any:
    """An instance with a StringTransport, and with `attributes` set."""
    protocol = cls()
    for name, value in attributes.items():
        setattr(protocol, name, value)
    protocol.makeConnection(StringTransport())
    return protocol


def received(cls: type, *chunks: bytes, **attributes: Any) -> list[Any]:
    """What an instance of `cls` sees of `chunks`."""
    protocol = connected(cls, **attributes)
    for chunk in chunks:
        protocol.dataReceived(chunk)
    return protocol.seen


def octets(data: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in data]


def joined(seen: list[Any]) -> list[Any]:
    """`seen` with raw data that came one after the other in one piece."""
    result: list[Any] = []
    for what in seen:
        if isinstance(what, tuple) and result and isinstance(result[-1], tuple):
            result[-1] = ("raw", result[-1][1] + what[1])
        else:
            result.append(what)
    return result


BOTH = [Only, Line]

LINES = [
    (b"a\r\nb\r\n", [b"a", b"b"]),
    (b"\r\n\r\nx", [b"", b""]),
    (b"a\rb\nc\r\n", [b"a\rb\nc"]),
    (b"a\r\r\n\n\r\n", [b"a\r", b"\n"]),
    (b"a\r\nclose\r\nb\r\nc\r\n", [b"a", b"close"]),
    (b"semicolon\r\n\r\n", [b"semicolon", b""]),
]


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(("stream", "lines"), LINES[:-1])
def test_lines_do_not_depend_on_how_the_stream_was_cut(cls: type, stream: bytes, lines: list[bytes]) -> None:
    assert received(cls, stream) == lines
    for at in range(len(stream)):
        assert received(cls, stream[:at], stream[at:])[: len(lines)] == lines, at


def test_octet_by_octet_gives_the_same_lines() -> None:
    for cls in BOTH:
        assert received(cls, *octets(b"a\r\nbc\r\n\r\nd\ne\r\n")) == [b"a", b"bc", b"", b"d\ne"]


RAW: list[tuple[bytes, list[Any]]] = [
    (b"a\r\nraw\r\nxyz!b\r\n", [b"a", b"raw", ("raw", b"xyz!"), b"b"]),
    (
        b"raw\r\n\r\n\r\n!\r\nc\r\nraw\r\n1!d\r\n",
        [b"raw", ("raw", b"\r\n\r\n!"), b"", b"c", b"raw", ("raw", b"1!"), b"d"],
    ),
    (b"raw\r\n!raw\r\n!raw\r\n!e\r\n", [b"raw", ("raw", b"!")] * 3 + [b"e"]),
]


@pytest.mark.parametrize(("stream", "events"), RAW)
def test_raw_mode_begins_and_ends_at_the_very_octet(stream: bytes, events: list[Any]) -> None:
    def cut(seen: list[Any]) -> list[Any]:
        # Raw data is handed over as it comes; what followed "!" in the same piece was put back.
        return joined(
            [("raw", w[1][: w[1].find(b"!") + 1] or w[1]) if isinstance(w, tuple) else w for w in seen]
        )

    assert cut(received(Line, stream)) == events
    assert cut(received(Line, *octets(stream))) == events
    for at in range(len(stream)):
        assert cut(received(Line, stream[:at], stream[at:])) == events, at


def test_raw_mode_at_every_other_line_of_many() -> None:
    stream = b"raw\r\n!x\r\n" * 300
    seen = received(Line, stream)
    assert [what for what in seen if not isinstance(what, tuple)] == [b"raw", b"x"] * 300


def test_set_raw_mode_outside_a_delivery_takes_what_is_held() -> None:
    protocol = connected(Line)
    protocol.dataReceived(b"half")
    protocol.setRawMode()
    protocol.dataReceived(b"way")
    assert protocol.seen == [("raw", b"halfway")]


def test_set_line_mode_delivers_the_extra_data_first() -> None:
    protocol = connected(Line)
    protocol.setRawMode()
    protocol.setLineMode(b"a\r\nb\r\nc")
    protocol.dataReceived(b"d\r\n")
    assert protocol.seen == [b"a", b"b", b"cd"]
    assert protocol.line_mode == 1


def test_extra_data_given_inside_a_line_comes_behind_what_is_held() -> None:
    assert received(Line, b"extra\r\nb\r\n") == [b"extra", b"b", b"ex", b"tra"]


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("stream", [b"a\r\nagain\r\nb\r\n", b"again\r\n"])
def test_data_received_inside_a_delivery_waits_for_its_turn(cls: type, stream: bytes) -> None:
    rest = stream.split(b"\r\n")[:-1]
    at = rest.index(b"again") + 1
    expected = [*rest[:at], "end of again", *rest[at:], b"inner1", b"inner2"]
    assert received(cls, stream) == expected
    assert received(cls, stream[: stream.index(b"again")], stream[stream.index(b"again") :]) == expected


@pytest.mark.parametrize("cls", BOTH)
def test_what_was_not_delivered_when_a_line_raised_is_still_there(cls: type) -> None:
    protocol = connected(cls)
    with pytest.raises(RuntimeError, match="told to"):
        protocol.dataReceived(b"a\r\nraise\r\nb\r\nc")
    protocol.dataReceived(b"d\r\n")
    assert protocol.seen == [b"a", b"raise", b"b", b"cd"]


@pytest.mark.parametrize("cls", BOTH)
def test_nothing_is_delivered_after_lose_connection(cls: type) -> None:
    seen = received(cls, b"a\r\nclose\r\nb\r\n", b"c\r\nd\r\n")
    assert seen == [b"a", b"close"]


# -- pausing ------------------------------------------------------------------------------------------


def test_pausing_in_the_middle_stops_at_once_and_resuming_goes_on() -> None:
    protocol = connected(Line)
    protocol.dataReceived(b"a\r\npause\r\nb\r\npause\r\nc")
    assert protocol.seen == [b"a", b"pause"]
    assert protocol.paused and protocol.transport.producerState == "paused"
    protocol.dataReceived(b"c\r\nd\r\n")
    assert protocol.seen == [b"a", b"pause"]
    protocol.resumeProducing()
    assert protocol.seen == [b"a", b"pause", b"b", b"pause"]
    protocol.resumeProducing()
    assert protocol.seen == [b"a", b"pause", b"b", b"pause", b"cc", b"d"]
    assert protocol.transport.producerState == "producing"


def test_pausing_at_every_place_loses_nothing() -> None:
    stream = b"a\r\npause\r\nb\r\nraw\r\nx!c\r\npause\r\n"
    for at in range(len(stream) + 1):
        protocol = connected(Line)
        protocol.pauseProducing()
        protocol.dataReceived(stream[:at])
        protocol.dataReceived(stream[at:])
        assert protocol.seen == []
        while protocol.paused:
            protocol.resumeProducing()
        assert [w for w in protocol.seen if not isinstance(w, tuple)] == [
            b"a",
            b"pause",
            b"b",
            b"raw",
            b"c",
            b"pause",
        ]


def test_resuming_inside_the_same_line_keeps_the_order() -> None:
    assert received(Line, b"a\r\nblink\r\nb\r\nblink\r\nc\r\n") == [b"a", b"blink", b"b", b"blink", b"c"]


def test_pausing_in_raw_mode_holds_the_rest() -> None:
    protocol = connected(Line)
    protocol.dataReceived(b"raw\r\n12?3")
    protocol.dataReceived(b"45")
    assert protocol.seen == [b"raw", ("raw", b"12?3")]
    protocol.resumeProducing()
    assert protocol.seen[2:] == [("raw", b"45")]


def test_pausing_at_every_line_of_many_stays_cheap_and_complete() -> None:
    protocol = connected(Line)
    protocol.dataReceived(b"pause\r\n" * 500)
    while protocol.paused:
        protocol.resumeProducing()
    assert protocol.seen == [b"pause"] * 500


def test_lines_are_cut_one_by_one_for_a_while_after_some_were_cut_in_vain() -> None:
    protocol = connected(Line)
    cut_ahead = []
    protocol.dataReceived(b"pause\r\n" * 200)
    next_lines = LineFraming.next_lines

    class Counting(LineFraming):
        __slots__ = ()

        def next_lines(self) -> list[bytes]:
            cut_ahead.append(1)
            return next_lines(self)

    protocol._lines.__class__ = Counting
    for _ in range(199):
        protocol.resumeProducing()
    assert protocol.seen == [b"pause"] * 200
    assert len(cut_ahead) < 10


def test_stop_producing_ends_the_delivery() -> None:
    protocol = connected(Line)
    protocol.dataReceived(b"a\r\nstop\r\nb\r\n")
    assert protocol.seen == [b"a", b"stop"]
    assert protocol.transport.producerState == "stopped"


def test_clear_line_buffer_takes_what_was_not_delivered() -> None:
    assert received(Line, b"a\r\nclear\r\nb\r\nc", b"d\r\n") == [b"a", b"clear", ("cleared", b"b\r\nc"), b"d"]
    protocol = connected(Line)
    assert protocol.clearLineBuffer() == b""
    protocol.dataReceived(b"part")
    assert protocol.clearLineBuffer() == b"part"


# -- delimiters and limits ----------------------------------------------------------------------------


def test_a_new_delimiter_holds_from_the_next_octet() -> None:
    assert received(Line, b"semicolon\r\nb;c\r\nd;e") == [b"semicolon", b"b", b"c\r\nd"]


@pytest.mark.parametrize("cls", BOTH)
def test_a_new_delimiter_together_with_more_data_loses_nothing(cls: type) -> None:
    for tail in (b"", b"b;c\r\nd;"):
        seen = received(cls, b"a\r\nturn\r\n" + tail)
        assert b";".join(seen) == b"a;turn;" + tail + b"x;y"


@pytest.mark.parametrize("cls", BOTH)
def test_a_new_delimiter_holds_for_the_next_data(cls: type) -> None:
    protocol = connected(cls)
    protocol.dataReceived(b"a;b")
    protocol.delimiter = b";"
    protocol.dataReceived(b"c;")
    assert protocol.seen == [b"a", b"bc"]
    cls_delimiter = type("Semicolons", (cls,), {"delimiter": b";"})
    assert received(cls_delimiter, b"a;b\r\n;") == [b"a", b"b\r\n"]


@pytest.mark.parametrize("cls", BOTH)
def test_a_line_of_the_limit_passes_and_a_longer_one_closes(
    cls: type, caplog: pytest.LogCaptureFixture
) -> None:
    stream = b"12345\r\nok\r\n123456\r\nno\r\n"
    for chunks in [[stream], octets(stream), [stream[:12], stream[12:]]]:
        caplog.clear()
        protocol = connected(cls, MAX_LENGTH=5)
        for chunk in chunks:
            if not protocol.transport.disconnecting:
                protocol.dataReceived(chunk)
        assert protocol.seen == [b"12345", b"ok"]
        assert protocol.transport.disconnecting
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert "closes the connection from" in record.getMessage()
        assert "is longer than 5 octets" in record.getMessage()


@pytest.mark.parametrize("cls", BOTH)
def test_the_default_limit_is_16384(cls: type) -> None:
    assert cls.MAX_LENGTH == 16384  # type: ignore[attr-defined]
    assert received(cls, b"x" * 16384 + b"\r\n") == [b"x" * 16384]
    assert connected(cls).transport.disconnecting is False
    protocol = connected(cls)
    protocol.dataReceived(b"x" * 16386)
    assert protocol.transport.disconnecting


def test_line_length_exceeded_gets_the_rest_of_the_buffer() -> None:
    class Tolerant(Line):
        def lineLengthExceeded(self, line: bytes) -> None:
            self.seen.append(("too long", line))

    assert received(Tolerant, b"ok\r\n123456\r\nb\r\nc", b"d\r\n", MAX_LENGTH=5) == [
        b"ok",
        ("too long", b"123456\r\nb\r\nc"),
        b"d",
    ]
    assert received(Tolerant, b"1234567", b"8\r\n", MAX_LENGTH=5) == [("too long", b"1234567"), b"8"]


def test_line_only_line_length_exceeded_gets_the_line_and_the_others_come() -> None:
    class Tolerant(Only):
        def lineLengthExceeded(self, line: bytes) -> None:
            self.seen.append(("too long", line))

    assert received(Tolerant, b"ok\r\n123456\r\nb\r\nc", b"d\r\n", MAX_LENGTH=5) == [
        b"ok",
        ("too long", b"123456"),
        b"b",
        b"cd",
    ]


def test_a_limit_changed_by_a_line_holds() -> None:
    assert received(Line, b"short\r\n", b"123\r\n", b"1234\r\n") == [b"short", b"123"]


@pytest.mark.parametrize("cls", BOTH)
def test_a_long_line_with_the_limit_raised(cls: type) -> None:
    assert received(cls, *[b"z" * 65536] * 16, b"\r", b"\n", MAX_LENGTH=2**20) == [b"z" * 2**20]


# -- sending and misuse -------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", BOTH)
def test_send_line_writes_the_line_and_the_delimiter(cls: type) -> None:
    protocol = connected(cls)
    protocol.sendLine(b"a")
    protocol.sendLine(bytearray(b"b"))
    protocol.delimiter = b";"
    protocol.sendLine(b"")
    assert protocol.transport.value() == b"a\r\nb\r\n;"


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("text", r"sendLine\(\) takes bytes, not str: encode it first, for example text.encode\(\)"),
        (None, r"sendLine\(\) takes bytes, not NoneType"),
        (7, r"sendLine\(\) takes bytes, not int"),
    ],
)
def test_send_line_of_something_else_names_the_right_call(cls: type, line: Any, message: str) -> None:
    protocol = connected(cls)
    with pytest.raises(TypeError, match=message):
        protocol.sendLine(line)
    assert protocol.transport.value() == b""


@pytest.mark.parametrize("cls", BOTH)
def test_a_delimiter_that_is_none_is_refused_in_words(cls: type) -> None:
    for delimiter, error in (("\n", TypeError), (b"", ValueError)):
        with pytest.raises(error, match="a delimiter"):
            received(cls, b"a\n", delimiter=delimiter)


@pytest.mark.parametrize("base", [LineReceiver, LineOnlyReceiver])
def test_what_must_be_overridden_says_so(base: type) -> None:
    with pytest.raises(NotImplementedError, match=r"define lineReceived\(\)"):
        connected(base).dataReceived(b"a\r\n")


def test_raw_data_must_be_overridden_to_be_used() -> None:
    protocol = connected(LineReceiver)
    protocol.setRawMode()
    with pytest.raises(NotImplementedError, match=r"define rawDataReceived\(\)"):
        protocol.dataReceived(b"a")


def test_the_promises_hold() -> None:
    assert verifyObject(IProtocol, connected(Only))
    assert verifyObject(IProtocol, connected(Line))
    assert verifyObject(IPushProducer, connected(Line))
    assert isinstance(connected(Line), Protocol)


@pytest.mark.parametrize("cls", BOTH)
def test_a_transport_that_does_not_say_whether_it_closes_will_do(cls: type) -> None:
    protocol = cls()
    protocol.makeConnection(object())
    protocol.dataReceived(b"a\r\nb\r\n")
    assert protocol.seen == [b"a", b"b"]


# -- all of it at once --------------------------------------------------------------------------------

WORDS = [b"a", b"\r\n", b"\r", b"\n", b"raw\r\n", b"x!", b"!", b"blink\r\n", b"bb\r\n", b"again\r\n"]
PARTS = st.lists(st.sampled_from(WORDS), max_size=25)


@calm
@given(PARTS, st.integers(1, 10))
def test_however_a_stream_is_cut_the_same_is_seen(parts: list[bytes], size: int) -> None:
    stream = b"".join(parts)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    # What is received inside a delivery goes behind what is held, and that depends on the cut.
    if b"again" not in stream:
        assert _unpiece(received(Line, *chunks)) == _unpiece(received(Line, stream))
    if b"raw" not in stream and b"again" not in stream:
        assert received(Only, *chunks) == received(Only, stream) == received(Line, stream)
    else:
        received(Line, *chunks)


def _unpiece(seen: list[Any]) -> list[Any]:
    return joined([(w[0], w[1].partition(b"!")[0]) if isinstance(w, tuple) else w for w in seen])


@pytest.mark.parametrize("kind", [LineReceiver, LineOnlyReceiver])
def test_text_that_is_received_is_refused(kind: type[LineReceiver | LineOnlyReceiver]) -> None:
    protocol = kind()
    protocol.makeConnection(StringTransport())
    with pytest.raises(TypeError, match=r"dataReceived\(\) takes bytes, not str: encode it first"):
        protocol.dataReceived("hello\r\n")  # type: ignore[arg-type]  # that is what is wrong with it
