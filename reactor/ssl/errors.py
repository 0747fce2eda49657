"""What can be wrong with TLS: with our own certificates and settings, or with the peer's."""

from __future__ import annotations

from OpenSSL import SSL

from ..error import ConnectionLost, PeerVerifyError, SSLError, VerifyError
from .verification import VerificationProblem


class LocalTLSError(SSLError, ValueError):
    """A key, a certificate or a setting of ours cannot be used."""

    meaning = "cannot set up TLS"


class CertificateDataError(LocalTLSError):
    """Something that was given as a certificate, a key or a request is none."""

    meaning = "unusable TLS data"


class CertificateFileError(LocalTLSError):
    """A file with keys or certificates cannot be used; `path` is its name, `reason` what is wrong with it."""

    meaning = "unusable certificate file"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r}: {reason}")
        self.path = path
        self.reason = reason


class TLSError(ConnectionLost, SSL.Error):
    """TLS ended the connection: the handshake failed, or what came was no valid TLS."""

    meaning = "TLS failed"


class VerificationError(TLSError, VerifyError):
    """The peer's certificate did not hold. `problem` has the check that failed and what the peer showed."""

    meaning = "could not verify the certificate"

    def __init__(self, problem: VerificationProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    @property
    def check(self) -> str:
        """The check that failed, in a word or two: ``expired``, ``wrong name``, ``self-signed`` ..."""
        return self.problem.check


class PeerRefusedCertificateError(TLSError, PeerVerifyError):
    """The peer did not accept our certificate, or wanted one that we did not have."""

    meaning = "the peer did not accept our certificate"
