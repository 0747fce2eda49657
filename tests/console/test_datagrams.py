"""Datagrams at the prompt: `serve` and `connect` with `udp:`, and how they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from wirelab.console.datagrams import MOST_UNREAD, DatagramConversation
from wirelab.console.errors import (
    LocalCallError,
    LocalClosedError,
    LocalEndpointError,
    LocalListenError,
    LocalTimeoutError,
)
from wirelab.protocols.wire import DatagramEcho
from wirelab.reactor.error import ConnectionRefusedError
from wirelab.reactor.protocol import DatagramProtocol, Protocol


def verb(lab: Any, name: str) -> Any:
    return lab.session.names()[name]


@pytest.mark.parametrize("host", ["127.0.0.1:", "localhost:", "[::1]:", ""])
def test_a_conversation_in_datagrams(run_lab: Any, host: str) -> None:
    async def body(lab: Any) -> None:
        interface = "::1" if "::1" in host else None
        port = verb(lab, "serve")("udp:0", DatagramEcho, interface=interface)
        u = await verb(lab, "connect")(f"udp:{host}{port.port}")
        u.send(b"one")
        u.send(b"two")
        assert await u.recv(timeout=5) == b"one"
        assert await u.recv() == b"two"
        assert u.unread == 0
        u.close()
        verb(lab, "close")("u1")
        await lab.until(lambda: len(lab.session.net) == 0)

    run_lab(body)


def test_net_shows_them_and_close_closes_them(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("udp:0", DatagramEcho())
        u = await verb(lab, "connect")(f"udp:127.0.0.1:{port.port}")
        u.send(b"hello")
        assert await u.recv() == b"hello"
        here, there = f"127.0.0.1:{port.port}", str(u.transport.getHost())
        rows = {row[0]: row[1:7] for row in lab.session.net().rows}
        assert rows["u1"] == ("udp", here, "", "", "DatagramEcho", "5 B / 5 B")
        assert rows["u2"] == ("udp", there, "->", here, "Datagrams", "5 B / 5 B")
        assert repr(u) == f"u2  udp {there} -> {here}  listening  5 B in  5 B out"
        assert "u2" in u._repr_html_()
        verb(lab, "close")(u, port)
        await lab.until(lambda: len(lab.session.net) == 0)
        with pytest.raises(LocalClosedError, match=r"u2.send\(\): this conversation is closed"):
            u.send(b"x")

    run_lab(body)


def test_nobody_there_is_told_to_the_one_who_waits(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("udp:0", DatagramEcho)
        number = port.port
        await port.stopListening()
        u = await verb(lab, "connect")(f"udp:127.0.0.1:{number}")
        u.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError, match=f"nobody listens at 127.0.0.1:{number}"):
            await u.recv(timeout=5)
        u.close()

    run_lab(body)


def test_waits_end_with_the_time_or_the_conversation(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("udp:0", DatagramProtocol)
        u = await verb(lab, "connect")(f"udp:{port.port}")
        with pytest.raises(LocalTimeoutError, match=r"u2: no datagram within 0.01 s"):
            await u.recv(timeout=0.01)
        cancelled, waiting = u.recv(), u.recv()
        cancelled.addErrback(lambda _: None)
        cancelled.cancel()
        u.close()
        with pytest.raises(LocalClosedError):
            await waiting

    run_lab(body)


def test_too_many_unread_are_dropped_and_counted() -> None:
    u = DatagramConversation()
    for _ in range(MOST_UNREAD + 3):
        u.datagramReceived(b"x", None)
    assert (u.unread, u.dropped) == (MOST_UNREAD, 3)
    assert repr(u) == "<conversation in datagrams, not connected>"
    assert u._repr_html_() is None


@pytest.mark.parametrize(
    ("call", "arguments", "error", "words"),
    [
        ("serve", ("udp:x", DatagramEcho), LocalEndpointError, r"serve\('udp:9999', ...\)"),
        ("serve", ("udp:70000", DatagramEcho), LocalEndpointError, "udp takes a port"),
        ("serve", ("udp:9:mode=1", DatagramEcho), LocalEndpointError, "udp takes a port"),
        ("serve", ("udp:name:9", DatagramEcho), LocalEndpointError, "no literal address"),
        ("serve", ("udp:9", Protocol), LocalCallError, "a DatagramProtocol or its class"),
        ("serve", ("udp:203.0.113.1:0", DatagramEcho), LocalListenError, "cannot assign requested address"),
        ("connect", ("udp:0",), LocalEndpointError, "port 0"),
        ("connect", ("udp:",), LocalEndpointError, r"connect\('udp:127.0.0.1:9999'\)"),
        ("connect", ("udp:9\\",), LocalEndpointError, "backslash"),
        ("connect", ("udp:9", 7), LocalCallError, "not 7"),
    ],
)
def test_wrong_calls_say_the_right_one(
    run_lab: Any, call: str, arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(error, match=words):
            verb(lab, call)(*arguments)

    run_lab(body)


def test_bytes_are_asked_for(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        u = await verb(lab, "connect")("udp:9")
        with pytest.raises(LocalCallError, match=r"takes bytes, not str: send\(b'hi'\)"):
            u.send("hi")
        u.close()

    run_lab(body)
