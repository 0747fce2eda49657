"""The ``wirelab`` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .arguments import Arguments, parse_arguments, split_arguments
from .commands import about_commands, find_command
from .leaving import BROKEN_PIPE, INTERRUPTED, USAGE, flush_standard_output
from .loops import LoopMissing, make_loop
from .scripts import Script, script_from_code, script_from_file, script_from_stdin


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``wirelab`` with `argv` (by default the process's own); the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(words)
    except SystemExit as leaving:  # argparse has said why
        status = leaving.code if isinstance(leaving.code, int) else USAGE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = BROKEN_PIPE
    return status if flush_standard_output() else BROKEN_PIPE


def _run(words: list[str]) -> int:
    own, _, _ = split_arguments(words)
    wants_help = "-h" in own or "--help" in own
    arguments = parse_arguments(words, about_commands() if wants_help else {})
    if arguments.code is None and arguments.words and not os.path.isfile(arguments.words[0]):
        command = find_command(arguments.words[0])
        if command is not None:
            run = command.load()
            return run(list(arguments.words[1:])) or 0
    try:
        script = _script(arguments)
    except _Unusable as problem:
        return _refuse(str(problem))
    try:
        loop = make_loop(arguments.loop)
    except LoopMissing as missing:
        return _refuse(str(missing))
    # Only now: what cannot run is refused at once, and the shell takes most of the start-up.
    from .face import run_face

    return run_face(loop, arguments, script)


class _Unusable(Exception):
    """There is nothing to run; the message says why."""


def _script(arguments: Arguments) -> Script | None:
    """What is to be run before, or instead of, the prompt; None for the prompt alone."""
    words = arguments.words
    if arguments.code is not None:
        return script_from_code(arguments.code, words)
    if words and words[0] != "-":
        try:
            return script_from_file(words[0], words[1:])
        except (OSError, SyntaxError, UnicodeDecodeError) as problem:
            raise _Unusable(_why(words[0], problem)) from problem
    if not sys.stdin or not sys.stdin.isatty():
        try:
            return script_from_stdin(words)
        except (SyntaxError, UnicodeDecodeError) as problem:
            raise _Unusable(f"standard input is no Python: {problem}") from problem
    return None


def _why(word: str, problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError) and os.sep not in word:
        known = ", ".join(sorted(about_commands()))
        return f"{word!r} is neither a file here nor a command" + (f" (commands: {known})" if known else "")
    if isinstance(problem, OSError):
        return f"cannot run {word!r}: {problem.strerror}"
    return f"{word!r} is no Python: {problem}"


def _refuse(text: str) -> int:
    print(f"wirelab: {text}", file=sys.stderr)
    return USAGE
