"""Host names of a reactor: which resolver finds their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from .abstract import isIPAddress
from .address import IPv4Address, IPv6Address
from .defer import Deferred, fail, succeed
from .error import DNSLookupError
from .interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolutionReceiver,
    IResolverSimple,
)
from .resolver import SimpleResolver, ThreadedResolver


@implementer(IReactorPluggableNameResolver, IReactorPluggableResolver)
class Names:
    """The part of a reactor that turns names into addresses.

    `nameResolver` finds all addresses of a name; it has threads of its own, so that slow look-ups and slow
    jobs do not wait for each other.
    """

    def __init__(self) -> None:
        super().__init__()
        self._name_resolver: Any = None
        self._simple_resolver: Any = None

    @property
    def nameResolver(self) -> Any:
        """The IHostnameResolver in use."""
        if self._name_resolver is None:
            self._name_resolver = ThreadedResolver(self)
        return self._name_resolver

    def installNameResolver(self, resolver: Any) -> Any:
        """Use this IHostnameResolver; the one used before."""
        if not IHostnameResolver.providedBy(resolver):
            raise TypeError(f"installNameResolver() takes an IHostnameResolver, not {resolver!r}")
        previous, self._name_resolver = self.nameResolver, resolver
        return previous

    def installResolver(self, resolver: Any) -> Any:
        """Use this IResolverSimple for `resolve`; the one used before, or None."""
        if not IResolverSimple.providedBy(resolver):
            raise TypeError(f"installResolver() takes an IResolverSimple, not {resolver!r}")
        previous, self._simple_resolver = self._simple_resolver, resolver
        return previous

    def resolve(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """The first IPv4 address of `name`, as text. An empty name stands for every interface.

        `timeout` is in seconds; a sequence stands for its sum. Errback: DNSLookupError.
        """
        if not isinstance(name, str):
            return fail(TypeError(f"resolve() takes a host name as text, not {name!r}"))
        if not name:
            return succeed("0.0.0.0")
        if isIPAddress(name):
            return succeed(name)
        simple = self._simple_resolver or SimpleResolver(self, self.nameResolver)
        answer: Deferred[str] = simple.getHostByName(name, timeout)
        return answer

    def first_address(self, name: str, port: int) -> Deferred[IPv4Address | IPv6Address]:
        """The address to connect to when only one is tried: an IPv4 one if there is any.

        Errback: DNSLookupError.
        """
        return _Lookup(self.nameResolver, name, port).answer


@implementer(IResolutionReceiver)
class _Lookup:
    """Collects the addresses of a name; `answer` is the first IPv4 one, or else the first."""

    def __init__(self, resolver: Any, name: str, port: int) -> None:
        self._name = name
        self._lookup: Any = None
        self._is_cancelled = False
        self._found: list[Any] = []
        self.answer: Deferred[Any] = Deferred(self._cancelled)
        resolver.resolveHostName(self, name, port, [IPv4Address, IPv6Address], "TCP")

    def _cancelled(self, answer: Deferred[Any]) -> None:
        self._is_cancelled = True
        if self._lookup is not None:
            self._lookup.cancel()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._lookup = resolutionInProgress

    def addressResolved(self, address: Any) -> None:
        self._found.append(address)

    def resolutionComplete(self) -> None:
        if self._is_cancelled:
            return
        self._found.sort(key=lambda address: not isinstance(address, IPv4Address))
        if self._found:
            self.answer.callback(self._found[0])
        else:
            self.answer.errback(DNSLookupError(f"no address found for {self._name!r}"))
