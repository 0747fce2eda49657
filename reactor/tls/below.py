"""The transport under TLS, as it was before TLS took its place."""

from __future__ import annotations

from typing import Any


class Below:
    """The methods of a transport, bound when TLS begins: what is written with them leaves as it is.

    A transport that cannot close one direction, or abort, closes instead.
    """

    __slots__ = (
        "abortConnection",
        "loseConnection",
        "loseWriteConnection",
        "pauseProducing",
        "registerProducer",
        "resumeProducing",
        "unregisterProducer",
        "write",
    )

    def __init__(self, transport: Any) -> None:
        self.write = transport.write
        self.loseConnection = transport.loseConnection
        self.abortConnection = getattr(transport, "abortConnection", transport.loseConnection)
        self.loseWriteConnection = getattr(transport, "loseWriteConnection", None)
        self.registerProducer = transport.registerProducer
        self.unregisterProducer = transport.unregisterProducer
        self.pauseProducing = getattr(transport, "pauseProducing", _nothing)
        self.resumeProducing = getattr(transport, "resumeProducing", _nothing)


def _nothing() -> None:
    """For a transport that cannot be told to wait."""


REPLACED = (
    "abortConnection",
    "getHandle",
    "getPeerCertificate",
    "loseConnection",
    "loseWriteConnection",
    "pauseProducing",
    "registerProducer",
    "resumeProducing",
    "stopProducing",
    "unregisterProducer",
    "whenHandshakeCompleted",
    "write",
    "writeSequence",
)
"""Methods that TLS takes over on a transport: from then on they are about what is said inside."""


def take_over(transport: Any, tls_protocol: Any) -> None:
    """Have the methods of this one `transport` go through TLS; its class and all others are left alone."""
    own = vars(transport)
    for name in REPLACED:
        own[name] = getattr(tls_protocol, name)
    own["kind"] = "tls"
    own["tls"] = tls_protocol.tls


def release(transport: Any) -> None:
    """Give the methods back, when the connection is over. What it was is still told: `kind`, `tls`."""
    own = vars(transport)
    for name in REPLACED:
        own.pop(name, None)
