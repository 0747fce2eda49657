"""``%load_ext wirelab.console``: a session in a shell that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Open a session in `shell`, on the asyncio loop that runs it; called by ``%load_ext``."""
    raise NotImplementedError


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Close the session that `load_ipython_extension` opened; called by ``%unload_ext``."""
    raise NotImplementedError
