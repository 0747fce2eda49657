"""Where a Unix socket is: a path in the file system, or an abstract name (Linux) that begins with NUL."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import Any

from ..address import UNIXAddress

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def checked_path(verb: str, path: object) -> bytes:
    """`path` in bytes, as the system wants it. Raises TypeError, ValueError, naming `verb`."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"{verb}() takes the path of a socket, not {path!r}")
    name = os.fsencode(path)
    if not name:
        raise ValueError(f"{verb}() takes the path of a socket, not an empty one")
    if b"\0" in name and not is_abstract(name):
        raise ValueError(
            f"{verb}() takes a path without NUL, or an abstract name that begins with it: {path!r}"
        )
    return name


def is_abstract(name: bytes) -> bool:
    """Whether `name` lives in the system's own table and not in the file system (unix(7))."""
    return name.startswith(b"\0")


def address_from(sockaddr: Any) -> UNIXAddress:
    """The address that the system's socket address stands for; nameless ends have an empty one."""
    return UNIXAddress(sockaddr or None)


def explained(error: OSError, name: bytes) -> OSError:
    """`error` of a call with the path `name`, told so that a person can act on it."""
    if error.errno is None:  # Python itself refused it, before the system saw it
        text = f"{error}: {len(name)} octets, where a socket address has room for about 100"
        return OSError(errno.ENAMETOOLONG, text)
    in_use = os.strerror(errno.EADDRINUSE)
    if error.strerror == in_use and not is_abstract(name):
        return OSError(errno.EADDRINUSE, f"{in_use}: {_what_is_there(name)}")
    return error


def is_served(name: bytes) -> bool:
    """Whether a socket that is still open is bound to `name`. Whoever listens there does not notice."""
    # A datagram socket is told of a stream socket that it is of the wrong type, without connecting to it.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(name)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _what_is_there(name: bytes) -> str:
    try:
        mode = os.stat(name).st_mode
    except OSError:
        return "it was there a moment ago"
    if not stat.S_ISSOCK(mode):
        return "a file that is no socket is there"
    if is_served(name):
        return "a running program serves it"
    return "nobody serves that socket any more; remove the file, or have lock files kept (wantPID)"
