"""The event loop under a session: made first, by name, before anything that sits on it."""

from __future__ import annotations

import asyncio


class LoopMissing(Exception):
    """The named loop is not installed; the message names the extra to install."""


def make_loop(name: str) -> asyncio.AbstractEventLoop:
    """A new event loop of the kind `name` ('asyncio' or 'uvloop'), made the current one of this thread.

    Raises LoopMissing when its library is not installed.
    """
    loop = _make_uvloop() if name == "uvloop" else asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def _make_uvloop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # an extra: most sessions do without
    except ImportError as missing:
        raise LoopMissing("uvloop is not installed: pip install 'wirelab[uvloop]'") from missing
    return uvloop.new_event_loop()


async def finish_tasks(grace: float = 1.0) -> None:
    """Cancel every other task of the running loop and wait for them, at most `grace` seconds."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=grace)


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs on `loop`, close its generators and its threads, and close it."""
    try:
        loop.run_until_complete(finish_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
