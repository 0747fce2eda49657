"""Signing: requests and certificates made with the cryptography library."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from ..resolver import encode_host_name, is_literal

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | dsa.DSAPrivateKey
)
AnyPublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | dsa.DSAPublicKey
)

Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

CLOCK_SKEW = timedelta(minutes=5)
"""How much earlier than now new certificates are valid: the clocks of two machines differ a little."""

_DIGESTS: dict[str, Callable[[], Digest]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def signature_digest(key: PrivateKey, name: str) -> Digest | None:
    """The digest to sign with; None for keys that bring their own. Raises ValueError for an unfit one."""
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        return None
    found = _DIGESTS.get(name.lower().replace("-", ""))
    if found is None:
        raise ValueError(f"certificates are signed with {', '.join(_DIGESTS)}, not {name!r}")
    return found()


def host_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Host names, wildcards and literal addresses as a certificate holds them. Raises ValueError."""
    found: list[x509.GeneralName] = []
    for name in names:
        if is_literal(name):
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        elif name.startswith("*."):
            found.append(x509.DNSName(f"*.{encode_host_name(name[2:])}"))
        else:
            found.append(x509.DNSName(encode_host_name(name)))
    return found


def issued(
    subject: x509.Name,
    public_key: AnyPublicKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    serial: int,
    *,
    names: Iterable[x509.GeneralName] = (),
    is_authority: bool = False,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    seconds: int = 365 * 24 * 3600,
    digest: str = "sha256",
) -> x509.Certificate:
    """A certificate of `public_key` for `subject`, signed by `issuer_key`.

    It is valid from a few minutes ago until `seconds` from now, unless the two moments are given.
    Raises ValueError for anything that cannot stand in a certificate.
    """
    now = datetime.now(UTC)
    begins = now - CLOCK_SKEW if valid_from is None else valid_from
    ends = now + timedelta(seconds=seconds) if valid_until is None else valid_until
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if is_authority:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        builder = builder.add_extension(_AUTHORITY_USAGE, critical=True)
    listed = list(names)
    if listed:
        builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
    return builder.sign(issuer_key, signature_digest(issuer_key, digest))


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
