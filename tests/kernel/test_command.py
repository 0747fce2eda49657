"""``wirelab kernel``: install, list, uninstall, start, with the messages and exit codes of a good command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from wirelab.kernel import command, kernelspec

ROOT = Path(__file__).resolve().parents[2]
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jupyter finds kernelspecs in the user's folder below `tmp_path`, and nowhere else."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setattr("jupyter_client.kernelspec.jupyter_path", lambda *parts: [_user_folder(tmp_path)])
    yield


def _user_folder(home: Path) -> str:
    return str(home / "jupyter_data_dir" / "kernels")


def test_install_for_the_user_is_found_by_jupyter(tmp_path: Path, capsys: Captured) -> None:
    assert command.main(["install", "--user"]) == 0
    folder = Path(_user_folder(tmp_path), "wirelab")
    assert capsys.readouterr().out == f"installed kernelspec wirelab in {folder}\n"
    spec = KernelSpecManager().get_kernel_spec("wirelab")
    assert spec.argv == [sys.executable, "-m", "wirelab.kernel", "-f", "{connection_file}"]
    assert (spec.display_name, spec.language, spec.interrupt_mode) == ("wirelab", "python", "message")
    names = {path.name for path in folder.iterdir()}
    assert names == {"kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"}


def test_install_below_a_prefix_under_a_name_with_a_loop(tmp_path: Path) -> None:
    words = ["--name", "Other", "--display-name", "Wires (fast)", "--loop", "uvloop"]
    assert command.main(["install", "--prefix", str(tmp_path / "env"), *words]) == 0
    file = tmp_path / "env" / "share" / "jupyter" / "kernels" / "other" / "kernel.json"
    spec = json.loads(file.read_text())
    assert spec["display_name"] == "Wires (fast)"
    assert spec["argv"][-1] == "--loop=uvloop"


@pytest.mark.parametrize("words", [[], ["--sys-prefix"]], ids=["by default", "when asked to"])
def test_install_into_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    assert command.main(["install", *words]) == 0
    assert (tmp_path / "env" / "share" / "jupyter" / "kernels" / "wirelab" / "kernel.json").exists()


def test_install_outside_of_an_environment_is_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert command.main(["install"]) == 0
    assert Path(_user_folder(tmp_path), "wirelab").exists()


def test_install_again_replaces(tmp_path: Path) -> None:
    assert command.main(["install", "--user", "--display-name", "old"]) == 0
    assert command.main(["install", "--user"]) == 0
    assert KernelSpecManager().get_kernel_spec("wirelab").display_name == "wirelab"


def test_install_where_one_may_not_write_says_so(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").touch()
    assert command.main(["install", "--prefix", str(tmp_path / "file")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("wirelab kernel: ") and str(tmp_path / "file") in told


def test_install_under_an_impossible_name_says_which_are_possible(capsys: Captured) -> None:
    assert command.main(["install", "--user", "--name", "a b"]) == 2
    assert "Invalid kernel name 'a b'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], ["install", "--user", "--sys-prefix"], ["install", "--loop", "tornado"], ["start", "--port", "1"]],
    ids=["no command", "two places", "unknown loop", "unknown option"],
)
def test_wrong_usage_ends_with_status_2(words: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as leaving:
        command.main(words)
    assert leaving.value.code == 2
    assert "usage: wirelab kernel" in capsys.readouterr().err


def test_list_shows_ours_alone(tmp_path: Path, capsys: Captured) -> None:
    assert command.main(["list"]) == 0
    assert capsys.readouterr().err == "no kernelspec starts this kernel: wirelab kernel install\n"
    command.main(["install", "--user"])
    for name, text in {"other": '{"argv": ["other"]}', "broken": "{", "odd": '{"argv": 3}'}.items():
        Path(_user_folder(tmp_path), name).mkdir()
        Path(_user_folder(tmp_path), name, "kernel.json").write_text(text)
    capsys.readouterr()
    assert command.main(["list"]) == 0
    assert capsys.readouterr().out == f"wirelab  {_user_folder(tmp_path)}/wirelab  {sys.executable}\n"


def test_uninstall_removes_it(tmp_path: Path, capsys: Captured) -> None:
    command.main(["install", "--user"])
    assert command.main(["uninstall"]) == 0
    assert "removed kernelspec wirelab" in capsys.readouterr().out
    assert not Path(_user_folder(tmp_path), "wirelab").exists()


def test_uninstall_leaves_what_is_not_ours(tmp_path: Path, capsys: Captured) -> None:
    command.main(["install", "--user"])
    other = Path(_user_folder(tmp_path), "other")
    other.mkdir()
    (other / "kernel.json").write_text('{"argv": ["other"]}')
    assert command.main(["uninstall", "--name", "other"]) == 1
    told = capsys.readouterr().err
    assert told == "wirelab kernel: no kernelspec 'other' starts this kernel; those that do: wirelab\n"
    assert other.exists()


def test_shipped_kernelspec_gets_the_interpreter_of_the_front_end(tmp_path: Path) -> None:
    """`pip install` cannot know the interpreter; jupyter_client replaces "python3" by its own."""
    shipped = Path(_user_folder(tmp_path), "wirelab")
    shipped.mkdir(parents=True)
    (shipped / "kernel.json").write_text((ROOT / "kernel" / "spec" / "kernel.json").read_text())
    manager = KernelManager(kernel_name="wirelab")
    manager.connection_file = "/nowhere/kernel.json"
    words = [sys.executable, "-m", "wirelab.kernel", "-f", "/nowhere/kernel.json"]
    assert manager.format_kernel_cmd() == words


def test_wirelab_command_finds_it() -> None:
    (point,) = entry_points(group="wirelab.commands", name="kernel")
    assert point.load() is command.main


@pytest.mark.kernel
@pytest.mark.may_leave("descriptors")  # jupyter_client keeps the loop behind its blocking calls
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_start_runs_a_kernel_that_says_how_to_connect(tmp_path: Path, loop: str) -> None:
    file = tmp_path / "connection.json"
    code = "import sys; from wirelab.kernel.command import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "start", "-f", str(file), "--loop", loop]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
        assert re.search(rf"jupyter console --existing {re.escape(str(file))}", told)
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels(hb=False)
        client.wait_for_ready(timeout=15)
        client.execute_interactive(
            f"import asyncio; assert {loop!r} in str(asyncio.get_running_loop())", timeout=15
        )
        reply = client.execute_interactive("port = serve('tcp:0', Protocol)", timeout=15, silent=True)
        assert reply["content"]["status"] == "ok"
        client.stop_channels()
        client.context.term()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    assert not file.exists()


def test_missing_uvloop_names_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['uvloop'] = None\n"
        "from wirelab.kernel.command import main; sys.exit(main(['start', '--loop', 'uvloop']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "pip install 'wirelab[uvloop]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_costs_no_kernel() -> None:
    code = (
        "import sys\nfrom wirelab.kernel.command import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('IPython', 'ipykernel', 'jupyter_client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_written_kernelspec_keeps_what_is_shipped(tmp_path: Path) -> None:
    kernelspec.write(tmp_path)
    shipped = json.loads((ROOT / "kernel" / "spec" / "kernel.json").read_text())
    written = json.loads((tmp_path / "kernel.json").read_text())
    assert {**written, "argv": shipped["argv"]} == shipped
