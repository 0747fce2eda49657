"""Unix sockets at the prompt: `serve` and `connect` by path, and how `net` shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wirelab.console.errors import LocalListenError
from wirelab.reactor.error import BadFileError
from wirelab.reactor.protocol import Protocol


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


def verb(lab: Any, name: str) -> Any:
    return lab.session.names()[name]


def test_a_conversation_by_path(run_lab: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"

    async def body(lab: Any) -> None:
        port = verb(lab, "serve")(f"unix:{path}", Echo)
        c = await verb(lab, "connect")(f"unix:{path}")
        c.sendline(b"hi")
        assert await c.line() == b"hi"
        assert repr(c) == f"c1  unix (unnamed) -> {path}  open  4 B in  4 B out"
        rows = {row[0]: row[1:6] for row in lab.session.net().rows}
        assert rows["p1"] == ("listen", str(path), "", "1 connection", "Echo")
        assert rows["c1"] == ("unix", "(unnamed)", "->", str(path), "Line")
        assert len(lab.session.net.things("unix")) == 3
        await c.aclose()
        await port.stopListening()
        assert list(tmp_path.glob("*sock*")) == []

    run_lab(body)


def test_an_abstract_name_is_written_with_an_at_sign(run_lab: Any, tmp_path: Path) -> None:
    async def body(lab: Any) -> None:
        name = f"unix:@{tmp_path}"
        port = verb(lab, "serve")(name, Echo)
        async with await verb(lab, "connect")(name) as c:
            c.send(b"hi")
            assert await c.recvn(2) == b"hi"
        await port.stopListening()

    run_lab(body)


def test_a_path_in_use_by_this_session_says_by_which(run_lab: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"

    async def body(lab: Any) -> None:
        serve = verb(lab, "serve")
        serve(f"unix:{path}", Echo)
        with pytest.raises(LocalListenError, match=r"the path is in use by p1 of this session: close\(p1\)"):
            serve(f"unix:{path}", Echo)
        with pytest.raises(LocalListenError, match=r"(?i)no such file or directory"):
            serve(f"unix:{tmp_path}/none/x.sock", Echo)

    run_lab(body)


def test_nobody_at_the_path(run_lab: Any, tmp_path: Path) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(BadFileError):
            await verb(lab, "connect")(f"unix:{tmp_path}/none")

    run_lab(body)
