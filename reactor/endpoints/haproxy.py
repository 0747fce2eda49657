"""A place behind a proxy that says on each connection whom it speaks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zope.interface import implementer

from ..defer import Deferred
from ..haproxy import ProxiedFactory
from ..interfaces import IStreamServerEndpoint
from .description import Description, parse_description
from .errors import MissingArgumentError, UnknownKindError

_INSIDE_TLS = ("ssl", "tls")


@implementer(IStreamServerEndpoint)
class HAProxyServerEndpoint:
    """Listens where `endpoint` does, for connections that begin with a header of the PROXY protocol.

    Only for a port that nobody but the proxy can reach: whoever reaches it can claim to be anybody.
    """

    def __init__(self, reactor: Any, endpoint: Any) -> None:
        self.reactor = reactor
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"<HAProxyServerEndpoint {self.endpoint!r}>"

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the IListeningPort. Errback: as that of the endpoint inside."""
        listening: Deferred[Any] = self.endpoint.listen(ProxiedFactory(protocolFactory, self.reactor))
        return listening


class HAProxyKind:
    """``haproxy:tcp:8080``: another string of those in `kinds`, as it is, after the first colon."""

    def __init__(self, kinds: Mapping[str, Any]) -> None:
        self._kinds = kinds

    def build(self, reactor: Any, description: Description) -> HAProxyServerEndpoint:
        """The endpoint. Raises EndpointStringError."""
        text = description.text
        inner = text.partition(":")[2]
        if not inner:
            raise MissingArgumentError(
                "haproxy needs the place to listen at: write for example 'haproxy:tcp:8080'", text, len(text)
            )
        parsed = parse_description(inner)
        known = sorted(kind for kind in self._kinds if kind not in (*_INSIDE_TLS, "haproxy", "stdio"))
        if parsed.kind not in known:
            hint = ": the header comes before TLS begins" if parsed.kind in _INSIDE_TLS else ""
            raise UnknownKindError(
                f"haproxy cannot listen at {parsed.kind!r}{hint}; there are: {', '.join(known)}",
                text,
                known,
                len("haproxy:"),
                len(parsed.kind),
            )
        return HAProxyServerEndpoint(reactor, self._kinds[parsed.kind].build(reactor, parsed))
