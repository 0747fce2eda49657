"""Agreeing on the protocol spoken inside TLS (ALPN, RFC 7301)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL

from ..interfaces import IProtocolNegotiationFactory


def protocols_of(tls_protocol: Any) -> list[bytes]:
    """What the factory inside of a TLSMemoryBIOProtocol offers to speak; empty when it does not care."""
    wrapped: Any = getattr(getattr(tls_protocol, "factory", None), "wrappedFactory", None)
    if not IProtocolNegotiationFactory.providedBy(wrapped):
        return []
    return list(wrapped.acceptableProtocols())


class Choice:
    """A server's choice: the first of its own protocols that the client offers, or none at all.

    The factory's protocols count before those of the options.
    """

    def __init__(self, acceptable: Sequence[bytes]) -> None:
        self._acceptable = list(acceptable)

    def __call__(self, connection: SSL.Connection, offered: list[bytes]) -> Any:
        for protocol in protocols_of(connection.get_app_data()) or self._acceptable:
            if protocol in offered:
                return protocol
        return SSL.NO_OVERLAPPING_PROTOCOLS  # the handshake goes on, and nothing is agreed


def checked_protocols(given: Sequence[bytes] | None) -> list[bytes]:
    """Names for ALPN. Raises TypeError, ValueError."""
    if isinstance(given, (bytes, str)):
        raise TypeError(f"acceptableProtocols is a list of names in bytes: [{given!r}]")
    found = list(given or ())
    for name in found:
        if not isinstance(name, bytes):
            raise TypeError(f"the name of a protocol is bytes, not {name!r}: for example b'h2'")
        if not 0 < len(name) < 256:
            raise ValueError(f"the name of a protocol has 1 to 255 octets (RFC 7301), not {len(name)}")
    return found
