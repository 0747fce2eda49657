"""The kernel and its shell: a session behind Jupyter's messages."""

# mypy: disable-error-code="no-untyped-call"
# ipykernel annotates some of its methods and leaves the others, all of those used here, without.

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import importlib.metadata
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ipykernel.jsonutil import json_clean
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets import List, Type, observe

from ..console.session import BANNER, Session
from ..console.shell import SessionShell
from ..reactor.core import Reactor
from .dispatch import AttentiveKernel
from .interrupt import Interrupts, interrupted_part
from .session import LiveDisplayFormatter, NotebookSession

VERSION = importlib.metadata.version("wirelab")

GRACE = 0.3
"""Seconds after an interrupt in which Python must have seen it, before the kernel's children get it too."""

HEAR_WITHIN = 1.0
"""Seconds that the loop has to hear of a shut-down, interrupts included."""


class WirelabShell(SessionShell, ZMQInteractiveShell):
    """The session's shell where output leaves as messages."""

    session_class = NotebookSession

    kernel: WirelabKernel

    def open_session(self, reactor: Reactor) -> Session:
        """As the console's, with displays that change in place."""
        formatter: Any = self.display_formatter
        formatter.ipython_display_formatter = LiveDisplayFormatter(parent=self)
        return super().open_session(reactor)

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[type[BaseException], BaseException, Any]:
        """What IPython is about to show: a cell that was cancelled by an interrupt was interrupted."""
        kind, error, trace = super()._get_exc_info(exc_tuple)
        if kind is asyncio.CancelledError and self.kernel.interrupts.has_cancelled:
            kind, error = KeyboardInterrupt, KeyboardInterrupt()
        return kind, error, interrupted_part(trace) if kind is KeyboardInterrupt else trace

    def init_completer(self) -> None:
        """Complete by looking at live objects, as at the console, unless the configuration says not to.

        Jedi, which reads source code, takes up to a second at first and 15 ms later, and holds the loop.
        """
        super().init_completer()
        if "use_jedi" not in self.config.Completer:
            self.Completer.use_jedi = False

    banner1 = f"wirelab {VERSION}, Python {platform.python_version()}: a live lab for wires\n"
    banner2 = BANNER

    @observe("exit_now")
    def _update_exit_now(self, change: dict[str, Any]) -> None:
        """`exit` was called in a cell."""
        if change["new"]:
            self.kernel.leave(interrupt=False)


class WirelabKernel(AttentiveKernel):
    """An IPython kernel with a session: the same loop, names and displays as at the console.

    The application sets `interrupts` and `leave` once the loop is there.
    """

    shell_class = Type(WirelabShell)

    implementation = "wirelab"
    implementation_version = VERSION
    language_info = AttentiveKernel.language_info | {"version": platform.python_version()}

    help_links = List(
        [
            {"text": "Python", "url": "https://docs.python.org/{}.{}".format(*sys.version_info[:2])},
            {"text": "IPython", "url": "https://ipython.readthedocs.io/en/stable/"},
            {"text": "Deferreds and protocols (Twisted)", "url": "https://docs.twisted.org/en/stable/core/"},
            {"text": "asyncio", "url": "https://docs.python.org/3/library/asyncio.html"},
        ]
    ).tag(config=True)

    interrupts: Interrupts
    _insisting: asyncio.Task[None]
    leave: Callable[..., concurrent.futures.Future[None]]

    @property
    def kernel_info(self) -> dict[str, Any]:
        """What the kernel says about itself.

        "kernel subshells" is left out: front ends would run widget messages in other threads, and nothing on
        the loop may be touched from there.
        """
        info: dict[str, Any] = super().kernel_info
        features = [name for name in info["supported_features"] if name != "kernel subshells"]
        return info | {"supported_features": features}

    async def create_subshell_request(self, socket: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Refuse, for the reason that `kernel_info` gives; the arguments are ipykernel's."""
        reason = "wirelab runs every cell on one loop, in one thread: it has no subshells"
        assert self.session is not None
        self.session.send(
            socket, "create_subshell_reply", {"status": "error", "evalue": reason}, parent, ident
        )

    # Cells

    async def execute_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Run a cell, and reply whatever happens: a cell without a reply blocks its front end for good.

        What gets this far came up outside the cell's own code, where IPython reports nothing: an interrupt
        between two lines of machinery, or ``for task in asyncio.all_tasks(): task.cancel()`` in a cell.
        """
        try:
            await super().execute_request(stream, ident, parent)
        except BaseException as error:
            # A cancellation of this very task is answered here too: nobody waits for its outcome.
            self._reply_with(error, stream, ident, parent)
        finally:
            self._mend_streams()

    async def do_execute(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Run a cell and give the content of its reply; the error named there is the one that was shown."""
        self.interrupts.has_cancelled = False
        reply: dict[str, Any] = await super().do_execute(*args, **options)
        if reply.get("ename") == "CancelledError" and self.interrupts.has_cancelled:
            reply["ename"] = KeyboardInterrupt.__name__
        return reply

    def _reply_with(self, error: BaseException, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        assert self.session is not None
        told = {
            "ename": type(error).__name__,
            "evalue": str(error),
            "traceback": traceback.format_exception_only(error),
        }
        self.session.send(self.iopub_socket, "error", json_clean(told), parent, ident=self._topic("error"))
        reply = told | {"status": "error", "execution_count": self.execution_count, "payload": []}
        self.session.send(stream, "execute_reply", json_clean(reply), parent, ident=ident)

    def _mend_streams(self) -> None:
        """Put back the output streams that a cell removed, or replaced by one that is closed by now."""
        for name, own in (("stdout", self._stdout), ("stderr", self._stderr)):
            stream = getattr(sys, name, None)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, own)

    def latest_context(self) -> contextvars.Context:
        """A copy of the context of the latest cell: whose it most likely is when nobody else is known."""
        context = self._shell_context.copy()
        assert self.shell is not None
        context.run(self.shell.set_thread_parent, context[self._shell_parent])
        return context

    # Interrupts

    def pre_handler_hook(self) -> None:
        """Before each request: take SIGINT back, when a cell gave it to somebody else."""
        self.interrupts.install()

    def post_handler_hook(self) -> None:
        """After each request: the handler stays, because callbacks run between cells as well."""

    @contextmanager
    def _cancel_on_sigint(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """ipykernel's hook around a cell that awaits."""
        with self.interrupts.foreground(future):
            yield

    async def interrupt_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Interrupt on request of a front end. Runs in the control thread, so a blocked loop cannot delay it.

        The signal goes to this process alone, so that processes which other cells started live on. Only
        when Python does not get to see it (``os.system`` ignores it while its child runs), they get it too.
        """
        before = self.interrupts.received
        self.interrupts.deliver()
        assert self.session is not None
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)
        self._insisting = asyncio.create_task(self._insist(before))  # kept, or it might be collected

    async def _insist(self, before: int) -> None:
        await asyncio.sleep(GRACE)
        leads_group = os.getpgrp() == os.getpid()
        if self.interrupts.received == before and leads_group:
            os.killpg(os.getpgrp(), signal.SIGINT)

    # Leaving

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Prepare the end: what the session opened is closed. Runs in the control thread."""
        # This thread is the one that notices a callback which blocks: it must not end before the loop hears.
        await asyncio.wait([asyncio.wrap_future(self.leave())], timeout=HEAR_WITHIN)
        return {"status": "ok", "restart": restart}
