"""``%load_ext wirelab.console`` in an ordinary IPython shell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from wirelab.console import load_ipython_extension, unload_ipython_extension
from wirelab.console.shell import SessionShell


def test_a_stock_shell_gets_a_session_on_its_running_loop(make_shell: Any, capsys: Any) -> None:
    async def main() -> None:
        shell = make_shell(InteractiveShell)

        async def cell(source: str) -> Any:
            result = await shell.run_cell_async(
                source, store_history=True, transformed_cell=shell.transform_cell(source)
            )
            return result.result

        await cell("%load_ext wirelab.console")
        assert isinstance(shell, SessionShell)
        await cell("port = serve('tcp:0', Protocol)")
        assert "p1  listening tcp" in capsys.readouterr().out
        assert await cell("await connect(f':{port.port}')") is not None
        await cell("%unload_ext wirelab.console")
        assert type(shell) is InteractiveShell and "serve" not in shell.user_ns
        assert shell.user_ns["port"].state == "closed"
        await cell("%load_ext wirelab.console")
        await cell("%unload_ext wirelab.console")
        await asyncio.sleep(0)

    asyncio.run(main())


def test_our_own_shell_has_nothing_to_load(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        session = lab.session
        load_ipython_extension(lab.shell)
        assert "nothing to load" in capsys.readouterr().out
        unload_ipython_extension(lab.shell)
        assert lab.shell.session is session

    run_lab(body)


@pytest.mark.parametrize("call", [unload_ipython_extension])
def test_a_shell_without_a_session_has_nothing_to_unload(make_shell: Any, call: Any) -> None:
    call(make_shell(InteractiveShell))
