"""Whom to trust: the platform's authorities, or some of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from zope.interface import Interface, implementer

from .errors import LocalTLSError

# mypy reads an interface as a plain class, as in the reactor's own.
# mypy: disable-error-code="misc,no-untyped-def"


class IOpenSSLTrustRoot(Interface):
    """Authorities whose certificates are believed."""

    def add_to(context):
        """Let `context`, an OpenSSL.SSL.Context, trust them."""


@implementer(IOpenSSLTrustRoot)
class OpenSSLDefaultPaths:
    """The authorities that the platform trusts, where OpenSSL looks for them.

    The environment variables ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name other places.
    """

    def add_to(self, context: SSL.Context) -> None:
        """Let `context` trust them."""
        context.set_default_verify_paths()

    def __repr__(self) -> str:
        return "<the platform's authorities>"


@implementer(IOpenSSLTrustRoot)
class TrustedCertificates:
    """Authorities of one's own: these certificates, and what they signed."""

    def __init__(self, certificates: Iterable[Any]) -> None:
        self.certificates: list[x509.Certificate] = [as_x509(each) for each in certificates]

    def add_to(self, context: SSL.Context) -> None:
        """Let `context` trust them."""
        store = context.get_cert_store()
        if store is None:
            raise LocalTLSError("this context has no place for authorities")
        for certificate in self.certificates:
            store.add_cert(crypto.X509.from_cryptography(certificate))

    def __repr__(self) -> str:
        subjects = ", ".join(each.subject.rfc4514_string() for each in self.certificates)
        return f"<authorities {subjects}>"


@implementer(IOpenSSLTrustRoot)
class AnyOf:
    """All the authorities of several trust roots."""

    def __init__(self, *roots: Any) -> None:
        self.roots = [as_trust_root(root) for root in roots]

    def add_to(self, context: SSL.Context) -> None:
        """Let `context` trust them."""
        for root in self.roots:
            root.add_to(context)


def platformTrust() -> OpenSSLDefaultPaths:
    """The authorities that this machine trusts; what is trusted when nothing is said."""
    return OpenSSLDefaultPaths()


def trustRootFromCertificates(certificates: Iterable[Any]) -> TrustedCertificates:
    """Trust these certificates, `Certificate` objects, and what they signed, and nothing else.

    Raises TypeError for anything that is no certificate.
    """
    return TrustedCertificates(certificates)


def as_trust_root(given: Any) -> Any:
    """What `trustRoot=` may be, as IOpenSSLTrustRoot: one already, a certificate, None for the platform's.

    Raises TypeError.
    """
    if given is None:
        return platformTrust()
    if hasattr(given, "add_to"):
        return given
    if isinstance(given, (list, tuple)):
        return TrustedCertificates(given)
    return TrustedCertificates([given])


def as_x509(given: Any) -> x509.Certificate:
    """A certificate of ours, of pyOpenSSL or of cryptography, as the last. Raises TypeError."""
    found = getattr(given, "x509", given)
    if isinstance(found, crypto.X509):
        found = found.to_cryptography()
    if not isinstance(found, x509.Certificate):
        raise TypeError(f"a certificate is needed, not {given!r}: try Certificate.loadPEM(data)")
    return found
