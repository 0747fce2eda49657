"""What the tests of the reactor share."""

from collections.abc import Iterator
from pathlib import Path

import pytest


def _children() -> set[str]:
    """The ids of the children of this process, dead ones that nobody has waited for included."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


@pytest.fixture
def no_children() -> Iterator[None]:
    """The test leaves no child behind, running or dead. Elsewhere than on Linux nothing is looked at."""
    before = _children()
    yield
    assert _children() - before == set()
