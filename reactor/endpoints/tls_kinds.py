"""The kinds `tls` and `ssl` of endpoint strings: what certificates and keys their arguments name.

OpenSSL is imported when such a string is read, and not with this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..error import SSLError
from .description import Description
from .errors import ArgumentValueError, EndpointStringError, HostError
from .tls import SSL4ServerEndpoint, wrapClientTLS
from .values import Unfit

DEFAULT_FILE = "server.pem"
"""Where a server's key and certificate are when no file is named, as documented."""

METHODS = (
    "SSLv23_METHOD",
    "TLS_METHOD",
    "TLS_SERVER_METHOD",
    "TLSv1_1_METHOD",
    "TLSv1_2_METHOD",
    "TLSv1_METHOD",
)
"""What `sslmethod` may be: pyOpenSSL's names. Those without a version mean TLS 1.2 and later."""


def method(name: str, text: str) -> str:
    """The name of one of OpenSSL's methods."""
    if text not in METHODS:
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not one of {', '.join(METHODS)}")
    return text


def file(name: str, text: str) -> str:
    """The name of a file."""
    if not text:
        raise Unfit(ArgumentValueError, f"{name} is empty: name a file in PEM")
    return text


@dataclass(frozen=True)
class TLSKind:
    """A kind whose settings may turn out to be unusable: the error names the argument and the reason."""

    kind: Any

    def build(self, reactor: Any, description: Description) -> Any:
        """The endpoint. Raises EndpointStringError."""
        try:
            return self.kind.build(reactor, description)
        except SSLError as error:
            path = getattr(error, "path", None)
            reason = f"{path!r}: {getattr(error, 'reason', '')}" if path is not None else str(error)
            for argument in description.arguments:
                if path is not None and argument.value == path:
                    where = f"{argument.name} {reason}" if argument.name else reason
                    raise ArgumentValueError(
                        where, description.text, argument.position, argument.length
                    ) from error
            if path == DEFAULT_FILE:
                reason += "; name a PEM file with key and certificate: privateKey=FILE"
            raise ArgumentValueError(reason, description.text, len(description.text)) from error
        except EndpointStringError:
            raise
        except ValueError as error:  # of `optionsForClientTLS`
            raise HostError(str(error), description.text, len(description.kind) + 1) from error


def tls_server(
    reactor: Any,
    port: int,
    interface: str,
    backlog: int,
    privateKey: str,
    certKey: str | None,
    extraCertChain: str | None,
    sslmethod: str | None,
    dhParameters: str | None,
) -> SSL4ServerEndpoint:
    """A server that shows the certificate in a file, and looks at the file again when it is renewed."""
    from OpenSSL import SSL

    from ..ssl import CertificateFiles, DiffieHellmanParameters

    options: dict[str, Any] = {}
    if sslmethod is not None:
        options["method"] = getattr(SSL, sslmethod)
    if dhParameters is not None:
        options["dhParameters"] = DiffieHellmanParameters.fromFile(dhParameters)
    files = CertificateFiles(privateKey, certKey, extraCertChain, **options)
    return SSL4ServerEndpoint(reactor, port, files, backlog, interface)


def tls_client(
    connect: Callable[[], Any], host: str, certificate: str | None, key: str | None, roots: str | None
) -> Any:
    """TLS over the endpoint that `connect` gives, with a server that proves to be `host`.

    `roots` is a PEM file, or a folder of them, with the authorities to trust instead of the platform's;
    `certificate` and `key` are PEM files, or one, with what this side shows.
    """
    from ..ssl import (
        PrivateCertificate,
        certificates_at,
        certificates_in_file,
        key_in_file,
        optionsForClientTLS,
        trustRootFromCertificates,
    )

    trust = None if roots is None else trustRootFromCertificates(certificates_at(roots))
    mine = None
    extra: dict[str, Any] = {}
    shown = certificate or key
    if shown is not None:
        first, *chain = certificates_in_file(shown)
        mine = PrivateCertificate.fromCertificateAndKeyPair(first, key_in_file(key or shown))
        extra["extraCertChain"] = chain
    return wrapClientTLS(optionsForClientTLS(host, trust, mine, extraCertificateOptions=extra), connect())
