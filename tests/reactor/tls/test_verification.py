"""Certificates that do not hold: each is refused, and it is told which check failed and what was shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from OpenSSL import SSL, crypto

from wirelab.reactor.error import ConnectionLost, PeerVerifyError, VerifyError
from wirelab.reactor.ssl import (
    Authority,
    Certificate,
    CertificateOptions,
    ClientContextFactory,
    KeyPair,
    PeerRefusedCertificateError,
    TLSError,
    TLSVersion,
    VerificationError,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from wirelab.reactor.ssl.issuing import host_names, issued

from .conftest import VERSIONS, Joined, private

Join = Callable[..., Joined]
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def _server(authority: Authority, *names: str, version: str = "1.3", **more: Any) -> CertificateOptions:
    return CertificateOptions(**private(authority, *names, **more), lowerMaximumSecurityTo=VERSIONS[version])


def _refusal(joined: Joined) -> VerificationError:
    reason = joined.client.reason
    assert isinstance(reason, VerificationError)
    assert isinstance(reason, (VerifyError,)) and isinstance(reason, ConnectionLost)
    assert isinstance(reason, SSL.Error)  # what old programs look for
    assert not joined.client.received and not joined.server.received
    assert isinstance(joined.server.reason, TLSError)
    return reason


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("check", "names", "validity"),
    [
        ("expired", ["localhost"], {"valid_from": NOW - 2 * DAY, "valid_until": NOW - DAY}),
        ("not yet valid", ["localhost"], {"valid_from": NOW + DAY, "valid_until": NOW + 2 * DAY}),
        ("wrong name", ["example.org"], {}),
        ("wrong name", ["*.localhost"], {}),
        ("wrong name", ["127.0.0.1"], {}),
        ("wrong name", [], {}),
    ],
)
def test_bad_certificate_is_refused_and_the_check_named(
    join: Join, authority: Authority, check: str, names: list[str], validity: dict[str, Any], version: str
) -> None:
    server = _server(authority, *names, version=version, **validity)
    refusal = _refusal(join(server_side=server))
    assert refusal.check == check
    text = str(refusal)
    assert f"check failed of localhost: {check}: it" in text
    assert f"the peer showed CN={names[0] if names else 'somebody'}" in text
    assert "issued by CN=test authority, valid 20" in text


def test_unknown_authority_is_refused(join: Join) -> None:
    stranger = Authority("somebody else")
    refusal = _refusal(join(server_side=_server(stranger, "localhost")))
    assert refusal.check == "unknown authority"
    assert "issued by CN=somebody else" in str(refusal)


def test_self_signed_certificate_is_refused_unless_trusted(join: Join) -> None:
    shown = KeyPair.generate(crypto.TYPE_EC).selfSignedCert(1, CN="localhost")
    assert _refusal(join(server_side=shown.options())).check == "self-signed"
    joined = join(server_side=shown.options(), client_options=optionsForClientTLS("localhost", shown))
    assert joined.client_tls.tls.verified


def test_chain_leads_to_the_authority_or_not_at_all(join: Join, authority: Authority) -> None:
    middle = Authority("in between", issuer=authority)
    shown = private(middle, "localhost")
    assert _refusal(join(server_side=CertificateOptions(**shown))).check == "unknown authority"
    joined = join(server_side=CertificateOptions(**shown, extraCertChain=[middle.certificate]))
    assert [str(each.getSubject()) for each in joined.client_tls.tls.chain] == [
        "CN=localhost",
        "CN=in between",
    ]


def test_certificate_that_must_not_issue_others_is_refused(join: Join, authority: Authority) -> None:
    leaf = authority.issue("localhost")
    key = KeyPair.generate(crypto.TYPE_EC)
    made = issued(
        leaf.x509.subject,
        key.public,
        leaf.x509.subject,
        leaf.privateKey.private,
        x509.random_serial_number(),
        names=host_names(["localhost"]),
    )
    server = CertificateOptions(key, Certificate(made), extraCertChain=[leaf])
    assert _refusal(join(server_side=server)).check == "not an authority"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("www.example.org", ["*.example.org"]),
        ("bücher.example", ["bücher.example"]),
        ("LOCALHOST.", ["localhost"]),
    ],
)
def test_names_addresses_wildcards_and_other_scripts_are_accepted(
    join: Join, authority: Authority, asked: str, names: list[str]
) -> None:
    client = optionsForClientTLS(asked, authority.certificate)
    joined = join(client_options=client, server_side=_server(authority, *names))
    assert joined.client_tls.tls.verified


@pytest.mark.parametrize(
    ("asked", "names"),
    [("127.0.0.2", ["127.0.0.1"]), ("a.b.example.org", ["*.example.org"]), ("127.0.0.1", ["localhost"])],
)
def test_names_and_addresses_that_differ_are_refused(
    join: Join, authority: Authority, asked: str, names: list[str]
) -> None:
    client = optionsForClientTLS(asked, authority.certificate)
    refusal = _refusal(join(client_options=client, server_side=_server(authority, *names)))
    assert refusal.check == "wrong name" and f"it is not for {asked}" in str(refusal)


def test_client_that_asks_nothing_accepts_anything(join: Join) -> None:
    joined = join(
        client_options=ClientContextFactory(), server_side=_server(Authority("somebody"), "elsewhere")
    )
    assert joined.client_tls.tls.is_up and not joined.client_tls.tls.verified


# -- certificates of clients --------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_client_without_a_certificate_is_refused_and_told(
    join: Join, authority: Authority, version: str
) -> None:
    server = CertificateOptions(
        **private(authority, "localhost"),
        trustRoot=authority.certificate,
        lowerMaximumSecurityTo=VERSIONS[version],
    )
    joined = join(server_side=server)
    assert "the peer showed no certificate, and has to" in str(joined.server.reason)
    assert isinstance(joined.client.reason, TLSError)


@pytest.mark.parametrize("version", VERSIONS)
def test_client_of_an_unknown_authority_is_refused_and_told(
    join: Join, authority: Authority, version: str
) -> None:
    server = CertificateOptions(
        **private(authority, "localhost"),
        trustRoot=trustRootFromCertificates([authority.certificate]),
        lowerMaximumSecurityTo=VERSIONS[version],
    )
    stranger = Authority("somebody else").issue("me")
    joined = join(
        server_side=server, client_options=optionsForClientTLS("localhost", authority.certificate, stranger)
    )
    assert isinstance(joined.server.reason, VerificationError)
    assert joined.server.reason.check == "unknown authority"
    assert isinstance(joined.client.reason, PeerRefusedCertificateError)
    assert isinstance(joined.client.reason, PeerVerifyError)


def test_client_certificate_may_be_left_to_the_client(join: Join, authority: Authority) -> None:
    server = CertificateOptions(
        **private(authority, "localhost"), trustRoot=authority.certificate, requireCertificate=False
    )
    assert join(server_side=server).server_tls.tls.is_up


# -- what is not TLS ----------------------------------------------------------------------------------


def test_plain_text_is_no_tls_and_said_to_be(join: Join) -> None:
    joined = join(flush=False)
    joined.pair.client._wire.clear()
    joined.pair.server._wire[:] = b"GET / HTTP/1.1\r\n\r\n"
    joined.pair.flush()
    assert "what the peer sent is not TLS" in str(joined.server.reason)


def test_damaged_record_ends_the_connection(join: Join) -> None:
    joined = join()
    joined.client.transport.write(b"x" * 100)
    joined.pair.server._wire[50] ^= 1
    joined.pair.flush()
    assert isinstance(joined.server.reason, TLSError) and "after the handshake" in str(joined.server.reason)
    assert isinstance(joined.client.reason, TLSError) and not joined.server.received


def test_versions_that_do_not_meet_are_told(join: Join, authority: Authority) -> None:
    newer = CertificateOptions(**private(authority, "localhost"), raiseMinimumTo=TLSVersion.TLSv1_3)
    older = optionsForClientTLS(
        "localhost",
        authority.certificate,
        extraCertificateOptions={"lowerMaximumSecurityTo": TLSVersion.TLSv1_2},
    )
    joined = join(client_options=older, server_side=newer)
    assert "versions of TLS that are not allowed here" in str(joined.server.reason)
    assert "does not speak the versions of TLS that are allowed here" in str(joined.client.reason)
