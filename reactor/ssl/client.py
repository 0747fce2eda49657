"""`optionsForClientTLS`: a client that knows whom it wants to talk to, and makes sure of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from zope.interface import implementer

from ..interfaces import IOpenSSLClientConnectionCreator
from ..resolver import encode_host_name, is_literal
from .options import CertificateOptions
from .trust import as_trust_root
from .verification import PeerCheck


@implementer(IOpenSSLClientConnectionCreator)
class ClientTLSOptions:
    """Makes the TLS side of connections to one host; made by `optionsForClientTLS`.

    The last session with it is kept, and resumed by the next connection: that spares both sides most of the
    handshake's work, and the certificate is not shown again.
    """

    def __init__(self, hostname: str, context: SSL.Context, send_server_name: bool) -> None:
        self.hostname = hostname
        self._context = context
        self._send_server_name = send_server_name
        self._session: SSL.Session | None = None

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection that asks for `hostname` and verifies it; `tlsProtocol` hears what does not hold."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if self._send_server_name:
            connection.set_tlsext_host_name(self.hostname.encode("ascii"))
        session, self._session = self._session, None  # a ticket is for one use (RFC 8446 appendix C.4)
        if session is not None:
            connection.set_session(session)
        return connection

    def keep_session(self, connection: SSL.Connection) -> None:
        """Keep the session of `connection`, which is over, for the next one."""
        if connection.get_context() is self._context:
            self._session = connection.get_session()

    def __repr__(self) -> str:
        return f"<ClientTLSOptions for {self.hostname}>"


def optionsForClientTLS(
    hostname: str,
    trustRoot: Any = None,
    clientCertificate: Any = None,
    acceptableProtocols: Sequence[bytes] | None = None,
    *,
    extraCertificateOptions: dict[str, Any] | None = None,
    sendServerName: bool | None = None,
) -> ClientTLSOptions:
    """What a client needs for TLS with `hostname`: a host name in text, or a literal address.

    The server has to show a certificate for that name, signed by `trustRoot`: the platform's authorities by
    default, or a Certificate, or `trustRootFromCertificates(...)`. `clientCertificate` is a
    PrivateCertificate to show. `acceptableProtocols` are names for ALPN in bytes.
    `extraCertificateOptions` go to `CertificateOptions`. `sendServerName` false asks
    for no name (SNI); literal addresses are never sent.

    Raises TypeError, ValueError for what cannot be a host, and what `CertificateOptions` raises.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"optionsForClientTLS() takes the host name as text, not {hostname!r}")
    try:
        name = encode_host_name(hostname)
    except ValueError as error:
        raise ValueError(f"optionsForClientTLS(): invalid host name {hostname!r}: {error}") from error
    extra = {"enableSessionTickets": True, **(extraCertificateOptions or {})}
    if trustRoot is None:
        trustRoot = extra.pop("trustRoot", None)
    if clientCertificate is not None:
        extra.update(
            privateKey=clientCertificate.privateKey.private,
            certificate=clientCertificate.x509,
            extraCertChain=extra.get("extraCertChain"),
        )
    options = CertificateOptions(
        trustRoot=as_trust_root(trustRoot), acceptableProtocols=acceptableProtocols, **extra
    )
    options.peer_check = PeerCheck(name)
    has_name = not is_literal(name)
    return ClientTLSOptions(name, options.getContext(), has_name and sendServerName is not False)
