"""The README keeps its word: what it says to paste runs as it stands."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
SESSION, PROGRAM = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CONSOLE = "import sys; from wirelab.console.main import main; sys.exit(main())"


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _output(*arguments: str, stdin: str = "") -> str:
    """What a fresh Python prints; it must end well and speak of no error."""
    done = subprocess.run(
        [sys.executable, *arguments], input=stdin, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0 and "Error" not in done.stderr, done.stderr
    return done.stdout


def test_session_of_the_readme_runs() -> None:
    code = SESSION.replace("8007", _free_port()) + "c.send(b'again\\r\\n'); print(await c.line())\n"
    assert "b'again'" in _output("-c", CONSOLE, "-", stdin=code)


def test_program_of_the_readme_runs() -> None:
    echo = SESSION.partition("\n\n")[0]
    stop = PROGRAM.replace("8007", _free_port()).replace(
        "reactor.run()", "reactor.callWhenRunning(reactor.stop)\nreactor.run()"
    )
    _output("-c", f"from wirelab.reactor.protocol import Protocol\n{echo}\n{stop}")
