"""What a person wants to know of a TLS session."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography import x509
from OpenSSL import SSL

from ..ssl.certificates import Certificate
from ..ssl.verification import names_of


class TLSDescription:
    """One session, as `transport.tls`; it is looked up when asked for, and stays after the connection's end.

    Before the handshake is over (`is_up` false) most of it is None or empty.
    """

    def __init__(self, connection: SSL.Connection, is_client: bool) -> None:
        self._connection = connection
        self.is_client = is_client
        """Whether this side is TLS's client."""
        self.is_up = False
        """Whether the handshake is over."""

    @property
    def version(self) -> str | None:
        """``TLSv1.3``, ``TLSv1.2`` ..."""
        return self._connection.get_protocol_version_name() if self.is_up else None

    @property
    def cipher(self) -> str | None:
        """The cipher suite as OpenSSL names it."""
        return self._connection.get_cipher_name()

    @property
    def server_name(self) -> str | None:
        """The host name that the client asked for (SNI)."""
        name = self._connection.get_servername()
        return None if name is None else name.decode("ascii", "backslashreplace")

    @property
    def protocol(self) -> bytes | None:
        """What the two sides agreed to speak (ALPN); None when nothing was."""
        return self._connection.get_alpn_proto_negotiated() or None if self.is_up else None

    @property
    def resumed(self) -> bool | None:
        """Whether an earlier session went on; None where that cannot be told."""
        # pyOpenSSL has no method for it, but the function.
        library: Any = getattr(SSL, "_lib", None)
        asked = getattr(library, "SSL_session_reused", None)
        handle = getattr(self._connection, "_ssl", None)
        return None if asked is None or handle is None else bool(asked(handle))

    @property
    def verified(self) -> bool:
        """Whether the peer showed a certificate and it was verified."""
        asked = self._connection.get_verify_mode() & SSL.VERIFY_PEER
        return bool(self.is_up and asked and self.certificate is not None)

    @property
    def certificate(self) -> Certificate | None:
        """What the peer showed."""
        found: x509.Certificate | None = self._connection.get_peer_certificate(as_cryptography=True)
        return None if found is None else Certificate(found)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """All certificates that the peer sent, its own first; only that one for a server's side."""
        sent = self._connection.get_peer_cert_chain(as_cryptography=True) or []
        chain = tuple(map(Certificate, sent))
        own = self.certificate
        return chain if own is None or own in chain else (own, *chain)

    @property
    def names(self) -> tuple[str, ...]:
        """The host names and addresses that the peer's certificate is for."""
        certificate = self.certificate
        return () if certificate is None else names_of(certificate.x509)

    @property
    def expires(self) -> datetime | None:
        """When the peer's certificate expires, in UTC."""
        certificate = self.certificate
        return None if certificate is None else certificate.x509.not_valid_after_utc

    @property
    def name(self) -> str:
        """Whom the session is with, or for: the name asked for, else the first of the certificate's."""
        return self.server_name or next(iter(self.names), "")

    def facts(self) -> dict[str, str]:
        """All of it, what it is called and how it reads, for displays; what is not known is left out."""
        expires, protocol, resumed = self.expires, self.protocol, self.resumed
        told = {
            "version": self.version or "",
            "cipher": self.cipher or "",
            "name": self.name,
            "protocol": "" if protocol is None else protocol.decode("ascii", "backslashreplace"),
            "peer": ", ".join(self.names) or ("no certificate" if self.certificate is None else "unnamed"),
            "verified": "yes" if self.verified else "no",
            "expires": "" if expires is None else f"{expires:%Y-%m-%d %H:%M} UTC",
            "chain": " < ".join(str(each.getSubject()) for each in self.chain),
            "resumed": "" if resumed is None else "yes" if resumed else "no",
        }
        return {name: text for name, text in told.items() if text}

    def __str__(self) -> str:
        if not self.is_up:
            return "TLS handshake"
        return " ".join(part for part in (self.version, self.name) if part)

    def __repr__(self) -> str:
        return f"<TLSDescription {', '.join(f'{name} {text}' for name, text in self.facts().items())}>"
