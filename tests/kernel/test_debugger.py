"""The debugger of front ends works on cells, on both loops: the kernelspec says that it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# jupyter_client keeps the loop behind its blocking calls for the next one.
pytestmark = [pytest.mark.kernel, pytest.mark.may_leave("descriptors")]

CODE = "def add_one(a):\n    b = a + 1\n    return b\nprint(add_one(1))\n"

HELLO = {
    "clientID": "tests",
    "adapterID": "",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsRunInTerminalRequest": True,
    "locale": "en",
}


def _ask(kernel: Any, command: str, **arguments: Any) -> dict[str, Any]:
    """Send one request of the debug adapter protocol; the body of the answer."""
    request = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
    reply = kernel.control("debug_request", request)
    assert reply["success"], reply
    return dict(reply.get("body") or {})


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_cell_stops_at_a_breakpoint_shows_its_variables_and_goes_on(
    start_kernel: Callable[..., Any], loop: str
) -> None:
    kernel = start_kernel(loop=loop)
    _ask(kernel, "initialize", **HELLO)
    _ask(kernel, "attach")
    file = _ask(kernel, "dumpCell", code=CODE)["sourcePath"]
    _ask(kernel, "setBreakpoints", breakpoints=[{"line": 2}], source={"path": file}, sourceModified=False)
    _ask(kernel, "configurationDone")
    cell = kernel.send(CODE)
    kernel.wait(
        lambda: [
            m
            for m in kernel.published
            if m["msg_type"] == "debug_event" and m["content"]["event"] == "stopped"
        ]
    )
    frames = _ask(kernel, "stackTrace", threadId=1)["stackFrames"]
    assert (frames[0]["name"], frames[0]["line"]) == ("add_one", 2)
    scope = _ask(kernel, "scopes", frameId=frames[0]["id"])["scopes"][0]
    variables = _ask(kernel, "variables", variablesReference=scope["variablesReference"])["variables"]
    assert [(v["name"], v["value"]) for v in variables if v["name"] == "a"] == [("a", "1")]
    _ask(kernel, "continue", threadId=1)
    assert kernel.finish(cell).stdout == "2\n"
    _ask(kernel, "disconnect", restart=False, terminateDebuggee=False)
    assert kernel.ok("await sleep(0.01).addCallback(lambda _: 'after')").result == "'after'"
