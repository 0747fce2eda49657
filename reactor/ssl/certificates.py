"""Certificates, requests for them, and keys that sign: what programs hold in their hands.

`Certificate` is somebody's; `PrivateCertificate` is one's own, together with its key; `KeyPair` makes both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import crypto

from ..error import CertificateError
from ..resolver import encode_host_name, is_literal
from . import issuing
from .errors import CertificateDataError
from .keys import PublicKey, dump_private_key, load_private_key, private_key
from .names import DistinguishedName
from .options import CertificateOptions
from .trust import trustRootFromCertificates

_DIGESTS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
}

_KEY_BLOCK = re.compile(b"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)

Format = int
"""``OpenSSL.crypto.FILETYPE_ASN1`` (DER, the default) or ``FILETYPE_PEM``."""


def _encoding(format: Format) -> serialization.Encoding:
    return serialization.Encoding.PEM if format == crypto.FILETYPE_PEM else serialization.Encoding.DER


class CertificateRequest:
    """A request that an authority sign a key's certificate (PKCS #10)."""

    def __init__(self, original: x509.CertificateSigningRequest) -> None:
        self.original = original

    @classmethod
    def load(cls, requestData: bytes, requestFormat: Format = crypto.FILETYPE_ASN1) -> CertificateRequest:
        """The request in `requestData`. Raises CertificateDataError, also for a signature that is wrong."""
        is_pem = requestFormat == crypto.FILETYPE_PEM
        try:
            found = x509.load_pem_x509_csr(requestData) if is_pem else x509.load_der_x509_csr(requestData)
        except ValueError as error:
            raise CertificateDataError(f"no request is in these {len(requestData)} octets") from error
        if not found.is_signature_valid:
            raise CertificateDataError(
                f"the request of {found.subject.rfc4514_string()} has a wrong signature"
            )
        return cls(found)

    def dump(self, format: Format = crypto.FILETYPE_ASN1) -> bytes:
        """The request as octets."""
        return self.original.public_bytes(_encoding(format))

    def getSubject(self) -> DistinguishedName:
        """Who asks."""
        return DistinguishedName.from_name(self.original.subject)


class Certificate:
    """A certificate of somebody, without a private key."""

    def __init__(self, original: crypto.X509 | x509.Certificate) -> None:
        self.x509 = original.to_cryptography() if isinstance(original, crypto.X509) else original
        if not isinstance(self.x509, x509.Certificate):
            raise TypeError(f"{type(self).__name__}() takes a certificate, not {original!r}: try loadPEM()")

    @property
    def original(self) -> crypto.X509:
        """The certificate as pyOpenSSL has it."""
        return crypto.X509.from_cryptography(self.x509)

    # -- reading and writing --------------------------------------------------------------------------

    @classmethod
    def load(
        cls, requestData: bytes, format: Format = crypto.FILETYPE_ASN1, args: tuple[Any, ...] = ()
    ) -> Self:
        """The certificate in `requestData`; `args` go to the class as well. Raises CertificateDataError."""
        is_pem = format == crypto.FILETYPE_PEM
        try:
            found = (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(
                requestData
            )
        except ValueError as error:
            raise CertificateDataError(f"no certificate is in these {len(requestData)} octets") from error
        return cls(found, *args)

    @classmethod
    def loadPEM(cls, data: bytes) -> Self:
        """The first certificate in PEM `data`. Raises CertificateDataError."""
        return cls.load(data, crypto.FILETYPE_PEM)

    def dump(self, format: Format = crypto.FILETYPE_ASN1) -> bytes:
        """The certificate as octets."""
        return self.x509.public_bytes(_encoding(format))

    def dumpPEM(self) -> bytes:
        """The certificate in PEM."""
        return self.dump(crypto.FILETYPE_PEM)

    # -- what it says ---------------------------------------------------------------------------------

    def getSubject(self) -> DistinguishedName:
        """Whom it is about."""
        return DistinguishedName.from_name(self.x509.subject)

    def getIssuer(self) -> DistinguishedName:
        """Who signed it."""
        return DistinguishedName.from_name(self.x509.issuer)

    def serialNumber(self) -> int:
        """Its number with its issuer."""
        return self.x509.serial_number

    def digest(self, method: str = "md5") -> bytes:
        """A digest of it, as pairs of hexadecimal digits with colons. Raises ValueError."""
        kind = _DIGESTS.get(method.lower())
        if kind is None:
            raise ValueError(f"digest() knows {', '.join(_DIGESTS)}, not {method!r}")
        return self.x509.fingerprint(kind()).hex(":").upper().encode()

    def getPublicKey(self) -> PublicKey:
        """The public key that it is for. Raises ValueError for a kind of key that is not known here."""
        key: Any = self.x509.public_key()
        return PublicKey(key)

    def inspect(self) -> str:
        """All of that, in several lines, for people."""
        return "\n".join(
            [
                "Certificate For Subject:",
                self.getSubject().inspect(),
                "",
                "Issuer:",
                self.getIssuer().inspect(),
                "",
                f"Serial Number: {self.serialNumber()}",
                f"Digest: {self.digest().decode()}",
                self._inspect_key(),
            ]
        )

    def _inspect_key(self) -> str:
        return self.getPublicKey().inspect()

    def __eq__(self, other: object) -> bool:
        return self.dump() == other.dump() if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dump())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} Subject={self.getSubject().CN!r} Issuer={self.getIssuer().CN!r}>"

    # -- using it -------------------------------------------------------------------------------------

    @classmethod
    def peerFromTransport(cls, transport: Any) -> Certificate:
        """The certificate that the peer of a TLS `transport` showed. Raises CertificateError."""
        found = transport.getHandle().get_peer_certificate(as_cryptography=True)
        if found is None:
            raise CertificateError(f"TLS is up, but the peer of {transport!r} showed no certificate")
        return Certificate(found)

    @classmethod
    def hostFromTransport(cls, transport: Any) -> Certificate:
        """The certificate that this side of a TLS `transport` showed. Raises CertificateError."""
        found = transport.getHandle().get_certificate(as_cryptography=True)
        if found is None:
            raise CertificateError(f"TLS is up, but this side of {transport!r} showed no certificate")
        return Certificate(found)

    def options(self, *authorities: Certificate) -> Any:
        """Not for one without its key. Raises TypeError that says so."""
        raise TypeError(
            "options() needs the private key: make a PrivateCertificate, for example with loadPEM()"
        )


class PrivateCertificate(Certificate):
    """A certificate of one's own, with its key: what a server shows, or a client that must prove itself."""

    def __init__(self, original: crypto.X509 | x509.Certificate, privateKey: KeyPair | None = None) -> None:
        super().__init__(original)
        self._private_key = privateKey
        if privateKey is not None and not privateKey.matches(self.getPublicKey()):
            raise CertificateDataError(
                f"the certificate of {self.getSubject()} is for another key than this one"
            )

    @property
    def privateKey(self) -> KeyPair:
        """Its key. Raises CertificateDataError when it was made without."""
        if self._private_key is None:
            raise CertificateDataError(f"{self!r} was made without its private key")
        return self._private_key

    @classmethod
    def load(  # type: ignore[override]  # documented so: the key comes second
        cls, requestData: bytes, privateKey: Any = None, format: Any = crypto.FILETYPE_ASN1
    ) -> Self:
        """The certificate in `requestData`, of `privateKey`, a KeyPair. Raises CertificateDataError."""
        if not isinstance(privateKey, KeyPair):
            raise TypeError(f"PrivateCertificate.load() takes the KeyPair second, not {privateKey!r}")
        return cls(Certificate.load(requestData, format).x509, privateKey)

    @classmethod
    def loadPEM(cls, data: bytes) -> Self:
        """The certificate and the key in PEM `data`, in any order. Raises CertificateDataError."""
        key = _KEY_BLOCK.search(data)
        if key is None:
            raise CertificateDataError(f"no private key is in these {len(data)} octets")
        return cls.load(data, KeyPair.load(key[0], crypto.FILETYPE_PEM), crypto.FILETYPE_PEM)

    @classmethod
    def fromCertificateAndKeyPair(cls, certificateInstance: Certificate, privateKey: KeyPair) -> Self:
        """Both as one. Raises CertificateDataError when they do not belong together."""
        return cls(certificateInstance.x509, privateKey)

    def _inspect_key(self) -> str:
        return self.privateKey.inspect() if self._private_key else super()._inspect_key()

    def __repr__(self) -> str:
        return f"{super().__repr__()} with {self._private_key!r}"

    def newCertificate(self, newCertData: bytes, format: Format = crypto.FILETYPE_ASN1) -> PrivateCertificate:
        """A new certificate for the same key, as an authority sent it."""
        return self.privateKey.newCertificate(newCertData, format)

    def options(self, *authorities: Certificate) -> CertificateOptions:
        """What `listenSSL` and `startTLS` take: this certificate is shown.

        With `authorities`, the peer must show one that leads to one of them.
        """
        trust = trustRootFromCertificates(authorities) if authorities else None
        return CertificateOptions(privateKey=self.privateKey.private, certificate=self.x509, trustRoot=trust)

    # -- as an authority ------------------------------------------------------------------------------

    def certificateRequest(
        self, format: Format = crypto.FILETYPE_ASN1, digestAlgorithm: str = "sha256"
    ) -> bytes:
        """A request to sign this subject and key, as octets."""
        return self.privateKey.certificateRequest(self.getSubject(), format, digestAlgorithm)

    def signCertificateRequest(
        self,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], object],
        serialNumber: int,
        requestFormat: Format = crypto.FILETYPE_ASN1,
        certificateFormat: Format = crypto.FILETYPE_ASN1,
    ) -> Any:
        """Sign the request when `verifyDNCallback` says yes to its name; the certificate as octets."""
        return self.privateKey.signCertificateRequest(
            self.getSubject(), requestData, verifyDNCallback, serialNumber, requestFormat, certificateFormat
        )

    def signRequestObject(
        self,
        certificateRequest: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = 31536000,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """Sign the request: a certificate that is valid for `secondsToExpiry`."""
        return self.privateKey.signRequestObject(
            self.getSubject(), certificateRequest, serialNumber, secondsToExpiry, digestAlgorithm
        )


class KeyPair(PublicKey):
    """A private key and the public one that belongs to it."""

    def __init__(self, original: object) -> None:
        self.private = private_key(original)
        super().__init__(self.private.public_key())

    @property
    def original(self) -> crypto.PKey:
        """The private key as pyOpenSSL has it."""
        return crypto.PKey.from_cryptography_key(self.private)

    @classmethod
    def load(cls, data: bytes, format: Format = crypto.FILETYPE_ASN1) -> KeyPair:
        """The key in `data`. Raises CertificateDataError."""
        return cls(load_private_key(data, format))

    def dump(self, format: Format = crypto.FILETYPE_ASN1) -> bytes:
        """The private key as octets, unencrypted."""
        return dump_private_key(self.private, format)

    @classmethod
    def generate(cls, kind: int = crypto.TYPE_RSA, size: int = 2048) -> Self:
        """A new key: RSA of `size` bits, or, with ``OpenSSL.crypto.TYPE_EC``, one on the curve P-256.

        Raises ValueError for another kind.
        """
        if kind == crypto.TYPE_RSA:
            return cls(rsa.generate_private_key(65537, size))
        if kind == crypto.TYPE_EC:
            return cls(ec.generate_private_key(ec.SECP256R1()))
        raise ValueError(f"generate() makes keys of the kinds TYPE_RSA and TYPE_EC, not {kind!r}")

    def inspect(self) -> str:
        """What key it is, for people."""
        kind = type(self.private).__name__.lstrip("_").removesuffix("PrivateKey")
        bits = f"{getattr(self.private, 'key_size', '')}-bit {kind}".removeprefix("-bit ")
        return f"{bits} Key Pair with Hash: {self.keyHash()}"

    def newCertificate(self, newCertData: bytes, format: Format = crypto.FILETYPE_ASN1) -> PrivateCertificate:
        """A certificate for this key, as an authority sent it, joined with the key."""
        return PrivateCertificate.load(newCertData, self, format)

    def requestObject(
        self, distinguishedName: DistinguishedName, digestAlgorithm: str = "sha256"
    ) -> CertificateRequest:
        """A request that an authority sign this key for `distinguishedName`."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(distinguishedName.to_name())
        names = _names_in(distinguishedName)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        digest = issuing.signature_digest(self.private, digestAlgorithm)
        return CertificateRequest(builder.sign(self.private, digest))

    def certificateRequest(
        self,
        distinguishedName: DistinguishedName,
        format: Format = crypto.FILETYPE_ASN1,
        digestAlgorithm: str = "sha256",
    ) -> bytes:
        """The same as octets."""
        return self.requestObject(distinguishedName, digestAlgorithm).dump(format)

    def signCertificateRequest(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], object],
        serialNumber: int,
        requestFormat: Format = crypto.FILETYPE_ASN1,
        certificateFormat: Format = crypto.FILETYPE_ASN1,
        secondsToExpiry: int = 31536000,
        digestAlgorithm: str = "sha256",
    ) -> Any:
        """Sign the request in `requestData` as `issuerDistinguishedName`; the certificate as octets.

        `verifyDNCallback` is given the name that the request is for and says whether it may have it; when it
        gives a Deferred, so does this. Raises CertificateDataError: it may not.
        """
        request = CertificateRequest.load(requestData, requestFormat)
        subject = request.getSubject()

        def verified(verdict: object) -> bytes:
            if not verdict:
                raise CertificateDataError(f"the callback refused to have a certificate signed for {subject}")
            return self.signRequestObject(
                issuerDistinguishedName, request, serialNumber, secondsToExpiry, digestAlgorithm
            ).dump(certificateFormat)

        verdict: Any = verifyDNCallback(subject)
        return verdict.addCallback(verified) if hasattr(verdict, "addCallback") else verified(verdict)

    def signRequestObject(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestObject: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = 31536000,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """Sign the request as `issuerDistinguishedName`: a certificate valid for `secondsToExpiry`."""
        request = requestObject.original
        key: Any = request.public_key()
        return Certificate(
            issuing.issued(
                request.subject,
                key,
                issuerDistinguishedName.to_name(),
                self.private,
                serialNumber,
                names=_requested_names(request) or _names_in(requestObject.getSubject()),
                seconds=secondsToExpiry,
                digest=digestAlgorithm,
            )
        )

    def selfSignedCert(self, serialNumber: int, **kw: str | bytes) -> PrivateCertificate:
        """A certificate signed by its own key, for the name made of the fields `kw`: ``CN='localhost'``.

        A common name that is a host name or an address also stands where peers look for it (RFC 9525). It may
        sign others.
        """
        subject = DistinguishedName(**kw)
        name = subject.to_name()
        made = issuing.issued(
            name,
            self.public,
            name,
            self.private,
            serialNumber,
            names=_names_in(subject),
            is_authority=True,
        )
        return PrivateCertificate(made, self)


def _names_in(name: DistinguishedName) -> list[x509.GeneralName]:
    """The common name as a host name, when it can be one."""
    common = (name.CN or b"").decode(errors="replace")
    try:
        plain = is_literal(common) or encode_host_name(common.removeprefix("*."))
        return issuing.host_names([common]) if plain else []
    except (ValueError, UnicodeError):
        return []


def _requested_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
