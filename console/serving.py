"""`serve`: a port that is open when the call returns."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from ..reactor.endpoints import EndpointStringError
from ..reactor.error import CannotListenError
from ..reactor.failure import Failure
from .datagrams import is_datagrams, serve_datagrams
from .errors import LocalCallError, LocalListenError, shortened
from .factories import ACCEPTED, server_factory
from .live import LivePort
from .securing import server_endpoint
from .where import checked_where, endpoint_error, server_description

if TYPE_CHECKING:
    from .session import Session


def serve(session: Session, where: object, what: object, interface: object, backlog: object) -> Any:
    """What the verb does; see `Verbs.serve`."""
    text = checked_where("serve", where, f"serve({_suggested(where)}, {_named(what)})")
    if what is None:
        raise LocalCallError(f"serve({text!r}, ...) needs to know what to answer with: {ACCEPTED}")
    if not (interface is None or isinstance(interface, str)):
        raise LocalCallError(
            f"serve(): interface is an address as text, '0.0.0.0' for all, not {shortened(interface)}"
        )
    if not (backlog is None or (isinstance(backlog, int) and backlog > 0)):
        raise LocalCallError(
            f"serve(): backlog is a number of connections, 1 or more, not {shortened(backlog)}"
        )
    if is_datagrams(text):
        return serve_datagrams(session, text, what, interface)
    description = server_description(text, interface, backlog)
    try:
        endpoint = server_endpoint(session, description)
    except EndpointStringError as error:
        raise endpoint_error("serve", text, error) from error
    listening = endpoint.listen(server_factory(what, session.reactor))
    if not listening.called:
        return listening  # an endpoint of another package may take its time
    outcome: list[Any] = []
    listening.addBoth(outcome.append)
    if isinstance(outcome[0], Failure):
        raise listen_error(session, text, outcome[0].value) from outcome[0].value
    return outcome[0]


def listen_error(session: Session, where: str, error: BaseException) -> Exception:
    """Why `where` could not be listened at, with the remedy."""
    if not isinstance(error, CannotListenError):
        return LocalListenError(f"serve({where!r}): {error}")
    number = error.socketError.errno
    if isinstance(error.port, str):
        reason = _path_in_use(session, error) or str(error)
    elif number == errno.EADDRINUSE:
        reason = _in_use(session, error)
    elif number == errno.EACCES:
        reason = "the system does not let you have this port; those from 1024 on are free to use"
    elif number == errno.EADDRNOTAVAIL:
        reason = f"no interface of this machine has the address {error.interface}"
    else:
        reason = str(error)
    return LocalListenError(f"serve({where!r}): {reason}")


def _in_use(session: Session, error: CannotListenError) -> str:
    for thing in session.reactor.opened.values():
        if isinstance(thing, LivePort) and getattr(thing.getHost(), "port", None) == error.port:
            label = thing.shortId
            return f"address in use by {label} of this session: close({label}); 'tcp:0' takes a free port"
    return f"port {error.port} is in use by another program; 'tcp:0' takes a free one"


def _path_in_use(session: Session, error: CannotListenError) -> str | None:
    for thing in session.reactor.opened.values():
        if isinstance(thing, LivePort) and str(thing.getHost()) == error.port:
            label = thing.shortId
            return f"the path is in use by {label} of this session: close({label})"
    return None


def _suggested(where: object) -> str:
    return f"'tcp:{where}'" if isinstance(where, int) else "'tcp:8007'"


def _named(what: object) -> str:
    return str(getattr(what, "__name__", "Echo"))
