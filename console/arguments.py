"""The command line of ``wirelab``: what may be said on it, and what belongs to the program that it runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LOOPS = ("asyncio", "uvloop")

_DESCRIPTION = """\
A live lab for wires: a console on one event loop with a networking core.
Without FILE, CODE or piped input it opens a prompt."""

_EPILOG = """\
In FILE, in CODE and on standard input `await` works at the top level, and the names of
the session (connect, serve, net, ...) are there. The program ends where its code ends, as
in python; to serve on, end with `await Deferred()` or `reactor.run()`, or use -i.

Ends with 0; with 1 after an exception nobody caught; with n after sys.exit(n); with 2 for a
wrong command line; with 130 after Ctrl-C, 141 when the reader of its output went away."""

# A cluster of short options that ends in -c, as in python: -ic CODE, -qcCODE.
_CODE_OPTION = re.compile(r"-[A-Zabd-z]*c")
_WITH_VALUE = frozenset({"--loop", "--history"})


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for."""

    code: str | None
    "The text after -c."
    words: tuple[str, ...]
    "FILE (or a sub-command, or '-') with what follows it; after -c only what follows."
    interactive: bool
    loop: str
    banner: bool
    editing_mode: str
    "'emacs' or 'vi'."
    history: Path | None
    "Where to keep the history; None for the usual place."


def parse_arguments(argv: Sequence[str], commands: Mapping[str, str]) -> Arguments:
    """What `argv` (the program's own name excluded) asks for.

    `commands` maps the names of sub-commands to a line about each, for ``--help``.

    Raises SystemExit: 0 after ``--help`` and ``--version``, 2 for a wrong option.
    """
    own, code, words = split_arguments(argv)
    found = _parser(commands).parse_args(own)
    return Arguments(
        code=code,
        words=words,
        interactive=found.interactive,
        loop=found.loop,
        banner=found.banner,
        editing_mode=found.editing_mode,
        history=found.history,
    )


def split_arguments(argv: Sequence[str]) -> tuple[list[str], str | None, tuple[str, ...]]:
    """Cut `argv` into wirelab's own options, the code after -c, and the words of the program.

    As in python, all that follows FILE or the code of -c belongs to the program, whatever it looks like.
    """
    own: list[str] = []
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if cluster := _CODE_OPTION.match(word):
            return _split_at_code(own, word, cluster.end(), rest)
        own.append(word)
        if word in _WITH_VALUE and rest:
            own.append(rest.pop(0))
    return own, None, tuple(rest)


def _split_at_code(
    own: list[str], word: str, end: int, rest: list[str]
) -> tuple[list[str], str | None, tuple[str, ...]]:
    """`word` is -c, perhaps behind other letters, perhaps with the code glued on after `end`."""
    others = word[: end - 1]
    if others != "-":
        own = [*own, others]
    if code := word[end:]:
        return own, code, tuple(rest)
    if not rest:
        return [*own, "-c"], None, ()  # which argparse refuses in its own words
    return own, rest[0], tuple(rest[1:])


def _parser(commands: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wirelab",
        usage="wirelab [options] [-c CODE | FILE | - | COMMAND] [argument ...]",
        description=_DESCRIPTION,
        epilog="\n\n".join([*_about_commands(commands), _EPILOG]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # -c, FILE and what follows them were cut off before: they are here for the help text.
    parser.add_argument("-c", metavar="CODE", help="run CODE and end")
    parser.add_argument("-i", dest="interactive", action="store_true", help="stay at the prompt afterwards")
    parser.add_argument("--loop", choices=LOOPS, default="asyncio", help="the event loop (asyncio)")
    parser.add_argument(
        "-q", "--no-banner", dest="banner", action="store_false", help="open without a banner"
    )
    parser.add_argument(
        "--vi", dest="editing_mode", action="store_const", const="vi", default="emacs", help="edit as in vi"
    )
    parser.add_argument(
        "--emacs",
        dest="editing_mode",
        action="store_const",
        const="emacs",
        help="edit as in emacs (the default)",
    )
    parser.add_argument("--history", metavar="PATH", type=Path, help="keep the history of the prompt in PATH")
    parser.add_argument("-V", "--version", action="version", version=f"wirelab {version('wirelab')}")
    return parser


def _about_commands(commands: Mapping[str, str]) -> list[str]:
    if not commands:
        return []
    width = max(map(len, commands))
    lines = [f"  {name.ljust(width)}  {about}".rstrip() for name, about in sorted(commands.items())]
    return ["\n".join(["commands (each has its own --help):", *lines])]
