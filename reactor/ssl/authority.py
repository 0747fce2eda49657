"""An authority in memory: certificates for lessons and tests that peers who know it can verify."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from OpenSSL import crypto

from .certificates import Certificate, KeyPair, PrivateCertificate
from .issuing import host_names, issued
from .names import DistinguishedName
from .trust import TrustedCertificates, trustRootFromCertificates

WEEK = 7 * 24 * 3600
"""Seconds for which what an authority in memory makes is valid: it does not outlive its process for long."""


class Authority:
    """Signs certificates with a key that only this object has.

    `certificate` is what others need in order to verify them. `issuer` is an Authority above this one.
    """

    def __init__(self, name: str = "wirelab authority", issuer: Authority | None = None) -> None:
        self._key = KeyPair.generate(crypto.TYPE_EC)
        subject = DistinguishedName(CN=name)
        made = issued(
            subject.to_name(),
            self._key.public,
            subject.to_name() if issuer is None else issuer.certificate.x509.subject,
            (self if issuer is None else issuer)._key.private,
            x509.random_serial_number(),
            is_authority=True,
            seconds=WEEK,
        )
        self.certificate: Certificate = Certificate(made)

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        key: KeyPair | None = None,
    ) -> PrivateCertificate:
        """A certificate for host `names` (wildcards and literal addresses too), with a new key or with `key`.

        It is valid for a week, unless the moments are given. Raises ValueError for what is no host name.
        """
        own = KeyPair.generate(crypto.TYPE_EC) if key is None else key
        common = (names[0] if names else "somebody") if common_name is None else common_name
        made = issued(
            DistinguishedName(CN=common).to_name(),
            own.public,
            self.certificate.x509.subject,
            self._key.private,
            x509.random_serial_number(),
            names=host_names(names),
            valid_from=valid_from,
            valid_until=valid_until,
            seconds=WEEK,
        )
        return PrivateCertificate(made, own)

    def trust_root(self) -> TrustedCertificates:
        """What trusts this authority and no other, for `trustRoot=`."""
        return trustRootFromCertificates([self.certificate])

    def __repr__(self) -> str:
        return f"<Authority {self.certificate.getSubject()}>"
