"""A session: one shell and one reactor, the names at its prompt, and what it opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .verbs import Verbs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..reactor.core import Reactor
    from ..reactor.defer import Deferred
    from .cells import Cell


class Session:
    """What is live between the first prompt and the last: made by `SessionShell.open_session`."""

    def __init__(self, shell: InteractiveShell, reactor: Reactor) -> None:
        self.shell = shell
        self.reactor = reactor
        self.foreground: Cell | None = None
        """The cell that runs in the foreground; None at an empty prompt."""
        self.verbs = Verbs(self)

    def open(self) -> None:
        """Start the reactor when it does not run, and put the names at the prompt."""

    def close(self) -> None:
        """Close everything that was opened, cancel what waits, take the names away; nothing when closed."""

    def announce(self, deferred: Deferred[Any]) -> str:
        """Give `deferred` a label (`d1`), list it in `jobs`, and tell its result when it has one.

        The same Deferred keeps its label. What `deferred` passes to its callbacks stays as it is.
        """
        raise NotImplementedError

    def find(self, label: str) -> object:
        """What is live under `label` (`p1`, `c3`, `d2`), or None."""
        raise NotImplementedError

    def open_resources(self) -> list[str]:
        """What would end with the session, one line each; empty when leaving costs nothing."""
        raise NotImplementedError

    def banner(self) -> str:
        """The text a face shows at its first prompt: the names, one line each."""
        raise NotImplementedError
