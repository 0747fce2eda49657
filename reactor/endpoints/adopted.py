"""Endpoints on sockets that somebody else opened."""

from __future__ import annotations

import os
from typing import Any

from zope.interface import implementer

from ..defer import Deferred, fail, succeed
from ..error import AlreadyListened
from ..interfaces import IStreamServerEndpoint


@implementer(IStreamServerEndpoint)
class AdoptedStreamServerEndpoint:
    """Listens on the descriptor `fileno` of a listening stream socket of `addressFamily`, once.

    The reactor works on a copy of the descriptor; `listen` closes the original when it has succeeded.
    """

    def __init__(self, reactor: Any, fileno: int, addressFamily: int) -> None:
        self.reactor = reactor
        self.fileno = fileno
        self.addressFamily = addressFamily
        self._used = False

    def __repr__(self) -> str:
        return f"<AdoptedStreamServerEndpoint {self.fileno}>"

    def listen(self, factory: Any) -> Deferred[Any]:
        """Deferred of the IListeningPort.

        Errback: AlreadyListened when it was called before, UnsupportedAddressFamily, OSError.
        """
        if self._used:
            return fail(AlreadyListened(f"descriptor {self.fileno}"))
        self._used = True
        try:
            port = self.reactor.adoptStreamPort(self.fileno, self.addressFamily, factory)
            os.close(self.fileno)
        except Exception as error:
            return fail(error)
        return succeed(port)
