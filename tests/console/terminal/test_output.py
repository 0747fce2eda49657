"""Late output comes above the prompt, with its cell's label, and leaves the typed line alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from .conftest import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.may_leave("descriptors")]  # the shared console's

LOOP = "__import__('asyncio').get_running_loop()"


def later(seconds: float, call: str) -> str:
    return f"_ = {LOOP}.call_later({seconds}, lambda: {call})"


def test_typed_text_stays_whole_while_late_output_arrives(console: Terminal) -> None:
    number = console.run(later(0.4, "[print('late', i) for i in range(3)]"))
    console.type("half typed")
    console.wait("late 2")
    console.wait(lambda: console.last.endswith("half typed"))
    assert [line for line in console.lines if line.startswith(f"[{number}] ")] == [
        f"[{number}] late {i}" for i in range(3)
    ]
    console.type(", and on")
    assert console.last.endswith("half typed, and on")


def test_foreground_output_goes_straight_through_without_a_label(console: Terminal) -> None:
    console.run("for i in range(3): print('direct', i)\r")
    assert [line for line in console.lines if line.startswith("direct")] == [
        "direct 0",
        "direct 1",
        "direct 2",
    ]


def test_partial_line_of_the_foreground_shows_before_its_end(console: Terminal) -> None:
    console.send("print('begun', end=''); await sleep(0.5); print(' ended')\r")
    console.wait_line("begun")
    console.wait_line("begun ended")


def test_prompt_starts_on_its_own_line_after_output_without_an_end(console: Terminal) -> None:
    console.run("print('no end', end='')")
    console.wait_line("no end")


def test_progress_bar_of_the_foreground_draws_over_itself(console: Terminal) -> None:
    console.run(r"for i in (10, 20, 100): print(f'\r{i} %', end='', flush=True)" + "\r")
    console.wait_line("100 %")
    assert "10 %" not in console.lines


def test_late_progress_bar_shows_its_last_state(console: Terminal) -> None:
    number = console.run(later(0.1, r"print('\r10 %\r20 %\r30 %')"))
    console.wait(f"[{number}] 30 %")


def test_late_line_without_an_end_shows_after_a_while(console: Terminal) -> None:
    number = console.run(later(0.1, "print('dots...', end='')"))
    console.wait(f"[{number}] dots...")


def test_thread_writes_above_the_prompt_with_the_label_of_its_cell(console: Terminal) -> None:
    console.run("import threading, time; talk = lambda: (time.sleep(.3), print('from a thread'))")
    number = console.run("threading.Thread(target=talk).start()")
    console.type("typing")
    console.wait(f"[{number}] from a thread")
    console.wait(lambda: console.last.endswith("typing"))


def test_standard_error_is_routed_as_well(console: Terminal) -> None:
    number = console.run(later(0.1, "print('to stderr', file=__import__('sys').stderr)"))
    console.wait(f"[{number}] to stderr")


def test_logging_that_captured_stderr_writes_above_the_prompt(console: Terminal) -> None:
    console.run("import logging; h = logging.StreamHandler(); logging.getLogger('lab').addHandler(h)")
    number = console.run(later(0.1, "logging.getLogger('lab').error('logged')"))
    console.wait(f"[{number}] logged")
    console.run("logging.getLogger('lab').removeHandler(h)")


def test_flood_is_folded_and_the_prompt_stays_usable(console: Terminal) -> None:
    number = console.run(later(0.2, "[print('flood', i) for i in range(20000)]"))
    console.type("still here")
    console.wait(f"… 19,800 more lines from [{number}]")
    console.wait(lambda: console.last.endswith("still here"))


def test_flood_from_a_thread_leaves_the_prompt_usable(console: Terminal) -> None:
    console.run("import threading, time; go = True")
    console.run_block("def flood():", "while go: print('x' * 70); time.sleep(0)")
    console.run("t = threading.Thread(target=flood, daemon=True); t.start()")
    console.wait("more lines from")
    console.run("go = False")
    console.run("t.join()")


def test_late_control_sequences_cannot_move_the_cursor(console: Terminal) -> None:
    number = console.run(later(0.1, r"print('\x1b[2J\x1b[Hgone\x00\x07 \x1b[31mred')"))
    console.wait(rf"[{number}] \x1b[2J\x1b[Hgone\x00\x07 red")
    row = next(i for i, line in enumerate(console.lines) if line.startswith(f"[{number}] "))
    column = console.lines[row].rindex("red")
    assert console.screen.buffer[row][column].fg == "red"


def test_very_long_late_line_is_cut_and_says_so(console: Terminal) -> None:
    console.run(later(0.1, "print('z' * 100_000)"))
    console.wait("… 95,904 more characters")


def test_bytes_written_to_the_buffer_are_routed(console: Terminal) -> None:
    number = console.run(later(0.1, r"__import__('sys').stdout.buffer.write(b'bytes \xff\n')"))
    console.wait(rf"[{number}] bytes \xff")


def test_label_is_dim(console: Terminal) -> None:
    number = console.run(later(0.1, "print('labelled')"))
    console.wait(f"[{number}] labelled")
    assert f"\x1b[2m[{number}]\x1b[0m labelled".encode() in console.raw


def test_no_color_has_no_colours(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", NO_COLOR="1")
    console.run("1/0")
    number = console.run(later(0.1, "print('plain')"))
    console.wait(f"[{number}] plain")
    colours = re.findall(rb"\x1b\[([0-9;]+)m", bytes(console.raw))
    assert set(colours) <= {b"0", b"1", b"4", b"7", b"0;1", b"0;7", b"0;4"}


def test_nothing_is_lost_at_exit(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q")
    console.run(
        f"_ = {LOOP}.call_soon(lambda: [print('line', i) for i in range(200)] and print('tail', end=''))"
    )
    console.send("exit\r")
    assert console.wait_end() == 0
    assert b"tail" in console.raw
    assert b"line 199" in console.raw
