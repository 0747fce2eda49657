"""Endpoints on Unix sockets."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..address import UNIXAddress
from ..defer import Deferred, execute
from ..interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from ..unix.paths import Path
from .attempt import attempt


@implementer(IStreamServerEndpoint)
class UNIXServerEndpoint:
    r"""Listens at the path `address`, or at the abstract name that begins with ``\0``.

    `backlog` is how many connections wait to be accepted, `mode` who may connect; `wantPID` keeps a lock
    file, so that a socket left by a server that crashed is taken over.
    """

    def __init__(
        self, reactor: Any, address: Path, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> None:
        self.reactor = reactor
        self.address = address
        self.backlog = backlog
        self.mode = mode
        self.wantPID = wantPID

    def __repr__(self) -> str:
        return f"<UNIXServerEndpoint {_shown(self.address)}>"

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the IListeningPort; it has fired already. Errback: CannotListenError."""
        return execute(
            self.reactor.listenUNIX,
            self.address,
            protocolFactory,
            backlog=self.backlog,
            mode=self.mode,
            wantPID=self.wantPID,
        )


@implementer(IStreamClientEndpoint)
class UNIXClientEndpoint:
    r"""Connects to `path`, or to the abstract name that begins with ``\0``, trying for `timeout` seconds.

    With `checkPID` a live process must hold the lock file beside it.
    """

    def __init__(self, reactor: Any, path: Path, timeout: float = 30, checkPID: bool = False) -> None:
        self.reactor = reactor
        self.path = path
        self.timeout = timeout
        self.checkPID = checkPID

    def __repr__(self) -> str:
        return f"<UNIXClientEndpoint {_shown(self.path)}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the connected protocol; cancelling it stops the attempt.

        Errback: ConnectError and kin, NoProtocol, ConnectingCancelledError.
        """
        return attempt(
            protocolFactory,
            lambda new: self.reactor.connectUNIX(
                self.path, new, timeout=self.timeout, checkPID=self.checkPID
            ),
        ).result


def _shown(path: Path) -> str:
    return str(UNIXAddress(path if isinstance(path, (str, bytes)) else path.__fspath__()))
