"""What the values of endpoint arguments may be: each reader turns text into one, or says why it cannot."""

from __future__ import annotations

import math
import socket

from ..resolver import is_literal, literal_family
from .errors import ArgumentValueError, EndpointStringError, HostError, PortError, TimeoutValueError

MAX_PORT = 65535
"""The highest port number there is (RFC 9293 section 3.1: 16 bits)."""


class Unfit(Exception):
    """A text is not a value of the wanted sort: the class of error to raise, and what to say."""

    def __init__(self, error: type[EndpointStringError], message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


def local_port(name: str, text: str) -> int:
    """A port to listen on; 0 stands for any that is free."""
    return _port(name, text, 0)


def remote_port(name: str, text: str) -> int:
    """A port to connect to."""
    return _port(name, text, 1)


def _port(name: str, text: str, lowest: int) -> int:
    number = _whole(text)
    if number is None:
        raise Unfit(PortError, f"{name} {text!r} is not a number from {lowest} to {MAX_PORT}")
    if not lowest <= number <= MAX_PORT:
        raise Unfit(PortError, f"{name} {number} is not from {lowest} to {MAX_PORT}")
    return number


def positive(name: str, text: str) -> int:
    """A count, 1 or more."""
    number = _whole(text)
    if number is None or number < 1:
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not a whole number of 1 or more")
    return number


def descriptor(name: str, text: str) -> int:
    """The number of an open file descriptor."""
    number = _whole(text)
    if number is None or number < 0:
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not the number of a file descriptor")
    return number


def permissions(name: str, text: str) -> int:
    """Who may use a file, in the octal digits of chmod(1)."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not an octal number from 0 to 777, such as 660")
    return mode


def flag(name: str, text: str) -> bool:
    """Yes or no, written 1 or 0."""
    if text not in ("0", "1"):
        raise Unfit(ArgumentValueError, f"{name} {text!r} is neither 1 (yes) nor 0 (no)")
    return text == "1"


def socket_path(name: str, text: str) -> str:
    """Where a Unix socket is; what begins with @ is an abstract name, as ss(8) and socat(1) write them."""
    if not text or text == "@":
        raise Unfit(ArgumentValueError, f"{name} is empty: write for example /tmp/x.sock")
    if "\0" in text:
        raise Unfit(ArgumentValueError, f"{name} {text!r} has a NUL in it: write @name for an abstract name")
    return "\0" + text[1:] if text.startswith("@") else text


def seconds(name: str, text: str) -> float:
    """A time, in seconds, above 0; whole ones come as int."""
    whole = _whole(text)
    try:
        number = float(text) if whole is None else whole
    except ValueError:
        number = 0
    if not (number > 0 and math.isfinite(number)):
        raise Unfit(TimeoutValueError, f"{name} {text!r} is not a number of seconds above 0")
    return number


def host(name: str, text: str) -> str:
    """A host name or a literal address."""
    if not text:
        raise Unfit(HostError, f"{name} is empty: name the host, for example localhost")
    if any(character in "/?#@[] \t\r\n\0" for character in text):
        remedy = "; an endpoint string is no URL, write tcp:host:port" if text.startswith("//") else ""
        raise Unfit(HostError, f"{name} {text!r} is neither a host name nor an address{remedy}")
    return text


def address(name: str, text: str) -> str:
    """A literal address of either family, or localhost (RFC 6761 section 6.3); empty means any."""
    if text == "localhost":
        return "127.0.0.1"
    if text and not is_literal(text):
        raise Unfit(HostError, f"{name} {text!r} is not a literal address such as 127.0.0.1")
    return text


def ipv6_address(name: str, text: str) -> str:
    """A literal IPv6 address, or localhost."""
    if text == "localhost":
        return "::1"
    if literal_family(text) != socket.AF_INET6:
        raise Unfit(HostError, f"{name} {text!r} is not a literal IPv6 address such as ::1")
    return text


def family(name: str, text: str) -> int:
    """An address family by its name, ``INET`` or ``INET6``, with or without ``AF_``."""
    known = {"INET": socket.AF_INET, "INET6": socket.AF_INET6, "UNIX": getattr(socket, "AF_UNIX", None)}
    found = known.get(text.upper().removeprefix("AF_"))
    if found is None:
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not one of INET, INET6, UNIX")
    return int(found)


def _whole(text: str) -> int | None:
    """`text` as a whole number; None when it is not written in plain decimal digits, a sign allowed."""
    digits = text.strip().removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None
