"""Certificates, keys, and what TLS is allowed to do: the settings that connections are made with.

Start with `client` (`optionsForClientTLS`, for clients) and `options` (`CertificateOptions`, for servers);
`certificates` has what both show, `files` reads it from PEM files, `authority` makes it for lessons and
tests. Importing this brings in OpenSSL. The protocol itself is in `..tls`.
"""

from .authority import Authority
from .certificates import Certificate, CertificateRequest, KeyPair, PrivateCertificate
from .client import ClientTLSOptions, optionsForClientTLS
from .errors import (
    CertificateDataError,
    CertificateFileError,
    LocalTLSError,
    PeerRefusedCertificateError,
    TLSError,
    VerificationError,
)
from .files import CertificateFiles, ServerNames, certificates_at, certificates_in_file, key_in_file
from .keys import PublicKey
from .legacy import ClientContextFactory, ContextFactory, DefaultOpenSSLContextFactory
from .names import DN, DistinguishedName
from .options import CertificateOptions
from .trust import (
    AnyOf,
    IOpenSSLTrustRoot,
    OpenSSLDefaultPaths,
    platformTrust,
    trustRootFromCertificates,
)
from .verification import VerificationProblem
from .versions import (
    AcceptableCiphers,
    DiffieHellmanParameters,
    ProtocolNegotiationSupport,
    TLSVersion,
    protocolNegotiationMechanisms,
)

__all__ = [
    "DN",
    "AcceptableCiphers",
    "AnyOf",
    "Authority",
    "Certificate",
    "CertificateDataError",
    "CertificateFileError",
    "CertificateFiles",
    "CertificateOptions",
    "CertificateRequest",
    "ClientContextFactory",
    "ClientTLSOptions",
    "ContextFactory",
    "DefaultOpenSSLContextFactory",
    "DiffieHellmanParameters",
    "DistinguishedName",
    "IOpenSSLTrustRoot",
    "KeyPair",
    "LocalTLSError",
    "OpenSSLDefaultPaths",
    "PeerRefusedCertificateError",
    "PrivateCertificate",
    "ProtocolNegotiationSupport",
    "PublicKey",
    "ServerNames",
    "TLSError",
    "TLSVersion",
    "VerificationError",
    "VerificationProblem",
    "certificates_at",
    "certificates_in_file",
    "key_in_file",
    "optionsForClientTLS",
    "platformTrust",
    "protocolNegotiationMechanisms",
    "trustRootFromCertificates",
]
