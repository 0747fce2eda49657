"""Where a session keeps what outlives it."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """``$XDG_STATE_HOME/wirelab``, by default under ``~/.local/state``; it need not exist."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # the specification: relative paths are to be ignored
        base = os.path.expanduser("~/.local/state")
    return Path(base, "wirelab")


def prepare_history(path: Path) -> Path | None:
    """Make sure that the database at `path` can be written, by its owner only; None when it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return None
    return path if os.access(path, os.R_OK | os.W_OK) else None
