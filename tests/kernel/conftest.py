"""A kernel as a front end has it: started from its kernelspec, driven with messages."""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from wirelab.kernel import kernelspec

Message = dict[str, Any]

WAIT = 15.0  # seconds; far above what anything here takes, so that a slow machine only makes it slow


@dataclass
class CellRun:
    """What came of one cell."""

    id: str
    reply: Message
    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.reply["status"])

    @property
    def result(self) -> str | None:
        """The text of the value that the cell ended with."""
        for message in self.messages:
            if message["msg_type"] in ("execute_result", "display_data"):
                return str(message["content"]["data"]["text/plain"])
        return None

    @property
    def stdout(self) -> str:
        return text_of(self.messages, "stdout")

    @property
    def stderr(self) -> str:
        return text_of(self.messages, "stderr")


def text_of(messages: list[Message], stream: str) -> str:
    streams = [m["content"] for m in messages if m["msg_type"] == "stream"]
    return "".join(content["text"] for content in streams if content["name"] == stream)


class Frontend:
    """Sends cells and questions to one kernel, and keeps every message that it publishes."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.published: list[Message] = []
        self._replies: dict[str, Message] = {}

    # Cells

    def send(self, code: str, **options: Any) -> str:
        """Send a cell, without waiting for anything; the id is that of its request."""
        return str(self.client.execute(code, **options))

    def run(self, code: str, timeout: float = WAIT, **options: Any) -> CellRun:
        """Run a cell to its end."""
        return self.finish(self.send(code, **options), timeout)

    def ok(self, code: str, **options: Any) -> CellRun:
        """Run a cell that has to end well."""
        run = self.run(code, **options)
        assert run.status == "ok", "\n".join(run.reply["traceback"])
        return run

    def finish(self, request: str, timeout: float = WAIT) -> CellRun:
        """Wait for the reply to `request`, and for its "idle"."""
        reply = self.reply(request, timeout)
        self.wait(lambda: self._is_idle(request), timeout)
        return CellRun(request, reply["content"], self.of(request))

    def _is_idle(self, request: str) -> bool:
        return any(m["content"].get("execution_state") == "idle" for m in self.of(request, "status"))

    # Messages

    def reply(self, request: str, timeout: float = WAIT) -> Message:
        """The reply to `request` on the shell channel."""
        end = time.monotonic() + timeout
        while request not in self._replies:
            message = self.client.get_shell_msg(timeout=max(0.0, end - time.monotonic()))
            self._replies[message["parent_header"]["msg_id"]] = message
        return self._replies.pop(request)

    def of(self, request: str, kind: str | None = None) -> list[Message]:
        """What was published so far for `request`."""
        mine = [m for m in self.published if m["parent_header"].get("msg_id") == request]
        return [m for m in mine if kind in (None, m["msg_type"])]

    def stdout(self, request: str) -> str:
        return text_of(self.of(request), "stdout")

    def stderr(self, request: str) -> str:
        return text_of(self.of(request), "stderr")

    def wait(self, is_done: Callable[[], object], timeout: float = WAIT) -> None:
        """Take in what is published until `is_done`."""
        end = time.monotonic() + timeout
        while not is_done():
            left = end - time.monotonic()
            if left <= 0:
                shown = [(m["msg_type"], m["content"]) for m in self.published[-20:]]
                raise AssertionError(f"did not come within {timeout} s; the last messages: {shown}")
            try:
                self.published.append(self.client.get_iopub_msg(timeout=min(left, 0.5)))
            except queue.Empty:
                pass

    def wait_for_text(self, request: str, text: str, stream: str = "stdout", timeout: float = WAIT) -> None:
        """Wait until `text` has been written for `request`."""
        self.wait(lambda: text in text_of(self.of(request), stream), timeout)

    def ask(self, request: str, timeout: float = WAIT) -> tuple[Message, float]:
        """The content of the reply to a question, and the seconds until it was there."""
        start = time.monotonic()
        reply = self.reply(request, timeout)
        return reply["content"], time.monotonic() - start

    def control(self, kind: str, content: Message | None = None, timeout: float = WAIT) -> Message:
        """Send a request on the control channel and give the reply's content."""
        request = self.client.session.msg(kind, content or {})
        self.client.control_channel.send(request)
        end = time.monotonic() + timeout
        while True:
            reply = self.client.get_control_msg(timeout=max(0.0, end - time.monotonic()))
            if reply["parent_header"]["msg_id"] == request["header"]["msg_id"]:
                return dict(reply["content"])


StartKernel = Callable[..., Frontend]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every folder that Jupyter and IPython use, empty and our own, for us and for what we start."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(path))
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(path / name.lower()))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.delenv(name, raising=False)
        yield path


@contextmanager
def _kernels(home: Path) -> Iterator[StartKernel]:
    """Gives what starts kernels; all of them have ended afterwards."""
    started: list[Frontend] = []

    def start(loop: str = "asyncio") -> Frontend:
        name = f"wirelab-{loop}"
        folder = home / "share" / "jupyter" / "kernels"
        (folder / name).mkdir(parents=True, exist_ok=True)
        kernelspec.write(folder / name, loop=loop)
        specs = KernelSpecManager()
        specs.kernel_dirs = [str(folder)]
        manager = KernelManager(kernel_name=name, kernel_spec_manager=specs)
        manager.start_kernel(stderr=subprocess.DEVNULL)
        frontend = Frontend(manager, manager.client())
        started.append(frontend)
        frontend.client.start_channels(hb=False)
        frontend.client.wait_for_ready(timeout=WAIT)
        return frontend

    try:
        yield start
    finally:
        for frontend in started:
            frontend.client.stop_channels()
            frontend.manager.shutdown_kernel(now=True)


@pytest.fixture
def start_kernel(home: Path) -> Iterator[StartKernel]:
    """Start a kernel for one test: `start_kernel(loop="uvloop")`."""
    with _kernels(home) as start:
        yield start


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def kernel(request: pytest.FixtureRequest, home: Path) -> Iterator[Frontend]:
    """One kernel for the module, on each kind of loop."""
    with _kernels(home) as start:
        yield start(loop=request.param)
