r"""The header that a proxy sends first, in the text form of version 1 or the binary one of version 2.

version 1 = "PROXY" SP ("UNKNOWN" *octet | ("TCP4" | "TCP6") SP from SP to SP port SP port) CRLF
version 2 = "\r\n\r\n\0\r\nQUIT\n" version-and-command family-and-kind length addresses *TLV
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass

from ..abstract import isIPAddress, isIPv6Address
from ..address import IPv4Address, IPv6Address, UNIXAddress

Address = IPv4Address | IPv6Address | UNIXAddress

V1_START = b"PROXY "
V1_LIMIT = 107
"""Octets of the longest header of version 1, its CR LF included (section 2.1)."""

V2_START = b"\r\n\r\n\0\r\nQUIT\n"
V2_FIXED = 16
"""Octets before the addresses in version 2; the length field allows 65535 after them (section 2.2)."""

_PORT = re.compile(r"(?:0|[1-9][0-9]{0,4})\Z", re.ASCII)
_FAMILIES = {1: socket.AF_INET, 2: socket.AF_INET6}


class RemoteHeaderError(Exception):
    """What came first on a connection is no header of the PROXY protocol."""


@dataclass(frozen=True)
class ProxyHeader:
    """Who talks to whom through the proxy.

    `source` and `destination` are None when the proxy speaks for itself (`is_local`) or does not know. `tlvs`
    are the further (type, value) pairs of version 2; none of them is interpreted.
    """

    version: int
    source: Address | None = None
    destination: Address | None = None
    is_local: bool = False
    tlvs: tuple[tuple[int, bytes], ...] = ()

    def __str__(self) -> str:
        if self.source is None:
            return f"PROXY v{self.version}, {'local' if self.is_local else 'unknown'}"
        return f"PROXY v{self.version}, {self.source} -> {self.destination}"


class HeaderParser:
    """Takes in what comes first on a connection until the header is complete.

    `rest` is what came after it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()  # a peer may send octet by octet
        self.rest = b""

    def receive_data(self, data: bytes) -> ProxyHeader | None:
        """The header when `data` completes it, or else None: more has to come. Raises RemoteHeaderError."""
        self._buffer += data
        start = V2_START if self._buffer.startswith(b"\r") else V1_START
        if not start.startswith(self._buffer[: len(start)]):
            raise RemoteHeaderError(
                f"no PROXY header: the connection begins with {bytes(self._buffer[:16])!r}"
            )
        return self._version_1() if start is V1_START else self._version_2()

    def _version_1(self) -> ProxyHeader | None:
        end = self._buffer.find(b"\r\n", 0, V1_LIMIT)
        if end >= 0:
            line, self.rest = bytes(self._buffer[:end]), bytes(self._buffer[end + 2 :])
            return _from_line(line)
        if len(self._buffer) >= V1_LIMIT:
            raise RemoteHeaderError(f"a PROXY header of version 1 has at most {V1_LIMIT} octets")
        return None

    def _version_2(self) -> ProxyHeader | None:
        if len(self._buffer) < V2_FIXED:
            return None
        command, kind, length = struct.unpack_from("!BBH", self._buffer, len(V2_START))
        if command not in (0x20, 0x21):
            raise RemoteHeaderError(f"unknown version and command {command:#04x} in a PROXY header")
        end = V2_FIXED + length
        if len(self._buffer) < end:
            return None
        body, self.rest = bytes(self._buffer[V2_FIXED:end]), bytes(self._buffer[end:])
        if command == 0x20:
            return ProxyHeader(2, is_local=True)  # what follows must be ignored (section 2.2)
        return _from_body(kind, body)


def _from_line(line: bytes) -> ProxyHeader:
    try:
        words = line.decode("ascii").split(" ")
    except UnicodeDecodeError:
        words = []
    if words[1:2] == ["UNKNOWN"] or (not words and line.startswith(b"PROXY UNKNOWN ")):
        return ProxyHeader(1)  # the rest of the line must be ignored
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise _bad_line(line)
    _, family, source, destination, *ports = words
    is_address = isIPAddress if family == "TCP4" else isIPv6Address
    if not all(is_address(each) and "%" not in each for each in (source, destination)):
        raise _bad_line(line)
    if not all(_PORT.match(each) and int(each) <= 65535 for each in ports):
        raise _bad_line(line)
    kind = IPv4Address if family == "TCP4" else IPv6Address
    return ProxyHeader(1, kind("TCP", source, int(ports[0])), kind("TCP", destination, int(ports[1])))


def _bad_line(line: bytes) -> RemoteHeaderError:
    return RemoteHeaderError(f"a PROXY header of version 1 that makes no sense: {line!r}")


def _from_body(kind: int, body: bytes) -> ProxyHeader:
    family, protocol = kind >> 4, kind & 15
    if family > 3 or protocol > 2:
        raise RemoteHeaderError(f"unknown family and protocol {kind:#04x} in a PROXY header")
    if not family or not protocol:
        return ProxyHeader(2)  # the proxy does not know; what follows is to be ignored
    size = {1: 12, 2: 36, 3: 216}[family]
    if len(body) < size:
        raise RemoteHeaderError(f"{len(body)} octets where a PROXY header has {size} of addresses")
    tlvs = _tlvs(body[size:])
    if family == 3:
        return ProxyHeader(2, _path(body[:108]), _path(body[108:216]), tlvs=tlvs)
    width, name = (size - 4) // 2, "TCP" if protocol == 1 else "UDP"
    hosts = [socket.inet_ntop(_FAMILIES[family], body[at : at + width]) for at in (0, width)]
    ports = struct.unpack_from("!HH", body, 2 * width)
    address = IPv4Address if family == 1 else IPv6Address
    source, destination = (address(name, *each) for each in zip(hosts, ports, strict=True))
    return ProxyHeader(2, source, destination, tlvs=tlvs)


def _path(field: bytes) -> UNIXAddress:
    # A path ends at the first zero; an abstract name begins with one, and ends where only zeros follow.
    name = field.rstrip(b"\0") if field.startswith(b"\0") else field.partition(b"\0")[0]
    return UNIXAddress(name or None)


def _tlvs(data: bytes) -> tuple[tuple[int, bytes], ...]:
    found, at = [], 0
    while at < len(data):
        if len(data) - at < 3:
            raise RemoteHeaderError("a PROXY header ends inside of a TLV")
        kind, length = struct.unpack_from("!BH", data, at)
        at += 3 + length
        if at > len(data):
            raise RemoteHeaderError(f"a TLV of {length} octets does not fit into its PROXY header")
        found.append((kind, data[at - length : at]))
    return tuple(found)
