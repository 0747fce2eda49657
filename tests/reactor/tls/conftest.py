"""An authority of the tests' own, and two protocols joined by TLS in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from zope.interface import implementer

from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IHalfCloseableProtocol, IHandshakeListener
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.ssl import Authority, CertificateOptions, TLSVersion, optionsForClientTLS
from wirelab.reactor.testing import Pair, connected_pair
from wirelab.reactor.tls import TLSMemoryBIOFactory

VERSIONS = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}


class Talk(Protocol):
    """Keeps what happens, and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.reasons: list[Failure] = []
        self.events: list[str] = []
        self.answer: Callable[[bytes], object] = lambda data: None

    @property
    def data(self) -> bytes:
        return b"".join(self.received)

    @property
    def reason(self) -> BaseException:
        (reason,) = self.reasons
        return reason.value

    def connectionMade(self) -> None:
        self.events.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)
        self.answer(data)

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        self.events.append("lost")
        self.reasons.append(reason)


@implementer(IHandshakeListener)
class Listening(Talk):
    def handshakeCompleted(self) -> None:
        self.events.append("handshake")


@implementer(IHalfCloseableProtocol)
class HalfTalk(Talk):
    def readConnectionLost(self) -> None:
        self.events.append("read ended")

    def writeConnectionLost(self) -> None:
        self.events.append("write ended")


@dataclass
class Joined:
    """Two protocols joined by TLS: the pair, and on each side the protocol and the TLS around it."""

    pair: Pair[Any, Any]
    client: Any
    server: Any

    @property
    def client_tls(self) -> Any:
        return self.pair.client_protocol

    @property
    def server_tls(self) -> Any:
        return self.pair.server_protocol


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority("test authority")


@pytest.fixture(scope="session")
def server_options(authority: Authority) -> CertificateOptions:
    return authority.issue("localhost", "127.0.0.1", "::1").options()


@pytest.fixture
def join(authority: Authority, server_options: CertificateOptions) -> Callable[..., Joined]:
    """Joins two protocols by TLS in memory; nothing is delivered before the pair is pumped."""

    def joined(
        client: Any = Talk,
        server: Any = Talk,
        *,
        client_options: Any = None,
        server_side: Any = None,
        clock: Any = None,
        flush: bool = True,
        **pair: Any,
    ) -> Joined:
        options = client_options or optionsForClientTLS("localhost", authority.certificate)
        near = TLSMemoryBIOFactory(options, True, _factory(client), clock).buildProtocol(None)
        far = TLSMemoryBIOFactory(server_side or server_options, False, _factory(server), clock)
        made = connected_pair(near, far.buildProtocol(None), **pair)
        found = Joined(made, near.wrappedProtocol, made.server_protocol.wrappedProtocol)
        if flush:
            made.flush()
        return found

    return joined


def _factory(protocol: Any) -> Any:
    if isinstance(protocol, Factory):
        return protocol
    return Factory.forProtocol(protocol)


def private(authority: Authority, *names: str, **more: Any) -> dict[str, Any]:
    """A new certificate for `names`, as the arguments of `CertificateOptions`."""
    made = authority.issue(*names, **more)
    return {"privateKey": made.privateKey, "certificate": made}
