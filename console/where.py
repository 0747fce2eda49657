"""What people write for a place to connect to, or to listen at, turned into an endpoint string.

Besides endpoint strings, which pass as they are, these are understood::

    example.org:80     [::1]:80     :80      a host and a port: TCP, of this machine when the host is empty
    tcp:80                                   TCP on this machine
    tcp:127.0.0.1:80                         for `serve`: that port of that interface

`serve` listens on the loopback interface unless another one is named.
"""

from __future__ import annotations

import re

from ..reactor.abstract import isIPAddress, isIPv6Address
from ..reactor.endpoints import EndpointStringError, quoteStringArgument
from ..reactor.endpoints.description import Description, parse_description
from ..reactor.endpoints.kinds import CLIENT_KINDS, SERVER_KINDS
from .errors import LocalCallError, LocalEndpointError, shortened

LOOPBACK = {"ssl": "127.0.0.1", "tcp": "127.0.0.1", "tcp6": "::1", "tls": "127.0.0.1"}
"""The loopback interface of each kind that listens on a port of an interface."""

KINDS_OF_OTHERS = {"haproxy", "process", "ssl", "stdio", "systemd", "tls", "udp", "unix"}
"""Kinds that people know and that may not be here: never taken for the name of a host."""

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]*):([0-9]+)\Z")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(where: str) -> str | None:
    """The scheme of a URL, in small letters; None for what is no URL."""
    found = _SCHEME.match(where)
    return found[1].lower() if found else None


def checked_where(call: str, where: object, example: str) -> str:
    """`where` as text. Raises LocalCallError for anything else; `example` is a right call."""
    if isinstance(where, str) and where.strip():
        return where.strip()
    raise LocalCallError(f"{call}() takes the place first, as text: {example}; not {shortened(where)}")


def client_description(where: str) -> Description:
    """The endpoint string to connect to `where`. Raises LocalEndpointError."""
    parsed = _parsed("connect", where, set(CLIENT_KINDS))
    values = parsed.positional
    if parsed.kind in LOOPBACK and not parsed.named and len(values) == 1 and values[0].isdigit():
        loopback = quoteStringArgument(LOOPBACK[parsed.kind])
        return parse_description(f"{parsed.kind}:{loopback}:{values[0]}")
    return parsed


def server_description(where: str, interface: str | None, backlog: int | None) -> Description:
    """The endpoint string to listen at `where`.

    `interface` is an address; None means the one in `where`, or else loopback. Raises LocalEndpointError,
    and LocalCallError when both name one, or when this kind takes none.
    """
    parsed = _parsed("serve", where, set(SERVER_KINDS))
    if parsed.kind == "haproxy" and parsed.arguments:
        inner = server_description(where.partition(":")[2], interface, backlog)
        return parse_description(f"haproxy:{inner.text}")
    if parsed.kind not in LOOPBACK:
        if interface is not None:
            raise LocalCallError(
                f"serve({where!r}): {parsed.kind} has no interface to choose; leave interface= out"
            )
        return parsed
    places, named = parsed.positional, parsed.named
    if len(places) == 2 and not places[0].isdigit():
        named = {"interface": places[0], **named}
        places = places[1:]
    if interface is not None and "interface" in named:
        raise LocalCallError(
            f"serve({where!r}, interface={interface!r}): the interface is named twice; name it once"
        )
    chosen = interface if interface is not None else named.get("interface", LOOPBACK[parsed.kind])
    named["interface"] = LOOPBACK[parsed.kind] if chosen == "localhost" else chosen
    # A literal IPv6 address can mean nothing else.
    kind = "tcp6" if parsed.kind == "tcp" and ":" in named["interface"] else parsed.kind
    if backlog is not None:
        named.setdefault("backlog", str(backlog))
    return _composed(kind, places, named)


def with_timeout(description: Description, seconds: float | None) -> str:
    """The endpoint string, made to try as long as `seconds` allows: an endpoint's own limit is 30."""
    if description.kind not in LOOPBACK or "timeout" in description.named:
        return description.text
    if seconds is not None and seconds < 30:
        return description.text
    # The caller's own limit, and its message, should come first.
    limit = 10**6 if seconds is None else int(seconds) + 2
    return f"{description.text}:timeout={limit}"


def endpoint_error(call: str, where: str, error: EndpointStringError) -> LocalEndpointError:
    """`error` as the one line that the prompt shows."""
    return LocalEndpointError(f"{call}({shortened(where)}): {error.message}")


def _parsed(call: str, where: str, kinds: set[str]) -> Description:
    found = _HOST_AND_PORT.match(where)
    if found and _is_host(call, found[1].lower(), kinds):
        host = quoteStringArgument(found[1].strip("[]") or LOOPBACK["tcp"])
        return parse_description(f"tcp:{host}:{found[2]}")
    if ":" not in where:
        known = ", ".join(sorted(kinds))
        right = f"{call}('tcp:{where}:PORT')" if call == "connect" else f"{call}('tcp:PORT', ...)"
        if where.isdigit():
            right = f"{call}('tcp:{where}'{'' if call == 'connect' else ', ...'})"
        raise LocalEndpointError(f"{call}({shortened(where)}): no kind and no port; {right}; kinds: {known}")
    try:
        return parse_description(where)
    except EndpointStringError as error:
        raise endpoint_error(call, where, error) from error


def _is_host(call: str, word: str, kinds: set[str]) -> bool:
    """Whether `word`, in front of a port, is a host and not a kind of endpoint."""
    if call == "serve":  # which listens at an address of this machine, and at no name
        literal = word.strip("[]")
        return word in ("", "localhost") or isIPAddress(literal) or isIPv6Address(literal)
    return word not in kinds | KINDS_OF_OTHERS


def _composed(kind: str, places: list[str], named: dict[str, str]) -> Description:
    arguments = [quoteStringArgument(value) for value in places]
    arguments += [f"{name}={quoteStringArgument(value)}" for name, value in named.items()]
    return parse_description(":".join([kind, *arguments]))
