"""Context factories as old programs have them. A client's verifies nobody: `optionsForClientTLS` does."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from zope.interface import implementer

from ..interfaces import IOpenSSLContextFactory
from .files import CertificateFiles
from .options import CertificateOptions


@implementer(IOpenSSLContextFactory)
class ContextFactory:
    """What gives a context: override `getContext`."""

    isClient = 0

    def getContext(self) -> SSL.Context:
        """An OpenSSL.SSL.Context."""
        raise NotImplementedError("override getContext(), or use CertificateOptions or optionsForClientTLS()")


class ClientContextFactory(ContextFactory):
    """For a client that does not care whom it talks to: nothing is verified.

    `method` is OpenSSL's, to speak one version only; None means TLS 1.2 and later.
    """

    isClient = 1
    method: int | None = None

    def getContext(self) -> SSL.Context:
        """A new context each time, so that an override may add to it."""
        return CertificateOptions(method=self.method).getContext()


class DefaultOpenSSLContextFactory(ContextFactory):
    """For a server: the key and the certificate in two PEM files, which may be one.

    Raises CertificateFileError, which names the file and the reason.
    """

    def __init__(
        self,
        privateKeyFileName: str,
        certificateFileName: str,
        sslmethod: int = SSL.TLS_METHOD,
        _contextFactory: Any = None,
    ) -> None:
        self.privateKeyFileName = privateKeyFileName
        self.certificateFileName = certificateFileName
        self._files = CertificateFiles(privateKeyFileName, certificateFileName, method=sslmethod)

    def getContext(self) -> SSL.Context:
        """The context with what is in the files now."""
        return self._files.getContext()
