"""The file of a bound Unix socket: made with its permissions, and taken away if it is still the same one."""

from __future__ import annotations

import logging
import os

from ..stream import Socket
from .paths import is_abstract

log = logging.getLogger("wirelab.reactor")


class SocketFile:
    """The file at `name`, which stands for a socket; an abstract name has none. `mode`: who may use it."""

    def __init__(self, name: bytes, mode: int) -> None:
        self.name = name
        self.mode = mode
        self._identity: tuple[int, int] | None = None  # device and inode of what we made

    def bind(self, sock: Socket) -> None:
        """Bind `sock` to the name. Raises OSError."""
        if is_abstract(self.name):
            sock.bind(self.name)
            return
        try:
            os.fchmod(sock.fileno(), self.mode)  # Linux makes the file with these, less the umask
        except OSError as error:
            log.debug("the socket itself has no permissions here: %s", error)
        sock.bind(self.name)
        self.name = os.path.abspath(self.name)  # the program may go elsewhere before it is removed
        self._identity = _identity(self.name)
        os.chmod(self.name, self.mode)

    def remove(self) -> None:
        """Remove the file; what somebody else has put in its place is left alone."""
        ours, self._identity = self._identity, None
        try:
            if ours is not None and _identity(self.name) == ours:
                os.unlink(self.name)
        except FileNotFoundError:
            pass  # somebody has tidied up already


def _identity(name: bytes) -> tuple[int, int]:
    status = os.stat(name)
    return status.st_dev, status.st_ino
