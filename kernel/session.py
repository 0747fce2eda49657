"""The session behind a notebook: what is shown stays true, and errors are told in the cell they belong to."""

from __future__ import annotations

import sys
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.core.formatters import IPythonDisplayFormatter

from ..console.session import Session
from ..console.tracebacks import story
from ..console.views import is_live
from ..reactor.defer import Deferred
from .interrupt import interrupted_part

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..console.jobs import Job
    from ..reactor.core import Reactor


class NotebookSession(Session):
    """A session whose displays of Deferreds change in place when these have their results."""

    def __init__(self, shell: InteractiveShell, reactor: Reactor) -> None:
        super().__init__(shell, reactor)
        self._displays: dict[str, list[tuple[str, Context]]] = {}

    # Displays

    def display(self, deferred: Deferred[Any]) -> None:
        """Show a Deferred that waits; every display of it is brought up to date when it has its result."""
        bundle = self._bundle(deferred)  # gives it its label
        display_id = uuid4().hex
        self._displays.setdefault(self.announce(deferred), []).append((display_id, copy_context()))
        self._publish(bundle, display_id, update=False)

    def _print_result(self, job: Job, result: Any) -> None:
        for display_id, context in self._displays.pop(job.label, []):
            context.run(self._publish, self._bundle(job.deferred), display_id, update=True)
        super()._print_result(job, result)

    def _bundle(self, deferred: Deferred[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        formatter: Any = self.shell.display_formatter
        texts = {kind: formatter.formatters[kind] for kind in ("text/plain", "text/html")}
        return {kind: text(deferred) for kind, text in texts.items()}, {}

    def _publish(self, bundle: tuple[dict[str, Any], dict[str, Any]], display_id: str, update: bool) -> None:
        publisher: Any = self.shell.display_pub
        data, metadata = bundle
        publisher.publish(data, metadata, transient={"display_id": display_id}, update=update)

    # Errors that nobody else shows

    def tell_failure(self, headline: str, error: BaseException | None) -> None:
        """Write an error to `sys.stderr`, the user's frames first; in the context it belongs to."""
        lines = [headline]
        if error is not None:
            trace = error.__traceback__
            if isinstance(error, KeyboardInterrupt):
                trace = interrupted_part(trace)
            lines += story(error, trace, self.cell_name)
        print("\n".join(lines), file=sys.stderr)

    def tell_stray(self, error: BaseException) -> None:
        """Write about what a callback let out of the loop, which goes on."""
        if isinstance(error, KeyboardInterrupt):
            self.tell_failure("interrupted: this callback kept the loop from everything else", error)
        else:
            self.tell_failure("a callback ends nothing here: exit() in a cell ends the kernel", error)


class LiveDisplayFormatter(IPythonDisplayFormatter):
    """Leaves a Deferred that waits to the session, and all else to IPython."""

    def __call__(self, obj: Any) -> bool | None:
        """Whether `obj` has been shown."""
        session = getattr(self.parent, "session", None)
        if isinstance(session, NotebookSession) and isinstance(obj, Deferred) and is_live(obj):
            session.display(obj)
            return True
        shown: bool | None = super().__call__(obj)
        return shown
