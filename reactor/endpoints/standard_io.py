"""Standard input and output as a place to listen at: there is one connection, and it is there already."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..defer import Deferred, fail, succeed
from ..error import NoProtocol
from ..interfaces import IStreamServerEndpoint
from ..stdio import PipeAddress, StandardIO


@implementer(IStreamServerEndpoint)
class StandardIOEndpoint:
    """Serves standard input and output with one protocol of the factory."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor

    def __repr__(self) -> str:
        return "<StandardIOEndpoint>"

    def listen(self, stdioProtocolFactory: Any) -> Deferred[Any]:
        """Deferred of the StandardIO; it has fired already. Errback: NoProtocol, OSError."""
        try:
            protocol = stdioProtocolFactory.buildProtocol(PipeAddress())
            if protocol is None:
                raise NoProtocol(f"{stdioProtocolFactory!r} has no protocol for standard input and output")
            return succeed(StandardIO(protocol, reactor=self.reactor))
        except Exception as error:
            return fail(error)
