"""The header of the PROXY protocol: what it says, whole and split at every octet, and what is refused."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.reactor.address import IPv4Address, IPv6Address, UNIXAddress
from wirelab.reactor.haproxy import HeaderParser, ProxyHeader, RemoteHeaderError
from wirelab.reactor.haproxy.header import V2_START


def v2(command, kind, body):
    return V2_START + struct.pack("!BBH", command, kind, len(body)) + body


def pack(family, *hosts, ports=(1111, 80)):
    return b"".join(socket.inet_pton(family, host) for host in hosts) + struct.pack("!HH", *ports)


FOUR = pack(socket.AF_INET, "1.2.3.4", "5.6.7.8")
SIX = pack(socket.AF_INET6, "2001:db8::1", "::1")
PATHS = b"/run/a".ljust(108, b"\0") + b"\0abstract".ljust(108, b"\0")
A, B = IPv4Address("TCP", "1.2.3.4", 1111), IPv4Address("TCP", "5.6.7.8", 80)
A6, B6 = IPv6Address("TCP", "2001:db8::1", 1111), IPv6Address("TCP", "::1", 80)
LONGEST = b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n"

GOOD = [
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 80\r\n", ProxyHeader(1, A, B)),
    (b"PROXY TCP6 2001:db8::1 ::1 1111 80\r\n", ProxyHeader(1, A6, B6)),
    (b"PROXY UNKNOWN\r\n", ProxyHeader(1)),
    (b"PROXY UNKNOWN ffff::f \xff whatever\r\n", ProxyHeader(1)),
    (LONGEST, ProxyHeader(1)),
    (v2(0x21, 0x11, FOUR), ProxyHeader(2, A, B)),
    (v2(0x21, 0x21, SIX), ProxyHeader(2, A6, B6)),
    (
        v2(0x21, 0x12, FOUR),
        ProxyHeader(2, IPv4Address("UDP", "1.2.3.4", 1111), IPv4Address("UDP", "5.6.7.8", 80)),
    ),
    (v2(0x21, 0x31, PATHS), ProxyHeader(2, UNIXAddress(b"/run/a"), UNIXAddress(b"\0abstract"))),
    (v2(0x21, 0x31, b"\0" * 216), ProxyHeader(2, UNIXAddress(None), UNIXAddress(None))),
    (v2(0x20, 0x00, b""), ProxyHeader(2, is_local=True)),
    (v2(0x20, 0xFF, b"ignored"), ProxyHeader(2, is_local=True)),
    (v2(0x21, 0x00, b"ignored"), ProxyHeader(2)),
    (v2(0x21, 0x11, FOUR + b"\x01\0\x02h2\x04\0\0"), ProxyHeader(2, A, B, tlvs=((1, b"h2"), (4, b"")))),
    (v2(0x21, 0x11, FOUR + b"\x04\xff\xf0" + b"x" * 65520), ProxyHeader(2, A, B, tlvs=((4, b"x" * 65520),))),
]
IDS = [str(header) + f", {len(data)} octets" for data, header in GOOD]


@pytest.mark.parametrize(("data", "header"), GOOD, ids=IDS)
def test_a_header_comes_whole_with_what_follows(data, header):
    parser = HeaderParser()
    assert parser.receive_data(data + b"GET /\r\n") == header
    assert parser.rest == b"GET /\r\n"


@pytest.mark.parametrize(("data", "header"), GOOD, ids=IDS)
def test_a_header_comes_in_two_parts_split_anywhere(data, header):
    for at in range(1, min(len(data), 400)):
        parser = HeaderParser()
        assert parser.receive_data(data[:at]) is None
        assert parser.receive_data(data[at:] + b"x") == header
        assert parser.rest == b"x"


@pytest.mark.parametrize(("data", "header"), GOOD, ids=IDS)
def test_a_header_comes_octet_by_octet(data, header):
    parser = HeaderParser()
    answers = [parser.receive_data(data[at : at + 1]) for at in range(len(data))]
    assert answers[-1] == header and set(answers[:-1]) == {None}
    assert parser.rest == b""


BAD = [
    (b"GET / HTTP/1.1\r\n", "begins with b'GET / HTTP/1.1"),
    (b"X", "no PROXY header"),
    (b"PROXY\r\n", "no PROXY header"),
    (b"\r\n\r\nX", "no PROXY header"),
    (b"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "makes no sense"),
    (b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 ::1 ::1 1 2\r\n", "makes no sense"),
    (b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "makes no sense"),
    (b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r\n", "makes no sense"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \xb2\r\n", "makes no sense"),
    (b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n", "at most 107 octets"),
    (v2(0x11, 0x11, FOUR), "unknown version and command 0x11"),
    (v2(0x22, 0x11, FOUR), "unknown version and command 0x22"),
    (v2(0x21, 0x41, FOUR), "unknown family and protocol 0x41"),
    (v2(0x21, 0x13, FOUR), "unknown family and protocol 0x13"),
    (v2(0x21, 0x11, FOUR[:-1]), "11 octets where a PROXY header has 12 of addresses"),
    (v2(0x21, 0x21, FOUR), "12 octets where a PROXY header has 36"),
    (v2(0x21, 0x11, FOUR + b"\x01"), "ends inside of a TLV"),
    (v2(0x21, 0x11, FOUR + b"\x01\0\x03h2"), "a TLV of 3 octets does not fit"),
]


@pytest.mark.parametrize(("data", "said"), BAD)
def test_what_is_no_header_is_refused(data, said):
    with pytest.raises(RemoteHeaderError, match=said):
        HeaderParser().receive_data(data)


@pytest.mark.parametrize(("data", "said"), BAD)
def test_what_is_no_header_is_refused_octet_by_octet(data, said):
    parser = HeaderParser()
    with pytest.raises(RemoteHeaderError):
        for at in range(len(data)):
            parser.receive_data(data[at : at + 1])


@given(st.sampled_from([data for data, _ in GOOD[:-1]]), st.data())
def test_whatever_is_changed_nothing_but_a_refusal_comes_out(data, choice):
    at = choice.draw(st.integers(0, len(data) - 1))
    changed = data[:at] + choice.draw(st.binary(max_size=3)) + data[at + choice.draw(st.integers(0, 3)) :]
    try:
        HeaderParser().receive_data(changed)
    except RemoteHeaderError:
        pass
