"""Happy Eyeballs, version 2 (RFC 8305): attempts at all addresses of a name, the first success wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from ..address import HostnameAddress, IPv4Address, IPv6Address
from ..defer import Deferred
from ..error import ConnectError, ConnectingCancelledError, DNSLookupError
from ..failure import Failure
from ..interfaces import IResolutionReceiver
from ..resolver import is_literal, literal_family
from .attempt import Attempt, attempt

ATTEMPT_DELAY = 0.25
"""Seconds from one attempt to the next (RFC 8305 section 5)."""

RESOLUTION_DELAY = 0.05
"""Seconds that an IPv4 address waits for an IPv6 one while the look-up goes on (RFC 8305 section 3)."""

IPAddress = IPv4Address | IPv6Address


@implementer(IResolutionReceiver)
class Race:
    """One connection being made. `result` is the Deferred of the protocol; cancelling it stops everything.

    It hears the addresses as the resolver finds them and keeps them by family; each attempt takes the next
    address of the family whose turn it is.
    """

    def __init__(
        self,
        reactor: Any,
        destination: HostnameAddress,
        factory: Any,
        timeout: float,
        bind_address: tuple[str, int] | None,
        attempt_delay: float = ATTEMPT_DELAY,
    ) -> None:
        self.result: Deferred[Any] = Deferred(self._cancelled)
        self._reactor = reactor
        self._destination = destination
        self._factory = factory
        self._timeout = timeout
        self._bind_address = bind_address
        self._bind_family = None if bind_address is None else literal_family(bind_address[0])
        self._attempt_delay = attempt_delay
        self._lookup: Any = None
        self._looking_up = False
        self._waiting: dict[type[IPAddress], list[IPAddress]] = {}
        self._turn: list[type[IPAddress]] = []
        self._unfit: list[IPAddress] = []
        self._running: dict[Attempt, IPAddress] = {}
        self._failures: list[tuple[IPAddress, BaseException]] = []
        self._next: Any = None  # the delayed call of the next attempt, while one is planned
        self._begun_at = 0.0  # on the reactor's clock: the last attempt
        self._finished = False

    def start(self, host: str, types: Sequence[type[IPAddress]] = (IPv4Address, IPv6Address)) -> None:
        """Look the addresses of these `types` of `host` up and go; a literal address needs no look-up."""
        self._looking_up = True
        if is_literal(host):
            self.addressResolved(_literal_address(host, self._destination.port))
            self.resolutionComplete()
            return
        resolver = self._reactor.nameResolver
        try:
            resolver.resolveHostName(self, host, self._destination.port, list(types), "TCP")
        except Exception:
            if not self._finished:
                self._end()
                self.result.errback()

    # -- IResolutionReceiver --------------------------------------------------------------------------

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        """Keep the look-up, so that it can be stopped."""
        self._lookup = resolutionInProgress

    def addressResolved(self, address: object) -> None:
        """Keep `address` for its turn."""
        if self._finished or not isinstance(address, (IPv4Address, IPv6Address)):
            return
        family = type(address)
        if self._bind_family is not None and literal_family(address.host) != self._bind_family:
            self._unfit.append(address)
            return
        if family not in self._waiting:
            self._waiting[family] = []
            self._turn.append(family)
        self._waiting[family].append(address)
        if self._next is None:
            self._plan(self._until_next_attempt() if self._running else RESOLUTION_DELAY)

    def resolutionComplete(self) -> None:
        """All addresses are known: what waited for better ones waits no more."""
        self._looking_up = False
        self._lookup = None
        if not self._finished and not self._running:
            self._try_next()

    # -- attempts -------------------------------------------------------------------------------------

    def _until_next_attempt(self) -> float:
        """Seconds until the delay after the last attempt has passed."""
        return float(max(0.0, self._begun_at + self._attempt_delay - self._reactor.seconds()))

    def _plan(self, delay: float) -> None:
        self._unplan()
        self._next = self._reactor.callLater(delay, self._planned)

    def _unplan(self) -> None:
        planned, self._next = self._next, None
        if planned is not None and planned.active():
            planned.cancel()

    def _planned(self) -> None:
        self._next = None
        self._try_next()

    def _try_next(self) -> None:
        """Begin the attempt at the next address, and plan the one after it."""
        self._unplan()
        address = self._take()
        if address is None:
            self._settle()
            return
        self._begun_at = self._reactor.seconds()
        host = address.host
        if isinstance(address, IPv6Address) and address.scopeID and "%" not in host:
            host = f"{host}%{address.scopeID}"
        begun = attempt(
            self._factory,
            lambda new: self._reactor.connectTCP(
                host, address.port, new, timeout=self._timeout, bindAddress=self._bind_address
            ),
        )
        self._running[begun] = address
        begun.result.addCallbacks(self._won, self._lost, callbackArgs=(begun,), errbackArgs=(begun,))
        if not self._finished and self._next is None and any(self._waiting.values()):
            self._plan(self._attempt_delay)

    def _take(self) -> IPAddress | None:
        """The next address: of the family whose turn it is, if it has one left."""
        for family in list(self._turn):
            self._turn.remove(family)
            self._turn.append(family)
            if self._waiting[family]:
                return self._waiting[family].pop(0)
        return None

    def _won(self, protocol: Any, winner: Attempt) -> None:
        del self._running[winner]
        self._end()
        self.result.callback(protocol)

    def _lost(self, reason: Failure, loser: Attempt) -> None:
        address = self._running.pop(loser)
        if self._finished:
            return
        if loser.is_decided:  # connected, but the user's factory or protocol failed: so it would elsewhere
            self._end()
            self.result.errback(reason)
            return
        self._failures.append((address, reason.value))
        self._try_next()

    def _settle(self) -> None:
        """Nothing is left to try: fail, unless something is still under way."""
        if self._finished or self._running or self._looking_up or self._next is not None:
            return
        self._end()
        self.result.errback(self._error())

    def _end(self) -> None:
        """Stop whatever is under way."""
        self._finished = True
        self._unplan()
        lookup, self._lookup = self._lookup, None
        if lookup is not None:
            lookup.cancel()
        for other in list(self._running):
            other.result.cancel()

    def _cancelled(self, result: Deferred[Any]) -> None:
        self._end()
        destination: Any = self._destination
        result.errback(ConnectingCancelledError(destination))

    def _error(self) -> Exception:
        if self._failures:
            return all_failed(self._destination, self._failures)
        if self._unfit:
            tried = ", ".join(str(address) for address in self._unfit)
            return ConnectError(
                string=f"{self._destination} has no address that fits {self._bind_address!r}, only {tried}"
            )
        return DNSLookupError(f"no address found for {self._destination.hostname.decode('ascii')!r}")


def all_failed(
    destination: HostnameAddress, failures: Sequence[tuple[IPAddress, BaseException]]
) -> ConnectError:
    """The error that tells every address of `destination` that was tried, and why each failed.

    It is of the class that all reasons have in common, else `ConnectError`. Its cause is what the system said
    of the only address, or the group of all reasons.
    """
    reasons = [reason for _, reason in failures]
    sorts = {(type(reason), getattr(reason, "osError", None)) for reason in reasons}
    kind, number = sorts.pop() if len(sorts) == 1 else (ConnectError, None)
    if issubclass(kind, ConnectError) and kind is not ConnectError:
        told = ", ".join(str(address) for address, _ in failures)  # the class says the rest
    else:
        kind = ConnectError
        told = ", ".join(_told(address, reason) for address, reason in failures)
    host = destination.hostname.decode("ascii")
    error = kind(number, told if is_literal(host) else f"{destination}, tried {told}")
    if len(reasons) == 1:
        error.__cause__ = reasons[0].__cause__ or reasons[0]
    else:
        error.__cause__ = BaseExceptionGroup(f"attempts to connect to {destination}", reasons)
    return error


def _told(address: IPAddress, reason: BaseException) -> str:
    text = str(reason)
    return f"({text})" if str(address) in text else f"{address} ({text})"


def _literal_address(host: str, port: int) -> IPAddress:
    if ":" not in host:
        return IPv4Address("TCP", host, port)
    bare, _, scope = host.partition("%")
    return IPv6Address("TCP", bare, port, 0, scope or 0)
