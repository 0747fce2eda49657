"""What OpenSSL's errors mean: why TLS ended, in words that say what to do."""

from __future__ import annotations

from OpenSSL import SSL

from ..ssl.errors import PeerRefusedCertificateError, TLSError, VerificationError
from ..ssl.options import told
from ..ssl.verification import VerificationProblem

_ABOUT_OUR_CERTIFICATE = (
    "alert bad certificate",
    "alert certificate expired",
    "alert certificate required",
    "alert certificate revoked",
    "alert certificate unknown",
    "alert unknown ca",
    "alert unsupported certificate",
)

_NOT_TLS = ("http request", "https proxy request", "wrong version number", "packet length too long")

_REMEDIES = {
    "no shared cipher": "the two sides have no cipher in common",
    "unsupported protocol": "the peer speaks only versions of TLS that are not allowed here",
    "alert protocol version": "the peer does not speak the versions of TLS that are allowed here",
    "alert handshake failure": "the peer found no version, cipher or certificate to agree on",
    "alert unrecognized name": "the peer does not know the host name that was asked for",
    "peer did not return a certificate": "the peer showed no certificate, and has to",
}


def tls_failure(error: SSL.Error, problem: VerificationProblem | None, is_up: bool) -> TLSError:
    """The reason for `connectionLost` when OpenSSL gave `error`; `problem` is what verification found.

    `is_up` tells whether the handshake was over.
    """
    if problem is not None:
        failure: TLSError = VerificationError(problem)
    else:
        said = told(error)
        where = "after the handshake" if is_up else "in the handshake"
        remedy = next((text for reason, text in _REMEDIES.items() if reason in said), "")
        if any(reason in said for reason in _NOT_TLS):
            remedy = "what the peer sent is not TLS"
        text = f"{where}: {said}{f': {remedy}' if remedy else ''}"
        refused = any(reason in said for reason in _ABOUT_OUR_CERTIFICATE)
        failure = PeerRefusedCertificateError(text) if refused else TLSError(text)
    failure.__cause__ = error
    return failure
