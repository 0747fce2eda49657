"""Lock files beside sockets: they tell a server that crashed from one that lives.

``PATH.lock`` is a symbolic link whose target is the process id of the server, as
`wirelab.reactor.defer.DeferredFilesystemLock` makes it, and as other programs of this family do.
"""

from __future__ import annotations

import errno
import os
import stat

from ..defer import DeferredFilesystemLock
from .paths import is_served


def lock_path(name: bytes) -> str:
    """The lock file of the socket at `name`."""
    return os.fsdecode(name) + ".lock"


def live_holder(name: bytes) -> int | None:
    """The id of the live process that holds the lock of the socket at `name`; None when there is none."""
    try:
        pid = int(os.readlink(lock_path(name)))
        os.kill(pid, 0)
    except (OSError, ValueError) as error:
        # EPERM: it lives, and is somebody else's.
        return pid if getattr(error, "errno", None) == errno.EPERM else None
    return pid


def locked(name: bytes) -> DeferredFilesystemLock:
    """Take the lock of the socket at `name`; a socket left by a server that crashed is removed.

    Raises OSError: EADDRINUSE when a live process holds it, or what the file system says.
    """
    lock = DeferredFilesystemLock(lock_path(name))
    taken = lock.lock()
    if not taken and live_holder(name) == os.getpid() and not is_served(name):
        # Left by another process of our number, as the first process of a container often finds it.
        os.unlink(lock.name)
        taken = lock.lock()
        lock.clean = False
    if not taken:
        text = f"{os.strerror(errno.EADDRINUSE)}: process {live_holder(name)} holds {lock.name}"
        raise OSError(errno.EADDRINUSE, text)
    if not lock.clean:
        _remove_socket(name)
    return lock


def _remove_socket(name: bytes) -> None:
    try:
        if stat.S_ISSOCK(os.stat(name).st_mode):
            os.unlink(name)
    except FileNotFoundError:
        pass  # it crashed before it had one
