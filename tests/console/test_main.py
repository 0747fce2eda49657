"""The ``wirelab`` command as a shell user meets it: what runs, what is printed where, and the exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wirelab.console.arguments import parse_arguments, split_arguments

COMMAND = "import sys; from wirelab.console.main import main; sys.argv[0] = 'wirelab'; sys.exit(main())"

Wirelab = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TERM": "dumb"}


@pytest.fixture
def wirelab(tmp_path: Path) -> Wirelab:
    """Runs the command in a folder of its own."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment(tmp_path) | variables,
            timeout=30,
        )

    return run


@pytest.mark.parametrize(
    ("argv", "own", "code", "words"),
    [
        ([], [], None, ()),
        (["-q", "x.py", "-q"], ["-q"], None, ("x.py", "-q")),
        (["-c", "1", "-x", "y"], [], "1", ("-x", "y")),
        (["-ic", "1"], ["-i"], "1", ()),
        (["-c1+1", "a"], [], "1+1", ("a",)),
        (["-qic1", "a"], ["-qi"], "1", ("a",)),
        (["-c"], ["-c"], None, ()),
        (["--loop", "uvloop", "-"], ["--loop", "uvloop"], None, ("-",)),
        (["--loop=uvloop", "f", "--loop=x"], ["--loop=uvloop"], None, ("f", "--loop=x")),
        (["--history", "h", "-c", ""], ["--history", "h"], "", ()),
        (["--", "-q"], [], None, ("-q",)),
        (["kernel", "install", "--user"], [], None, ("kernel", "install", "--user")),
    ],
)
def test_own_options_end_where_the_program_begins(
    argv: list[str], own: list[str], code: str | None, words: tuple[str, ...]
) -> None:
    assert split_arguments(argv) == (own, code, words)


@pytest.mark.parametrize(
    "argv", [["-c"], ["--loop", "qt"], ["--loop"], ["--bogus"], ["-z"], ["--bogus", "x.py"]]
)
def test_wrong_options_end_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        parse_arguments(argv, {})
    assert leaving.value.code == 2
    assert "usage: wirelab" in capsys.readouterr().err


def test_help_tells_everything(wirelab: Wirelab) -> None:
    told = wirelab("--help")
    assert told.returncode == 0
    words = ("-c CODE", "FILE", "-i", "--loop", "uvloop", "--vi", "--emacs", "--history", "--no-banner", "-q")
    for word in (*words, "--version", "kernel", "130", "await"):
        assert word in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 100


def test_version(wirelab: Wirelab) -> None:
    assert wirelab("--version").stdout.startswith("wirelab 0.")


@pytest.mark.parametrize(
    ("code", "status", "out", "err"),
    [
        ("print(6*7)", 0, "42\n", ""),
        ("1", 0, "", ""),
        ("import asyncio; print(await asyncio.sleep(0, 5))", 0, "5\n", ""),
        ("d = Deferred(); d.callback(3); print(await d)", 0, "3\n", ""),
        ("await sleep(0.01); print('slept')", 0, "slept\n", ""),
        ("print(callable(connect), callable(serve), __name__)", 0, "True True __main__\n", ""),
        ("import sys; sys.exit(7)", 7, "", ""),
        ("await sleep(0); import sys; sys.exit(7)", 7, "", ""),
        ("exit(5)", 5, "", ""),
        ("import sys; sys.exit('sorry')", 1, "", "sorry\n"),
        ("import sys; sys.exit()", 0, "", ""),
        ("raise SystemExit(300)", 300 & 0xFF, "", ""),
        ("import asyncio; print(asyncio.run(asyncio.sleep(0, 'ran')))", 0, "ran\n", ""),
        ("import sys; print(sys.argv, repr(sys.path[0]))", 0, "['-c', 'a', '-b'] ''\n", ""),
        ("print(open.__module__)", 0, f"{open.__module__}\n", ""),
        ("raise KeyboardInterrupt", 130, "", "KeyboardInterrupt: <string>:1\n"),
    ],
)
def test_code(wirelab: Wirelab, code: str, status: int, out: str, err: str) -> None:
    ran = wirelab("-c", code, "a", "-b")
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, out, err)


@pytest.mark.parametrize("pause", ["", "await sleep(0)\n"])
def test_uncaught_exception_shows_the_users_frames_and_ends_with_1(wirelab: Wirelab, pause: str) -> None:
    ran = wirelab("-c", pause + "def f(): 1/0\nf()")
    assert ran.returncode == 1
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert [line.split(",")[0] for line in lines if line.startswith("  File")] == ['  File "<string>"'] * 2
    assert "    f()" in lines


def test_syntax_error_ends_with_1_without_machinery(wirelab: Wirelab) -> None:
    ran = wirelab("-c", "a b")
    assert ran.returncode == 1
    assert "SyntaxError" in ran.stderr
    assert "compile" not in ran.stderr


def test_file_sees_what_python_gives_it(wirelab: Wirelab, tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "beside.py").write_text("there = 1")
    (folder / "demo.py").write_text(
        "import sys, beside\n"
        "print(__name__, __file__, sys.argv, sys.path[0], beside.there, __doc__)\n"
        "import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)\n"
    )
    ran = wirelab("sub/demo.py", "-i", "x")
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        f"__main__ {folder / 'demo.py'} ['sub/demo.py', '-i', 'x'] {folder} 1 None",
        "True",
    ]


def test_file_with_another_encoding(wirelab: Wirelab, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))\n")
    assert wirelab("latin.py").stdout == "'\\xe9'\n"


def test_missing_file_says_so(wirelab: Wirelab) -> None:
    ran = wirelab("./nothing.py")
    assert (ran.returncode, ran.stderr) == (
        2,
        "wirelab: cannot run './nothing.py': No such file or directory\n",
    )


def test_unknown_word_names_the_commands(wirelab: Wirelab) -> None:
    ran = wirelab("kernal")
    assert ran.returncode == 2
    assert ran.stderr == "wirelab: 'kernal' is neither a file here nor a command (commands: kernel)\n"


def test_folder_is_refused(wirelab: Wirelab, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ran = wirelab("folder")
    assert (ran.returncode, ran.stderr) == (2, "wirelab: cannot run 'folder': Is a directory\n")


def test_command_of_another_room_gets_its_words(wirelab: Wirelab) -> None:
    ran = wirelab("kernel", "--help")
    assert ran.returncode == 0
    assert "wirelab kernel" in ran.stdout


@pytest.mark.parametrize("arguments", [(), ("-",), ("-", "a")])
def test_standard_input_is_a_script(wirelab: Wirelab, arguments: tuple[str, ...]) -> None:
    ran = wirelab(*arguments, stdin="import sys\nawait sleep(0)\nprint('in', sys.argv)\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"in {list(arguments) or ['']}\n"


def test_error_on_standard_input_ends_with_1(wirelab: Wirelab) -> None:
    ran = wirelab(stdin="print('before')\n1/0\n")
    assert (ran.returncode, ran.stdout) == (1, "before\n")
    assert 'File "<stdin>", line 2' in ran.stderr


def test_empty_standard_input_is_an_empty_script(wirelab: Wirelab) -> None:
    assert wirelab(stdin="").returncode == 0


def test_binary_rubbish_on_standard_input_is_refused(wirelab: Wirelab, tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_bytes(bytes(range(256)))
    ran = wirelab("rubbish")
    assert ran.returncode in (1, 2)
    assert "Traceback" not in ran.stderr


def test_staying_afterwards_reads_on(wirelab: Wirelab) -> None:
    ran = wirelab("-q", "-ic", "x = 5; print('ran')", stdin="print(x + 1)\nexit(3)\n")
    assert ran.returncode == 3
    assert "ran\n" in ran.stdout
    assert "6\n" in ran.stdout


def test_staying_afterwards_survives_an_error(wirelab: Wirelab) -> None:
    ran = wirelab("-q", "-ic", "1/0", stdin="print('still here')\n")
    assert ran.returncode == 0
    assert "still here" in ran.stdout


def test_process_ends_with_its_code_though_a_port_is_open(wirelab: Wirelab) -> None:
    ran = wirelab("-c", "p = serve('tcp:0', Protocol); print(p.getHost().port > 0)")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\n", "")


@pytest.mark.parametrize("pause", ["", "await sleep(0)\n"])
def test_reactor_run_keeps_a_script_alive_until_stop(wirelab: Wirelab, pause: str) -> None:
    ran = wirelab(
        "-c",
        pause
        + "reactor.callLater(0.05, print, 'served')\nreactor.callLater(0.1, reactor.stop)\nreactor.run()",
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "served\n", "")


def test_reactor_run_blocks_in_code_that_does_not_await(wirelab: Wirelab) -> None:
    ran = wirelab("-c", "reactor.callLater(0.05, reactor.stop)\nreactor.run()\nprint('after')")
    assert (ran.returncode, ran.stdout) == (0, "after\n")


@pytest.mark.parametrize(
    "code",
    [
        "print('ready', flush=True)\nawait Deferred()",
        "print('ready', flush=True)\nreactor.run()",
        "await sleep(0)\nprint('ready', flush=True)\nreactor.run()",
        "import time\nprint('ready', flush=True)\ntime.sleep(60)",
        "import time\nawait sleep(0)\nprint('ready', flush=True)\ntime.sleep(60)",
        "def f(): print('ready', flush=True); time.sleep(60)\n"
        "import time\nreactor.callLater(0, f)\nawait Deferred()",
        "while True: print('ready', flush=True); await sleep(0.01)",
    ],
)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_a_script(tmp_path: Path, code: str, number: signal.Signals, status: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        began = time.monotonic()
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
    assert process.returncode == status
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert err.startswith("KeyboardInterrupt")


@pytest.mark.parametrize("pause", ["", "await sleep(0)\n"])
def test_broken_pipe_is_quiet(tmp_path: Path, pause: str) -> None:
    code = pause + "for i in range(200_000): print(i)"
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_missing_uvloop_names_the_extra(wirelab: Wirelab, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "uvloop.py").write_text("raise ImportError('hidden')")
    path = os.pathsep.join([str(tmp_path / "hidden"), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = wirelab("--loop", "uvloop", "-c", "1", PYTHONPATH=path)
    assert (ran.returncode, ran.stderr) == (
        2,
        "wirelab: uvloop is not installed: pip install 'wirelab[uvloop]'\n",
    )


def test_uvloop_runs_code(wirelab: Wirelab) -> None:
    ran = wirelab(
        "--loop",
        "uvloop",
        "-c",
        "import asyncio; print(type(asyncio.get_running_loop()).__module__); await sleep(0)",
    )
    assert (ran.stdout, ran.stderr) == ("uvloop\n", "")


def test_code_needs_neither_prompt_toolkit_nor_jedi(wirelab: Wirelab) -> None:
    ran = wirelab("-c", "import sys; print({'prompt_toolkit', 'jedi', 'ipykernel'} & set(sys.modules))")
    assert ran.stdout == "set()\n"


def test_script_leaves_nothing_in_the_home(wirelab: Wirelab, tmp_path: Path) -> None:
    wirelab("-c", "1")
    assert list(tmp_path.iterdir()) == []


def test_home_that_cannot_be_written_is_no_hindrance(wirelab: Wirelab) -> None:
    ran = wirelab(
        "-q", "-ic", "1", stdin="print('fine')\n", HOME="/nonexistent", XDG_STATE_HOME="/proc/nowhere"
    )
    assert ran.returncode == 0
    assert "fine" in ran.stdout
