"""Settings: what they allow by default, and what is told when they do not fit together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from OpenSSL import SSL, crypto
from zope.interface.verify import verifyObject

from wirelab.reactor.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLContextFactory
from wirelab.reactor.ssl import (
    AcceptableCiphers,
    Authority,
    CertificateFileError,
    CertificateFiles,
    CertificateOptions,
    ClientContextFactory,
    ContextFactory,
    DefaultOpenSSLContextFactory,
    DiffieHellmanParameters,
    LocalTLSError,
    PrivateCertificate,
    ProtocolNegotiationSupport,
    ServerNames,
    TLSVersion,
    certificates_at,
    key_in_file,
    optionsForClientTLS,
    platformTrust,
    protocolNegotiationMechanisms,
    trustRootFromCertificates,
)

AUTHORITY = Authority("lab")
SHOWN = AUTHORITY.issue("localhost")


def _pem(certificate: PrivateCertificate) -> bytes:
    return certificate.dumpPEM() + certificate.privateKey.dump(crypto.FILETYPE_PEM)


def test_what_is_shipped_keeps_its_promises() -> None:
    verifyObject(IOpenSSLContextFactory, SHOWN.options())
    verifyObject(IOpenSSLContextFactory, ClientContextFactory())
    verifyObject(IOpenSSLClientConnectionCreator, optionsForClientTLS("localhost", AUTHORITY.certificate))


def test_context_is_made_once_and_refuses_renegotiation() -> None:
    options = SHOWN.options()
    assert options.getContext() is options.getContext()
    assert options.getContext().set_options(0) & SSL.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"privateKey": SHOWN.privateKey}, "give both or neither"),
        ({"extraCertChain": [SHOWN]}, "continues a certificate"),
        ({"verify": True}, "needs caCerts="),
        ({"trustRoot": AUTHORITY.certificate, "verify": True}, "leave verify= and caCerts= out"),
        ({"acceptableProtocols": b"h2"}, "a list of names in bytes"),
        ({"acceptableProtocols": ["h2"]}, "is bytes, not 'h2'"),
        ({"acceptableProtocols": [b""]}, "1 to 255 octets"),
        ({"raiseMinimumTo": "1.3"}, "TLSVersion.TLSv1_3, not '1.3'"),
        (
            {"raiseMinimumTo": TLSVersion.TLSv1_3, "lowerMaximumSecurityTo": TLSVersion.TLSv1_2},
            "no version is from TLSv1_3 to TLSv1_2",
        ),
        (
            {"raiseMinimumTo": TLSVersion.TLSv1_3, "insecurelyLowerMinimumTo": TLSVersion.TLSv1_0},
            "exclude each other",
        ),
        ({"method": SSL.TLS_METHOD, "raiseMinimumTo": TLSVersion.TLSv1_3}, "method= fixes the version"),
        ({"trustRoot": "authority.pem"}, "a certificate is needed, not 'authority.pem'"),
    ],
)
def test_settings_that_do_not_fit_are_told(arguments: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        CertificateOptions(**arguments)  # type: ignore[arg-type]


def test_minimum_is_tls_1_2_unless_asked_for_as_insecure() -> None:
    assert CertificateOptions().versions == (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3)
    lower = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_0)
    assert lower.versions[0] is TLSVersion.TLSv1_2
    insecure = CertificateOptions(insecurelyLowerMinimumTo=TLSVersion.TLSv1_0)
    assert insecure.versions[0] is TLSVersion.TLSv1_0
    assert CertificateOptions(method=SSL.TLSv1_2_METHOD).versions == (TLSVersion.TLSv1_2,) * 2
    assert CertificateOptions(method=SSL.TLS_METHOD).versions[0] is TLSVersion.TLSv1_2


@pytest.mark.parametrize("host", [b"localhost", None])
def test_host_that_is_not_text_is_told(host: object) -> None:
    with pytest.raises(TypeError, match="takes the host name as text"):
        optionsForClientTLS(host)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["", "a b", "-" * 64, "exa_mple..org"])
def test_host_that_cannot_be_one_is_told(host: str) -> None:
    with pytest.raises(ValueError, match="invalid host name"):
        optionsForClientTLS(host, AUTHORITY.certificate)


def test_client_asks_for_names_in_ascii_and_never_for_addresses() -> None:
    def asked(host: str, **more: bool) -> bytes | None:
        options = optionsForClientTLS(host, AUTHORITY.certificate, sendServerName=more.get("send"))
        return options.clientConnectionForTLS(None).get_servername()

    assert asked("bücher.example") == b"xn--bcher-kva.example"
    assert asked("127.0.0.1") is asked("::1") is asked("localhost", send=False) is None


def test_client_verifies_by_default_and_the_old_factory_does_not() -> None:
    verifying = optionsForClientTLS("localhost").clientConnectionForTLS(None)
    assert verifying.get_verify_mode() & SSL.VERIFY_PEER
    assert ClientContextFactory().getContext().get_verify_mode() == SSL.VERIFY_NONE
    with pytest.raises(NotImplementedError, match="optionsForClientTLS"):
        ContextFactory().getContext()


def test_platform_is_trusted_when_nothing_is_said() -> None:
    context = SSL.Context(SSL.TLS_METHOD)
    platformTrust().add_to(context)
    trustRootFromCertificates([AUTHORITY.certificate, SHOWN.original]).add_to(context)
    with pytest.raises(TypeError, match="a certificate is needed"):
        trustRootFromCertificates([b"x"])


def test_ciphers_are_what_openssl_understands() -> None:
    chosen = AcceptableCiphers.fromOpenSSLCipherString("ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256")
    available = AcceptableCiphers.fromOpenSSLCipherString("ECDHE-RSA-AES128-GCM-SHA256")._ciphers
    assert [each.fullName for each in chosen.selectCiphers(available)] == ["ECDHE-RSA-AES128-GCM-SHA256"]
    context = CertificateOptions(acceptableCiphers=chosen).getContext()
    assert set(SSL.Connection(context, None).get_cipher_list()) == {
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_AES_128_GCM_SHA256",
    }
    with pytest.raises(LocalTLSError, match="no ciphers for 'NONSENSE'"):
        AcceptableCiphers.fromOpenSSLCipherString("NONSENSE")


def test_alpn_is_the_way_to_agree_on_a_protocol() -> None:
    assert protocolNegotiationMechanisms() is ProtocolNegotiationSupport.ALPN


# -- files --------------------------------------------------------------------------------------------


def test_certificate_and_key_are_read_from_one_file_or_from_two(tmp_path: Path) -> None:
    both, key, shown = tmp_path / "both.pem", tmp_path / "key.pem", tmp_path / "cert.pem"
    both.write_bytes(_pem(SHOWN))
    key.write_bytes(SHOWN.privateKey.dump(crypto.FILETYPE_PEM))
    shown.write_bytes(SHOWN.dumpPEM() + AUTHORITY.certificate.dumpPEM())
    CertificateFiles(str(both)).getContext().check_privatekey()
    CertificateFiles(str(key), str(shown)).getContext().check_privatekey()
    DefaultOpenSSLContextFactory(str(key), str(shown)).getContext().check_privatekey()
    assert key_in_file(str(both)).matches(SHOWN.privateKey)
    assert certificates_at(str(shown)) == [SHOWN, AUTHORITY.certificate]
    assert len(certificates_at(str(tmp_path / "both.pem"))) == 1


def test_folder_of_authorities_is_read_whole(tmp_path: Path) -> None:
    with pytest.raises(CertificateFileError, match=r"has no \*\.pem files"):
        certificates_at(str(tmp_path))
    for number in range(2):
        (tmp_path / f"{number}.pem").write_bytes(AUTHORITY.certificate.dumpPEM())
    assert certificates_at(str(tmp_path)) == [AUTHORITY.certificate] * 2


def _file(folder: Path, data: bytes) -> str:
    path = folder / "server.pem"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: str(folder / "none.pem"), r"none\.pem': no such file or directory"),
        (lambda folder: str(folder), "is a directory"),
        (lambda folder: _file(folder, b"hello"), r"server\.pem': it holds no private key in PEM"),
        (
            lambda folder: _file(folder, SHOWN.privateKey.dump(crypto.FILETYPE_PEM)),
            "it holds no certificate in PEM",
        ),
        (
            lambda folder: _file(
                folder, _pem(SHOWN).replace(b"BEGIN PRIVATE KEY-----\n", b"BEGIN PRIVATE KEY-----\nx")
            ),
            "there is no private key in these",
        ),
        (
            lambda folder: _file(
                folder, AUTHORITY.issue("b").dumpPEM() + SHOWN.privateKey.dump(crypto.FILETYPE_PEM)
            ),
            "it is not for the key in",
        ),
    ],
)
def test_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, make: Callable[[Path], str], reason: str
) -> None:
    with pytest.raises(CertificateFileError, match=reason):
        CertificateFiles(make(tmp_path))


def test_missing_parameters_of_diffie_hellman_name_the_file(tmp_path: Path) -> None:
    parameters = DiffieHellmanParameters.fromFile(tmp_path / "dh.pem")
    with pytest.raises(CertificateFileError, match=r"dh\.pem': no such file"):
        CertificateOptions(dhParameters=parameters).getContext()


def test_renewed_files_are_taken_up_and_bad_ones_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, _pem(SHOWN))
    files = CertificateFiles(path)
    first = files.getContext()
    assert files.getContext() is first
    _file(tmp_path, b"half of a certificate")
    with caplog.at_level(logging.WARNING):
        assert files.getContext() is first
        assert files.getContext() is first
    assert len(caplog.records) == 1
    assert "it holds no private key in PEM; the certificate read before stays" in caplog.text
    _file(tmp_path, _pem(AUTHORITY.issue("localhost")))
    assert files.getContext() is not first


def test_server_names_find_their_context_without_regard_to_case() -> None:
    one, any_other = SHOWN.options(), AUTHORITY.issue("*.example.org").options()
    names = ServerNames({"www.Example.org": one, "*.example.org": any_other})
    assert names(b"WWW.example.ORG.") is one.getContext()
    assert names(b"mail.example.org") is any_other.getContext()
    assert names(b"a.b.example.org") is names(b"example.com") is names(None) is None
