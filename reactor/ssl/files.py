"""Certificates and keys in PEM files, looked at again when they are renewed."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from zope.interface import implementer

from ..interfaces import IOpenSSLContextFactory
from .certificates import Certificate, KeyPair
from .errors import CertificateDataError, CertificateFileError, LocalTLSError
from .options import CertificateOptions

log = logging.getLogger("wirelab.reactor.ssl")

Stamp = tuple[tuple[int, int, int], ...]
"""Of each file: when it was changed (nanoseconds), how long it is, which file it is."""


def read_file(path: str) -> bytes:
    """What is in the file. Raises CertificateFileError, which says why it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CertificateFileError(path, (error.strerror or str(error)).lower()) from error


def key_in_file(path: str) -> KeyPair:
    """The private key in a PEM file that may hold other things too. Raises CertificateFileError."""
    data = read_file(path)
    start = data.find(b"-----BEGIN")
    while start >= 0:
        line = data[start : data.find(b"\n", start)]
        if b"PRIVATE KEY" in line:
            try:
                return KeyPair.load(data[start:], crypto.FILETYPE_PEM)
            except CertificateDataError as error:
                raise CertificateFileError(path, str(error.args[0])) from error
        start = data.find(b"-----BEGIN", start + 1)
    raise CertificateFileError(path, "it holds no private key in PEM")


def certificates_in_file(path: str) -> list[Certificate]:
    """The certificates in a PEM file, at least one. Raises CertificateFileError."""
    data = read_file(path)
    if b"-----BEGIN CERTIFICATE" not in data:
        raise CertificateFileError(path, "it holds no certificate in PEM")
    try:
        return [Certificate(each) for each in x509.load_pem_x509_certificates(data)]
    except ValueError as error:
        raise CertificateFileError(path, f"a certificate in it is damaged: {error}") from error


def certificates_at(path: str) -> list[Certificate]:
    """Those in a PEM file, or in all ``*.pem`` files of a folder. Raises CertificateFileError."""
    if not os.path.isdir(path):
        return certificates_in_file(path)
    files = sorted(str(each) for each in Path(path).glob("*.pem"))
    if not files:
        raise CertificateFileError(path, "the folder has no *.pem files")
    return [certificate for each in files for certificate in certificates_in_file(each)]


@implementer(IOpenSSLContextFactory)
class CertificateFiles:
    """A context factory for a server whose certificate lies in files, and may be renewed there.

    New connections get the new certificate as soon as the files have changed and fit together; until then,
    and while they cannot be used, the last good one serves, and the log says why. `private_key` is a PEM
    file; `certificate` too, by default the same one, with further certificates of the chain after the first;
    `chain` has more of those. Other `options` are those of `CertificateOptions`.

    Raises CertificateFileError when the files cannot be used from the start.
    """

    def __init__(
        self, private_key: str, certificate: str | None = None, chain: str | None = None, **options: Any
    ) -> None:
        self.private_key = private_key
        self.certificate = private_key if certificate is None else certificate
        self.chain = chain
        self._options = options
        self._stamp = self._look()
        self._context = self._load()

    def getContext(self) -> SSL.Context:
        """The context with what is in the files now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._context = self._load()
            except LocalTLSError as error:
                log.warning("%s; the certificate read before stays in use", error)
        return self._context

    def _look(self) -> Stamp:
        found = []
        for path in {self.private_key: 1, self.certificate: 1, self.chain or self.certificate: 1}:
            try:
                status = os.stat(path)
            except OSError:
                found.append((0, 0, 0))  # reading it will say what is wrong
            else:
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)

    def _load(self) -> SSL.Context:
        key = key_in_file(self.private_key)
        first, *others = certificates_in_file(self.certificate)
        if self.chain is not None:
            others += certificates_in_file(self.chain)
        if not key.matches(first.getPublicKey()):
            raise CertificateFileError(self.certificate, f"it is not for the key in {self.private_key!r}")
        options = {"enableSessionTickets": True, **self._options}
        return CertificateOptions(key, first, extraCertChain=others, **options).getContext()


class ServerNames:
    """Contexts by server name, for `CertificateOptions(contextForServerName=ServerNames({...}))`.

    `contexts` has a context factory for each name; a name such as ``*.example.org`` serves all names with
    one part more. Names are compared without regard to case.
    """

    def __init__(self, contexts: Mapping[str, Any]) -> None:
        self._contexts = {
            name.lower().encode("idna" if not name.isascii() else "ascii"): made
            for name, made in contexts.items()
        }

    def __call__(self, name: bytes | None) -> SSL.Context | None:
        """The context for `name`; None when there is none for it."""
        if name is None:
            return None
        wanted = name.lower().removesuffix(b".")
        found = self._contexts.get(wanted) or self._contexts.get(b"*." + wanted.partition(b".")[2])
        context: SSL.Context | None = None if found is None else found.getContext()
        return context
