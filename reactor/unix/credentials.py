"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

_UCRED = struct.Struct("3i")  # struct ucred of Linux, unix(7)


@dataclass(frozen=True)
class PeerCredentials:
    """The process, user and group at the other end, as they were when it connected or began to listen."""

    pid: int
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"process {self.pid}, user {self.uid}, group {self.gid}"


def credentials_of_peer(sock: socket.socket) -> PeerCredentials | None:
    """Who is connected to `sock`; None where the system does not tell. Raises OSError."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    return PeerCredentials(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _UCRED.size)))
