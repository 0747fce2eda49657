"""Importing the reactor stays cheap: it brings in nothing that only upper floors or a user's choice need."""

import subprocess
import sys

HEAVY = {"IPython", "ipykernel", "prompt_toolkit", "OpenSSL", "asyncio"}


def _imported_by(statement: str) -> set[str]:
    """The names of all modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_reactor_imports_nothing_heavy() -> None:
    loaded = _imported_by("import wirelab.reactor") - _imported_by("pass")
    assert "wirelab.reactor" in loaded
    assert loaded & HEAVY == set()


def test_importing_a_reactor_and_a_protocol_imports_nothing_heavy() -> None:
    loaded = _imported_by("from wirelab.reactor import core, protocol, tcp") - _imported_by("pass")
    assert loaded & HEAVY == set()
