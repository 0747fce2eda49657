"""Whom a certificate is about, and who issued it: distinguished names (RFC 5280 section 4.1.2.4)."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

FIELDS = {
    "commonName": NameOID.COMMON_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationalUnitName": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "localityName": NameOID.LOCALITY_NAME,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME,
    "countryName": NameOID.COUNTRY_NAME,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
"""The fields that have names of their own here; others are left out."""

SHORT = {
    "CN": "commonName",
    "O": "organizationName",
    "OU": "organizationalUnitName",
    "L": "localityName",
    "ST": "stateOrProvinceName",
    "C": "countryName",
}


class DistinguishedName(dict[str, bytes]):
    """The fields of a name, as bytes in UTF-8: ``DN(CN='example.org')['commonName']``.

    Each field is an attribute as well, by its long name and by its short one: ``dn.CN``. A field that is not
    set reads as None.
    """

    def __init__(self, **kw: str | bytes) -> None:
        super().__init__()
        for name, value in kw.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> bytes | None:
        return self.get(_field(name))

    def __setattr__(self, name: str, value: str | bytes) -> None:
        if not isinstance(value, (str, bytes)):
            raise TypeError(f"{name} of a name is text, not {value!r}")
        self[_field(name)] = value.encode() if isinstance(value, str) else value

    def __repr__(self) -> str:
        return f"<DN {dict.__repr__(self)[1:-1]}>"

    def __str__(self) -> str:
        short = {long: name for name, long in SHORT.items()}
        return ", ".join(
            f"{short.get(name, name)}={value.decode(errors='replace')}" for name, value in self.items()
        )

    def inspect(self) -> str:
        """The fields, one to a line, for people."""
        return "\n".join(f"{_words(name):>26}: {self[name].decode(errors='replace')}" for name in self)

    def to_name(self) -> x509.Name:
        """The same for the cryptography library. Raises ValueError for a field that cannot have its value."""
        return x509.Name(
            [x509.NameAttribute(FIELDS[name], value.decode()) for name, value in self.items() if value]
        )

    @classmethod
    def from_name(cls, name: x509.Name) -> DistinguishedName:
        """Those fields of `name` that are known here."""
        found = cls()
        for field, oid in FIELDS.items():
            values: list[Any] = [each.value for each in name.get_attributes_for_oid(oid)]
            if values:
                setattr(found, field, values[-1])
        return found


DN = DistinguishedName


def _field(name: str) -> str:
    field = SHORT.get(name, name)
    if field not in FIELDS:
        raise AttributeError(f"a name has no field {name!r}; there are: {', '.join([*FIELDS, *SHORT])}")
    return field


def _words(name: str) -> str:
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).title()
