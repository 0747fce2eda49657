"""The names that Twisted's users know can be imported: every row of names.tsv."""

import importlib
from pathlib import Path

import pytest

ROWS = Path(__file__).with_name("names.tsv").read_text().splitlines()[1:]
NAMES = [row.split("\t")[0] for row in ROWS]


@pytest.mark.parametrize("name", NAMES)
def test_known_name_can_be_imported(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
