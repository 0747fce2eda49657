"""Programs that cells start: their output is that of the cell, and asyncio's own get along with them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.kernel


def test_what_a_program_says_later_goes_to_the_cell_that_started_it(kernel: Any) -> None:
    kernel.ok("from wirelab.reactor import reactor\nfrom wirelab.reactor.protocol import ProcessProtocol")
    cell = kernel.send(
        "class Shown(ProcessProtocol):\n"
        "    def outReceived(self, data): print(data.decode())\n"
        "    def processEnded(self, reason): print('ended:', reason.value)\n"
        "p = reactor.spawnProcess(Shown(), '/bin/cat', ['cat'])"
    )
    kernel.finish(cell)
    kernel.ok("p.write(b'said in another cell')")
    kernel.wait_for_text(cell, "said in another cell")
    # Between cells the kernel ignores SIGINT; its children do not.
    kernel.ok("reactor.callLater(0, lambda: p.signalProcess('INT')) and None")
    kernel.wait_for_text(cell, "ended: process was ended by signal 2")


def test_a_conversation_with_a_program_beside_one_of_asyncio(kernel: Any) -> None:
    kernel.ok(
        "import asyncio\n"
        "other = await asyncio.create_subprocess_exec('/bin/sh', '-c', 'exit 7')\n"
        "q = await connect('process:/bin/cat')\n"
        "q.send(b'hi\\n')"
    )
    assert kernel.ok("(await q.line(), await other.wait())").result == "(b'hi', 7)"
    kernel.ok("await q.close()")
