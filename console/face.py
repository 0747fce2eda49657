"""The terminal face as a whole: a loop, a shell and a session, for a script, a person, or both in turn."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..reactor import proxy
from ..reactor.drivers.asyncio import AsyncioDriver
from .arguments import Arguments
from .interrupt import CtrlC
from .leaving import INTERRUPTED
from .loops import close_loop
from .scripts import Script, ScriptReactor, ScriptRun
from .terminal.shell import TerminalShell, make_shell
from .terminal.state import prepare_history, state_folder

HIDDEN_FROM_SCRIPTS = ("exit", "quit", "open")
"""IPython's own, which do not behave as a script expects: what python has under these names shows instead."""

SLOW_END = 1.0
"""Seconds after which a person waiting for the end is told what it waits for."""


def run_face(loop: asyncio.AbstractEventLoop, arguments: Arguments, script: Script | None) -> int:
    """Run `script`, then the prompt when there is no script or ``-i`` asks for it; the exit status."""
    has_prompt = script is None or arguments.interactive
    shell = _make_shell(arguments, has_prompt)
    reactor = ScriptReactor(AsyncioDriver(loop))
    proxy.install(reactor)  # the global `reactor` means this one in the user's threads, too

    async def open_session() -> None:
        session = shell.open_session(reactor)
        session.announcements.addFilter(_is_no_interrupt)

    loop.run_until_complete(open_session())
    status = 0
    try:
        if has_prompt:
            from .terminal.sitting import Sitting  # with prompt_toolkit, which a script does without

            with Sitting(loop, shell, arguments) as sitting:
                if script is not None:
                    run_script(script, loop, shell, reactor)
                status = sitting.run()
        elif script is not None:
            status = run_script(script, loop, shell, reactor)
    finally:
        _close(loop, shell, reactor)
    return status


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """False for Ctrl-C as a callback of the reactor raised it: that callback is named already."""
    return not (record.exc_info and isinstance(record.exc_info[1], KeyboardInterrupt))


def _make_shell(arguments: Arguments, has_prompt: bool) -> TerminalShell:
    state = state_folder()
    wanted = arguments.history or state / "history.sqlite"
    return make_shell(state=state, history=prepare_history(wanted) if has_prompt else None)


@contextmanager
def _hidden(shell: TerminalShell) -> Iterator[None]:
    """Keep what scripts should not see out of the namespace while one runs."""
    kept = {name: shell.user_ns.pop(name) for name in HIDDEN_FROM_SCRIPTS if name in shell.user_ns}
    try:
        yield
    finally:
        for name, value in kept.items():
            shell.user_ns.setdefault(name, value)


def run_script(
    script: Script, loop: asyncio.AbstractEventLoop, shell: TerminalShell, reactor: ScriptReactor
) -> int:
    """Run `script` in the session of `shell`, Ctrl-C and the ending signals included; its exit status."""
    run = ScriptRun(script, shell.user_ns, reactor)
    run.prepare()
    with _hidden(shell), _signals(loop, run):
        return run.run(loop)


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, run: ScriptRun) -> Iterator[None]:
    """SIGINT interrupts `run`; SIGTERM and SIGHUP do it as well, so that it closes what it opened."""
    keys = CtrlC(loop, run)

    def end(number: int, frame: FrameType | None) -> None:
        run.ended_by = number
        keys.press(frame)

    keys.install()
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        keys.restore()
        for number, action in before.items():
            signal.signal(number, action)


def _close(loop: asyncio.AbstractEventLoop, shell: TerminalShell, reactor: ScriptReactor) -> None:
    """Close the session, the reactor and the loop. Ctrl-C leaves without waiting any longer."""
    slow = threading.Timer(SLOW_END, _tell_waiting)
    slow.daemon = True
    slow.start()

    async def close() -> None:
        shell.close_session()
        reactor.close()
        await asyncio.sleep(0)  # what was closed tells its protocols in the next turn

    try:
        loop.run_until_complete(close())
        close_loop(loop)
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()  # type: ignore[no-untyped-call]
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # threads that do not end would be waited for again
    finally:
        slow.cancel()


def _tell_waiting() -> None:
    threads = [t.name for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    what = f" for {len(threads)} thread{'s'[: len(threads) != 1]}" if threads else ""
    print(f"waiting{what} to end; Ctrl-C leaves at once", file=sys.stderr)
