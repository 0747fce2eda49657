"""Endpoints on Unix sockets: what their strings mean, and what they ask a reactor for."""

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.endpoints import (
    ArgumentValueError,
    EndpointStringError,
    MissingArgumentError,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    UnknownArgumentError,
    clientFromString,
    serverFromString,
)
from wirelab.reactor.interfaces import IStreamClientEndpoint, IStreamServerEndpoint


def attributes(endpoint: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(endpoint).items() if name != "reactor"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:/run/x", {"address": "/run/x", "mode": 0o666, "backlog": 50, "wantPID": True}),
        ("unix:/run/x:mode=660", {"address": "/run/x", "mode": 0o660, "backlog": 50, "wantPID": True}),
        ("unix:/run/x:600:5:0", {"address": "/run/x", "mode": 0o600, "backlog": 5, "wantPID": False}),
        (
            "unix:address=/a\\:b:lockfile=0:backlog=9",
            {"address": "/a:b", "mode": 0o666, "backlog": 9, "wantPID": False},
        ),
        ("unix:@name", {"address": "\0name", "mode": 0o666, "backlog": 50, "wantPID": True}),
    ],
)
def test_a_string_for_a_server(text: str, expected: dict[str, Any]) -> None:
    endpoint = serverFromString(object(), text)
    assert verifyObject(IStreamServerEndpoint, endpoint)
    assert attributes(endpoint) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:/run/x", {"path": "/run/x", "timeout": 30, "checkPID": False}),
        ("unix:path=/run/x:lockfile=1:timeout=9", {"path": "/run/x", "timeout": 9, "checkPID": True}),
        ("unix:@name", {"path": "\0name", "timeout": 30, "checkPID": False}),
    ],
)
def test_a_string_for_a_client(text: str, expected: dict[str, Any]) -> None:
    endpoint = clientFromString(object(), text)
    assert verifyObject(IStreamClientEndpoint, endpoint)
    assert attributes(endpoint) == expected


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("unix:/x:mode=888", ArgumentValueError, "mode '888' is not an octal number from 0 to 777"),
        ("unix:/x:mode=1777", ArgumentValueError, "mode '1777' is not an octal number"),
        ("unix:/x:mode=-1", ArgumentValueError, "mode '-1' is not an octal number"),
        ("unix:/x:lockfile=yes", ArgumentValueError, r"lockfile 'yes' is neither 1 \(yes\) nor 0 \(no\)"),
        ("unix:/x:backlog=0", ArgumentValueError, "backlog '0' is not a whole number of 1 or more"),
        ("unix:", MissingArgumentError, "unix needs address: write for example"),
        ("unix:address=", ArgumentValueError, "address is empty"),
        ("unix:@", ArgumentValueError, "address is empty"),
        ("unix:\0x", ArgumentValueError, "write @name for an abstract name"),
        ("unix:/x:interface=lo", UnknownArgumentError, "unix has no argument 'interface'"),
    ],
)
def test_a_string_that_is_wrong_says_where(text: str, error: type[EndpointStringError], words: str) -> None:
    with pytest.raises(error, match=words):
        serverFromString(object(), text)


def test_what_they_ask_the_reactor_for(memory_reactor: Any) -> None:
    factory = object()
    UNIXServerEndpoint(memory_reactor, "/run/x", 7, 0o600, True).listen(factory)
    assert memory_reactor.unixServers == [("/run/x", factory, 7, 0o600, True)]


@pytest.mark.parametrize("path", ["/run/x", b"/run/x", __import__("pathlib").Path("/run/x")])
def test_they_show_where_they_are(path: Any) -> None:
    assert repr(UNIXServerEndpoint(None, path)) == "<UNIXServerEndpoint unix:/run/x>"
    assert repr(UNIXClientEndpoint(None, path)) == "<UNIXClientEndpoint unix:/run/x>"
