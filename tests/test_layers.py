"""The floors hold: a room imports itself and the rooms below it, relatively, and never to dodge a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("reactor", "protocols", "console", "kernel")
FILES = [path for room in FLOORS for path in sorted((ROOT / room).rglob("*.py"))]


def _name(path: Path) -> str:
    """`reactor.defer` for both reactor/defer.py and reactor/defer/__init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in FILES}


@dataclass(frozen=True)
class Import:
    """One import of one of our modules: who imports what, on which line, and when that happens."""

    source: str
    line: int
    target: str
    is_relative: bool
    is_late: bool
    is_for_types: bool

    def __str__(self) -> str:
        return f"{MODULES[self.source].relative_to(ROOT)}:{self.line} imports {self.target}"


def _targets(source: str, node: ast.AST) -> Iterator[str]:
    """The modules of ours that `node` imports, named from the root of the checkout."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        package = source.split(".") if MODULES[source].name == "__init__.py" else source.split(".")[:-1]
        start = package[: len(package) + 1 - node.level] if node.level else []
        base = ".".join(start + (node.module or "").split(".")).strip(".")
        names = [f"{base}.{alias.name}".strip(".") for alias in node.names]
        names = [name if name.removeprefix("wirelab.") in MODULES else base for name in names]
    else:
        return
    yield from (name for name in names if name.removeprefix("wirelab.").split(".")[0] in FLOORS)


def _imports(source: str, node: ast.AST, late: bool = False, types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target in _targets(source, child):
            relative = isinstance(child, ast.ImportFrom) and child.level > 0
            yield Import(source, child.lineno, target.removeprefix("wirelab."), relative, late, types)
        in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _imports(source, child, late or in_function, types or for_types)


IMPORTS = [found for name, path in MODULES.items() for found in _imports(name, ast.parse(path.read_text()))]


def _reachable(start: str) -> set[str]:
    """Every module of ours that importing `start` imports, itself included."""
    seen, queue = set(), [start]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += [i.target for i in IMPORTS if i.source == name and not i.is_late and not i.is_for_types]
    return seen


def test_imports_look_down_only() -> None:
    def floor(name: str) -> int:
        return FLOORS.index(name.split(".")[0])

    assert [str(found) for found in IMPORTS if floor(found.target) > floor(found.source)] == []


def test_rooms_import_each_other_relatively() -> None:
    assert [str(found) for found in IMPORTS if not found.is_relative] == []


def test_no_import_inside_a_function_dodges_a_circle() -> None:
    """A late import that only saves start-up time is fine: what it imports does not import back."""
    late = [found for found in IMPORTS if found.is_late]
    assert [str(found) for found in late if found.source in _reachable(found.target)] == []


def test_tests_and_notebooks_use_the_full_name() -> None:
    short = re.compile(rf'^[\s"]*(from|import) \.*({"|".join(FLOORS)})\b', re.MULTILINE)
    files = [path for folder in ("tests", "notebooks") for path in (ROOT / folder).rglob("*.*")]
    texts = [path for path in files if path.suffix in {".py", ".ipynb"}]
    assert [str(path.relative_to(ROOT)) for path in texts if short.search(path.read_text())] == []


def test_every_folder_is_a_package_and_every_room_is_typed() -> None:
    folders = {path.parent for path in FILES}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
    assert [room for room in FLOORS if not (ROOT / room / "py.typed").exists()] == []
