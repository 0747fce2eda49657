"""What every test here may use: ``wirelab`` itself, from a bare checkout too, and programs from outside."""

import importlib.util
import os
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

# Debian's package for each program that a test talks to; .ci/run installs them all.
ROWS = Path(__file__).with_name("programs.tsv").read_text().splitlines()[1:]
PACKAGES = dict(row.split("\t") for row in ROWS)


def _find(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if not _find("wirelab.reactor"):
    wirelab = types.ModuleType("wirelab")
    wirelab.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["wirelab"] = wirelab


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures of wirelab where no installed wirelab has brought them: once, under the same name."""
    from wirelab.reactor import pytest_plugin

    plugins = config.pluginmanager
    if not (plugins.is_registered(pytest_plugin) or plugins.is_blocked("wirelab")):
        plugins.register(pytest_plugin, "wirelab")


@pytest.fixture(autouse=True)
def nothing_left(no_leaks: None) -> None:
    """Every test here fails when it leaves descriptors, threads or failures that nobody handled."""


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program of programs.tsv by name: `program("nc")` is its path.

    Where it is missing the test is skipped, with the package to install; under WIRELAB_REQUIRE_PEERS=1, as
    in .ci/run, it fails instead, so that nothing goes untested unseen.
    """

    def find(name: str) -> str:
        package = PACKAGES[name]
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin")  # not in everybody's PATH
        if path is None:
            give_up = pytest.fail if os.environ.get("WIRELAB_REQUIRE_PEERS") == "1" else pytest.skip
            give_up(f"{name} is not installed: apt-get install {package}")
        return path

    return find
