"""The lessons run from top to bottom on the wirelab kernel, and show what their text says they show."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from wirelab.kernel import kernelspec

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))

# jupyter_client keeps the loop behind its blocking calls for the next one.
pytestmark = [pytest.mark.kernel, pytest.mark.may_leave("descriptors")]


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelSpecManager]:
    """Kernelspecs of our own, and of ours alone, with all other folders of Jupyter's empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    folder = tmp_path / "kernels"
    (folder / "wirelab").mkdir(parents=True)
    kernelspec.write(folder / "wirelab")
    manager = KernelSpecManager()
    manager.kernel_dirs = [str(folder)]
    yield manager


class Lesson:
    """What the cells of a lesson show to its reader: also what comes late, and what changes in place.

    nbclient itself keeps only what a cell shows while it runs.
    """

    def __init__(self, notebook: Any) -> None:
        self._cells = {cell.source: cell.id for cell in notebook.cells if cell.cell_type == "code"}
        self._requests: dict[str, str] = {}
        self._shown: dict[str, list[list[str]]] = {cell: [] for cell in self._cells.values()}
        self._displays: dict[str, list[list[str]]] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Take in one message that the kernel published."""
        request = message["parent_header"].get("msg_id", "")
        kind, content = message["msg_type"], message["content"]
        if kind == "execute_input":
            self._requests[request] = self._cells[content["code"]]
        shown = self._shown.get(self._requests.get(request, ""), [])
        if kind == "stream":
            shown.append([content["text"]])
        elif kind == "error":
            shown.append(["\n".join(content["traceback"])])
        elif kind in ("execute_result", "display_data"):
            shown.append([content["data"]["text/plain"]])
            self._displays.setdefault(content.get("transient", {}).get("display_id", ""), []).append(
                shown[-1]
            )
        elif kind == "update_display_data":
            for display in self._displays[content["transient"]["display_id"]]:
                display[0] = content["data"]["text/plain"]

    def __getitem__(self, cell: str) -> str:
        """All the text that a cell shows, without colours."""
        text = "\n".join(part for (part,) in self._shown[cell])
        return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


LATE = 5.0  # seconds in which the last news of a lesson have to come


@asynccontextmanager
async def _kernel_of(client: NotebookClient) -> AsyncIterator[Any]:
    """Run the client's kernel, and end it: a client ends only those whose manager it made. Gives IOPub."""
    async with client.async_setup_kernel(stderr=subprocess.DEVNULL):
        assert client.kc is not None and client.km is not None
        try:
            yield client.kc.iopub_channel
        finally:
            client.kc.stop_channels()
            await client.km.shutdown_kernel(now=True)


async def _take_lesson(path: Path, specs: KernelSpecManager, late: Callable[[Lesson], bool]) -> Lesson:
    """Run the lesson at `path`, and wait until `late` is true of what it shows."""
    notebook = nbformat.read(path, as_version=4)
    kernels = AsyncKernelManager(kernel_name="wirelab", kernel_spec_manager=specs)
    client = NotebookClient(notebook, km=kernels, timeout=30, kernel_name="wirelab")
    lesson = Lesson(notebook)
    async with _kernel_of(client) as channel:
        get = channel.get_msg

        async def get_and_take(*args: Any, **options: Any) -> dict[str, Any]:
            message: dict[str, Any] = await get(*args, **options)
            lesson.take(message)
            return message

        channel.get_msg = get_and_take
        for number, cell in enumerate(notebook.cells):
            await client.async_execute_cell(cell, number)
        async with asyncio.timeout(LATE):
            while not late(lesson):
                await get_and_take()
    return lesson


def _run(path: Path, specs: KernelSpecManager, late: Callable[[Lesson], bool]) -> Lesson:
    return asyncio.run(_take_lesson(path, specs, late))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_is_kept_without_outputs_and_names_its_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "wirelab"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_first_connection(specs: KernelSpecManager) -> None:
    shown = _run(FOLDER / "01-first-connection.ipynb", specs, lambda shown: "good-bye" in shown["greeter"])
    assert "listening" in shown["serve"] and "Echo" in shown["serve"]
    assert re.search(r"c\d+  tcp 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+  open", shown["connect"])
    assert shown["say-hello"] == "b'hello'"
    assert "takes bytes, not str: c" in shown["not-text"]
    assert shown["encoded"] == "'grüß dich'"
    rows = [line for line in shown["net"].splitlines() if "127.0.0.1" in line]
    assert len(rows) == 3
    assert shown["several"].count("this is client") == 3
    assert "welcome, visitor 1" in shown["visit"] and "nice to meet you, Ada" in shown["visit"]
    assert "good-bye to a visitor" in shown["greeter"]
    assert "good-bye" not in shown["visit"]
    assert shown["shouter"].endswith("[b'CAN YOU HEAR ME!', b'BYE!']")
    assert shown["glued"] == "b'first,second'"
    assert "nice to meet you, Grace" in shown["byte-by-byte"]
    assert "fired -> b'here it comes'" in shown["live"] and "waiting" not in shown["live"]
    assert shown["answer-it"] == "b'here it comes'"
    assert "TimeoutError" in shown["no-answer"]
    assert "127.0.0.1" not in shown["close-ports"]
    assert "ConnectionRefused" in shown["refused"]


def test_deferreds(specs: KernelSpecManager) -> None:
    shown = _run(FOLDER / "02-deferreds.ipynb", specs, lambda shown: "oops" in shown["unhandled"])
    assert "fired" in shown["make"] and "'coffee'" in shown["make"]
    assert [name for name in ("with_milk", "on_a_tray", "len") if name not in shown["chain-fire"]] == []
    assert shown["chain-result"] == "3"
    assert shown["late"].startswith("3 things on the tray")
    assert shown["await-it"] == "'the kettle boils'"
    assert shown["chain"] == ""
    assert re.match(r"d\d+  fired -> 'the kettle boils'", shown["timer"])
    assert "caught ValueError" in shown["switch"]
    assert "somebody else has to see to this: TypeError" in shown["trap"]
    assert shown["both"] == "('got mail', 'sorry: line is dead')"
    assert "ValueError" in shown["unhandled"] and "oops" in shown["unhandled"]
    assert shown["nested"] == "'chained'"
    assert shown["nested-result"] == "'SOUP, HOT'"
    assert shown["coroutine"] == "(9, 'we have soup')"
    assert shown["inline"] == "['soup, hot', 'soup, hot']"
    assert shown["cancel"] == "'gave up: CancelledError'"
    assert "TimeoutError" in shown["timeout"]
    assert shown["gather"] == "['starter', 'main dish', 'dessert']"
    assert shown["list"] == "[(True, 'starter'), (False, 'burnt')]"
    assert shown["race"] == "(1, 'the short cut')"
    assert shown["thread"].endswith("499500")
    assert "AlreadyCalledError" in shown["twice"]
    assert "'nothing left but None'" in shown["forgot"]
    assert shown["too-early"].endswith("([], ['treasure'])")
    assert "got 0.5 s" in shown["blocked"]
