"""The shapes of what can be live: what views ask of ports and connections, whatever they are made of."""

from __future__ import annotations

from contextvars import Context
from typing import Protocol, runtime_checkable

from ..reactor.interfaces import IListeningPort, ITransport
from ..reactor.protocol import AbstractDatagramProtocol, BaseProtocol
from .cells import Cell, current_cell


@runtime_checkable
class LiveThing(Protocol):
    """A port, a connection or a connection attempt: all that stands in `reactor.opened`."""

    shortId: str
    context: Context
    openedAt: float

    @property
    def state(self) -> str:
        """``connecting``, ``open``, ``closing``, ``closed``; a port ``listening``, ``paused``, ``closed``."""

    def getHost(self) -> object:
        """The address on this side."""


@runtime_checkable
class LiveConnection(LiveThing, Protocol):
    """A connection, or the attempt to make one."""

    protocol: object
    bytesIn: int
    bytesOut: int

    @property
    def bufferedBytes(self) -> int:
        """How many octets are queued for sending."""

    def idleSeconds(self) -> float | None:
        """Seconds since the last octet went either way; None before the first."""

    def getPeer(self) -> object:
        """The address on the other side."""

    def loseConnection(self) -> object:
        """Close when all that is queued has gone out."""

    def abortConnection(self) -> object:
        """Close at once."""


@runtime_checkable
class LivePort(LiveThing, Protocol):
    """A port that accepts connections."""

    factory: object

    @property
    def connections(self) -> int:
        """How many connections came in through it and are still open."""

    def stopListening(self) -> object:
        """Accept no more connections; those that are open stay so."""


def thing_of(value: object) -> LiveThing | None:
    """The port or connection that `value` is, or that it talks over; None for all else.

    Its class decides: what the user keeps may answer to any attribute, or do work when it is asked for one.
    """
    if isinstance(value, (BaseProtocol, AbstractDatagramProtocol)):
        value = value.transport
    kind = type(value)
    if ITransport.implementedBy(kind) or IListeningPort.implementedBy(kind):
        return value if isinstance(value, LiveThing) else None  # a double may lack what the real ones have
    return None


def cell_of(thing: LiveThing) -> Cell | None:
    """The cell that opened `thing`; None when no cell did."""
    return thing.context.get(current_cell)


def talker(connection: LiveConnection) -> object:
    """The protocol that talks over `connection`: the one inside, where others are wrapped around it."""
    protocol = connection.protocol
    # What it keeps is looked at, and it is not asked: a protocol of the user may answer to any name.
    while (inside := getattr(protocol, "__dict__", {}).get("wrappedProtocol")) is not None:
        protocol = inside
    return protocol
