"""Ctrl-C always answers, and nothing but what it is meant for ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from .conftest import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.may_leave("descriptors")]  # the shared console's

CTRL_C = "\x03"
LOOP = "asyncio.get_running_loop()"


def answered_in(console: Terminal, seen: str | Callable[[], object]) -> float:
    """Seconds from a press of Ctrl-C to `seen`."""
    pressed = time.monotonic()
    console.send(CTRL_C)
    console.wait(seen)
    return time.monotonic() - pressed


def test_awaiting_cell_is_cancelled_at_once(console: Terminal) -> None:
    console.run("import asyncio")
    number = console.start("await asyncio.sleep(60)")
    # Twice the promised 100 ms: the emulator and a busy machine take their part.
    assert answered_in(console, f"KeyboardInterrupt: [{number}] line 1") < 0.2
    console.wait_prompt()


def test_awaiting_a_deferred_is_cancelled_and_the_deferred_with_it(console: Terminal) -> None:
    console.run("gone = []; d = Deferred(lambda _: gone.append('cancelled'))")
    number = console.start("await d")
    answered_in(console, f"KeyboardInterrupt: [{number}] line 1")
    console.run("print(gone)")
    console.wait_line("['cancelled']")


def test_background_is_left_alone_by_an_interrupt(console: Terminal) -> None:
    console.run("import asyncio; background = asyncio.create_task(asyncio.sleep(60))")
    number = console.start("await asyncio.sleep(60)")
    answered_in(console, f"KeyboardInterrupt: [{number}]")
    console.run("print('background', 'ended' if background.done() else 'runs')")
    console.wait_line("background runs")
    console.run("_ = background.cancel()")


def test_blocking_code_of_the_cell_gets_keyboard_interrupt(console: Terminal) -> None:
    console.run("import time")
    number = console.start("time.sleep(60)")
    assert answered_in(console, f"KeyboardInterrupt: [{number}] line 1") < 0.6


def test_cell_can_catch_keyboard_interrupt(console: Terminal) -> None:
    console.run("import time")
    console.send("try: print('run' + 'ning\\n', end=''); time.sleep(60)\r")
    console.send("except KeyboardInterrupt: print('caught it')\r")
    console.wait_running()
    answered_in(console, lambda: "caught it" in console.lines)
    console.wait_prompt()


@pytest.mark.parametrize("schedule", [LOOP + ".call_later", "reactor.callLater"])
def test_callback_that_blocks_the_loop_is_interrupted_and_named(console: Terminal, schedule: str) -> None:
    defined = console.run("import asyncio, time; began = []") + 1
    console.run_block("def block():", "began.append(1); print('blocking')", "time.sleep(60)")
    number = console.run(f"_ = {schedule}(0.2, block)")
    console.type("typed")
    time.sleep(0.4)  # until it blocks, nothing at all can be seen of it
    took = answered_in(console, f"[{number}] KeyboardInterrupt: interrupted [{defined}] line 3, in block")
    assert took < 0.9  # of which 600 ms are promised
    console.wait(lambda: console.last.endswith("typed"))
    console.send(CTRL_C)
    console.run("print('alive', began)")
    console.wait_line("alive [1]")
    assert console.text.count("block raised") == 0


def test_typed_line_is_cleared(console: Terminal) -> None:
    number = console.wait_prompt()
    console.type("something typed")
    console.send(CTRL_C)
    assert console.wait_prompt() == number


def test_empty_prompt_answers_with_a_hint(console: Terminal) -> None:
    number = console.wait_prompt()
    answered_in(console, "nothing runs in the foreground")
    assert console.wait_prompt() == number


def test_keys_typed_before_ctrl_c_are_cleared_with_the_line(console: Terminal) -> None:
    number = console.wait_prompt()
    for burst in range(1, 6):
        console.send("abc" + CTRL_C)
        console.wait(lambda: console.lines.count(f"[{number}]> abc") == burst)  # noqa: B023  # here and now
        assert console.wait_prompt() == number


def test_search_is_left_with_the_line_kept(console: Terminal) -> None:
    number = console.run("searchable = 1")
    console.send("\x12search")
    console.wait("I-search")
    console.send(CTRL_C)
    console.wait(lambda: "I-search" not in console.text)
    console.clear()
    assert console.wait_prompt() == number + 1


def test_cell_that_ignores_being_cancelled_goes_to_the_background(console: Terminal) -> None:
    console.run("import asyncio; stop = asyncio.Event()")
    console.run("say = lambda: print('run' + 'ning\\n', end='')")
    console.send("while not stop.is_set():\rtry: say(); await asyncio.sleep(60)\r")
    console.send("except BaseException: pass\r\r")
    console.wait_running()
    for _ in range(20):
        console.send(CTRL_C)
        console.pump(0.3)
        if "ignores Ctrl-C: it goes on in the background" in console.text:
            break
    console.wait("ignores Ctrl-C: it goes on in the background")
    console.run("stop.set(); _ = [t.cancel() for t in asyncio.all_tasks() if '_execute' in repr(t)]")


def test_hammering_ctrl_c_leaves_the_session_whole(console: Terminal) -> None:
    console.run("import asyncio")
    console.start("await asyncio.sleep(60)")
    for _ in range(20):
        console.send(CTRL_C)
    console.wait_prompt()
    console.run("print('still', 'here')")
    console.wait_line("still here")


def test_input_of_a_cell_is_interrupted(console: Terminal) -> None:
    number = console.start("input('say: ')")
    console.wait("say:")
    time.sleep(0.1)  # between its prompt and its read it cannot be interrupted
    answered_in(console, f"KeyboardInterrupt: [{number}] line 1")
    console.wait_prompt()


def test_shell_command_is_interrupted(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("!echo run''ning; sleep 60\r")
    console.wait_running()
    answered_in(console, f"KeyboardInterrupt: [{number}] line 1")
    console.wait_prompt()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ending_signal_ends_cleanly(open_terminal: Callable[..., Terminal], number: signal.Signals) -> None:
    console = open_terminal("-q")
    console.run("import atexit; _ = atexit.register(lambda: open('ended', 'w').close())")
    console.type("half a line")
    os.kill(console.process.pid, number)
    assert console.wait_end() == 128 + number
    assert os.path.exists(os.path.join(str(console.process.cwd), "ended"))


def test_uvloop_answers_as_well(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", "--loop", "uvloop")
    console.run("import asyncio, time; print(type(asyncio.get_running_loop()).__module__)")
    console.wait_line("uvloop")
    number = console.start("await asyncio.sleep(60)")
    assert answered_in(console, f"KeyboardInterrupt: [{number}] line 1") < 0.3
    number = console.start("time.sleep(60)")
    assert answered_in(console, f"KeyboardInterrupt: [{number}] line 1") < 0.6
    console.wait_prompt()
    number = console.run("_ = asyncio.get_running_loop().call_later(0.1, lambda: time.sleep(60))")
    time.sleep(0.3)  # until it blocks, nothing at all can be seen of it
    assert answered_in(console, f"[{number}] KeyboardInterrupt: interrupted [{number}] line 1") < 0.9
    console.wait_prompt()
