"""TLS at the prompt: a session has an authority of its own, which makes certificates and is believed here.

So `serve('tls:8443', Echo)` needs no files, and `connect('tls:127.0.0.1:8443')` of the same session verifies
that it talks to it. The authority lives in memory: nobody else knows its key, and it ends with the session.
OpenSSL is imported by the first call that needs it.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ..reactor.endpoints import SSL4ServerEndpoint, clientFromString, serverFromString, wrapClientTLS
from ..reactor.endpoints.description import Description

if TYPE_CHECKING:
    from ..reactor.defer import Deferred
    from .session import Session

KINDS = {"ssl", "tls"}
"""Kinds of endpoints inside TLS."""

PLAIN = {"backlog", "bindAddress", "host", "interface", "port", "timeout"}
"""Their arguments that say nothing of certificates."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
"""What a server of this machine is called on it."""


def server_endpoint(session: Session, description: Description) -> Any:
    """The endpoint to listen at; inside TLS, without a certificate named, with one of the session's own.

    Raises EndpointStringError.
    """
    if description.kind not in KINDS or not set(description.named) <= PLAIN:
        return serverFromString(session.reactor, description.text)
    plain = serverFromString(session.reactor, _over_tcp(description))
    names = [*LOCAL_NAMES, *_host_name(), *_literal(plain.interface)]
    shown = _authority(session).issue(*dict.fromkeys(names))
    return SSL4ServerEndpoint(
        session.reactor, plain.port, shown.options(), backlog=plain.backlog, interface=plain.interface
    )


def client_endpoint(session: Session, description: Description, text: str) -> Any:
    """The endpoint to connect to, by `text`; inside TLS, the session's own authority is trusted as well.

    Raises EndpointStringError.
    """
    endpoint = clientFromString(session.reactor, text)
    if description.kind not in KINDS or session.authority is None or not set(description.named) <= PLAIN:
        return endpoint
    from ..reactor.ssl import AnyOf, optionsForClientTLS, platformTrust

    plain = clientFromString(session.reactor, text.replace(description.kind, "tcp", 1))
    trust = AnyOf(platformTrust(), session.authority.trust_root())
    return wrapClientTLS(optionsForClientTLS(plain.host, trust), plain)


def when_verified(protocol: Any) -> Any:
    """`protocol`, or a Deferred of it: inside TLS it talks to nobody before the peer is verified."""
    transport = getattr(protocol, "transport", None)
    wait = getattr(transport, "whenHandshakeCompleted", None)
    if transport is None or wait is None:
        return protocol
    verified: Deferred[Any] = wait()

    def failed(reason: Any) -> Any:
        transport.abortConnection()  # it was given up; a connection that is over hears nothing of it
        return reason

    return verified.addCallbacks(lambda _: protocol, failed)


def _authority(session: Session) -> Any:
    if session.authority is None:
        from ..reactor.ssl import Authority

        session.authority = Authority("wirelab session")
    return session.authority


def _over_tcp(description: Description) -> str:
    kind = "tcp6" if ":" in description.named.get("interface", "") else "tcp"
    return kind + description.text[len(description.kind) :]


def _host_name() -> list[str]:
    name = socket.gethostname()
    return [name] if name.replace("-", "").replace(".", "").isalnum() and name.isascii() else []


def _literal(interface: str) -> list[str]:
    return [] if interface in ("", "0.0.0.0", "::") else [interface.partition("%")[0]]
