"""Errors in few lines: the user's frames first."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any

from wirelab.console.tracebacks import (
    headline,
    is_machinery,
    story,
    user_lines,
    with_cells,
    without_machinery,
)
from wirelab.reactor.defer import Deferred


def no_cell(filename: str) -> str | None:
    return None


def cells(filename: str) -> str | None:
    return "[3]" if filename == "<cell-3>" else None


def caught(call: Callable[[], Any]) -> tuple[BaseException, TracebackType | None]:
    try:
        call()
    except Exception as error:
        return error, error.__traceback__.tb_next if error.__traceback__ else None
    raise AssertionError("nothing was raised")


def in_cell(source: str) -> dict[str, Any]:
    """The names that a cell, compiled as number 3, leaves behind."""
    names: dict[str, Any] = {}
    exec(compile(source, "<cell-3>", "exec"), names)
    return names


def test_frames_of_cells_are_named_by_cell_and_line() -> None:
    names = in_cell("def f():\n    1/0\ndef g():\n    f()\n")
    assert story(*caught(names["g"]), cells) == [
        "ZeroDivisionError: division by zero",
        "  [3] line 4, in g",
        "  [3] line 2, in f",
    ]


def test_our_own_frames_are_counted_not_shown() -> None:
    names = in_cell("def f(d):\n    d.callback(d)\n")
    lines = story(*caught(lambda: names["f"](Deferred())), cells)
    assert lines[-2] == "  [3] line 2, in f" and lines[0].startswith("TypeError: ")
    assert lines[-1].startswith("  then 1 frames of machinery, the last ") or "of machinery" in lines[-1]


def test_frames_of_other_libraries_stay() -> None:
    names = in_cell("import json\ndef f():\n    json.loads('{')\n")
    lines = story(*caught(names["f"]), cells)
    assert lines[0].startswith("JSONDecodeError") and any("json/decoder.py" in line for line in lines)
    assert not is_machinery(json.__file__)


def test_an_error_without_users_frames_shows_where_it_was() -> None:
    error, trace = caught(lambda: Deferred().addCallback(7))  # type: ignore[arg-type]
    while trace is not None and not is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    assert any("deferred.py" in line for line in story(error, trace, no_cell))


def test_a_recursion_is_cut_in_the_middle() -> None:
    names = in_cell("def f(n):\n    return f(n - 1) if n else 1/0\n")
    lines = story(*caught(lambda: names["f"](100)), cells)
    assert "  ... 90 more frames ..." in lines and len(lines) < 40


def test_the_cause_is_told_in_one_line() -> None:
    names = in_cell(
        "def f():\n    try:\n        1/0\n    except Exception as e:\n        raise KeyError('k') from e\n"
    )
    assert story(*caught(names["f"]), cells)[-1] == "  after ZeroDivisionError: division by zero"


def test_an_error_whose_text_fails_is_still_named() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert headline(Broken()) == "Broken: (its text cannot be had: ValueError)"
    assert headline(KeyError()) == "KeyError"


def test_places_in_cells_are_told_as_people_know_them() -> None:
    text = "made at <cell-3>:7 in <module>, fired at <cell-3>:9 in go: lost; /x/y.py:3 in main"
    assert (
        with_cells(text, cells) == "made at [3] line 7, fired at [3] line 9, in go: lost; /x/y.py:3 in main"
    )


def test_a_traceback_without_our_frames_keeps_the_others_in_order() -> None:
    names = in_cell("def f(d):\n    d.callback(d)\n")
    _, trace = caught(lambda: names["f"](Deferred()))
    shorter, count = without_machinery(trace)
    found = []
    while shorter is not None:
        found.append(shorter.tb_frame.f_code.co_name)
        shorter = shorter.tb_next
    assert found == ["<lambda>", "f"] and count >= 1


def test_a_traceback_of_ours_alone_stays_as_it_is() -> None:
    _, trace = caught(lambda: Deferred().addCallback(7))  # type: ignore[arg-type]
    ours = trace.tb_next if trace else None
    assert without_machinery(ours) == (ours, 0)
    assert without_machinery(None) == (None, 0)


def test_one_users_frame_needs_no_lines_of_its_own() -> None:
    names = in_cell("def f():\n    1/0\ndef g():\n    f()\n")
    _, trace = caught(names["g"])
    assert user_lines(trace, cells) == ["  [3] line 4, in g", "  [3] line 2, in f"]
    assert user_lines(trace.tb_next if trace else None, cells) == []
