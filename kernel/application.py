"""The kernel's process: its loop, its signals, its beginning and its end."""

# mypy: disable-error-code="no-untyped-call"
# ipykernel annotates some of its methods and leaves the others, all of those used here, without.

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import os
import signal
import sys
import threading
import time

from ipykernel.kernelapp import IPKernelApp, kernel_aliases
from tornado.ioloop import IOLoop
from traitlets import Dict, Enum, Type, default

from ..console.failures import LoopFailures
from ..console.loops import LoopMissing, finish_tasks, make_loop
from ..reactor import proxy
from ..reactor.core import Reactor
from ..reactor.drivers.asyncio import AsyncioDriver
from .interrupt import Interrupts
from .kernel import WirelabKernel, WirelabShell
from .parent import ParentWatch
from .session import NotebookSession
from .streams import LastingStream

LEAVE_WITHIN = 2.0
"""Seconds from the first word of leaving to the end, threads that still work or not.

jupyter_client waits 2.5 s before it sends signals.
"""

FLUSH_WITHIN = 0.5
"""Seconds that connections have to send what is queued when the kernel leaves."""

REPLY_FIRST = 0.1
"""Seconds between the word of leaving and the end: the reply to it has to leave before."""


class KernelApplication(IPKernelApp):
    """Runs one kernel on one loop in the main thread until somebody asks it to leave."""

    name = "wirelab-kernel"
    description = "The wirelab kernel: a Jupyter kernel with a networking session on its loop."
    kernel_class = Type(WirelabKernel, klass="ipykernel.kernelbase.Kernel").tag(config=True)  # type: ignore[assignment]  # a trait
    classes = [*IPKernelApp.classes, WirelabKernel, WirelabShell]  # noqa: RUF012  # traitlets reads the list
    subcommands = Dict()  # ipykernel's "install" would install another kernel
    aliases = Dict(kernel_aliases | {"loop": "KernelApplication.loop"})

    loop = Enum(
        ("asyncio", "uvloop"), "asyncio", help="The event loop: the standard one, or uvloop (an extra)."
    ).tag(config=True)

    @default("outstream_class")
    def _default_outstream_class(self) -> str:
        return f"{LastingStream.__module__}.{LastingStream.__qualname__}"

    interrupts: Interrupts
    live_session: NotebookSession
    asyncio_loop: asyncio.AbstractEventLoop
    _leaving: concurrent.futures.Future[None] | None = None
    _is_over = False

    # The beginning

    def init_sockets(self) -> None:
        """Make the loop, because everything after this is built on it, and then the sockets."""
        try:
            self.asyncio_loop = make_loop(self.loop)
        except LoopMissing as missing:
            print(f"wirelab kernel: {missing}", file=sys.stderr)
            self.exit(1)
        super().init_sockets()

    def init_poller(self) -> None:
        """Watch the process that started the kernel, without a look every second where the system can."""
        # The number of a parent in another namespace of process ids may be that of anybody here.
        if self.parent_handle != os.getppid() or self.parent_handle == 1 or not ParentWatch.is_supported():
            super().init_poller()
            return
        try:
            self.poller = ParentWatch(self.parent_handle, self._lose_parent)
        except OSError as error:  # a sandbox may know the call and not allow it
            self.log.info("looking every second whether the parent is alive: %s", error)
            super().init_poller()

    def init_signal(self) -> None:
        """SIGINT interrupts, SIGTERM leaves. Only the main thread gets signals: ValueError elsewhere."""
        watch = self.control_thread.io_loop.asyncio_loop
        self.interrupts = Interrupts(self.asyncio_loop, watch)
        self.interrupts.install()
        signal.signal(signal.SIGTERM, lambda signum, frame: self.leave())

    def init_kernel(self) -> None:
        """Make the kernel, and tell it how to interrupt and how to leave."""
        super().init_kernel()
        self.kernel.interrupts = self.interrupts
        self.kernel.leave = self.leave

    def init_code(self) -> None:
        """Nothing yet: the user's start-up code runs when the session is open, see `_begin`."""

    def log_connection_info(self) -> None:
        """Say how to connect, when a person started the kernel and not a front end."""
        level, self.log_level = self.log_level, 50  # ipykernel's text says that Ctrl-C does not work
        try:
            super().log_connection_info()
        finally:
            self.log_level = level
        if not self.parent_handle:
            print(f"wirelab kernel {os.getpid()}: connect with", file=sys.__stdout__)
            print(f"    jupyter console --existing {self.connection_file}", file=sys.__stdout__)
            print(
                "Ctrl-C interrupts the running cell, Ctrl-\\ ends the kernel.",
                file=sys.__stdout__,
                flush=True,
            )

    def start(self) -> None:
        """Run until somebody asks to leave."""
        if self.poller is not None:
            self.poller.start()
        self.io_loop = IOLoop.current()
        self.asyncio_loop.run_until_complete(self._begin())
        while not self._is_over:
            self._run_once()
        # Not run_until_complete(): ipykernel stops the loop as well when it leaves, in its own time.
        ending = self.asyncio_loop.create_task(self._end())
        ending.add_done_callback(lambda _: self.asyncio_loop.stop())
        while not ending.done():
            self._run_once()

    async def _begin(self) -> None:
        """Open the session, run the user's start-up code, then listen to front ends."""
        self.reactor = Reactor(AsyncioDriver(self.asyncio_loop))
        proxy.install(self.reactor)  # `reactor` in threads of the user's means this one, too
        self.live_session = self.kernel.shell.open_session(self.reactor)
        LoopFailures(self.asyncio_loop, self.live_session.tell_failure)
        super().init_code()
        self.kernel.start()

    def _run_once(self) -> None:
        """Run the loop until it stops or breaks; what broke it is told in the cell it came from."""
        try:
            self.io_loop.start()
        except BaseException as error:
            # asyncio lets KeyboardInterrupt and SystemExit of a callback through; the loop itself is sound.
            self._tell(error)
        else:
            if self._leaving is None:
                self.kernel.latest_context().run(_tell_stopped)

    def _tell(self, error: BaseException) -> None:
        context = self.interrupts.struck if isinstance(error, KeyboardInterrupt) else None
        if context is None:
            context = self.kernel.latest_context()
        context.copy().run(self.live_session.tell_stray, error)

    # The end

    def leave(self, interrupt: bool = True) -> concurrent.futures.Future[None]:
        """End the session and the kernel; from any thread, from a signal, more than once.

        The answer fires when the loop has heard of it; the end itself is a little later. A cell that runs is
        interrupted, unless it is the one that asked.
        """
        if self._leaving is None:
            self._leaving = concurrent.futures.Future()
            # The bare thread takes no lock, and this may run in a signal handler, inside anything.
            _thread.start_new_thread(_end_for_sure, (LEAVE_WITHIN,))
            self.asyncio_loop.call_soon_threadsafe(self._hear, self._leaving)
            if interrupt:
                self.interrupts.deliver()  # what blocks would keep the loop from hearing
        return self._leaving

    def _hear(self, leaving: concurrent.futures.Future[None]) -> None:
        leaving.set_result(None)
        self.asyncio_loop.call_later(REPLY_FIRST, self._stop)

    def _stop(self) -> None:
        self._is_over = True
        self.asyncio_loop.stop()

    async def _end(self) -> None:
        """Close the session, let what it queued go out, and end what still runs on the loop."""
        self.kernel.shell.close_session()
        end = self.asyncio_loop.time() + FLUSH_WITHIN
        while self.reactor.opened and self.asyncio_loop.time() < end:
            await asyncio.sleep(0.01)
        await finish_tasks(FLUSH_WITHIN)

    def close(self) -> None:
        """Close the sockets; called when the interpreter ends.

        The control thread first: it may be writing its last words, and waits for the thread that sends them.
        """
        if self.control_thread is not None and self.control_thread.is_alive():
            self.control_thread.stop()
            self.control_thread.join(FLUSH_WITHIN)
        super().close()

    def _lose_parent(self) -> None:
        print("wirelab kernel: the process that started it is gone", file=sys.__stderr__)
        self.leave()


def _end_for_sure(seconds: float) -> None:
    """End the process when it does not end by itself: a thread of the user's may work for hours."""
    time.sleep(seconds)
    names = [t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    print(f"wirelab kernel: ended without waiting for {', '.join(names) or 'its loop'}", file=sys.__stderr__)
    os._exit(1)


def _tell_stopped() -> None:
    print("the loop was stopped from a cell or a callback, and runs on", file=sys.stderr)


def main(argv: list[str] | None = None) -> None:
    """Run a kernel with the arguments of ipykernel's, and ``--loop``."""
    KernelApplication.launch_instance(argv)
