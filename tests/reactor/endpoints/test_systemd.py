"""Sockets that systemd passed to this process."""

import os
import socket

import pytest

from wirelab.reactor.defer import Deferred
from wirelab.reactor.endpoints import (
    ArgumentValueError,
    EndpointStringError,
    MissingArgumentError,
    clientFromString,
    connectProtocol,
    serverFromString,
    systemd,
)
from wirelab.reactor.protocol import Factory, Protocol

OURS = str(os.getpid())


class Greeter(Protocol):
    def connectionMade(self):
        self.transport.write(b"hello")
        self.transport.loseConnection()


class Hearing(Protocol):
    def __init__(self):
        self.heard = b""
        self.lost = Deferred()

    def dataReceived(self, data):
        self.heard += data

    def connectionLost(self, reason):
        self.lost.callback(self.heard)


@pytest.fixture
def passed(monkeypatch):
    """Pass so many listening sockets, as systemd would: `passed(2, "web:admin")`."""
    sockets = []

    def passed(count, names=None, pid=OURS):
        made = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        numbers = [each.getsockname()[1] for each in made]
        # On consecutive descriptors, which are not 3 and 4 here: those are others' in a test.
        first = 700
        for place, each in enumerate(made):
            os.dup2(each.fileno(), first + place, inheritable=True)
            sockets.append(first + place)
            each.close()
        monkeypatch.setattr(systemd, "FIRST", first)
        monkeypatch.setenv("LISTEN_PID", pid)
        monkeypatch.setenv("LISTEN_FDS", str(count))
        if names is not None:
            monkeypatch.setenv("LISTEN_FDNAMES", names)
        return numbers

    yield passed
    for fd in sockets:
        try:
            os.close(fd)
        except OSError:
            pass  # the endpoint has closed it


@pytest.mark.parametrize(("which", "place"), [("index=1", 1), ("name=web", 0), ("name=admin", 1)])
async def test_a_passed_socket_is_served(reactor, passed, which, place):
    numbers = passed(2, "web:admin")
    port = await serverFromString(reactor, f"systemd:domain=INET:{which}").listen(
        Factory.forProtocol(Greeter)
    )
    assert port.getHost().port == numbers[place]
    client = clientFromString(reactor, f"tcp:127.0.0.1:{numbers[place]}")
    hearing = await connectProtocol(client, Hearing())
    assert await hearing.lost == b"hello"
    port.stopListening()


def test_it_is_not_inherited_by_children(passed):
    passed(1)
    endpoint = serverFromString(object(), "systemd:domain=INET:index=0")
    assert not os.get_inheritable(endpoint.fileno)


BAD = [
    ("systemd:domain=INET", MissingArgumentError, "systemd needs either index or name"),
    ("systemd:domain=INET:index=0:name=web", MissingArgumentError, "needs either index or name"),
    ("systemd:index=0", MissingArgumentError, "systemd needs domain"),
    ("systemd:domain=INET:index=x", ArgumentValueError, "index 'x' is not a whole number from 0 on"),
    ("systemd:domain=INET:index=2", ArgumentValueError, r"no socket of index 2 .*: 0 \(web\), 1 \(admin\)"),
    ("systemd:domain=INET:name=x", ArgumentValueError, r"no socket of name 'x'"),
]


@pytest.mark.parametrize(("text", "kind", "said"), BAD, ids=[row[0] for row in BAD])
def test_what_is_not_there_is_said_with_what_is(passed, text, kind, said):
    passed(2, "web:admin")
    with pytest.raises(kind, match=said):
        serverFromString(object(), text)


def test_those_of_another_process_are_not_ours(passed):
    passed(1, pid="1")
    with pytest.raises(ArgumentValueError, match="it passed: none"):
        serverFromString(object(), "systemd:domain=INET:index=0")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, {}),
        ({"LISTEN_PID": OURS, "LISTEN_FDS": "2"}, {3: "unknown", 4: "unknown"}),
        ({"LISTEN_PID": OURS, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}, {3: "a", 4: "b"}),
        ({"LISTEN_PID": OURS, "LISTEN_FDS": "0"}, {}),
    ],
)
def test_the_environment_says_which(environment, found):
    assert systemd.listening_descriptors(environment) == found


@pytest.mark.parametrize(
    "more", [{}, {"LISTEN_FDS": "-1"}, {"LISTEN_FDS": "99999"}, {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "a:b"}]
)
def test_an_environment_that_contradicts_itself_is_an_error(monkeypatch, more):
    for name, value in ({"LISTEN_PID": OURS} | more).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EndpointStringError, match="LISTEN_FD"):
        serverFromString(object(), "systemd:domain=INET:index=0")
