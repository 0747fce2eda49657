"""A program as a place to connect to, and standard input and output as one to listen at."""

import sys

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred
from wirelab.reactor.endpoints import (
    ArgumentValueError,
    MissingArgumentError,
    ProcessEndpoint,
    RepeatedArgumentError,
    StandardErrorBehavior,
    StandardIOEndpoint,
    UnknownArgumentError,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from wirelab.reactor.error import ConnectionDone, NoProtocol, ProcessTerminated
from wirelab.reactor.interfaces import IHalfCloseableProtocol, IStreamClientEndpoint, IStreamServerEndpoint
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.utils import getProcessOutputAndValue

pytestmark = pytest.mark.usefixtures("no_children")


class Peer(Protocol):
    def __init__(self):
        self.received = b""
        self.lost = Deferred()

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason):
        self.lost.callback(reason.value)


@pytest.fixture
def start(reactor):
    """Connect a new peer to a line of shell."""

    async def start(line, peer=None, **options):
        endpoint = ProcessEndpoint(reactor, "/bin/sh", ["sh", "-c", line], None, **options)
        return await connectProtocol(endpoint, Peer() if peer is None else peer)

    return start


def test_the_interfaces_hold(reactor):
    assert verifyObject(IStreamClientEndpoint, ProcessEndpoint(reactor, "/bin/cat"))
    assert verifyObject(IStreamServerEndpoint, StandardIOEndpoint(reactor))


async def test_a_protocol_talks_to_a_program(reactor, start):
    peer = await start("cat")
    assert reactor.opened["x1"].protocol is peer
    peer.transport.write(b"there and back")
    peer.transport.closeStdin()
    assert type(await peer.lost) is ConnectionDone
    assert peer.received == b"there and back"


async def test_a_bad_end_is_told(start):
    peer = await start("exit 3")
    why = await peer.lost
    assert type(why) is ProcessTerminated and why.exitCode == 3


async def test_errors_are_logged_or_dropped(start, caplog):
    await (await start("echo oops >&2")).lost
    assert "x1, /bin/sh -c 'echo oops >&2': oops" in caplog.text
    caplog.clear()
    await (await start("echo oops >&2", errFlag=StandardErrorBehavior.DROP)).lost
    assert not caplog.records


async def test_one_that_knows_of_halves_is_told_of_them(start):
    told = []

    @implementer(IHalfCloseableProtocol)
    class Half(Peer):
        def readConnectionLost(self):
            told.append("read")

        def writeConnectionLost(self):
            told.append("write")

    await (await start("exit 0", Half())).lost
    assert sorted(told) == ["read", "write"]


async def test_what_cannot_be_started_is_a_failure(reactor):
    with pytest.raises(FileNotFoundError, match="no such program: '/no/such'"):
        await connectProtocol(ProcessEndpoint(reactor, "/no/such"), Peer())

    class Refusing(Factory):
        noisy = False

        def buildProtocol(self, addr):
            assert str(addr) == "/bin/cat"

    with pytest.raises(NoProtocol):
        await ProcessEndpoint(reactor, b"/bin/cat").connect(Refusing())


STRINGS = [
    ("process:/bin/cat", ["/bin/cat"], {}),
    ("process:/bin/echo:a b:c\\:d:e\\=f", ["/bin/echo", "a b", "c:d", "e=f"], {}),
    ("process:/bin/echo::x", ["/bin/echo", "", "x"], {}),
    (
        "process:sh:path=/tmp:pty=yes:errors=drop:-c:pwd",
        ["sh", "-c", "pwd"],
        {"path": "/tmp", "usePTY": True, "errFlag": StandardErrorBehavior.DROP},
    ),
]


@pytest.mark.parametrize(("text", "args", "more"), STRINGS, ids=[row[0] for row in STRINGS])
def test_a_string_stands_for_a_program_and_its_arguments(text, args, more):
    reactor = object()
    endpoint = clientFromString(reactor, text)
    assert type(endpoint) is ProcessEndpoint and endpoint.reactor is reactor
    assert (endpoint.executable, endpoint.args, endpoint.env) == (args[0], args, None)
    usual = {"path": None, "usePTY": False, "errFlag": StandardErrorBehavior.LOG}
    assert {name: getattr(endpoint, name) for name in usual} == usual | more


BAD = [
    ("process", MissingArgumentError, "process needs a program"),
    ("process:", MissingArgumentError, "process needs a program"),
    ("process:pty=yes", MissingArgumentError, "process needs a program"),
    ("process:/bin/dd:if=/x", UnknownArgumentError, r"no argument 'if', .*is written \\="),
    ("process:/bin/cat:pty=maybe", ArgumentValueError, "pty 'maybe' is not one of yes, no"),
    ("process:/bin/cat:errors=x", ArgumentValueError, "errors 'x' is not one of log, drop"),
    ("process:/bin/cat:path=/:path=/", RepeatedArgumentError, "given its path twice"),
]


@pytest.mark.parametrize(("text", "kind", "said"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_string_says_what_is_wrong(text, kind, said):
    with pytest.raises(kind, match=said):
        clientFromString(object(), text)


PROGRAM = """
from wirelab.reactor import reactor
from wirelab.reactor.endpoints import serverFromString
from wirelab.reactor.protocol import Factory, Protocol

class Upper(Protocol):
    def dataReceived(self, data):
        self.transport.write(data.upper())
    def connectionLost(self, reason):
        reactor.stop()

serverFromString(reactor, "stdio:").listen(Factory.forProtocol(Upper))
reactor.run()
"""


async def test_a_program_serves_its_standard_input(reactor):
    run = getProcessOutputAndValue(
        sys.executable, ["-c", PROGRAM], None, None, reactor, b"hello\n", timeout=20
    )
    assert await run == (b"HELLO\n", b"", 0)


def test_stdio_takes_no_arguments():
    assert type(serverFromString(object(), "stdio:")) is StandardIOEndpoint
    with pytest.raises(UnknownArgumentError):
        serverFromString(object(), "stdio:x=1")
