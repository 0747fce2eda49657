"""`close`: one thing, what a cell opened, or everything."""

from __future__ import annotations

import builtins
import logging
from typing import TYPE_CHECKING, Any

from ..reactor.defer import Deferred
from ..reactor.error import ProcessExitedAlready
from ..reactor.process import BaseProcess
from ..reactor.protocol import BaseProtocol
from .amounts import counted
from .conversation import Conversation
from .errors import LocalCallError, shortened
from .factories import Served
from .live import LiveConnection, LivePort, talker, thing_of

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger("wirelab.console")

PROCESS_GRACE = 1.0
"""Seconds a program has to end by itself when its input was closed; then it is told to (SIGTERM)."""

ACCEPTED = "close(c), close('p1'), close(cell=5) or close(all)"


def close(session: Session, things: tuple[object, ...], cell: object) -> None:
    """What the verb does; see `Verbs.close`."""
    if cell is not None:
        if things or not isinstance(cell, int) or isinstance(cell, bool):
            raise LocalCallError(f"close(cell=...) takes the number of one cell and nothing else: {ACCEPTED}")
        close_all(session, cell)
        return
    if not things:
        raise LocalCallError(f"close() needs to know what: {ACCEPTED}; open: {_labels(session)}")
    if things in ((builtins.all,), ("all",)):
        close_all(session)
        return
    targets = [_target(session, thing) for thing in things]  # all of them are looked up before one is closed
    for target in targets:
        _close_one(target)


def close_all(session: Session, cell: int | None = None) -> None:
    """Close everything that is open (of one cell, when `cell` is a number), and say what that was."""
    things = session.net.things(cell=cell)
    for thing in things:
        dismiss(thing)
    jobs = [job for job in session.jobs if cell is None or (job.cell is not None and job.cell.number == cell)]
    for job in jobs:
        dismiss(job.deferred)
    closed = [thing.shortId for thing in things] + [job.label for job in jobs]
    print(f"closed {', '.join(closed)}" if closed else "nothing was open")


def dismiss(thing: object) -> None:
    """Close a port, a connection, or whatever talks over one; cancel a Deferred."""
    if isinstance(thing, Deferred):
        _cancel(thing)
        return
    found = thing_of(thing)
    if isinstance(found, BaseProcess) and found.state == "running":
        found.reactor.callLater(PROCESS_GRACE, _terminate, found)
    talks = talker(found) if isinstance(found, LiveConnection) else None
    if isinstance(talks, Served):
        talks.dismiss()
    elif isinstance(talks, Conversation):
        talks.close()
    elif isinstance(found, LivePort):
        found.stopListening()
    elif isinstance(found, LiveConnection):
        _close_connection(found)


def _terminate(process: BaseProcess) -> None:
    try:
        process.signalProcess("TERM")
    except ProcessExitedAlready:
        pass  # most programs end with their input


def _cancel(deferred: Deferred[Any]) -> None:
    try:
        deferred.cancel()
    except Exception:  # out of the user's canceller: what else is to be closed must not stay open for it
        log.exception("the canceller of a Deferred raised")


def _close_connection(connection: LiveConnection) -> None:
    if connection.state == "connecting":
        connection.abortConnection()
    else:
        connection.loseConnection()


def _close_one(thing: object) -> None:
    dismiss(thing)
    if isinstance(thing, LivePort) and thing.connections:
        stay = counted(thing.connections, "connection")
        verb = "stays" if thing.connections == 1 else "stay"
        print(f"{thing.shortId} is closed; {stay} that came in through it {verb} open")


def _target(session: Session, thing: object) -> object:
    """What `thing` stands for. Raises LocalCallError for what cannot be closed."""
    if isinstance(thing, str):
        found = session.find(thing)
        if found is None:
            raise LocalCallError(f"close({thing!r}): not open; open: {_labels(session)}")
        return found
    if isinstance(thing, (Deferred, BaseProtocol)) or thing_of(thing) is not None:
        return thing  # a protocol that was never connected is closed already
    raise LocalCallError(f"close({shortened(thing)}): that cannot be closed: {ACCEPTED}")


def _labels(session: Session) -> str:
    return ", ".join(session.reactor.opened) or "nothing"
