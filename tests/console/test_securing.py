"""TLS at the prompt: no files are needed, and everything is verified all the same."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import crypto

from wirelab.console.errors import LocalEndpointError
from wirelab.reactor.protocol import Factory
from wirelab.reactor.ssl import Authority, VerificationError

ECHO = """
from wirelab.reactor.protocol import Protocol
class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)
"""


def in_lab(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The test, an async function of a `Lab` and of fixtures, run in one."""

    def run(run_lab: Any, **fixtures: Any) -> None:
        run_lab(lambda lab: test(lab, **fixtures))

    wanted = list(inspect.signature(test).parameters.values())[1:]
    own = inspect.Parameter("run_lab", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([own, *wanted])  # type: ignore[attr-defined]  # what pytest reads
    run.__name__ = test.__name__  # type: ignore[attr-defined]
    return run


async def _failure(lab: Any, call: str) -> Exception:
    """What the cell `call` raises."""
    await lab.cell(f"try:\n    {call}\nexcept Exception as e:\n    error = e")
    error: Exception = lab["error"]
    return error


async def _served(lab: Any, where: str = "tls:0") -> int:
    await lab.cell(ECHO)
    await lab.cell(f"port = serve({where!r}, Echo)")
    number: int = lab["port"].getHost().port
    return number


async def _close(lab: Any) -> None:
    await lab.cell("close(all)")
    await lab.until(lambda: not lab.session.reactor.opened)


@pytest.mark.parametrize("where", ["tls:{}", "tls:127.0.0.1:{}", "tls:localhost:{}", "ssl:127.0.0.1:{}"])
@in_lab
async def test_server_without_files_is_verified_by_its_own_session(lab: Any, where: str) -> None:
    port = await _served(lab)
    await lab.cell(f"c = await connect({where.format(port)!r})")
    await lab.cell("c.send(b'hello'); answer = await c.recvn(5)")
    assert lab["answer"] == b"hello"
    assert lab["c"].transport.tls.verified
    assert re.match(r"c\d+  tls 127\.0\.0\.1:\d+ -> \S+  open  TLSv1\.3 localhost  ", repr(lab["c"]))
    await _close(lab)


@in_lab
async def test_net_shows_kind_and_protocol_of_both_ends(lab: Any) -> None:
    port = await _served(lab)
    await lab.cell(f"c = await connect('tls:127.0.0.1:{port}'); c.send(b'x'); await c.recvn(1)")
    rows = [line.split() for line in str(lab["net"]()).splitlines()[1:]]
    kinds = [row[1] for row in rows]
    assert sorted(kinds) == ["listen", "tls", "tls"]
    assert {"Echo", "Line"} <= {word for row in rows for word in row}
    assert lab["port"].kind == "tls"
    label = lab["c"].transport.shortId
    assert lab.session.find(label) is lab["c"]
    await lab.cell(f"close({label!r})")
    await lab.until(lambda: len(lab.session.reactor.opened) == 1)
    await _close(lab)


@in_lab
async def test_result_names_the_version_and_the_host(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    port = await _served(lab)
    await lab.cell(f"d = connect('tls:localhost:{port}')\nd")
    capsys.readouterr()
    await lab.until(lambda: lab["d"].called and not lab["d"].paused)
    await lab.until(lambda: "TLSv1.3 localhost" in capsys.readouterr().out)
    await _close(lab)


@in_lab
async def test_stranger_is_refused_with_the_check_that_failed(lab: Any) -> None:
    stranger = Authority("somebody else").issue("localhost", "127.0.0.1").options()
    await lab.cell(ECHO)
    reactor = lab.session.reactor
    port = reactor.listenSSL(0, Factory.forProtocol(lab["Echo"]), stranger, interface="127.0.0.1")
    error = await _failure(lab, f"await connect('tls:127.0.0.1:{port.getHost().port}')")
    assert isinstance(error, VerificationError)
    assert "unknown authority" in str(error) and "the peer showed CN=localhost" in str(error)
    await _close(lab)


@in_lab
async def test_session_does_not_believe_another_ones_authority(lab: Any) -> None:
    port = await _served(lab)
    mine = lab.session.authority
    lab.session.authority = Authority("another session")
    assert isinstance(await _failure(lab, f"await connect('tls:localhost:{port}')"), VerificationError)
    lab.session.authority = mine
    await _close(lab)


@in_lab
async def test_certificate_in_a_file_is_used(lab: Any, tmp_path: Path) -> None:
    authority = Authority("on disk")
    shown = authority.issue("localhost")
    path, roots = tmp_path / "server.pem", tmp_path / "roots.pem"
    path.write_bytes(shown.dumpPEM() + shown.privateKey.dump(crypto.FILETYPE_PEM))
    roots.write_bytes(authority.certificate.dumpPEM())
    port = await _served(lab, f"tls:0:privateKey={path}")
    assert lab.session.authority is None
    await lab.cell(f"c = await connect('tls:localhost:{port}:trustRoots={roots}')")
    assert lab["c"].transport.tls.certificate == shown
    await _close(lab)


@in_lab
async def test_file_that_is_not_there_is_told_in_one_line(lab: Any) -> None:
    await lab.cell(ECHO)
    error = await _failure(lab, "serve('tls:0:privateKey=/none.pem', Echo)")
    assert isinstance(error, LocalEndpointError)
    assert "privateKey '/none.pem': no such file or directory" in str(error)


@in_lab
async def test_given_up_handshake_leaves_nothing_open(lab: Any) -> None:
    await lab.cell("port = serve('tcp:0', lambda c: None)")
    number = lab["port"].getHost().port
    error = await _failure(lab, f"await connect('tls:127.0.0.1:{number}', timeout=0.05)")
    assert "no connection within 0.05 s" in str(error)
    await _close(lab)
