"""Where a wire ends: the addresses that `getHost` and `getPeer` answer with."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from zope.interface import implementer

from .interfaces import IAddress


@implementer(IAddress)
@dataclass(frozen=True)
class IPv4Address:
    """An IPv4 end of a TCP or UDP conversation. `type` is ``"TCP"`` or ``"UDP"``."""

    type: str
    host: str
    port: int

    def __post_init__(self) -> None:
        _check_type(self.type)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@implementer(IAddress)
@dataclass(frozen=True)
class IPv6Address:
    """An IPv6 end of a TCP or UDP conversation.

    `flowInfo` and `scopeID` are those of the socket address (RFC 3493 section 3.3); a scope may be given by
    number or by the interface's name.
    """

    type: str
    host: str
    port: int
    flowInfo: int = 0
    scopeID: int | str = 0

    def __post_init__(self) -> None:
        _check_type(self.type)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}"


@implementer(IAddress)
@dataclass(frozen=True, init=False)
class UNIXAddress:
    """A Unix domain socket's path in bytes; None for an end that was never bound to one."""

    name: bytes | None

    def __init__(self, name: str | bytes | None) -> None:
        object.__setattr__(self, "name", None if name is None else os.fsencode(name))

    def __str__(self) -> str:
        if self.name is None:
            return "unix:(unnamed)"
        if self.name.startswith(b"\0"):
            return f"unix:@{os.fsdecode(self.name[1:])}"
        return f"unix:{os.fsdecode(self.name)}"


@implementer(IAddress)
@dataclass(frozen=True)
class HostnameAddress:
    """A host name in bytes with a port, before it was resolved."""

    hostname: bytes
    port: int

    def __str__(self) -> str:
        return f"{self.hostname.decode('ascii', 'backslashreplace')}:{self.port}"


@implementer(IAddress)
@dataclass(frozen=True)
class ProcessAddress:
    """A child process: its id, how it ended (empty while it runs), and for the far end its command."""

    pid: int
    exit: str = ""
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.command:
            return shlex.join(self.command)
        return f"pid {self.pid}, {self.exit}" if self.exit else f"pid {self.pid}"


def _check_type(kind: str) -> None:
    if kind not in ("TCP", "UDP"):
        raise ValueError(f"address type is 'TCP' or 'UDP', not {kind!r}")
