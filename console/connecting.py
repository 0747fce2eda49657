"""`connect`: from what a person writes for a place to whatever talks over the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..reactor.defer import Deferred
from ..reactor.endpoints import EndpointStringError
from .conversation import Conversation
from .datagrams import connect_datagrams, is_datagrams
from .errors import LocalEndpointError, shortened
from .factories import client_factory
from .securing import client_endpoint, when_verified
from .waiting import Wait, checked_timeout
from .where import checked_where, client_description, endpoint_error, scheme_of, with_timeout

if TYPE_CHECKING:
    from .session import Session

Opener = Callable[["Session", str, Any, float | None], Deferred[Any]]
"""Opens a URL: (session, url, protocol or None, seconds or None) -> Deferred of what talks."""


def connect(session: Session, where: object, protocol: object, timeout: object) -> Deferred[Any]:
    """What the verb does; see `Verbs.connect`."""
    text = checked_where("connect", where, "connect('tcp:127.0.0.1:8007')")
    seconds = checked_timeout("connect()", timeout)
    scheme = scheme_of(text)
    if is_datagrams(text):
        return connect_datagrams(session, text, protocol, seconds)
    if scheme is not None:
        return opener(text, scheme)(session, text, protocol, seconds)
    return connect_endpoint(session, text, protocol, seconds)


def connect_endpoint(session: Session, where: str, protocol: object, seconds: float | None) -> Deferred[Any]:
    """Connect to an endpoint: the Deferred fires with a conversation, or with the protocol that was given.

    Raises LocalEndpointError, LocalCallError.
    """
    description = client_description(where)
    try:
        endpoint = client_endpoint(session, description, with_timeout(description, seconds))
    except EndpointStringError as error:
        raise endpoint_error("connect", where, error) from error
    clock = session.reactor
    factory = client_factory(Conversation(clock) if protocol is None else protocol)
    wait: Wait[Any] = Wait(f"connect {where}", lambda _: attempt.cancel())
    session.track(wait)
    attempt: Deferred[Any] = endpoint.connect(factory)
    attempt.addCallback(when_verified)
    attempt.addCallbacks(wait.callback, wait.errback)
    return wait.stop_after(seconds, clock, lambda: f"connect({where!r}): no connection within {seconds:g} s")


def _tcp(session: Session, url: str, protocol: object, seconds: float | None) -> Deferred[Any]:
    return connect_endpoint(session, url.partition("://")[2].rstrip("/"), protocol, seconds)


OPENERS: dict[str, Opener] = {"tcp": _tcp}
"""What opens a URL, by its scheme. A protocol with a client of its own is one more entry."""


def opener(url: str, scheme: str) -> Opener:
    """What opens URLs of this scheme. Raises LocalEndpointError, which lists the known ones."""
    known = OPENERS.get(scheme)
    if known is None:
        schemes = ", ".join(f"{name}://" for name in sorted(OPENERS))
        raise LocalEndpointError(f"connect({shortened(url)}): unknown scheme {scheme!r}; known: {schemes}")
    return known
