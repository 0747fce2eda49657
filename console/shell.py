"""The mixin that turns an IPython shell into the shell of a session: the terminal's and the notebook's alike.

Mix it in *before* IPython's class::

    class WirelabShell(SessionShell, InteractiveShell): ...

and call `open_session` where the loop runs.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from . import views
from .amounts import counted
from .cells import Cell, current_cell
from .errors import SessionError
from .session import Session, current_session
from .tracebacks import user_lines, without_machinery

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

    session_class: type[Session] = Session
    """What `open_session` makes: a face may have a session of its own."""

    _folded = 0

    def open_session(self, reactor: Reactor) -> Session:
        """Open the session on `reactor` and put its verbs into the namespace.

        Call it where the loop under `reactor` runs. The reactor is started, hosted, when it does not run yet;
        whoever made it closes it. Raises RuntimeError when a session is open already.
        """
        if self.session is not None:
            raise RuntimeError(
                "open_session(): a session is open in this shell already: close_session() first"
            )
        session = self.session = self.session_class(self, reactor)
        self.autoawait = True
        session.open()
        views.install(self, session)
        return session

    def close_session(self) -> None:
        """Close the session and all it opened; nothing when none is open."""
        session, self.session = self.session, None
        if session is not None:
            views.remove(self)
            session.close()

    async def run_cell_async(  # type: ignore[override, unused-ignore]  # IPython annotates only some of these
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
        tokens = current_cell.set(cell), current_session.set(None if session is None else session.mark)
        if session is not None:
            session.foreground = cell
        newer = {} if cell_meta is None else {"cell_meta": cell_meta}  # IPython 9.7 and before have none
        try:
            return await super().run_cell_async(
                raw_cell,
                store_history=store_history,
                silent=silent,
                shell_futures=shell_futures,
                transformed_cell=transformed_cell,
                preprocessing_exc_tuple=preprocessing_exc_tuple,
                cell_id=cell_id,
                **newer,
            )
        finally:
            if session is not None:
                session.foreground = before
            current_session.reset(tokens[1])
            current_cell.reset(tokens[0])

    async def run_ast_nodes(  # type: ignore[override, unused-ignore]  # as above
        self,
        nodelist: list[ast.stmt],
        cell_name: str,
        interactivity: str = "last_expr",
        compiler: Any = compile,
        result: Any = None,
    ) -> bool:
        """Run the code of a cell: labels in it get their meaning, and what opens last is shown.

        ``p = serve(...)`` shows its port, as the call alone would: so do all live things that the last line
        of a cell gives a name.
        """
        session = self.session
        if session is not None:
            session.labels.offer_named(nodelist, session.find)
        has_raised: bool = await super().run_ast_nodes(nodelist, cell_name, interactivity, compiler, result)
        is_same = session is not None and self.session is session  # the cell may have closed it
        if is_same and not has_raised and nodelist and interactivity == "last_expr":
            name = _assigned(nodelist[-1])
            self._show_live(self.user_ns.get(name) if name else None)
        return has_raised

    def _show_live(self, value: object) -> None:
        shell: Any = self  # IPython leaves these of its parts without types
        if views.is_live(value) and not shell.displayhook.quiet():
            data, metadata = shell.display_formatter.format(value)
            if data:  # else the formatter has shown it already
                shell.display_pub.publish(data, metadata)

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an error as IPython does, with wirelab's own frames folded away; ``%tb`` shows all of them.

        An error about a call itself is one line, and below it where in the user's functions it was.
        """
        _, error, trace = exc_tuple or sys.exc_info()
        if self.session is None or not isinstance(error, Exception):
            super().showtraceback(exc_tuple, *args, **kwargs)
            return
        shorter, self._folded = without_machinery(trace)
        try:
            if isinstance(error, SessionError):
                self._folded = 0
                error.below = user_lines(trace, self.session.cell_name)
            super().showtraceback((type(error), error, shorter), *args, **kwargs)
        finally:
            self._folded = 0
        sys.last_traceback = trace  # for %tb, and for the debugger

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        if self._folded:
            stb = [*stb, f"({counted(self._folded, 'frame')} of wirelab's own left out; %tb shows all)"]
        super()._showtraceback(etype, evalue, stb)

    def init_user_ns(self) -> None:
        """The names of a new namespace: IPython's, and after ``%reset`` the session's again."""
        super().init_user_ns()  # type: ignore[no-untyped-call]  # IPython's own
        if self.session is not None:
            self.session.put_names()


def _assigned(statement: ast.stmt) -> str | None:
    """The one name that `statement` gives a value; None for all else."""
    target: ast.expr | None = None
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    return target.id if isinstance(target, ast.Name) else None
