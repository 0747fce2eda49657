"""The endpoint on a host name: `HostnameEndpoint`, which tries all addresses of the name (RFC 8305)."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..address import HostnameAddress
from ..defer import Deferred, fail
from ..interfaces import IStreamClientEndpoint
from ..resolver import encode_host_name
from .errors import InvalidHostNameError
from .race import ATTEMPT_DELAY, Race
from .tcp import Binding, checked_binding, checked_port


@implementer(IStreamClientEndpoint)
class HostnameEndpoint:
    """Connects to a `port` of the host with this name, at whichever of its addresses answers first.

    The addresses of both families come from ``reactor.nameResolver`` and are tried in turns, one every
    `attemptDelay` seconds (0.25 by default), the next one at once when one has failed. The first connection
    wins and the other attempts are stopped. A literal address is used as it is.

    `host` is a name, in text (international ones too, RFC 5891) or in ASCII bytes; `timeout` is the seconds
    given to each single attempt. `bindAddress` is what to connect from: a (literal address, port) pair or the
    address alone; only addresses of its family are tried.
    """

    def __init__(
        self,
        reactor: Any,
        host: str | bytes,
        port: int,
        timeout: float = 30,
        bindAddress: Binding | str | None = None,
        attemptDelay: float | None = None,
    ) -> None:
        if not isinstance(host, (str, bytes)):
            raise TypeError(f"HostnameEndpoint() takes the host as str, not {type(host).__name__}: {host!r}")
        self.reactor = reactor
        self.port = checked_port("HostnameEndpoint", port)
        self.timeout = timeout
        self.bindAddress = checked_binding("HostnameEndpoint", bindAddress)
        self.attemptDelay = ATTEMPT_DELAY if attemptDelay is None else attemptDelay
        self._bad_name: InvalidHostNameError | None = None
        try:
            self.host = encode_host_name(host)
        except ValueError as error:
            self.host = host.decode("ascii", "backslashreplace") if isinstance(host, bytes) else host
            self._bad_name = InvalidHostNameError(f"invalid host name {self.host!r}: {error}")

    def __repr__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"<HostnameEndpoint {host}:{self.port}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the connected protocol; cancelling it stops the look-up and all attempts.

        Errback: DNSLookupError when the name has no address; when every address failed, the ConnectError that
        they have in common (else a plain one), whose text says each address and its reason and whose
        `__cause__` is the ExceptionGroup of all reasons; InvalidHostNameError (a ValueError),
        ConnectingCancelledError, NoProtocol.
        """
        if self._bad_name is not None:
            return fail(self._bad_name)
        race = Race(
            self.reactor,
            HostnameAddress(self.host.encode("ascii"), self.port),
            protocolFactory,
            self.timeout,
            self.bindAddress,
            self.attemptDelay,
        )
        race.start(self.host)
        return race.result
