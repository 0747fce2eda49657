"""What is shipped: wheel and source archive hold the rooms, whole, and nothing else; the wheel installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("console", "kernel", "protocols", "reactor")
KERNELSPEC = "share/jupyter/kernels/wirelab/kernel.json"
BUILD = "from setuptools import build_meta as backend; backend.build_wheel('.'); backend.build_sdist('.')"

pytestmark = pytest.mark.timeout(180)


def _run(*command: str | Path, cwd: Path) -> str:
    """What `command` prints on its standard output; a failure shows all that it printed."""
    # A PYTHONPATH that leads to the checkout would let every import succeed without the wheel.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked(program: Callable[[str], str]) -> list[str]:
    """The files that git knows, relative to the checkout."""
    git = program("git")
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of files to compare the wheel with")
    # The owner of a checkout may be another user than the one who tests it, as in a container.
    names = _run(git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", cwd=ROOT).split("\0")
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def built(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, with a wheel and a source archive built from nothing else."""
    copy = tmp_path_factory.mktemp("source")
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    _run(sys.executable, "-c", BUILD, cwd=copy)
    return copy


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def _rooms(tracked: list[str]) -> set[str]:
    return {name for name in tracked if name.split("/")[0] in ROOMS}


def test_wheel_holds_every_file_of_the_rooms_and_nothing_else(wheel: Path, tracked: list[str]) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert names == {f"wirelab/{name}" for name in _rooms(tracked)}


def test_wheel_brings_the_kernelspec_as_a_data_file(wheel: Path) -> None:
    data = {name.partition(".data/data/")[2] for name in ZipFile(wheel).namelist() if ".data/" in name}
    assert KERNELSPEC in data
    assert {os.path.dirname(name) for name in data} == {os.path.dirname(KERNELSPEC)}


def test_source_archive_holds_every_file_of_the_rooms(built: Path, tracked: list[str]) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert _rooms(tracked) | {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_installed_wheel_is_imported_and_has_its_command(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    _run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-compile", wheel, cwd=tmp_path)
    # The dependencies are lent by this environment; its own wirelab is not, because the hook that finds an
    # editable one is a .pth file, and those count only in an interpreter's own site-packages.
    own = Path(
        _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    (own / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    rooms = ", ".join(f"wirelab.{room}" for room in ROOMS)
    code = f"import {rooms}; print(wirelab.reactor.__file__)"
    assert Path(_run(python, "-c", code, cwd=tmp_path).strip()).is_relative_to(own)
    assert (home / KERNELSPEC).exists()
    assert (home / "bin" / "wirelab").exists()
