"""Checking whom one talks to: the chain, the host name, and what to say when either does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity import CertificateError as UnfitCertificateError
from service_identity import VerificationError as WrongNameError
from service_identity.pyopenssl import verify_hostname, verify_ip_address

from ..resolver import is_literal

CHECKS = {
    2: ("unknown authority", "who issued it is not known here"),
    7: ("bad signature", "its signature is wrong"),
    9: ("not yet valid", "it is not valid yet"),
    10: ("expired", "it has expired"),
    18: ("self-signed", "it is signed by itself and not trusted here"),
    19: ("unknown authority", "its chain ends in an authority that is not trusted here"),
    20: ("unknown authority", "who issued it is not known here"),
    21: ("unknown authority", "who issued it is not known here, and the peer sent no chain"),
    22: ("chain too long", "its chain is longer than is allowed here"),
    23: ("revoked", "it was revoked"),
    24: ("not an authority", "a certificate in its chain must not issue others"),
    25: ("chain too long", "its chain is longer than an authority in it allows"),
    26: ("wrong purpose", "it is not meant for this purpose"),
    27: ("unknown authority", "the authority that it ends in is not trusted for this purpose"),
    28: ("rejected", "the authority that it ends in is rejected here"),
    79: ("not an authority", "a certificate in its chain must not issue others"),
    66: ("weak key", "its key is too weak"),
    67: ("weak key", "the key of an authority in its chain is too weak"),
    68: ("weak signature", "the signature of a certificate in its chain uses a weak digest"),
}
"""For OpenSSL's numbers (X509_STORE_CTX_get_error(3)): the check that failed, and what that means."""


@dataclass(frozen=True)
class VerificationProblem:
    """Why a peer's certificate did not hold.

    `check` says it in a word or two, `reason` in a sentence; `depth` is 0 for the peer's own certificate, 1
    for its issuer's and so on; `certificate` is the one at fault, `hostname` the name that was asked for.
    """

    check: str
    reason: str
    depth: int
    certificate: x509.Certificate
    hostname: str | None = None

    def __str__(self) -> str:
        whose = f" of {self.hostname}" if self.hostname else ""
        where = f" (certificate {self.depth} of the chain)" if self.depth else ""
        return (
            f"check failed{whose}: {self.check}{where}: {self.reason}; "
            f"the peer showed {shown(self.certificate)}"
        )


def shown(certificate: x509.Certificate) -> str:
    """What people want to know of a certificate, in one line."""
    names = names_of(certificate)
    subject = certificate.subject.rfc4514_string() or "a certificate without a subject"
    told = (
        f" for {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else " without host names"
    )
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    issuer = certificate.issuer.rfc4514_string() or "nobody named"
    return f"{subject}{told}, issued by {issuer}, valid {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names and addresses a certificate is for; the common name counts for nothing (RFC 9525)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):  # none, or one that cannot be read
        return ()
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)


class _Shown:
    """What service-identity asks of a connection, while OpenSSL is not done with the certificate yet."""

    def __init__(self, certificate: crypto.X509) -> None:
        self._certificate = certificate

    def get_peer_certificate(self) -> crypto.X509:
        return self._certificate


def _mismatch(connection: Any, hostname: str) -> str | None:
    verify = verify_ip_address if is_literal(hostname) else verify_hostname
    try:
        verify(connection, hostname.removesuffix(".").partition("%")[0])
    except WrongNameError:
        return f"it is not for {hostname}"
    except UnfitCertificateError as error:
        return f"it is for no host: {str(error).lower()}"
    return None


class PeerCheck:
    """OpenSSL's verification callback: passes its verdicts on, looks at the host name, notes what failed.

    What failed is given to the `verificationFailed` of the connection's app data, if that has one: the
    TLSMemoryBIOProtocol puts itself there. `hostname` None leaves names alone, as servers do.
    """

    def __init__(self, hostname: str | None = None) -> None:
        self.hostname = hostname

    def __call__(
        self, connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, is_ok: int
    ) -> bool:
        if not is_ok:
            check, reason = CHECKS.get(number) or _other_check(number)
            self._failed(connection, certificate, check, reason, depth)
            return False
        if depth == 0 and self.hostname is not None:
            reason_found = _mismatch(_Shown(certificate), self.hostname)
            if reason_found is not None:
                self._failed(connection, certificate, "wrong name", reason_found, 0)
                return False
        return True

    def _failed(
        self, connection: SSL.Connection, certificate: crypto.X509, check: str, reason: str, depth: int
    ) -> None:
        told = getattr(connection.get_app_data(), "verificationFailed", None)
        if told is not None:
            told(VerificationProblem(check, reason, depth, certificate.to_cryptography(), self.hostname))


def _other_check(number: int) -> tuple[str, str]:
    names = {each: name for name, each in vars(SSL.X509VerificationCodes).items() if isinstance(each, int)}
    check = names.get(number, f"OpenSSL's number {number}").removeprefix("ERR_").replace("_", " ").lower()
    return check, "OpenSSL refuses it"
