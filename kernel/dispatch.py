"""Questions that a front end asks, answered at once: completion, inspection, history, "is this complete?".

ipykernel takes one shell message at a time, so that cells run one after another; a question asked while a
cell awaits would be answered when the cell ends. These questions run no cell, so they pass by the queue.
Each is answered in a context of its own: the running cell keeps its parent header and its number, and
a print made by a completed property belongs to the question.
"""

# mypy: disable-error-code="no-untyped-call"
# ipykernel annotates some of its methods and leaves the others, all of those used here, without.

from __future__ import annotations

import asyncio
import contextvars
import inspect
from typing import Any

from ipykernel.ipkernel import IPythonKernel

from ..console.cells import current_cell

ANSWERED_AT_ONCE = frozenset(
    {
        "comm_info_request",
        "complete_request",
        "connect_request",
        "history_request",
        "inspect_request",
        "is_complete_request",
        "kernel_info_request",
    }
)
"""The requests that change nothing and run no cell."""


class AttentiveKernel(IPythonKernel):
    """An IPython kernel that answers questions while a cell awaits."""

    async def shell_main(self, subshell_id: str | None, msg: list[Any]) -> None:
        """Take one shell message; cells queue, questions do not. Messages are zmq frames."""
        if self._type_of(msg) not in ANSWERED_AT_ONCE:
            await super().shell_main(subshell_id, msg)
            return
        running = self.get_parent("shell")
        await asyncio.create_task(self._answer(msg), context=contextvars.copy_context())
        if self._main_asyncio_lock.locked() and self.get_parent("shell") is running:
            # Front ends show the last status they saw, and the last one was the question's "idle".
            self._publish_status("busy", "shell", parent=running)

    def _type_of(self, msg: list[Any]) -> str | None:
        """The message's type; None when it is not a message of this session."""
        assert self.session is not None
        if len(msg) == 1:
            return None  # ipykernel's note to itself that it need not abort queued cells any more
        try:
            _, parts = self.session.feed_identities(msg, copy=False)
            header = self.session.deserialize(parts, content=False, copy=False)["header"]
        except Exception:
            self.log.error("not a message of this session", exc_info=True)
            return None
        return str(header["msg_type"])

    async def _answer(self, msg: list[Any]) -> None:
        """Answer one question. The calling task's context is the question's own."""
        assert self.session is not None and self.shell is not None
        identities, parts = self.session.feed_identities(msg, copy=False)
        question = self.session.deserialize(parts, content=True, copy=False)
        # Not set_parent(): that is also the fallback of threads, which belong to the running cell.
        self._shell_parent.set(question)
        self._shell_parent_ident.set(identities)  # type: ignore[arg-type]  # ipykernel says bytes, and keeps this
        self.shell.set_thread_parent(question)
        current_cell.set(None)
        self._publish_status("busy", "shell", parent=question)
        stream = self.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(None)
        try:
            answering = self.shell_handlers[question["header"]["msg_type"]](stream, identities, question)
            if inspect.isawaitable(answering):
                await answering
        except (Exception, KeyboardInterrupt):
            self.log.error("a question was not answered: %s", question["header"], exc_info=True)
        self._publish_status("idle", "shell", parent=question)
