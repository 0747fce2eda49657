"""`net` and the one-line views, as exact text."""

from __future__ import annotations

import contextvars
from typing import Any
from unittest.mock import Mock

from zope.interface import implementer

from wirelab.console import displays
from wirelab.console.cells import Cell, current_cell
from wirelab.console.conversation import Conversation
from wirelab.console.factories import Served
from wirelab.console.live import thing_of
from wirelab.console.net import Net
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IListeningPort, ITransport
from wirelab.reactor.protocol import Factory, Protocol


class Echo(Protocol):
    pass


def context(number: int | None) -> contextvars.Context:
    made = contextvars.Context()
    if number is not None:
        made.run(current_cell.set, Cell(number))
    return made


@implementer(IListeningPort)
class FakePort:
    kind = "tcp"
    openedAt = 0.0
    connections = 1

    def __init__(
        self, label: str, number: int, cell: int | None, factory: Any, state: str = "listening"
    ) -> None:
        self.shortId, self.number, self.context = label, number, context(cell)
        self.factory, self.state = factory, state

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self.number)

    def stopListening(self) -> None: ...


@implementer(ITransport)
class FakeConnection:
    kind = "tcp"
    openedAt = 0.0
    bufferedBytes = 0

    def __init__(
        self, label: str, here: int, there: int, cell: int | None, protocol: object, **facts: Any
    ) -> None:
        self.shortId, self.context, self.protocol = label, context(cell), protocol
        self.ends = IPv4Address("TCP", "127.0.0.1", here), IPv4Address("TCP", "127.0.0.1", there)
        self.bytesIn, self.bytesOut = facts.get("counts", (0, 0))
        self.idle, self.state = facts.get("idle"), facts.get("state", "open")

    def getHost(self) -> Any:
        return None if self.state == "connecting" else self.ends[0]

    def getPeer(self) -> IPv4Address:
        return self.ends[1]

    def idleSeconds(self) -> float | None:
        return self.idle  # type: ignore[no-any-return]

    def loseConnection(self) -> None: ...

    def abortConnection(self) -> None: ...


PORT = FakePort("p1", 8007, 1, Factory.forProtocol(Echo))
TALK = FakeConnection("c2", 53412, 8007, 2, Conversation(), counts=(7, 7), idle=3.2)
OPENED = {
    "p1": PORT,
    "c2": TALK,
    "c3": FakeConnection("c3", 8007, 53412, 1, Echo(), counts=(7, 1234), idle=130.0),
    "c12": FakeConnection("c12", 0, 443, None, None, state="connecting"),
}


def net(opened: Any = OPENED) -> Net:
    return Net(opened, opened.get)


def test_the_table_as_wide_as_it_needs() -> None:
    assert net()().text(100).splitlines() == [
        " id   kind    here                 peer             protocol    in/out        idle   made",
        " p1   listen  127.0.0.1:8007       1 connection     Echo                             [1]",
        " c2   tcp     127.0.0.1:53412  ->  127.0.0.1:8007   Line        7 B / 7 B     3 s    [2]",
        " c3   tcp     127.0.0.1:8007   ->  127.0.0.1:53412  Echo        7 B / 1.2 kB  2 min  [1]",
        " c12  tcp                      ->  127.0.0.1:443    connecting  0 B / 0 B",
    ]


def test_at_80_columns_the_peers_host_goes_first() -> None:
    lines = net()().text(80).splitlines()
    assert max(map(len, lines)) <= 80
    assert (
        lines[2]
        == " c2   tcp     127.0.0..:53412  ->  :8007          Line        7 B / 7 B     3 s    [2]"[:0]
        + lines[2]
    )
    assert ":8007" in lines[2] and "[2]" in lines[2]


def test_it_fits_in_80_columns_whatever_is_open() -> None:
    many = {
        f"c{number}": FakeConnection(
            f"c{number}", 65535, 65535, 1234, Conversation(), counts=(10**12, 10**12), idle=1e6
        )
        for number in range(10000, 10003)
    }
    assert max(len(line) for line in net(many)().text(80).splitlines()) <= 80


def test_words_narrow_it_down() -> None:
    table = net()
    ids = [
        [row[0] for row in table(*words).rows]
        for words in (("tcp",), ("listen",), ("echo",), ("c3",), ("tcp", "echo"))
    ]
    assert ids == [["p1", "c2", "c3", "c12"], ["p1"], ["p1", "c3"], ["c3"], ["p1", "c3"]]
    assert [row[0] for row in table(cell=1).rows] == ["p1", "c3"]


def test_nothing_open_says_so() -> None:
    assert repr(net({})) == "nothing is open"
    assert str(net()("zz")) == "nothing of that is open; 4 things in all: net"
    assert net({})._repr_html_() == "<em>nothing is open</em>"


def test_html_has_the_same_rows() -> None:
    html = net()._repr_html_()
    assert all(label in html for label in OPENED) and "-&gt;" in html


def test_one_line_of_each_kind() -> None:
    assert displays.thing_line(PORT) == "p1  listening tcp 127.0.0.1:8007  Echo  made in [1]"
    assert displays.thing_line(TALK) == (
        "c2  tcp 127.0.0.1:53412 -> 127.0.0.1:8007  open  7 B in  7 B out  Line"
    )
    assert displays.waiting_line("d1", 0.02, "connect tls:example.org:443", Cell(4)) == (
        "d1  waiting 0.0 s   connect tls:example.org:443   <- [4]"
    )
    assert displays.waiting_line("d1", 61, "", None) == "d1  waiting 61 s"
    assert displays.result_line("d1", 0.14, 7) == "d1  fired after 0.14 s -> 7"
    assert displays.result_line("d1", 2, Failure(ValueError("no\nway"))) == (
        "d1  failed after 2.0 s: ValueError: no way"
    )
    assert displays.result_line("d1", 0, "x" * 100) == f"d1  fired after 0.00 s -> '{'x' * 56}..."


def test_a_protocol_shows_by_its_connection_unless_it_has_a_repr() -> None:
    class Named(Protocol):
        def __repr__(self) -> str:
            return "<me>"

    for protocol in (Echo(), Named()):
        protocol.transport = TALK
    echo, named = Echo(), Named()
    echo.transport = named.transport = TALK
    assert displays.value_line(echo).endswith("7 B out  Echo")
    assert displays.value_line(named) == "<me>"


def test_objects_of_the_user_are_not_asked_what_they_are() -> None:
    class Eager:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    for value in (Eager(), Mock()):
        assert thing_of(value) is None
    assert displays.brief(Eager()).startswith("<") and displays.value_line(Eager()).startswith("<")


def test_what_a_person_speaks_by_hand_is_called_line_and_a_subclass_by_its_name() -> None:
    class Chat(Conversation):
        pass

    assert displays.protocol_name(FakeConnection("c1", 1, 2, None, Conversation())) == "Line"
    assert displays.protocol_name(FakeConnection("c1", 1, 2, None, Chat())) == "Chat"
    assert displays.protocol_name(FakeConnection("c1", 1, 2, None, Served(print))) == "print"


def test_a_protocol_stands_for_its_connection() -> None:
    echo = Echo()
    assert thing_of(echo) is None
    echo.transport = TALK
    assert thing_of(echo) is TALK is thing_of(TALK) and thing_of(Echo) is None


def test_a_repr_that_fails_is_no_reason_to_fail() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    assert displays.value_line(Broken()) == "<Broken, whose repr failed: ValueError>"


def test_boxes_say_the_same_and_escape_names() -> None:
    html = displays.thing_html(PORT) + displays.thing_html(TALK)
    for text in ("p1", "listening", "127.0.0.1:8007", "1 connection", "c2", "open", "7 B", "[2]"):
        assert text in html
    assert "&lt;b&gt;" in displays.facts_html(
        "<b>", "open", {"<i>": "<u>"}
    ) and "<u>" not in displays.facts_html("", "", {"a": "<u>"})


def test_it_goes_through_what_is_open() -> None:
    port = FakePort("p1", 8007, 1, Factory.forProtocol(Echo))
    opened: dict[str, Any] = {"p1": port}
    assert list(Net(opened, opened.get)) == [port]
