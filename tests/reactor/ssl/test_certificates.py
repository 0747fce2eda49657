"""Certificates, keys and requests: what is written can be read, and nothing else can."""

from __future__ import annotations

import pytest
from cryptography import x509
from OpenSSL import crypto

from wirelab.reactor.ssl import (
    DN,
    Authority,
    Certificate,
    CertificateDataError,
    CertificateRequest,
    DistinguishedName,
    KeyPair,
    PrivateCertificate,
)

PEM = crypto.FILETYPE_PEM


@pytest.fixture(scope="module")
def key() -> KeyPair:
    return KeyPair.generate(crypto.TYPE_EC)


def _names(certificate: Certificate) -> list[str]:
    found = certificate.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in found]


def test_name_has_its_fields_by_long_and_short_name() -> None:
    name = DN(CN="example.org", organizationName=b"Example")
    assert (name.commonName, name.CN, name["organizationName"], name.O) == (
        b"example.org",
        b"example.org",
        b"Example",
        b"Example",
    )
    assert name.countryName is None
    assert DistinguishedName is DN
    assert str(name) == "CN=example.org, O=Example"
    assert "Common Name: example.org" in name.inspect()


def test_name_refuses_fields_that_no_name_has() -> None:
    with pytest.raises(AttributeError, match="no field 'shoeSize'; there are: commonName"):
        DN(shoeSize="44")


def test_self_signed_certificate_says_what_it_was_made_of(key: KeyPair) -> None:
    made = key.selfSignedCert(7, CN="localhost", O="lab")
    assert made.getSubject() == made.getIssuer() == DN(CN="localhost", O="lab")
    assert made.serialNumber() == 7
    assert made.getPublicKey().matches(key)
    assert made.digest("sha256").count(b":") == 31
    assert made.digest() == made.original.digest("md5")
    assert "Serial Number: 7" in made.inspect() and key.keyHash() in made.inspect()


@pytest.mark.parametrize(
    ("common", "names"),
    [("localhost", ["localhost"]), ("127.0.0.1", ["127.0.0.1"]), ("*.example.org", ["*.example.org"])],
)
def test_common_name_that_is_a_host_stands_where_peers_look(
    key: KeyPair, common: str, names: list[str]
) -> None:
    assert _names(key.selfSignedCert(1, CN=common)) == names


def test_common_name_that_is_no_host_stays_a_name(key: KeyPair) -> None:
    with pytest.raises(x509.ExtensionNotFound):
        _names(key.selfSignedCert(1, CN="Jane Doe"))


@pytest.mark.parametrize("format", [PEM, crypto.FILETYPE_ASN1])
def test_certificate_key_and_request_survive_writing_and_reading(key: KeyPair, format: int) -> None:
    made = key.selfSignedCert(1, CN="localhost")
    assert Certificate.load(made.dump(format), format) == made
    assert KeyPair.load(key.dump(format), format).matches(key)
    assert PrivateCertificate.load(made.dump(format), key, format).privateKey is key
    request = CertificateRequest.load(key.certificateRequest(DN(CN="a.example"), format), format)
    assert request.getSubject() == DN(CN="a.example")
    assert request.dump(format) == CertificateRequest.load(request.dump(format), format).dump(format)


@pytest.mark.parametrize("key_first", [True, False])
def test_private_certificate_is_read_from_one_pem_in_any_order(key: KeyPair, key_first: bool) -> None:
    made = key.selfSignedCert(1, CN="localhost")
    parts = [key.dump(PEM), made.dumpPEM()]
    read = PrivateCertificate.loadPEM(b"".join(parts if key_first else reversed(parts)))
    assert read == made and read.privateKey.matches(key)


def test_certificate_of_another_key_is_refused(key: KeyPair) -> None:
    other = KeyPair.generate(crypto.TYPE_EC)
    with pytest.raises(CertificateDataError, match="CN=localhost is for another key"):
        PrivateCertificate.fromCertificateAndKeyPair(key.selfSignedCert(1, CN="localhost"), other)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: Certificate.loadPEM(b"hello"), "no certificate is in these 5 octets"),
        (lambda: KeyPair.load(b"hello", PEM), "no private key in these 5 octets"),
        (lambda: PrivateCertificate.loadPEM(b"hello"), "no private key is in these 5 octets"),
        (lambda: CertificateRequest.load(b"hello"), "no request is in these 5 octets"),
    ],
)
def test_what_is_none_is_told(read: object, message: str) -> None:
    with pytest.raises(CertificateDataError, match=message):
        read()  # type: ignore[operator]


def test_objects_of_pyopenssl_pass_both_ways(key: KeyPair) -> None:
    made = key.selfSignedCert(1, CN="localhost")
    assert isinstance(made.original, crypto.X509) and Certificate(made.original) == made
    assert isinstance(key.original, crypto.PKey) and KeyPair(key.original).matches(key)


def test_things_that_are_no_certificates_and_keys_are_told() -> None:
    with pytest.raises(TypeError, match="Certificate\\(\\) takes a certificate, not 'x'"):
        Certificate("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a private key is needed, not 'x'"):
        KeyPair("x")
    with pytest.raises(ValueError, match="TYPE_RSA and TYPE_EC, not 116"):
        KeyPair.generate(crypto.TYPE_DSA)


def test_authority_signs_a_request_that_the_callback_accepts(key: KeyPair) -> None:
    authority = KeyPair.generate(crypto.TYPE_EC).selfSignedCert(1, CN="authority")
    request = key.certificateRequest(DN(CN="a.example"))
    made = Certificate.load(
        authority.signCertificateRequest(request, lambda name: name.CN == b"a.example", 5)
    )
    assert (made.getSubject(), made.getIssuer()) == (DN(CN="a.example"), DN(CN="authority"))
    assert made.getPublicKey().matches(key) and _names(made) == ["a.example"]
    made.x509.verify_directly_issued_by(authority.x509)
    with pytest.raises(CertificateDataError, match="refused to have a certificate signed"):
        authority.signCertificateRequest(request, lambda name: False, 5)


def test_authority_in_memory_issues_for_names_addresses_and_other_scripts() -> None:
    authority = Authority("lab")
    made = authority.issue("localhost", "127.0.0.1", "::1", "*.example.org", "bücher.example")
    assert _names(made) == ["localhost", "127.0.0.1", "::1", "*.example.org", "xn--bcher-kva.example"]
    made.x509.verify_directly_issued_by(authority.certificate.x509)


def test_certificate_without_key_has_no_options(key: KeyPair) -> None:
    with pytest.raises(TypeError, match="needs the private key: make a PrivateCertificate"):
        Certificate(key.selfSignedCert(1, CN="localhost").x509).options()
