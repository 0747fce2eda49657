"""How live objects look: one line of text each, and the same facts as HTML.

The text is ASCII. The HTML brings its own style, uses the page's colours, and so reads in light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ..reactor.failure import Failure
from ..reactor.protocol import Factory
from .amounts import counted, octets, seconds
from .cells import Cell
from .errors import shortened
from .live import LiveConnection, LivePort, LiveThing, cell_of, talker, thing_of

# -- names and places -------------------------------------------------------------------------------------


def place(address: object) -> str:
    """An address as people write it: ``127.0.0.1:8007``, ``/tmp/x.sock``; empty for None."""
    return "" if address is None else str(address).removeprefix("unix:")  # its kind stands beside it


def kind(thing: LiveThing) -> str:
    """What carries the bytes: ``tcp``, ``udp``, ``unix``, ``tls`` ..."""
    told = getattr(thing, "kind", None)
    if isinstance(told, str):
        return told
    named = getattr(host(thing), "type", None)
    return named.lower() if isinstance(named, str) else type(thing).__name__.lower()


def host(thing: LiveThing) -> object:
    """The address on this side; None when there is none any more."""
    try:
        return thing.getHost()
    except OSError:  # the socket is gone; a view of a closed thing must not raise
        return None


def peer(connection: LiveConnection) -> object:
    """The address on the other side; None when there is none any more."""
    try:
        return connection.getPeer()
    except OSError:  # as above
        return None


def protocol_name(thing: object) -> str:
    """What is spoken on a connection, or would be on a port's: the name of a class or of a function."""
    factory = getattr(thing, "factory", None)
    if isinstance(thing, LivePort):
        return served_name(factory)
    protocol = talker(thing) if isinstance(thing, LiveConnection) else None
    if protocol is None:
        return ""
    own = (getattr(protocol, "__dict__", {}), vars(type(protocol)))  # a subclass has a name of its own
    return next(
        (str(names["served_name"]) for names in own if "served_name" in names), type(protocol).__name__
    )


def served_name(factory: object) -> str:
    """What `factory` answers connections with."""
    while (inside := getattr(factory, "__dict__", {}).get("wrappedFactory")) is not None:
        factory = inside
    told = getattr(factory, "served_name", None)
    if isinstance(told, str):
        return told
    made = getattr(factory, "protocol", None) if isinstance(factory, Factory) else None
    return str(getattr(made, "__name__", type(factory).__name__))


def secured(connection: object) -> str:
    """``TLSv1.3 example.org`` for a connection inside TLS, and whether nobody verified it; else empty."""
    session = getattr(connection, "tls", None)
    if session is None:
        return ""
    doubt = " (not verified)" if session.is_up and session.is_client and not session.verified else ""
    return f"{session}{doubt}"


def made_in(thing: LiveThing) -> str:
    """The cell that opened it, as ``[3]``; empty when no cell did."""
    cell = cell_of(thing)
    return "" if cell is None else str(cell)


# -- one line each ----------------------------------------------------------------------------------------


def port_line(port: LivePort) -> str:
    """``p1  listening tcp 127.0.0.1:8007  Echo  made in [1]``."""
    parts = [port.shortId, f"{port.state} {kind(port)} {place(host(port))}", protocol_name(port)]
    cell = made_in(port)
    return "  ".join(part for part in [*parts, f"made in {cell}" if cell else ""] if part)


def connection_line(connection: LiveConnection, *facts: str) -> str:
    """``c2  tcp 127.0.0.1:53412 -> 127.0.0.1:8007  open  0 B in  0 B out``, then `facts`."""
    there = place(peer(connection))  # a port for datagrams may have none
    ends = f"{kind(connection)} {place(host(connection))}{f' -> {there}' if there else ''}"
    counts = f"{octets(connection.bytesIn)} in  {octets(connection.bytesOut)} out"
    parts = [connection.shortId, ends, connection.state, secured(connection), counts, *facts]
    return "  ".join(filter(None, parts))


def thing_line(thing: LiveThing) -> str:
    """The line of a port, of a connection, or of anything else that is live."""
    if isinstance(thing, LivePort):
        return port_line(thing)
    if isinstance(thing, LiveConnection):
        return connection_line(thing, protocol_name(thing))
    return f"{thing.shortId}  {thing.state} {kind(thing)} {place(host(thing))}"


def waiting_line(label: str, age: float, what: str, cell: Cell | None) -> str:
    """``d1  waiting 0.0 s   connect tls:example.org:443   <- [4]``."""
    age_text = f"{age:.1f} s" if age < 10 else seconds(age)
    parts = [f"{label}  waiting {age_text}", what, f"<- {cell}" if cell else ""]
    return "   ".join(part for part in parts if part)


def result_line(label: str, age: float, result: object) -> str:
    """``d1  fired after 0.14 s -> c3 tcp example.org:80``, or ``d1  failed after 2 s: NoRouteError: ...``."""
    if isinstance(result, Failure):
        return f"{label}  failed after {seconds(age)}: {failure_line(result)}"
    return f"{label}  fired after {seconds(age)} -> {brief(result)}"


def failure_line(failure: Failure) -> str:
    """``ZeroDivisionError: division by zero``, in one line."""
    text = " ".join(failure.getErrorMessage().split())
    return f"{failure.type.__name__}: {text}" if text else failure.type.__name__


def brief(value: object) -> str:
    """A result in few words: what talks over a connection by the connection's label and peer."""
    connection = thing_of(value)
    if isinstance(connection, LiveConnection):
        how = secured(connection) or f"{kind(connection)} {place(peer(connection))}"
        return f"{connection.shortId} {how}"
    return shortened(value)


def value_line(value: object, limit: int = 60) -> str:
    """A result in one line: a protocol by its connection, everything else by its repr, shortened."""
    thing = thing_of(value)
    if thing is not None and thing is value:
        return thing_line(thing)
    if isinstance(thing, LiveConnection) and type(value).__repr__ is object.__repr__:
        return connection_line(thing, type(value).__name__)
    return shortened(value, limit if thing is None else 200)


# -- the same as HTML -------------------------------------------------------------------------------------

_BOX = (
    "display:inline-block;border:1px solid rgba(128,128,128,.35);border-radius:4px;padding:.3em .7em;"
    "color:inherit;background:transparent;font-variant-numeric:tabular-nums"
)
# Mid tones, which keep their contrast on white and on black (3:1 at least).
_TONES = {"good": "#2e8b57", "busy": "#b8860b", "over": "#808080", "bad": "#d9534f"}
_TONE_OF = {
    "open": "good",
    "listening": "good",
    "fired": "good",
    "waiting": "busy",
    "connecting": "busy",
    "closing": "busy",
    "paused": "busy",
    "waiting for another Deferred": "busy",
    "failed": "bad",
}


def badge(state: str) -> str:
    """A state as a coloured dot and its name."""
    tone = _TONES[_TONE_OF.get(state, "over")]
    return f'<span style="color:{tone}">&#9679;</span> {escape(state)}'


def facts_html(title: str, state: str, facts: Mapping[str, str], more: str = "") -> str:
    """A small box: a title with a state, a line of facts, and `more`, which is HTML already."""
    shown = " &nbsp; ".join(
        f'<span style="opacity:.65">{escape(name)}</span> {escape(text)}'
        for name, text in facts.items()
        if text
    )
    below = f"<div>{shown}</div>" if shown else ""
    return f'<div style="{_BOX}"><b>{escape(title)}</b> &nbsp; {badge(state)}{below}{more}</div>'


def connection_html(connection: LiveConnection, more: Mapping[str, str] | None = None) -> str:
    """A connection as a box."""
    facts = {
        kind(connection): f"{place(host(connection))} \N{RIGHTWARDS ARROW} {place(peer(connection))}",
        "secured": secured(connection),
        "protocol": protocol_name(connection),
        "in": octets(connection.bytesIn),
        "out": octets(connection.bytesOut),
        "made in": made_in(connection),
        **(more or {}),
    }
    return facts_html(connection.shortId, connection.state, facts)


def port_html(port: LivePort) -> str:
    """A port as a box."""
    facts = {
        kind(port): place(host(port)),
        "serves": protocol_name(port),
        "has": counted(port.connections, "connection"),
        "made in": made_in(port),
    }
    return facts_html(port.shortId, port.state, facts)


def thing_html(thing: LiveThing) -> str:
    """A port, a connection, or anything else that is live, as a box."""
    if isinstance(thing, LivePort):
        return port_html(thing)
    if isinstance(thing, LiveConnection):
        return connection_html(thing)
    return facts_html(
        thing.shortId, thing.state, {kind(thing): place(host(thing)), "made in": made_in(thing)}
    )
