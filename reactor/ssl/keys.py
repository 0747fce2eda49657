"""Public keys, and reading and writing private ones."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from OpenSSL import crypto

from .errors import CertificateDataError
from .issuing import AnyPublicKey, PrivateKey


class PublicKey:
    """The public half of a key, for comparing."""

    def __init__(self, key: AnyPublicKey) -> None:
        self.public = key

    def matches(self, otherKey: PublicKey) -> bool:
        """Whether `otherKey`, a PublicKey or KeyPair, has the same public half."""
        return self.keyHash() == otherKey.keyHash()

    def keyHash(self) -> str:
        """A digest of the public key in hexadecimal (of the SHA-256 of its DER), short enough to compare."""
        der = self.public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()[:32]

    def inspect(self) -> str:
        """What key it is, for people."""
        return f"Public Key with Hash: {self.keyHash()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.keyHash()}>"


def private_key(given: object) -> PrivateKey:
    """`given`, a key of pyOpenSSL or of cryptography, as the latter. Raises TypeError."""
    key: Any = given.to_cryptography_key() if isinstance(given, crypto.PKey) else given
    if not hasattr(key, "private_bytes"):
        raise TypeError(f"a private key is needed, not {given!r}: try KeyPair.generate()")
    return cast(PrivateKey, key)


def load_private_key(data: bytes, format: int) -> PrivateKey:
    """The key in `data`, PEM or DER by OpenSSL's `format`. Raises CertificateDataError."""
    try:
        if format == crypto.FILETYPE_PEM:
            return private_key(serialization.load_pem_private_key(data, None))
        return private_key(serialization.load_der_private_key(data, None))
    except TypeError as error:
        raise CertificateDataError("the private key is encrypted: write it without a passphrase") from error
    except ValueError as error:
        raise CertificateDataError(f"there is no private key in these {len(data)} octets") from error


def dump_private_key(key: PrivateKey, format: int) -> bytes:
    """`key`, unencrypted, PEM or DER by OpenSSL's `format`."""
    encoding = serialization.Encoding.PEM if format == crypto.FILETYPE_PEM else serialization.Encoding.DER
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
