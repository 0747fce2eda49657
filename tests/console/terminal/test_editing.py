"""Typing cells: several lines, history, completion, help, and what cannot be run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.may_leave("descriptors")]  # the shared console's

UP, DOWN, RIGHT, END = "\x1b[A", "\x1b[B", "\x1b[C", "\x05"
META_ENTER = "\x1b\r"


def test_block_is_entered_line_by_line_with_its_indent(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("for i in range(2):\r")
    console.wait(lambda: console.last.strip() == "...>")
    console.send("if i:\r")
    console.send("print('inner', i)\r")
    console.send("\r")
    console.wait_line("inner 1")
    shown = [line.split("> ", 1)[-1] for line in console.lines[:3]]
    assert shown == ["for i in range(2):", "    if i:", "        print('inner', i)"]
    assert console.wait_prompt() == number + 1


def test_enter_runs_a_complete_line_wherever_the_cursor_is(console: Terminal) -> None:
    console.wait_prompt()
    console.send("print('whole', 'line')" + "\x01" + "\r")
    console.wait_line("whole line")


def test_meta_enter_breaks_a_line_that_is_complete(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("a = 1" + META_ENTER + "print(a + 1)\r")
    console.wait_line("2")
    assert console.wait_prompt() == number + 1


def test_open_bracket_goes_on(console: Terminal) -> None:
    console.wait_prompt()
    console.send("sum([1,\r")
    console.wait(lambda: "...>" in console.last)
    console.send("2])\r")
    console.wait_line("3")


def test_paste_of_several_lines_waits_for_enter(console: Terminal) -> None:
    console.wait_prompt()
    console.send("\x1b[200~def pasted():\n    return 'as pasted'\n\x1b[201~")
    console.wait("return 'as pasted'")
    console.send("\r")
    console.run("print(pasted())")
    console.wait_line("as pasted")


def test_pasted_transcript_loses_its_prompts(console: Terminal) -> None:
    console.wait_prompt()
    console.send("\x1b[200~[3]> x = 20\n[4]> x + 1\x1b[201~")
    console.wait("x + 1")
    console.send("\r")
    console.wait_line("21")


def test_up_arrow_recalls_what_begins_like_the_line(console: Terminal) -> None:
    console.run("first_kind = 'recalled'")
    console.run("second_kind = 1")
    console.send("first")
    console.wait("> first_kind")
    console.send(UP + END)
    console.wait(lambda: console.last.endswith("first_kind = 'recalled'"))


def test_control_r_searches(console: Terminal) -> None:
    console.run("needle_in_history = 1")
    console.run("other = 2")
    console.send("\x12needle")
    console.wait("needle_in_history = 1")
    console.send("\r")
    console.wait(lambda: console.text.count("needle_in_history = 1") == 2)


def test_suggestion_from_history_is_taken_with_the_right_arrow(console: Terminal) -> None:
    console.run("suggested_name = 'whole suggestion'")
    console.send("suggested")
    console.wait(lambda: console.last.endswith("suggested_name = 'whole suggestion'"))
    console.send(RIGHT)
    console.send(".upper()\r")
    console.wait("suggestion'.upper()")


def test_completion_menu(console: Terminal) -> None:
    console.run("class Menu: alpha_one = alpha_two = 1")
    console.run("menu = Menu()")
    console.clear()
    console.type("menu.alpha_")
    console.send("\t")
    console.wait(lambda: "alpha_one" in console.text and "alpha_two" in console.text)
    console.send("\t")
    console.wait("> menu.alpha_one")
    console.send("\t")
    console.wait("> menu.alpha_two")
    console.send("\r")  # takes it, and does not run it yet
    console.wait(lambda: console.last.endswith("> menu.alpha_two"))
    console.send("\r")
    console.wait_line("1")


def test_one_completion_is_put_in(console: Terminal) -> None:
    console.run("unmistakable_name = 'put in'")
    console.send("print(unmistak\t")
    console.wait("print(unmistakable_name")
    console.send(")\r")
    console.wait_line("put in")


def test_tab_indents_at_the_start_of_a_line(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("\tx")
    console.wait(lambda: console.last == f"[{number}]>     x")
    console.send("\x7f\x7f")
    console.wait(lambda: console.last == f"[{number}]>")


def test_question_mark_shows_help(console: Terminal) -> None:
    console.run("connect?")
    console.wait("Open a connection")


def test_two_question_marks_show_the_source(console: Terminal) -> None:
    console.run_block("def documented(x):", "return x  # the body")
    console.run("documented??")
    console.wait(lambda: console.text.count("# the body") == 2)


def test_magic_works(console: Terminal) -> None:
    console.run("%pwd")
    console.wait("/")
    console.run("%whos_nothing")
    console.wait("not found")


def test_shell_command_runs_while_the_loop_goes_on(console: Terminal) -> None:
    console.run("import asyncio; beats = []")
    console.run_block("async def beat():", "while True: beats.append(1); await asyncio.sleep(.01)")
    console.run("beating = asyncio.create_task(beat())")
    console.run("n = len(beats)")
    console.run("!sleep 0.3; echo from the shell")
    console.wait_line("from the shell")
    console.run("print('went on' if len(beats) - n > 10 else 'stood still')")
    console.wait_line("went on")
    console.run("_ = beating.cancel()")


def test_shell_command_leaves_its_status(console: Terminal) -> None:
    console.run("!exit 3")
    console.run("print('status', _exit_code)")
    console.wait_line("status 3")


def test_input_reads_a_line(console: Terminal) -> None:
    console.send("answer = input('your name? ')\r")
    console.wait_line("your name?")
    console.send("Ada\r")
    console.run("print('hello', answer)")
    console.wait_line("hello Ada")


def test_results_are_kept(console: Terminal) -> None:
    number = console.run("6 * 7")
    console.wait_line("42")
    console.run(f"print('kept', _{number})")
    console.wait_line("kept 42")


def test_title_and_numbers_count_only_what_ran(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("\r   \r")
    console.wait(lambda: console.text.count(f"[{number}]>") == 3)
    assert console.run("1") == number


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("raise BaseException('base')", "BaseException: base"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("a b c", "SyntaxError"),
        ("(((((", None),
        ("print(chr(0) + 'after null')", "after null"),
        ("'\\x1b[2J' * 3", "'\\x1b[2J\\x1b[2J\\x1b[2J'"),
        ("__import__('sys').stdout.close()", None),
        ("del print", "NameError"),
        ("raise ExceptionGroup('several', [ValueError(1), TypeError(2)])", "TypeError: 2"),
        ("1/0 #" + "x" * 300, "ZeroDivisionError"),
    ],
)
def test_nothing_typed_kills_the_session(console: Terminal, cell: str, seen: str | None) -> None:
    outlive(console, cell, seen)


@pytest.mark.parametrize(
    "cell", ["__import__('os').close(1)", "__import__('os').close(0)", "get_ipython().user_ns.clear()"]
)
def test_accidents_with_the_session_itself_do_not_kill_it(
    open_terminal: Callable[..., Terminal], cell: str
) -> None:
    outlive(open_terminal("-q"), cell, None)


def outlive(console: Terminal, cell: str, seen: str | None) -> None:
    """Type `cell`, run it, perhaps wait for what it shows, and see that the console still works."""
    number = console.wait_prompt()
    console.send(cell)
    console.wait(lambda: console.last != f"[{number}]>")
    console.send("\r")
    if seen is not None:
        console.wait(seen)
    console.clear()
    console.run("import builtins; builtins.print('still', 'alive')")
    console.wait_line("still alive")


def test_errors_in_displays_are_shown(console: Terminal) -> None:
    console.run_block("class Raises:", "def __repr__(self): 1/0")
    console.run("Raises()")
    console.wait("ZeroDivisionError")


def test_recursion_is_shown(console: Terminal) -> None:
    console.run("def deep(): deep()")
    console.run("deep()")
    console.wait("RecursionError")


def test_null_bytes_and_rubbish_are_refused(console: Terminal) -> None:
    number = console.wait_prompt()
    console.send("\x1b[200~x = 1 \x01\x02 2\x1b[201~")
    console.wait(lambda: console.last != f"[{number}]>")
    console.send("\r")
    console.wait("SyntaxError")
    console.wait_prompt()


def test_narrow_terminal_wraps(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", columns=20, rows=12)
    console.run("x = 'a' * 5 + 'b' * 5 + 'c' * 5")
    console.run("x")
    console.wait_line("'aaaaabbbbbccccc'")


def test_history_is_recalled_in_a_second_session(open_terminal: Callable[..., Terminal]) -> None:
    first = open_terminal("-q")
    first.run("kept_for_later = 'in the second session'")
    first.send("exit\r")
    assert first.wait_end() == 0
    second = open_terminal("-q")
    second.wait_prompt()
    second.send(UP)
    second.wait("kept_for_later = 'in the second session'")
    second.send("\x03")
    second.run("%history -g kept_for_later")
    second.wait(lambda: second.text.count("kept_for_later") >= 3)


def test_history_goes_where_it_is_told(open_terminal: Callable[..., Terminal], home: object) -> None:
    first = open_terminal("-q", "--history", "of-mine.sqlite")
    first.run("one = 1")
    first.send("exit\r")
    assert first.wait_end() == 0
    history = home / "of-mine.sqlite"  # type: ignore[operator]
    assert history.stat().st_mode & 0o777 == 0o600


def test_vi_mode(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", "--vi")
    console.wait_prompt()
    console.send("prnt('vi')")
    console.wait("prnt('vi')")
    console.send("\x1b")
    console.wait(lambda: b"\x1b[2 q" in console.raw)  # the block cursor of the command mode
    console.send("0lai")
    console.wait("> print('vi')")
    console.send("\r")
    console.wait_line("vi")


def test_dumb_terminal_reads_plain_lines(open_terminal: Callable[..., Terminal]) -> None:
    console = open_terminal("-q", TERM="dumb")
    console.wait_prompt()
    console.send("for i in range(2):\r")
    console.wait("...>")
    console.send("    print('plain', i)\r\r")
    console.wait_line("plain 1")
    console.run("_ = __import__('asyncio').get_running_loop().call_later(0.1, print, 'late')")
    console.wait("late")
    console.send("exit\r")
    assert console.wait_end() == 0
    assert b"\x1b[" not in console.raw


@pytest.mark.parametrize("ask", ["help(Protocol)", "Protocol??", "%quickref"])
def test_long_help_does_not_wait_in_a_pager(console: Terminal, ask: str) -> None:
    number = console.run(ask)
    assert console.wait_prompt() == number + 1
