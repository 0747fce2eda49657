"""Addresses of host names, found by the system's own `getaddrinfo` in threads that do nothing else."""

from __future__ import annotations

import contextvars
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from zope.interface import implementer

from .address import IPv4Address, IPv6Address
from .defer import CancelledError, Deferred
from .error import DNSLookupError
from .interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver, IResolverSimple

log = logging.getLogger("wirelab.reactor.resolver")

MAX_LOOKUPS = 16
"""Look-ups that run at once, one thread each; more wait. A dead name server holds each for up to 30 s."""

MAX_NAME = 253
MAX_LABEL = 63
"""Octets of a host name and of each part of it between dots (RFC 1035 section 2.3.4)."""

IPAddress = IPv4Address | IPv6Address
_SOCKET_TYPES = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}
_Answer = Sequence[tuple[int, int, int, str, tuple[Any, ...]]]


@implementer(IHostResolution)
class HostResolution:
    """One look-up: what `resolveHostName` gives and `resolutionBegan` is told, with its `name`."""

    def __init__(self, name: str, receiver: Any, ask: Callable[[], _Answer], semantics: str) -> None:
        self.name = name
        self._receiver = receiver
        self._ask = ask
        self._semantics = semantics
        self._context = contextvars.copy_context()
        self._complete = False

    def __repr__(self) -> str:
        return f"<HostResolution {self.name} {'complete' if self._complete else 'waiting'}>"

    def cancel(self) -> None:
        """End it: the receiver hears `resolutionComplete` now and nothing after it."""
        self._answer(())

    def _run(self) -> _Answer:
        """What the system answers; nothing for a name that it cannot find."""
        if self._complete:
            return ()
        try:
            return self._ask()
        except (OSError, UnicodeError, ValueError) as error:
            log.debug("no address for %r: %s", self.name, error)
            return ()

    def _answer(self, answer: _Answer) -> None:
        """Tell the receiver all addresses, once, and that there are no more."""
        if self._complete:
            return
        self._complete = True
        try:
            for address in _addresses(answer, self._semantics):
                self._receiver.addressResolved(address)
        finally:
            self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class ThreadedResolver:
    """Looks names up with `getaddrinfo`, each in a thread of its own, at most `MAX_LOOKUPS` at once.

    No thread outlives its look-up, so there is nothing to close, and a name server that does not answer
    delays neither other work nor the end of the program. Nothing is kept from one look-up to the next. The
    receiver is called in the reactor's thread, in the context in which it asked; for a literal address it is
    called at once. A look-up that fails ends without an address.

    `getaddrinfo` is the function to ask with.
    """

    def __init__(self, reactor: Any, getaddrinfo: Callable[..., _Answer] = socket.getaddrinfo) -> None:
        self._reactor = reactor
        self._getaddrinfo = getaddrinfo
        self._running = 0
        self._waiting: deque[HostResolution] = deque()

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Iterable[type] | None = None,
        transportSemantics: str = "TCP",
    ) -> HostResolution:
        """Tell `resolutionReceiver` the addresses of `hostName`: began, each address, complete.

        The addresses carry `portNumber` and are of the `addressTypes`, `IPv4Address` and `IPv6Address` or
        (None) both, for ``"TCP"`` or ``"UDP"``.

        Raises:
            ValueError: `transportSemantics` is neither.
        """
        if transportSemantics not in _SOCKET_TYPES:
            raise ValueError(f"resolveHostName() is for 'TCP' or 'UDP', not {transportSemantics!r}")
        family = _family(addressTypes)
        name = hostName.decode("ascii", "backslashreplace") if isinstance(hostName, bytes) else hostName

        def ask(flags: int = 0) -> _Answer:
            if family is None:
                return ()
            kind = _SOCKET_TYPES[transportSemantics]
            return self._getaddrinfo(encode_host_name(name), portNumber, family, kind, 0, flags)

        resolution = HostResolution(name, resolutionReceiver, ask, transportSemantics)
        resolutionReceiver.resolutionBegan(resolution)
        if family is None or is_literal(name):
            resolution._ask = lambda: ask(socket.AI_NUMERICHOST)
            resolution._answer(resolution._run())
        else:
            self._waiting.append(resolution)
            self._start_waiting()
        return resolution

    def _start_waiting(self) -> None:
        while self._waiting and self._running < MAX_LOOKUPS:
            resolution = self._waiting.popleft()
            if resolution._complete:
                continue
            self._running += 1
            threading.Thread(
                target=resolution._context.run,
                args=(self._look_up, resolution),
                name=f"wirelab look-up of {resolution.name}",
                daemon=True,
            ).start()

    def _look_up(self, resolution: HostResolution) -> None:
        """In the thread: ask, and bring the answer home."""
        answer = resolution._run()
        try:
            self._reactor.callFromThread(self._looked_up, resolution, answer)
        except (OSError, RuntimeError, ValueError) as error:
            # The reactor was closed meanwhile: nobody is left to hear the answer.
            log.debug("the answer for %r came too late: %s", resolution.name, error)

    def _looked_up(self, resolution: HostResolution, answer: _Answer) -> None:
        self._running -= 1
        try:
            resolution._answer(answer)
        finally:
            self._start_waiting()


@implementer(IResolutionReceiver)
class _First:
    """Hears all addresses of a name and takes the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lookup: Any = None
        self.result: Deferred[str] = Deferred(self._cancelled)

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        self._lookup = resolutionInProgress

    def addressResolved(self, address: Any) -> None:
        if not self.result.called:
            self.result.callback(address.host)

    def resolutionComplete(self) -> None:
        if not self.result.called:
            self.result.errback(DNSLookupError(f"no address found for {self._name!r}"))

    def give_up(self, after: float) -> None:
        """Stop waiting after so many seconds."""
        self.result.errback(DNSLookupError(f"no answer for {self._name!r} within {after:g} s"))
        self._lookup.cancel()

    def _cancelled(self, result: Deferred[str]) -> None:
        result.errback(CancelledError())
        self._lookup.cancel()


@implementer(IResolverSimple)
class SimpleResolver:
    """Gives one IPv4 address for a name, by way of an `IHostnameResolver`."""

    def __init__(self, reactor: Any, resolver: Any) -> None:
        self._reactor = reactor
        self._resolver = resolver

    def getHostByName(self, name: str, timeout: float | Sequence[float] = (1, 3, 11, 45)) -> Deferred[str]:
        """Deferred of the first IPv4 address of `name`, as text.

        `timeout` is in seconds; a sequence stands for its sum. Errback: DNSLookupError, also when time is up.
        """
        first = _First(name)
        limit = float(sum(timeout)) if isinstance(timeout, Sequence) else timeout
        self._resolver.resolveHostName(first, name, 0, [IPv4Address], "TCP")
        if not first.result.called:
            planned = self._reactor.callLater(limit, first.give_up, limit)
            first.result.addBoth(_stop_waiting, planned)
        return first.result


def _stop_waiting(result: Any, planned: Any) -> Any:
    if planned.active():
        planned.cancel()
    return result


# -- names --------------------------------------------------------------------------------------------


def encode_host_name(name: str | bytes) -> str:
    """`name` as it is looked up: in ASCII, international parts encoded (RFC 5891), addresses unchanged.

    Raises:
        ValueError: no host can have this name; the text says why.
    """
    if isinstance(name, bytes):
        if not name.isascii():
            raise ValueError("a host name in bytes is ASCII; give other names as str")
        name = name.decode("ascii")
    if is_literal(name):
        return name
    if not name.isascii():
        name = _encode_international(name)
    bare = name.removesuffix(".")
    if not 0 < len(bare) <= MAX_NAME:
        raise ValueError(f"a host name has 1 to {MAX_NAME} octets, not {len(bare)}")
    for label in bare.split("."):
        if not 0 < len(label) <= MAX_LABEL:
            raise ValueError(f"each part of a host name has 1 to {MAX_LABEL} octets, not {len(label)}")
        if not label.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"the part {label!r} has other characters than letters, digits, '-' and '_'")
    return name


def _encode_international(name: str) -> str:
    try:
        idna = import_module("idna")  # 20 ms, and only international names need it
    except ImportError:
        # The codec of the standard library knows the rules of 2003 (RFC 3490) only: good for most names.
        return name.encode("idna").decode("ascii")
    encoded: bytes = idna.encode(name, uts46=True)
    return encoded.decode("ascii")


def is_literal(host: str) -> bool:
    """Whether `host` is an address, an IPv6 one with or without a scope, and not a name."""
    return literal_family(host) is not None


def literal_family(host: str) -> int | None:
    """AF_INET or AF_INET6 when `host` is an address, else None."""
    for family, literal in ((socket.AF_INET, host), (socket.AF_INET6, host.partition("%")[0])):
        try:
            socket.inet_pton(family, literal)
        except (OSError, ValueError):  # ValueError: a character that no address has
            continue
        return family
    return None


def _family(types: Iterable[type] | None) -> int | None:
    """The family that `getaddrinfo` is asked for; None when no known type is wanted."""
    wanted = {IPv4Address, IPv6Address} if types is None else set(types)
    families = {IPv4Address: socket.AF_INET, IPv6Address: socket.AF_INET6}
    asked = [family for kind, family in families.items() if kind in wanted]
    return socket.AF_UNSPEC if len(asked) == 2 else asked[0] if asked else None


def _addresses(answer: _Answer, semantics: str) -> list[IPAddress]:
    """The addresses in an answer of `getaddrinfo`, in its order (RFC 6724), each once."""
    found: dict[IPAddress, None] = {}
    for family, _, _, _, place in answer:
        if family == socket.AF_INET:
            found[IPv4Address(semantics, place[0], place[1])] = None
        elif family == socket.AF_INET6 and len(place) == 4:  # 2 on systems without IPv6: bytes of no use
            found[IPv6Address(semantics, place[0].partition("%")[0], place[1], place[2], place[3])] = None
    return list(found)
