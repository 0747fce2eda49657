"""Places as people write them, and the endpoint strings they stand for."""

from __future__ import annotations

import pytest

from wirelab.console.errors import LocalCallError, LocalEndpointError
from wirelab.console.where import (
    checked_where,
    client_description,
    scheme_of,
    server_description,
    with_timeout,
)
from wirelab.reactor.endpoints.description import parse_description
from wirelab.reactor.endpoints.kinds import CLIENT_KINDS


@pytest.mark.parametrize(
    ("where", "endpoint"),
    [
        ("tcp:127.0.0.1:8007", "tcp:127.0.0.1:8007"),
        ("tcp:host=x.org:port=80:timeout=5", "tcp:host=x.org:port=80:timeout=5"),
        ("example.org:80", "tcp:example.org:80"),
        ("localhost:80", "tcp:localhost:80"),
        (":80", "tcp:127.0.0.1:80"),
        ("[::1]:80", "tcp:\\:\\:1:80"),
        ("tcp:80", "tcp:127.0.0.1:80"),
        ("tcp6:80", "tcp6:\\:\\:1:80"),
        ("TCP:80", "tcp:127.0.0.1:80"),
    ],
)
def test_what_can_be_connected_to(where: str, endpoint: str) -> None:
    assert client_description(where).text == endpoint


@pytest.mark.parametrize(
    ("where", "interface", "endpoint"),
    [
        ("tcp:8007", None, "tcp:8007:interface=127.0.0.1"),
        ("tcp:8007:interface=0.0.0.0", None, "tcp:8007:interface=0.0.0.0"),
        ("tcp:port=8007", None, "tcp:port=8007:interface=127.0.0.1"),
        ("tcp:8007", "0.0.0.0", "tcp:8007:interface=0.0.0.0"),
        ("tcp:8007", "", "tcp:8007:interface="),
        ("tcp:8007", "localhost", "tcp:8007:interface=127.0.0.1"),
        ("tcp:8007", "::1", "tcp6:8007:interface=\\:\\:1"),
        ("tcp6:8007", None, "tcp6:8007:interface=\\:\\:1"),
        ("tcp:127.0.0.2:8007", None, "tcp:8007:interface=127.0.0.2"),
        ("localhost:8007", None, "tcp:8007:interface=127.0.0.1"),
        ("[::1]:8007", None, "tcp6:8007:interface=\\:\\:1"),
        (":8007", None, "tcp:8007:interface=127.0.0.1"),
        ("tcp:8007:backlog=5", None, "tcp:8007:backlog=5:interface=127.0.0.1"),
        ("adopt-socket:3:INET", None, "adopt-socket:3:INET"),
        ("haproxy:tcp:8007", None, "haproxy:tcp:8007:interface=127.0.0.1"),
        ("haproxy:tcp:8007", "0.0.0.0", "haproxy:tcp:8007:interface=0.0.0.0"),
    ],
)
def test_what_can_be_listened_at(where: str, interface: str | None, endpoint: str) -> None:
    assert server_description(where, interface, None).text == endpoint


def test_a_backlog_joins_the_endpoint() -> None:
    assert server_description("tcp:80", None, 7).text == "tcp:80:interface=127.0.0.1:backlog=7"
    assert server_description("tcp:80:backlog=5", None, 7).named["backlog"] == "5"


@pytest.mark.parametrize(
    ("seconds", "endpoint"),
    [
        (5, "tcp:h:80"),
        (30, "tcp:h:80:timeout=32"),
        (90.5, "tcp:h:80:timeout=92"),
        (None, "tcp:h:80:timeout=1000000"),
    ],
)
def test_the_endpoint_tries_as_long_as_the_caller_waits(seconds: float | None, endpoint: str) -> None:
    assert with_timeout(parse_description("tcp:h:80"), seconds) == endpoint


def test_a_timeout_in_the_endpoint_stays() -> None:
    assert with_timeout(parse_description("tcp:h:80:timeout=1"), 90) == "tcp:h:80:timeout=1"


KINDS = ", ".join(sorted(CLIENT_KINDS))


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("nowhere", f"connect('nowhere'): no kind and no port; connect('tcp:nowhere:PORT'); kinds: {KINDS}"),
        ("8007", f"connect('8007'): no kind and no port; connect('tcp:8007'); kinds: {KINDS}"),
        ("tcp:x\\", "connect('tcp:x\\\\'): the last backslash escapes nothing: write \\\\ for one"),
    ],
)
def test_a_place_that_is_none_says_what_is_missing(where: str, text: str) -> None:
    with pytest.raises(LocalEndpointError) as told:
        client_description(where)
    kinds = ", ".join(sorted(CLIENT_KINDS))
    assert str(told.value) == (text + kinds if text.endswith("kinds: ") else text)


def test_an_interface_is_named_once_and_only_where_there_are_some() -> None:
    with pytest.raises(LocalCallError, match="the interface is named twice"):
        server_description("tcp:80:interface=127.0.0.1", "0.0.0.0", None)
    with pytest.raises(LocalCallError, match="adopt-socket has no interface to choose"):
        server_description("adopt-socket:3:INET", "0.0.0.0", None)


def test_a_server_needs_a_kind_too() -> None:
    with pytest.raises(LocalEndpointError, match=r"serve\('tcp:8007', ...\)"):
        server_description("8007", None, None)


def test_urls_are_known_by_their_scheme() -> None:
    assert [scheme_of(text) for text in ("imaps://me@host", "TCP://x:1", "tcp:x:1", "c:\\x")] == [
        "imaps",
        "tcp",
        None,
        None,
    ]


@pytest.mark.parametrize("where", [8007, None, b"tcp:80", ("host", 80), "", "  "])
def test_a_place_is_text(where: object) -> None:
    with pytest.raises(LocalCallError) as told:
        checked_where("connect", where, "connect('tcp:80')")
    assert str(told.value) == f"connect() takes the place first, as text: connect('tcp:80'); not {where!r}"
