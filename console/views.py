"""What IPython shows for live objects: the formatters of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..reactor.datagrams import DatagramPort
from ..reactor.defer import Deferred
from ..reactor.failure import Failure
from ..reactor.listening import StreamPort
from ..reactor.protocol import Protocol
from ..reactor.stream import StreamConnection
from . import displays
from .cells import current_cell
from .conversation import Conversation
from .jobs import deferred_html, deferred_line
from .live import LiveThing, thing_of
from .tracebacks import story
from .waiting import Done, what_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .session import Session

TYPES = (Deferred, Failure, DatagramPort, Protocol, StreamConnection, StreamPort)
"""The classes whose instances, and those of subclasses without a repr of their own, show as ours do."""


class Views:
    """Texts and HTML for the live objects of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def text(self, value: Any) -> str:
        """One line; a failure has its story."""
        session = self._session
        if isinstance(value, Deferred):
            return self._deferred_text(value)
        if isinstance(value, Failure):
            return "\n".join(story(value.value, value.tb, session.cell_name))
        session.show(value)
        if isinstance(value, LiveThing):
            return displays.thing_line(value)
        return displays.value_line(value)

    def html(self, value: Any) -> str | None:
        """A small box; None where the text says it all."""
        session = self._session
        if isinstance(value, Deferred):
            if is_live(value):
                session.announce(value)
            return deferred_html(
                value, session.jobs.label(value), what_of(value), current_cell.get(), session.cell_name
            )
        session.show(value)
        return displays.thing_html(value) if isinstance(value, LiveThing) else None

    def _deferred_text(self, deferred: Deferred[Any]) -> str:
        if is_live(deferred):
            self._session.announce(deferred)
            job = self._session.jobs.job(deferred)
            return str(job)
        return deferred_line(deferred, self._session.jobs.label(deferred))


class QuietHook:
    """Goes before a shell's display hook: what says nothing when it is left alone is not shown."""

    def __call__(self, result: object = None) -> None:
        """Show the result of an expression."""
        show: Any = super()
        show.__call__(None if isinstance(result, Done) else result)


def is_live(value: object) -> bool:
    """Whether `value` is a Deferred that waits, or a port, a connection or a talker that is open."""
    if isinstance(value, Done):
        return False
    if isinstance(value, Deferred):
        return not value.called or bool(value.paused) or isinstance(value.result, Deferred)
    thing = thing_of(value)
    return thing is not None and thing.state != "closed"


def install(shell: InteractiveShell, session: Session) -> None:
    """Have IPython show live objects as this session does."""
    views = Views(session)
    plain, html = _formatters(shell)
    for kind in TYPES:
        plain.for_type(kind, _printed(views.text))
        if kind is not Protocol and kind is not Failure:
            html.for_type(kind, views.html)
    hook: Any = shell.displayhook
    hook.__class__ = type(f"Quiet{type(hook).__name__}", (QuietHook, type(hook)), {"__module__": __name__})
    # A conversation has a repr of its own; here its label becomes a name as well.
    plain.for_type(Conversation, _printed(views.text))


def remove(shell: InteractiveShell) -> None:
    """Show them as IPython would."""
    hook: Any = shell.displayhook
    if isinstance(hook, QuietHook):
        hook.__class__ = type(hook).__mro__[2]
    for formatter in _formatters(shell):
        for kind in (*TYPES, Conversation):
            formatter.pop(kind, None)


def _formatters(shell: InteractiveShell) -> tuple[Any, Any]:
    formatters = cast(Any, shell.display_formatter).formatters  # there is one from the start
    return formatters["text/plain"], formatters["text/html"]


def _printed(text: Callable[[Any], str]) -> Callable[[Any, Any, bool], None]:
    """A printer for IPython's pretty printer. Inside of a list it is short and gives no label."""

    def pretty(value: Any, printer: Any, cycle: bool) -> None:
        is_inside = len(printer.stack) > 1
        lines = (_short(value) if is_inside else text(value)).split("\n")
        for number, line in enumerate(lines):
            if number:
                printer.break_()
            printer.text(line)

    return pretty


def _short(value: Any) -> str:
    if isinstance(value, Deferred):
        return f"<Deferred {value.describe().state}>"
    if isinstance(value, Failure):
        return f"<Failure {displays.failure_line(value)}>"
    thing = thing_of(value)
    name = type(value).__name__
    return f"<{name}>" if thing is None else f"<{name} {thing.shortId} {thing.state}>"
