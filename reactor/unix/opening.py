"""Opening Unix sockets: the part of a reactor that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from ..arguments import check_client_factory, check_factory
from ..interfaces import IReactorUNIX
from .client import Connector
from .paths import Path
from .port import Port

if TYPE_CHECKING:
    from ..core import Reactor


@implementer(IReactorUNIX)
class OpensUNIX:
    """The part of a reactor that listens and connects within the machine."""

    def listenUNIX(
        self, address: Path, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> Port:
        r"""Accept connections at the path `address` with protocols of `factory`.

        An `address` that begins with ``\0`` is an abstract name, which has no file. `mode` are the
        permissions of the file: who may connect. With `wantPID` a lock file beside it tells a server that
        lives from one that crashed, whose socket is then taken over. The file is removed at the end. Raises
        CannotListenError, and TypeError or ValueError for arguments that make no sense.
        """
        check_factory("listenUNIX", factory)
        port = Port(cast("Reactor", self), address, factory, backlog, mode, wantPID)
        port.startListening()
        return port

    def connectUNIX(
        self, address: Path, factory: Any, timeout: float | None = 30, checkPID: bool = False
    ) -> Connector:
        r"""Connect to the path `address`, or to the abstract name that begins with ``\0``.

        The attempt is given up after `timeout` seconds; None waits as long as the server's queue is full.
        With `checkPID` a live process must hold the lock file. What happens is told to the factory. Raises
        TypeError or ValueError for arguments that make no sense.
        """
        check_client_factory("connectUNIX", factory)
        connector = Connector(cast("Reactor", self), address, factory, timeout, checkPID)
        connector.connect()
        return connector
