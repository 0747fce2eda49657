"""Versions of TLS, and the ciphers and groups spoken in them."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from OpenSSL import SSL

from .errors import LocalTLSError


class TLSVersion(enum.Enum):
    """Versions of TLS. The old two are refused by default and have to be asked for as insecure."""

    TLSv1_0 = SSL.TLS1_VERSION
    TLSv1_1 = SSL.TLS1_1_VERSION
    TLSv1_2 = SSL.TLS1_2_VERSION
    TLSv1_3 = SSL.TLS1_3_VERSION


MINIMUM = TLSVersion.TLSv1_2
"""The oldest version spoken by default (RFC 9325 section 3.1.1)."""

_METHODS = {
    SSL.TLSv1_METHOD: TLSVersion.TLSv1_0,
    SSL.TLSv1_1_METHOD: TLSVersion.TLSv1_1,
    SSL.TLSv1_2_METHOD: TLSVersion.TLSv1_2,
}


def version_range(
    method: int | None,
    raise_minimum: TLSVersion | None,
    lower_minimum: TLSVersion | None,
    lower_maximum: TLSVersion | None,
) -> tuple[TLSVersion, TLSVersion]:
    """The oldest and the newest version to speak. Raises TypeError, ValueError for a contradiction."""
    for given in (raise_minimum, lower_minimum, lower_maximum):
        if given is not None and not isinstance(given, TLSVersion):
            raise TypeError(
                f"a version of TLS is a TLSVersion, for example TLSVersion.TLSv1_3, not {given!r}"
            )
    if method is not None:
        if raise_minimum or lower_minimum or lower_maximum:
            raise TypeError("method= fixes the version: leave out raiseMinimumTo= and its kin, or method=")
        fixed = _METHODS.get(method)
        return (fixed, fixed) if fixed is not None else (MINIMUM, TLSVersion.TLSv1_3)
    if raise_minimum and lower_minimum:
        raise TypeError("raiseMinimumTo= and insecurelyLowerMinimumTo= exclude each other")
    oldest = lower_minimum or max(raise_minimum or MINIMUM, MINIMUM, key=lambda each: each.value)
    newest = lower_maximum or TLSVersion.TLSv1_3
    if oldest.value > newest.value:
        raise ValueError(f"no version is from {oldest.name} to {newest.name}")
    return oldest, newest


# -- ciphers ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenSSLCipher:
    """One cipher suite; `fullName` is what OpenSSL calls it."""

    fullName: str


class AcceptableCiphers:
    """The cipher suites that may be used, in order of preference.

    Those of TLS 1.3 are OpenSSL's own when none is named.
    """

    def __init__(self, ciphers: Iterable[OpenSSLCipher]) -> None:
        self._ciphers = tuple(ciphers)

    @classmethod
    def fromOpenSSLCipherString(cls, cipherString: str) -> AcceptableCiphers:
        """What `cipherString` means to OpenSSL, see ciphers(1). Raises LocalTLSError when that is nothing."""
        context = SSL.Context(SSL.TLS_METHOD)
        names = cipherString.split(":")
        newer = [name for name in names if name.startswith("TLS_")]
        older = ":".join(name for name in names if not name.startswith("TLS_"))
        try:
            if newer:
                context.set_tls13_ciphersuites(":".join(newer).encode("ascii"))
            if older:
                context.set_cipher_list(older.encode("ascii"))
        except (SSL.Error, UnicodeError) as error:
            raise LocalTLSError(f"OpenSSL has no ciphers for {cipherString!r}") from error
        found = SSL.Connection(context, None).get_cipher_list()
        if newer and not older:
            found = [name for name in found if name.startswith("TLS_")]
        elif older and not newer:
            found = [name for name in found if not name.startswith("TLS_")]
        return cls(map(OpenSSLCipher, found))

    def selectCiphers(self, availableCiphers: Iterable[OpenSSLCipher]) -> tuple[OpenSSLCipher, ...]:
        """Those of ours that are available, in our order."""
        available = set(availableCiphers)
        return tuple(cipher for cipher in self._ciphers if cipher in available)

    def add_to(self, context: SSL.Context) -> None:
        """Let `context` use these and no others."""
        newer = ":".join(each.fullName for each in self._ciphers if each.fullName.startswith("TLS_"))
        older = ":".join(each.fullName for each in self._ciphers if not each.fullName.startswith("TLS_"))
        if newer:
            context.set_tls13_ciphersuites(newer.encode("ascii"))
        if older:
            context.set_cipher_list(older.encode("ascii"))


DEFAULT_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!MD5:!DSS"
"""Suites of TLS 1.2 that are used when nothing is said: forward secrecy and authenticated encryption only."""


class DiffieHellmanParameters:
    """Parameters for the Diffie-Hellman suites of TLS 1.2, from a PEM file. Most peers use curves instead."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def fromFile(cls, filePath: Any) -> DiffieHellmanParameters:
        """The parameters in the file `filePath`, a path or an object with one as `path`."""
        return cls(os.fspath(getattr(filePath, "path", filePath)))


# -- application protocols ----------------------------------------------------------------------------


class ProtocolNegotiationSupport(enum.Flag):
    """Ways to agree on the protocol spoken inside TLS."""

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """The ways that this machine's OpenSSL knows: ALPN (RFC 7301)."""
    return ProtocolNegotiationSupport.ALPN
