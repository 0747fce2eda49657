"""`clientFromString` and `serverFromString`: which endpoint a string gives, and what a bad one is told."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.endpoints import (
    AdoptedStreamServerEndpoint,
    ArgumentValueError,
    BrokenPluginError,
    EmptyDescriptionError,
    EndpointStringError,
    ExcessArgumentError,
    HostError,
    HostnameEndpoint,
    MissingArgumentError,
    PortError,
    RepeatedArgumentError,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    TimeoutValueError,
    UnknownArgumentError,
    UnknownKindError,
    clientFromString,
    serverFromString,
)
from wirelab.reactor.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

SERVERS = [
    ("tcp:80", TCP4ServerEndpoint, {"port": 80, "backlog": 50, "interface": ""}),
    ("TCP:80", TCP4ServerEndpoint, {"port": 80}),
    ("tcp:0", TCP4ServerEndpoint, {"port": 0}),
    ("tcp:65535", TCP4ServerEndpoint, {"port": 65535}),
    ("tcp: 80", TCP4ServerEndpoint, {"port": 80}),
    ("tcp:port=80", TCP4ServerEndpoint, {"port": 80}),
    ("tcp:80:interface=127.0.0.1:backlog=5", TCP4ServerEndpoint, {"interface": "127.0.0.1", "backlog": 5}),
    ("tcp:backlog=5:port=80", TCP4ServerEndpoint, {"port": 80, "backlog": 5}),
    ("tcp:80:127.0.0.1", TCP4ServerEndpoint, {"interface": "127.0.0.1"}),
    ("tcp:80:127.0.0.1:7", TCP4ServerEndpoint, {"interface": "127.0.0.1", "backlog": 7}),
    ("tcp:80:interface=", TCP4ServerEndpoint, {"interface": ""}),
    ("tcp:80:interface=localhost", TCP4ServerEndpoint, {"interface": "127.0.0.1"}),
    (r"tcp:80:interface=\:\:1", TCP4ServerEndpoint, {"interface": "::1"}),
    ("tcp:80:interface=[::]", TCP4ServerEndpoint, {"interface": "::"}),
    ("tcp6:80", TCP6ServerEndpoint, {"port": 80, "interface": "::", "backlog": 50}),
    ("tcp6:80:interface=[::1]", TCP6ServerEndpoint, {"interface": "::1"}),
    ("tcp6:80:interface=localhost", TCP6ServerEndpoint, {"interface": "::1"}),
    ("adopt-socket:3:INET", AdoptedStreamServerEndpoint, {"fileno": 3, "addressFamily": socket.AF_INET}),
    ("adopt-socket:3:af_inet6", AdoptedStreamServerEndpoint, {"addressFamily": socket.AF_INET6}),
    ("adopt-socket:fileno=3:addressFamily=UNIX", AdoptedStreamServerEndpoint, {"fileno": 3}),
]

CLIENTS = [
    ("tcp:h:80", HostnameEndpoint, {"host": "h", "port": 80, "timeout": 30, "bindAddress": None}),
    ("tcp:host=h:port=80", HostnameEndpoint, {"host": "h", "port": 80}),
    ("tcp:h:port=80", HostnameEndpoint, {"host": "h", "port": 80}),
    ("tcp:host=h:80", HostnameEndpoint, {"host": "h", "port": 80}),
    ("tcp:80:host=h", HostnameEndpoint, {"host": "h", "port": 80}),
    ("tcp:port=80:h", HostnameEndpoint, {"host": "h", "port": 80}),
    ("tcp:h:80:timeout=5", HostnameEndpoint, {"timeout": 5}),
    ("tcp:h:80:timeout=0.5", HostnameEndpoint, {"timeout": 0.5}),
    ("tcp:h:80:bindAddress=10.0.0.1", HostnameEndpoint, {"bindAddress": ("10.0.0.1", 0)}),
    ("tcp:h:80:bindAddress=", HostnameEndpoint, {"bindAddress": None}),
    ("tcp:127.0.0.1:80", TCP4ClientEndpoint, {"host": "127.0.0.1", "port": 80, "timeout": 30}),
    ("tcp:127.0.0.1:80:bindAddress=localhost", TCP4ClientEndpoint, {"bindAddress": ("127.0.0.1", 0)}),
    ("tcp:[::1]:80", TCP6ClientEndpoint, {"host": "::1", "port": 80}),
    (r"tcp:\:\:1:80", TCP6ClientEndpoint, {"host": "::1"}),
    ("tcp:[::ffff:127.0.0.1]:80", TCP6ClientEndpoint, {"host": "::ffff:127.0.0.1"}),
    ("tcp:[fe80::1%lo]:80", TCP6ClientEndpoint, {"host": "fe80::1%lo"}),
    ("tcp6:h:80:timeout=1:bindAddress=[::1]", TCP6ClientEndpoint, {"host": "h", "bindAddress": ("::1", 0)}),
]


@pytest.mark.parametrize(("text", "kind", "attributes"), SERVERS, ids=[row[0] for row in SERVERS])
def test_server_string_gives_the_endpoint(text: str, kind: type, attributes: dict[str, object]) -> None:
    reactor = object()
    endpoint = serverFromString(reactor, text)
    assert type(endpoint) is kind
    verifyObject(IStreamServerEndpoint, endpoint)
    assert {name: getattr(endpoint, name) for name in attributes} == attributes
    assert endpoint.reactor is reactor


@pytest.mark.parametrize(("text", "kind", "attributes"), CLIENTS, ids=[row[0] for row in CLIENTS])
def test_client_string_gives_the_endpoint(text: str, kind: type, attributes: dict[str, object]) -> None:
    reactor = object()
    endpoint = clientFromString(reactor, text)
    assert type(endpoint) is kind
    verifyObject(IStreamClientEndpoint, endpoint)
    assert {name: getattr(endpoint, name) for name in attributes} == attributes
    assert endpoint.reactor is reactor


# string, error, position of the fault, what it says
BAD_SERVERS = [
    ("", EmptyDescriptionError, 0, "the endpoint string is empty"),
    ("foo:1", UnknownKindError, 0, "unknown kind of endpoint 'foo', there are: adopt, adopt-socket, "),
    (" tcp:80", UnknownKindError, 0, "unknown kind of endpoint ' tcp'"),
    ("8080", UnknownKindError, 0, "did you mean 'tcp:8080'?"),
    ("127.0.0.1:80", UnknownKindError, 0, "did you mean 'tcp:80:interface=127.0.0.1'?"),
    ("tcp", MissingArgumentError, 3, "tcp needs port: write for example 'tcp:8080"),
    ("tcp:", MissingArgumentError, 4, "tcp needs port"),
    ("tcp:interface=127.0.0.1", MissingArgumentError, 23, "tcp needs port"),
    ("tcp::127.0.0.1", PortError, 4, "port '' is not a number from 0 to 65535"),
    ("tcp:http", PortError, 4, "port 'http' is not a number from 0 to 65535"),
    ("tcp:8.5", PortError, 4, "port '8.5' is not a number"),
    ("tcp:1e3", PortError, 4, "port '1e3' is not a number"),
    ("tcp:0x50", PortError, 4, "port '0x50' is not a number"),
    ("tcp:٨٠", PortError, 4, "is not a number"),
    ("tcp:" + "9" * 5000, PortError, 4, "is not a number"),
    ("tcp:-1", PortError, 4, "port -1 is not from 0 to 65535"),
    ("tcp:65536", PortError, 4, "port 65536 is not from 0 to 65535"),
    ("tcp:interface=::80", RepeatedArgumentError, 16, r"colons inside a value are written \:"),
    ("tcp:port=80:127.0.0.1", RepeatedArgumentError, 12, "tcp is given its port twice"),
    (
        "tcp:80:bad=1",
        UnknownArgumentError,
        7,
        "tcp has no argument 'bad', its arguments are: port, interface",
    ),
    ("tcp:80:=1", UnknownArgumentError, 7, "tcp has no argument ''"),
    ("tcp:80:Interface=::", UnknownArgumentError, 7, "tcp has no argument 'Interface'"),
    ("tcp:80:backlog=x", ArgumentValueError, 7, "backlog 'x' is not a whole number of 1 or more"),
    ("tcp:80:backlog=0", ArgumentValueError, 7, "backlog '0' is not a whole number of 1 or more"),
    ("tcp:80:interface=example.org", HostError, 7, "interface 'example.org' is not a literal address"),
    ("tcp:80:interface=1.2.3", HostError, 7, "interface '1.2.3' is not a literal address"),
    ("tcp:80:port=90", RepeatedArgumentError, 7, "tcp is given its port twice"),
    ("tcp:80:backlog=1:backlog=2", RepeatedArgumentError, 17, "tcp is given its backlog twice"),
    ("tcp:80:::1", ExcessArgumentError, 9, r"colons inside a value are written \:"),
    ("tcp6:80:interface=127.0.0.1", HostError, 8, "is not a literal IPv6 address such as ::1"),
    ("tcp6:80:interface=", HostError, 8, "is not a literal IPv6 address such as ::1"),
    ("adopt-socket:3", MissingArgumentError, 14, "adopt-socket needs addressFamily"),
    ("adopt-socket:x:INET", ArgumentValueError, 13, "fileno 'x' is not the number of a file descriptor"),
    ("adopt-socket:-1:INET", ArgumentValueError, 13, "fileno '-1' is not the number of a file descriptor"),
    ("adopt-socket:3:IPX", ArgumentValueError, 15, "addressFamily 'IPX' is not one of INET, INET6, UNIX"),
]

BAD_CLIENTS = [
    ("", EmptyDescriptionError, 0, "the endpoint string is empty"),
    ("foo:1", UnknownKindError, 0, "unknown kind of endpoint 'foo', there are: process, ssl, tcp, tcp6"),
    ("h:80", UnknownKindError, 0, "did you mean 'tcp:h:80'?"),
    (
        "adopt-socket:3:INET",
        UnknownKindError,
        0,
        "'adopt-socket' can only be listened at, there are: process, ssl, tcp",
    ),
    ("http://example.org/", UnknownKindError, 0, "unknown kind of endpoint 'http'"),
    ("tcp", MissingArgumentError, 3, "tcp needs host: write for example 'tcp:example.org:80'"),
    ("tcp:", MissingArgumentError, 4, "tcp needs host"),
    ("tcp:h", MissingArgumentError, 5, "tcp needs port"),
    ("tcp:port=80", MissingArgumentError, 11, "tcp needs host"),
    ("tcp::80", HostError, 4, "host is empty: name the host, for example localhost"),
    ("tcp:host=:port=80", HostError, 4, "host is empty"),
    ("tcp://h:80", HostError, 4, "an endpoint string is no URL, write tcp:host:port"),
    ("tcp:a b:80", HostError, 4, "host 'a b' is neither a host name nor an address"),
    ("tcp:u@h:80", HostError, 4, "host 'u@h' is neither a host name nor an address"),
    ("tcp:h:http", PortError, 6, "port 'http' is not a number from 1 to 65535"),
    ("tcp:h:0", PortError, 6, "port 0 is not from 1 to 65535"),
    ("tcp:h:65536", PortError, 6, "port 65536 is not from 1 to 65535"),
    (
        "tcp:h:80:9",
        ExcessArgumentError,
        9,
        "tcp takes host and port without a name and nothing more, not '9'",
    ),
    ("tcp:::1:80", ExcessArgumentError, 6, r"colons inside a value are written \:"),
    (
        "tcp:h:80:x=1",
        UnknownArgumentError,
        9,
        "tcp has no argument 'x', its arguments are: host, port, timeout",
    ),
    ("tcp:h:80:host=x", RepeatedArgumentError, 9, "tcp is given its host twice"),
    ("tcp:h:80:timeout=a", TimeoutValueError, 9, "timeout 'a' is not a number of seconds above 0"),
    ("tcp:h:80:timeout=0", TimeoutValueError, 9, "timeout '0' is not a number of seconds above 0"),
    ("tcp:h:80:timeout=-1", TimeoutValueError, 9, "timeout '-1' is not a number of seconds above 0"),
    ("tcp:h:80:timeout=nan", TimeoutValueError, 9, "timeout 'nan' is not a number of seconds above 0"),
    ("tcp:h:80:timeout=inf", TimeoutValueError, 9, "timeout 'inf' is not a number of seconds above 0"),
    ("tcp:h:80:timeout=", TimeoutValueError, 9, "timeout '' is not a number of seconds above 0"),
    ("tcp:h:80:bindAddress=h", HostError, 9, "bindAddress 'h' is not a literal address such as 127.0.0.1"),
]


def refused(call, text: str, error: type, position: int, says: str) -> None:
    with pytest.raises(error) as raised:
        call(object(), text)
    assert type(raised.value) is error
    assert isinstance(raised.value, (EndpointStringError, ValueError))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.position == position
    assert raised.value.description == text


@pytest.mark.parametrize(
    ("text", "error", "position", "says"), BAD_SERVERS, ids=[row[0][:30] for row in BAD_SERVERS]
)
def test_bad_server_string_is_told_what_and_where(text, error, position, says) -> None:
    refused(serverFromString, text, error, position, says)


@pytest.mark.parametrize(
    ("text", "error", "position", "says"), BAD_CLIENTS, ids=[row[0][:30] for row in BAD_CLIENTS]
)
def test_bad_client_string_is_told_what_and_where(text, error, position, says) -> None:
    refused(clientFromString, text, error, position, says)


@pytest.mark.parametrize("call", [clientFromString, serverFromString])
@pytest.mark.parametrize("wrong", [b"tcp:80", None, 80])
def test_something_else_than_text_is_refused(call, wrong: object) -> None:
    with pytest.raises(EndpointStringError, match="an endpoint string is str, not"):
        call(object(), wrong)


def test_the_kinds_that_exist_come_with_the_error() -> None:
    with pytest.raises(UnknownKindError) as raised:
        clientFromString(object(), "nosuch:1")
    assert set(raised.value.kinds) >= {"tcp", "tcp6", "unix"}


# -- kinds from packages ------------------------------------------------------------------------------

PLUGIN = """
from zope.interface import implementer
from wirelab.reactor.interfaces import (
    IStreamClientEndpointStringParser,
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
)


@implementer(IStreamClientEndpointStringParserWithReactor)
class Client:
    prefix = "demo"

    def parseStreamClient(self, reactor, *args, **kwargs):
        return ("client", reactor, args, kwargs)


@implementer(IStreamClientEndpointStringParser)
class Old:
    prefix = "old"

    def parseStreamClient(self, *args, **kwargs):
        return ("old", args, kwargs)


@implementer(IStreamServerEndpointStringParser)
class Server:
    prefix = "demo"

    def parseStreamServer(self, reactor, *args, **kwargs):
        if "fail" in kwargs:
            raise ValueError("the parser's own")
        return ("server", reactor, args, kwargs)


server = Server()
nothing = object()
"""

ENTRY_POINTS = """
[wirelab.endpoints.client]
demo = demo_endpoints:Client
old = demo_endpoints:Old
tcp = demo_endpoints:Client
missing = demo_endpoints_that_are_not_there:Client

[wirelab.endpoints.server]
demo = demo_endpoints:server
nothing = demo_endpoints:nothing
"""


@pytest.fixture
def installed_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with kinds of its own, as pip would install it."""
    (tmp_path / "demo_endpoints.py").write_text(PLUGIN)
    information = tmp_path / "demo_endpoints-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-endpoints\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "demo_endpoints", raising=False)


@pytest.mark.usefixtures("installed_plugin")
def test_a_package_adds_client_kinds() -> None:
    reactor = object()
    assert clientFromString(reactor, r"demo:a:b\:c:k=v") == ("client", reactor, ("a", "b:c"), {"k": "v"})


@pytest.mark.usefixtures("installed_plugin")
def test_a_parser_without_reactor_is_given_none() -> None:
    assert clientFromString(object(), "old:a") == ("old", ("a",), {})


@pytest.mark.usefixtures("installed_plugin")
def test_a_package_adds_server_kinds() -> None:
    reactor = object()
    assert serverFromString(reactor, "demo:a") == ("server", reactor, ("a",), {})


@pytest.mark.usefixtures("installed_plugin")
def test_a_package_does_not_replace_a_built_in_kind() -> None:
    assert isinstance(clientFromString(object(), "tcp:h:80"), HostnameEndpoint)


@pytest.mark.usefixtures("installed_plugin")
def test_kinds_of_packages_are_listed() -> None:
    with pytest.raises(UnknownKindError, match="there are: demo, missing, old, process, ssl, tcp, tcp6"):
        clientFromString(object(), "nosuch:1")


@pytest.mark.usefixtures("installed_plugin")
def test_what_the_parser_raises_comes_out() -> None:
    with pytest.raises(ValueError, match="the parser's own"):
        serverFromString(object(), "demo:fail=1")


@pytest.mark.usefixtures("installed_plugin")
@pytest.mark.parametrize(
    ("call", "text", "says"),
    [
        (
            clientFromString,
            "missing:1",
            "'demo_endpoints_that_are_not_there:Client', which provides 'missing', cannot be",
        ),
        (serverFromString, "nothing:1", "which provides 'nothing', has no parseStreamServer"),
    ],
)
def test_a_broken_package_is_named(call, text: str, says: str) -> None:
    with pytest.raises(BrokenPluginError) as raised:
        call(object(), text)
    assert says in str(raised.value)
