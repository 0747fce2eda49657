"""`CertificateOptions`: what this side shows, what it asks of the other, and what it speaks."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL
from zope.interface import implementer

from ..interfaces import IOpenSSLContextFactory
from .errors import CertificateFileError, LocalTLSError
from .keylog import log_keys
from .keys import private_key
from .negotiation import Choice, checked_protocols
from .trust import as_trust_root, as_x509, trustRootFromCertificates
from .verification import PeerCheck
from .versions import DEFAULT_CIPHERS, AcceptableCiphers, DiffieHellmanParameters, TLSVersion, version_range

log = logging.getLogger("wirelab.reactor.ssl")

PARTIAL_WRITE = 0x1
"""SSL_MODE_ENABLE_PARTIAL_WRITE: a write ends after each record. Memory never blocks: one call does all."""

ContextForName = Callable[[bytes | None], SSL.Context | None]


@implementer(IOpenSSLContextFactory)
class CertificateOptions:
    """A factory of contexts for `listenSSL`, `startTLS` and their kin; TLS 1.2 at least by default.

    `privateKey` and `certificate` are this side's, `extraCertChain` what leads from it to an authority.
    With `trustRoot` (or `verify` and `caCerts`) the peer is asked for a certificate, and refused without one
    unless `requireCertificate` is false. `acceptableProtocols` are names for ALPN in bytes, the best first.
    `raiseMinimumTo`, `insecurelyLowerMinimumTo` and `lowerMaximumSecurityTo` are `TLSVersion`. Sessions can
    be resumed with `enableSessions` (kept by the server) or `enableSessionTickets` (kept by the client).
    `contextForServerName` is called with the name that a client asks for, in bytes, or None, and gives the
    context to serve it with, or None for this one; `ServerNames` is one for it.

    Raises TypeError, ValueError and LocalTLSError for what does not fit together.
    """

    def __init__(
        self,
        privateKey: Any = None,
        certificate: Any = None,
        method: int | None = None,
        verify: bool = False,
        caCerts: Sequence[Any] | None = None,
        verifyDepth: int = 9,
        requireCertificate: bool = True,
        verifyOnce: bool = True,
        enableSingleUseKeys: bool = True,
        enableSessions: bool = False,
        fixBrokenPeers: bool = False,
        enableSessionTickets: bool = False,
        extraCertChain: Sequence[Any] | None = None,
        acceptableCiphers: AcceptableCiphers | None = None,
        dhParameters: DiffieHellmanParameters | None = None,
        trustRoot: Any = None,
        acceptableProtocols: Sequence[bytes] | None = None,
        raiseMinimumTo: TLSVersion | None = None,
        insecurelyLowerMinimumTo: TLSVersion | None = None,
        lowerMaximumSecurityTo: TLSVersion | None = None,
        contextForServerName: ContextForName | None = None,
    ) -> None:
        if (privateKey is None) != (certificate is None):
            raise ValueError("privateKey= and certificate= belong together: give both or neither")
        self.privateKey = (
            None if privateKey is None else private_key(getattr(privateKey, "private", privateKey))
        )
        self.certificate = None if certificate is None else as_x509(certificate)
        self.extraCertChain = [as_x509(each) for each in extraCertChain or ()]
        if self.extraCertChain and self.certificate is None:
            raise ValueError("extraCertChain= continues a certificate: give that, too")
        if trustRoot is not None and (verify or caCerts):
            raise TypeError("trustRoot= says it all: leave verify= and caCerts= out")
        if verify and not caCerts:
            raise ValueError("verify=True needs caCerts=, or better trustRoot=")
        if trustRoot is None and caCerts and verify:
            trustRoot = trustRootFromCertificates(caCerts)
        self.trustRoot = None if trustRoot is None else as_trust_root(trustRoot)
        self.verify = self.trustRoot is not None
        self.verifyDepth = verifyDepth
        self.requireCertificate = requireCertificate
        self.enableSessions = enableSessions
        self.enableSessionTickets = enableSessionTickets
        self.acceptableCiphers = acceptableCiphers
        self.dhParameters = dhParameters
        self.acceptableProtocols = checked_protocols(acceptableProtocols)
        self.versions = version_range(
            method, raiseMinimumTo, insecurelyLowerMinimumTo, lowerMaximumSecurityTo
        )
        self.contextForServerName = contextForServerName
        self.peer_check = PeerCheck()
        self._context: SSL.Context | None = None

    def getContext(self) -> SSL.Context:
        """The context, made at the first call. Raises LocalTLSError when OpenSSL refuses the settings."""
        if self._context is None:
            self._context = self._made()
        return self._context

    def _made(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        context.clear_mode(PARTIAL_WRITE)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE)
        self._set_versions(context)
        self._set_identity(context)
        if self.trustRoot is not None:
            self.trustRoot.add_to(context)
            required = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if self.requireCertificate else 0
            context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE | required, self.peer_check)
            context.set_verify_depth(self.verifyDepth)
        self._set_sessions(context)
        if self.acceptableProtocols:
            context.set_alpn_protos(self.acceptableProtocols)
        context.set_alpn_select_callback(Choice(self.acceptableProtocols))
        if self.contextForServerName is not None:
            context.set_tlsext_servername_callback(_Switch(self.contextForServerName))
        log_keys(context)
        return context

    def _set_versions(self, context: SSL.Context) -> None:
        oldest, newest = self.versions
        context.set_min_proto_version(oldest.value)
        context.set_max_proto_version(newest.value)
        if self.acceptableCiphers is None:
            older = b":@SECLEVEL=0" if oldest.value < TLSVersion.TLSv1_2.value else b""
            context.set_cipher_list((b"ALL" if older else DEFAULT_CIPHERS) + older)
        else:
            self.acceptableCiphers.add_to(context)
        if self.dhParameters is not None:
            path = self.dhParameters.path
            try:
                context.load_tmp_dh(path)
            except (SSL.Error, OSError) as error:
                why = "it holds no Diffie-Hellman parameters" if os.path.exists(path) else "no such file"
                raise CertificateFileError(path, why) from error

    def _set_identity(self, context: SSL.Context) -> None:
        if self.certificate is None or self.privateKey is None:
            return
        try:
            context.use_certificate(self.certificate)
            context.use_privatekey(self.privateKey)
            context.check_privatekey()
            for certificate in self.extraCertChain:
                context.add_extra_chain_cert(certificate)
        except SSL.Error as error:
            subject = self.certificate.subject.rfc4514_string()
            raise LocalTLSError(
                f"OpenSSL refuses the certificate of {subject}, or its key: {told(error)}"
            ) from error

    def _set_sessions(self, context: SSL.Context) -> None:
        # A session is only good where it was made; without this, OpenSSL refuses to resume verified ones.
        context.set_session_id(os.urandom(32))
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER if self.enableSessions else SSL.SESS_CACHE_OFF)
        if not self.enableSessionTickets:
            context.set_options(SSL.OP_NO_TICKET)


class _Switch:
    """OpenSSL's server name callback: another context for the connection, where there is one for its name."""

    def __init__(self, context_for: ContextForName) -> None:
        self._context_for = context_for

    def __call__(self, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        try:
            context = self._context_for(name)
        except Exception:
            log.exception("no context for the server name %r; the default one is used", name)
            return
        if context is not None:
            connection.set_context(context)


def told(error: SSL.Error) -> str:
    """What OpenSSL says of an error, in words."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(each[-1]) for each in queue) or str(error) or type(error).__name__
