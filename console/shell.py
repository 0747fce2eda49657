"""The mixin that turns an IPython shell into the shell of a session: the terminal's and the notebook's alike.

Mix it in *before* IPython's class::

    class WirelabShell(SessionShell, InteractiveShell): ...

and call `open_session` once the loop runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cells import Cell, current_cell
from .session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

    from ..reactor.core import Reactor

    Base = InteractiveShell
else:
    Base = object  # mixed in before whichever shell a face has


class SessionShell(Base):
    """What both faces add to IPython: a session, its verbs, and the cell that everything belongs to."""

    session: Session | None = None
    """The open session; None before `open_session` and after `close_session`."""

    def open_session(self, reactor: Reactor) -> Session:
        """Open the session on `reactor` and put its verbs into the namespace.

        Call it where the loop under `reactor` runs. The reactor is started (hosted) when it does not run
        yet, and then `close_session` also stops it. Raises RuntimeError when a session is open already.
        """
        if self.session is not None:
            raise RuntimeError(
                "open_session(): a session is open in this shell already: close_session() first"
            )
        self.session = Session(self, reactor)
        self.session.open()
        return self.session

    def close_session(self) -> None:
        """Close the session and all it opened; nothing when none is open."""
        session, self.session = self.session, None
        if session is not None:
            session.close()

    async def run_cell_async(  # type: ignore[override, unused-ignore]  # IPython leaves its own arguments untyped
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        shell_futures: bool = True,
        *,
        transformed_cell: str | None = None,
        preprocessing_exc_tuple: Any | None = None,
        cell_id: str | None = None,
        cell_meta: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a cell as IPython does, with `current_cell` set for it and for all that it registers."""
        # IPython counts up inside: the number as it stands is this cell's.
        cell = Cell(self.execution_count, cell_id)
        session = self.session
        before = session.foreground if session is not None else None
        token = current_cell.set(cell)
        if session is not None:
            session.foreground = cell
        try:
            return await super().run_cell_async(
                raw_cell,
                store_history=store_history,
                silent=silent,
                shell_futures=shell_futures,
                transformed_cell=transformed_cell,
                preprocessing_exc_tuple=preprocessing_exc_tuple,
                cell_id=cell_id,
                cell_meta=cell_meta,
            )
        finally:
            if session is not None:
                session.foreground = before
            current_cell.reset(token)
