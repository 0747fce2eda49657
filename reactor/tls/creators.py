"""From what programs pass as context factory to the TLS side of one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from ..ssl.negotiation import protocols_of

Creator = Callable[[Any], SSL.Connection]
"""Given a TLSMemoryBIOProtocol, the connection for it."""


def connection_creator(context_factory: Any, is_client: bool) -> Creator:
    """What makes connections with `context_factory`, ready to shake hands as client or as server.

    A factory of contexts is asked for one now, so that bad settings show before the first connection.
    Raises TypeError for what is no context factory.
    """
    method = "clientConnectionForTLS" if is_client else "serverConnectionForTLS"
    create: Any = getattr(context_factory, method, None)
    if isinstance(context_factory, type) or (
        create is None and not callable(getattr(context_factory, "getContext", None))
    ):
        raise TypeError(_unfit(context_factory, is_client))
    if create is None:
        context_factory.getContext()

        def create(tls_protocol: Any) -> SSL.Connection:
            connection = SSL.Connection(context_factory.getContext(), None)
            connection.set_app_data(tls_protocol)
            return connection

    def created(tls_protocol: Any) -> SSL.Connection:
        connection: SSL.Connection = create(tls_protocol)
        # Whatever the context allows: a peer must not make us shake hands again and again (CVE-2011-1473).
        connection.set_options(SSL.OP_NO_RENEGOTIATION)
        if is_client:
            offered = protocols_of(tls_protocol)
            if offered:
                connection.set_alpn_protos(offered)
            connection.set_connect_state()
        else:
            connection.set_accept_state()
        return connection

    return created


def _unfit(given: Any, is_client: bool) -> str:
    right = "optionsForClientTLS(hostname)" if is_client else "CertificateOptions(privateKey=, certificate=)"
    side = "client" if is_client else "server"
    if isinstance(given, type):
        return (
            f"a TLS {side} takes a context factory, not the class {given.__name__}: call it, or try {right}"
        )
    if type(given).__name__ == "SSLContext":
        return f"a TLS {side} takes a context factory, not an SSLContext of the ssl module: try {right}"
    if hasattr(given, "clientConnectionForTLS"):
        return f"{given!r} makes clients, and this side is the server: try {right}"
    return f"a TLS {side} takes a context factory, not {given!r}: try {right}"
