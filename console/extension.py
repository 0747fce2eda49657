"""``%load_ext wirelab.console``: a session in a shell that is not ours.

The shell's class is replaced by one with `SessionShell` in front, which is all that our own shells have, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Open a session in `shell`, on the asyncio loop that runs it; called by ``%load_ext``."""
    # Inside, because `wirelab --version` imports this room and needs neither IPython nor a network.
    from ..reactor.core import Reactor
    from ..reactor.drivers.asyncio import AsyncioDriver
    from .shell import SessionShell

    if isinstance(shell, SessionShell):
        print("this shell has its session already: there is nothing to load")
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        from IPython.core.async_helpers import get_asyncio_loop

        loop = cast(Any, get_asyncio_loop)()
        print(
            "the loop of this shell runs only while a cell awaits, and so do servers; `wirelab` has its own"
        )
    base: Any = type(shell)
    shell.__class__ = type(f"Session{base.__name__}", (SessionShell, base), {"__module__": __name__})
    reactor = Reactor(AsyncioDriver(loop))
    session_shell = cast(SessionShell, shell)
    session_shell.open_session(reactor)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Close the session that `load_ipython_extension` opened; called by ``%unload_ext``."""
    session = getattr(shell, "session", None)
    if type(shell).__module__ != __name__ or session is None:
        return  # our own shell: its face opened the session, and closes it
    cast(Any, shell).close_session()
    session.reactor.close()
    shell.__class__ = type(shell).__mro__[2]
