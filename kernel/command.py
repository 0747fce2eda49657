"""Put the Jupyter kernel where front ends find it, take it away, list it, or start one here."""

from __future__ import annotations

import argparse
import sys

LOOPS = ("asyncio", "uvloop")


def main(argv: list[str] | None = None) -> int:
    """Run one command line, without the words ``wirelab kernel``; the exit code is the shell's."""
    arguments = _parser().parse_args(argv)
    commands = {"install": _install, "uninstall": _uninstall, "list": _list, "start": _start}
    try:
        return commands[arguments.command](arguments)
    except PermissionError as error:
        hint = "" if arguments.command != "install" else ": try --user, or --sys-prefix in an environment"
        return _fail(f"may not write {error.filename}{hint}")
    except OSError as error:
        return _fail(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wirelab kernel", description="The Jupyter kernel: make notebooks find it, or start one."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="install|uninstall|list|start")

    install = commands.add_parser("install", help="make Jupyter find the kernel", description=(
        "Install a kernelspec that starts this environment's kernel. Without --user, --prefix or "
        "--sys-prefix it goes into this environment when it is one, and to the user's folder otherwise."
    ))  # fmt: skip
    place = install.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this user")
    place.add_argument("--prefix", metavar="PATH", help="below PATH/share/jupyter/kernels")
    place.add_argument("--sys-prefix", action="store_true", help="into this Python environment")
    install.add_argument("--name", default="wirelab", help="what Jupyter calls it (default: %(default)s)")
    install.add_argument("--display-name", metavar="TEXT", help="what people see in the list of kernels")
    install.add_argument("--loop", choices=LOOPS, help="the event loop (default: asyncio)")

    uninstall = commands.add_parser("uninstall", help="take it away again")
    uninstall.add_argument("--name", default="wirelab", help="which one (default: %(default)s)")

    commands.add_parser("list", help="show the kernelspecs that start this kernel")

    start = commands.add_parser("start", help="start a kernel here, for jupyter console --existing")
    start.add_argument("-f", dest="file", metavar="FILE", help="the connection file, read or else written")
    start.add_argument(
        "--loop", choices=LOOPS, default="asyncio", help="the event loop (default: %(default)s)"
    )
    return parser


def _install(arguments: argparse.Namespace) -> int:
    from . import kernelspec  # jupyter_client is not cheap, and --help does not need it

    in_environment = sys.prefix != sys.base_prefix
    prefix = arguments.prefix
    if arguments.sys_prefix or (in_environment and not arguments.user and prefix is None):
        prefix = sys.prefix
    try:
        folder = kernelspec.install(
            arguments.name,
            user=arguments.user or prefix is None,
            prefix=prefix,
            display_name=arguments.display_name,
            loop=arguments.loop,
        )
    except ValueError as error:
        return _fail(str(error), code=2)
    print(f"installed kernelspec {arguments.name.lower()} in {folder}")
    return 0


def _uninstall(arguments: argparse.Namespace) -> int:
    from . import kernelspec

    try:
        folder = kernelspec.uninstall(arguments.name)
    except LookupError:
        known = ", ".join(kernelspec.installed()) or "none"
        return _fail(f"no kernelspec {arguments.name!r} starts this kernel; those that do: {known}")
    print(f"removed kernelspec {arguments.name} from {folder}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from . import kernelspec

    found = kernelspec.installed()
    if not found:
        print("no kernelspec starts this kernel: wirelab kernel install", file=sys.stderr)
    width = max(map(len, found), default=0)
    for name, (folder, argv) in found.items():
        print(f"{name:<{width}}  {folder}  {argv[0]}")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    from . import application  # all of IPython

    options = [f"--loop={arguments.loop}"]
    if arguments.file is not None:
        options.append(f"--f={arguments.file}")
    application.main(options)
    return 0


def _fail(text: str, code: int = 1) -> int:
    print(f"wirelab kernel: {text}", file=sys.stderr)
    return code
