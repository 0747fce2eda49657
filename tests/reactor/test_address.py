"""Addresses compare, print, and are recognised."""

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.abstract import isIPAddress, isIPv6Address
from wirelab.reactor.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from wirelab.reactor.interfaces import IAddress

ADDRESSES = [
    (IPv4Address("TCP", "127.0.0.1", 80), "127.0.0.1:80"),
    (IPv6Address("TCP", "::1", 80), "[::1]:80"),
    (UNIXAddress("/run/app.sock"), "unix:/run/app.sock"),
    (UNIXAddress(b"\0abstract"), "unix:@abstract"),
    (UNIXAddress(None), "unix:(unnamed)"),
    (HostnameAddress(b"example.org", 443), "example.org:443"),
]


@pytest.mark.parametrize(("address", "text"), ADDRESSES)
def test_an_address_reads_as_people_write_it(address, text):
    assert str(address) == text
    assert verifyObject(IAddress, address)


def test_addresses_compare_by_value_and_can_be_keys():
    assert IPv4Address("TCP", "127.0.0.1", 80) == IPv4Address("TCP", "127.0.0.1", 80)
    assert IPv4Address("TCP", "127.0.0.1", 80) != IPv4Address("UDP", "127.0.0.1", 80)
    assert UNIXAddress("/a") == UNIXAddress(b"/a")
    assert len({address for address, _ in ADDRESSES * 2}) == len(ADDRESSES)


def test_a_type_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'TCP' or 'UDP', not 'SCTP'"):
        IPv4Address("SCTP", "127.0.0.1", 80)


@pytest.mark.parametrize(
    ("text", "four", "six"),
    [
        ("127.0.0.1", True, False),
        (b"127.0.0.1", True, False),
        ("255.255.255.255", True, False),
        ("256.0.0.1", False, False),
        ("127.1", False, False),
        ("0x7f.0.0.1", False, False),
        ("localhost", False, False),
        ("", False, False),
        ("::1", False, True),
        ("::", False, True),
        ("fe80::1%eth0", False, True),
        ("fe80::1%eth0%x", False, False),
        ("1:2:3:4:5:6:7:8", False, True),
        ("1:2:3:4:5:6:7:8:9", False, False),
        (b"\xff", False, False),
        ("127.0.0.1\0", False, False),
    ],
)
def test_literal_addresses_are_told_from_names(text, four, six):
    assert isIPAddress(text) is four
    assert isIPv6Address(text) is six
