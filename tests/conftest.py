"""Makes ``wirelab`` importable from a bare checkout, where nothing was installed."""

import importlib.util
import sys
import types
from pathlib import Path


def _find(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if not _find("wirelab.reactor"):
    wirelab = types.ModuleType("wirelab")
    wirelab.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["wirelab"] = wirelab
