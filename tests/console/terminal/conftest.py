"""A console behind a real pseudo-terminal, and what a person would see of it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

COMMAND = "import sys; from wirelab.console.main import main; sys.argv[0] = 'wirelab'; sys.exit(main())"

PROMPT = r"\[\d+\]>"

PATIENCE = 15.0
"""Seconds that a test waits for what must appear: this machine may be busy with other things."""


class Terminal:
    """One `wirelab` process on a pseudo-terminal of its own, seen through a terminal emulator."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        rows: int = 40,
        columns: int = 80,
        job: str | None = None,
        **environment: str,
    ) -> None:
        """`job` is what a shell does once the console, its job, stops or ends; None for no shell at all."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.ended = False
        command = [sys.executable, "-c", COMMAND, *arguments]
        if job is not None:
            command = ["bash", "-c", f"set -m; {shlex.join(command)}; {job}"]
        self.process = pexpect.spawn(
            command[0],
            command[1:],
            env=isolated(home) | {"TERM": "xterm-256color"} | environment,
            cwd=str(home),
            dimensions=(rows, columns),
            timeout=PATIENCE,
        )
        self.process.delaybeforesend = None

    # -- what is seen

    @property
    def lines(self) -> list[str]:
        """The lines of the screen down to the last one with something on it."""
        shown = [line.rstrip() for line in self.screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def last(self) -> str:
        """The last line: where the prompt is."""
        return self.lines[-1] if self.lines else ""

    def pump(self, timeout: float = 0.05) -> None:
        """Take in what the process has written; wait at most `timeout` seconds for the first of it."""
        try:
            data = self.process.read_nonblocking(65536, timeout)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self.ended = True
            return
        self.raw += data
        # The echo of Ctrl-C, which terminals ignore; the emulator would drop the text that follows it.
        self._stream.feed(data.replace(b"\x03", b""))

    def wait(self, seen: str | Callable[[], object], timeout: float = PATIENCE) -> None:
        """Wait until the text `seen` is on the screen, or until `seen()` holds."""
        holds = seen if callable(seen) else lambda: seen in self.text
        deadline = time.monotonic() + timeout
        while not holds():
            if self.ended:
                raise AssertionError(f"the console ended before {seen!r}; the screen:\n{self.text}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s for {seen!r}; the screen:\n{self.text}")
            self.pump()

    def wait_prompt(self, timeout: float = PATIENCE) -> int:
        """Wait for an empty prompt on the last line; its number."""
        self.wait(lambda: re.fullmatch(PROMPT, self.last), timeout)
        return int(self.last[1:-2])

    # -- what is typed

    def send(self, keys: str) -> None:
        self.process.send(keys)

    def type(self, text: str) -> None:
        """Type `text` and wait until it stands at the cursor's line."""
        self.send(text)
        self.wait(lambda: self.last.endswith(text))

    def run(self, cell: str, timeout: float = PATIENCE) -> int:
        """Run a cell of one line, and wait for the next prompt; the number the cell had."""
        number = self.wait_prompt()
        self.send(cell + "\r")
        self.wait(lambda: self.last == f"[{number + 1}]>", timeout)
        return number

    def run_block(self, *lines: str) -> int:
        """Run a cell of several lines, which are indented as they are typed; the number the cell had."""
        number = self.wait_prompt()
        self.send("\r".join(lines) + "\r\r")
        self.wait(lambda: self.last == f"[{number + 1}]>")
        return number

    def start(self, cell: str) -> int:
        """Run a cell of one line and do not wait for its end, only until it runs, or awaits; its number."""
        number = self.wait_prompt()
        before = self.lines.count("running")
        # The loop comes round to the call only when the cell awaits.
        begin = (
            "reactor.callLater(0, print, 'run' + 'ning')"
            if "await " in cell
            else "print('run' + 'ning\\n', end='')"
        )
        self.send(f"{begin}; {cell}\r")
        self.wait(lambda: self.lines.count("running") > before)
        return number

    def wait_running(self) -> None:
        """Wait until a cell has said 'running' in a line of its own, since the screen was cleared."""
        self.wait(lambda: "running" in self.lines)

    def wait_line(self, line: str) -> None:
        """Wait until `line` is one of the lines of the screen."""
        self.wait(lambda: line in self.lines)

    def clear(self) -> None:
        """Bring an empty prompt to the top of an empty screen."""
        deadline = time.monotonic() + PATIENCE
        self.settle()
        while not (len(self.lines) == 1 and re.fullmatch(PROMPT, self.last)):
            assert time.monotonic() < deadline, f"no empty prompt; the screen:\n{self.text}"
            # What an earlier test left in the line goes with Ctrl-C, what it printed with Ctrl-L.
            self.send("\x0c" if re.fullmatch(PROMPT, self.last) else "\x03")
            self.settle()

    def settle(self) -> None:
        """Take in what comes, until nothing does for a moment."""
        size = -1
        while size < len(self.raw):
            size = len(self.raw)
            self.pump(0.03)

    # -- the end

    def wait_end(self, timeout: float = PATIENCE) -> int:
        """Wait for the process to end; its exit status, 128 + n after signal n."""
        deadline = time.monotonic() + timeout
        while self.process.isalive():
            if time.monotonic() > deadline:
                raise AssertionError(f"the console did not end; the screen:\n{self.text}")
            if not self.ended:
                self.pump()
        while not self.ended:
            self.pump()
        self.process.close()
        if self.process.signalstatus is not None:
            return 128 + self.process.signalstatus
        assert self.process.exitstatus is not None
        return self.process.exitstatus

    def kill(self) -> None:
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
        self.process.close(force=True)


def isolated(home: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is read or written."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens consoles of the test's own; they are gone after it."""
    opened: list[Terminal] = []

    def open_one(*arguments: str, **options: Any) -> Terminal:
        terminal = Terminal(tmp_path, *arguments, **options)
        opened.append(terminal)
        return terminal

    yield open_one
    for terminal in opened:
        terminal.kill()


class _Shared:
    """The console that tests use in turn, as long as it is well."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._terminal: Terminal | None = None

    def take(self) -> Terminal:
        if self._terminal is None or not self._terminal.process.isalive():
            self.drop()
            self._terminal = Terminal(self._home, "-q")
            self._terminal.wait_prompt()
        self._terminal.clear()
        return self._terminal

    def drop(self) -> None:
        if self._terminal is not None:
            self._terminal.kill()
            self._terminal = None


@pytest.fixture(scope="session")
def shared_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Shared]:
    shared = _Shared(tmp_path_factory.mktemp("console"))
    shared.take()
    yield shared
    shared.drop()


@pytest.fixture
def console(shared_console: _Shared, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A console at an empty prompt on an empty screen, shared in turn; a failed test's is not used again."""
    failed = request.session.testsfailed
    yield shared_console.take()
    if request.session.testsfailed > failed:
        shared_console.drop()
