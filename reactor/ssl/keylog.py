"""Writing the secrets of sessions down, for Wireshark and its like (the NSS key log format).

Whoever has that file can read the traffic: it is written only when ``SSLKEYLOGFILE`` names it, and is
readable by its owner alone.
"""

from __future__ import annotations

import logging
import os

from OpenSSL import SSL

log = logging.getLogger("wirelab.reactor.ssl")


def log_keys(context: SSL.Context) -> None:
    """Have the sessions of `context` logged to the file that ``SSLKEYLOGFILE`` names now, if it does."""
    path = os.environ.get("SSLKEYLOGFILE")
    if path:
        context.set_keylog_callback(KeyLog(path))


class KeyLog:
    """Appends each line to the file at `path`, opened anew each time: lines are few, and nothing leaks."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, connection: SSL.Connection, line: bytes) -> None:
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(fd, line + b"\n")
            finally:
                os.close(fd)
        except OSError as error:
            log.warning("cannot write TLS keys to %r (SSLKEYLOGFILE): %s", self._path, error)
