"""The verbs, over real sockets of this machine: what they give, and what they say to a wrong call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wirelab.console.conversation import Conversation
from wirelab.console.errors import (
    LocalCallError,
    LocalClosedError,
    LocalEndpointError,
    LocalListenError,
    LocalTimeoutError,
    SessionError,
)
from wirelab.reactor.defer import CancelledError, Deferred
from wirelab.reactor.error import ConnectionRefusedError
from wirelab.reactor.protocol import Factory, Protocol


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Lines:
    """Ways to answer lines with lines in capitals, as functions of a conversation."""

    @staticmethod
    async def coroutine(c: Conversation) -> None:
        async for line in c.lines():
            c.sendline(line.upper())

    @staticmethod
    def callbacks(c: Conversation) -> None:
        c.line().addCallback(lambda line: c.sendline(line.upper()))

    @staticmethod
    def deferred(c: Conversation) -> Deferred[None]:
        return c.line().addCallback(lambda line: c.sendline(line.upper()))


def verb(lab: Any, name: str) -> Any:
    return lab.session.names()[name]


# -- serve and connect --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [Echo, Factory.forProtocol(Echo)])
def test_serve_takes_protocol_classes_and_factories(run_lab: Any, what: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("tcp:0", what)
        assert port.state == "listening" and port.getHost().host == "127.0.0.1"
        c = await verb(lab, "connect")(f"tcp:127.0.0.1:{port.port}")
        c.send(b"hi\r\n")
        assert await c.line() == b"hi"
        await c.close()

    run_lab(body)


@pytest.mark.parametrize(
    "talk", [Lines.coroutine, Lines.callbacks, Lines.deferred, lambda c: Lines.coroutine(c)]
)
def test_serve_takes_functions_of_a_conversation(run_lab: Any, talk: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("tcp:0", talk)
        async with await verb(lab, "connect")(f"localhost:{port.port}") as c:
            c.sendline(b"hi")
            assert await c.line() == b"HI"

    run_lab(body)


def test_the_end_of_a_coroutine_closes_its_connection(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        async def greet(c: Conversation) -> None:
            c.sendline(b"hello")

        port = verb(lab, "serve")("tcp:0", greet)
        c = await verb(lab, "connect")(f":{port.port}")
        assert [line async for line in c.lines()] == [b"hello"]
        await c.wait_closed()

    run_lab(body)


def test_a_coroutine_goes_on_talking_to_a_peer_that_has_said_all(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        async def count(c: Conversation) -> None:
            total = 0
            while data := await c.recv():
                total += len(data)
            c.sendline(str(total).encode())

        port = verb(lab, "serve")("tcp:0", count)
        reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        writer.write(b"x" * 1000)
        writer.write_eof()
        assert await reader.read() == b"1000\r\n"
        writer.close()
        await writer.wait_closed()

    run_lab(body)


@pytest.mark.parametrize("is_async", [True, False])
def test_a_function_that_raises_is_told_and_closes_its_connection_only(
    run_lab: Any, capsys: Any, is_async: bool
) -> None:
    async def body(lab: Any) -> None:
        marks = "async " if is_async else ""
        await lab.cell(f"{marks}def talk(c):\n    c.sendline(b'hi')\n    1/0")
        await lab.cell("port = serve('tcp:0', talk)")
        for _ in range(2):
            c = await verb(lab, "connect")(f":{lab['port'].port}")
            await c.wait_closed()
            assert await c.line() == b"hi"
            err = capsys.readouterr().err.splitlines()
            assert err[0].endswith(": talk raised ZeroDivisionError: division by zero")
            assert err[1:] == ["  [1] line 3, in talk", "    1/0"]
        assert lab["port"].state == "listening"

    run_lab(body)


def test_a_coroutine_that_meets_the_end_of_its_conversation_is_no_error(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        async def talk(c: Conversation) -> None:
            await c.line()

        port = verb(lab, "serve")("tcp:0", talk)
        c = await verb(lab, "connect")(f":{port.port}")
        await c.close()
        await lab.until(lambda: not port.connections)
        assert capsys.readouterr().err == ""

    run_lab(body)


def test_connect_gives_the_protocol_it_was_given(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port, connect = verb(lab, "serve")("tcp:0", Echo), verb(lab, "connect")
        where, instance, factory = f":{port.port}", Echo(), Factory.forProtocol(Echo)
        assert isinstance(await connect(where, Echo), Echo)
        assert await connect(where, instance) is instance
        made = await connect(where, factory)
        assert isinstance(made, Echo) and made.factory is factory

    run_lab(body)


def test_connect_takes_urls(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("tcp:0", Echo)
        c = await verb(lab, "connect")(f"tcp://127.0.0.1:{port.port}/")
        assert isinstance(c, Conversation)

    run_lab(body)


def test_a_refused_connection_says_so(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("tcp:0", Echo)
        verb(lab, "close")(port)
        with pytest.raises(ConnectionRefusedError):
            await verb(lab, "connect")(f":{port.port}")

    run_lab(body)


def test_a_connection_can_be_given_up(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port, connect = verb(lab, "serve")("tcp:0", Echo), verb(lab, "connect")
        given_up, late = connect(f":{port.port}"), connect(f":{port.port}", timeout=0)
        given_up.cancel()
        with pytest.raises(Exception, match="cancelled"):
            await given_up
        with pytest.raises(LocalTimeoutError, match=r"no connection within 0 s"):
            await late
        await lab.until(lambda: len(lab.session.net) == 1)

    run_lab(body)


def test_a_port_in_use_by_this_session_says_by_which(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        serve = verb(lab, "serve")
        port = serve("tcp:0", Echo)
        with pytest.raises(LocalListenError) as told:
            serve(f"tcp:{port.port}", Echo)
        said = "address in use by p1 of this session: close(p1); 'tcp:0' takes a free port"
        assert str(told.value) == f"serve('tcp:{port.port}'): {said}"
        assert isinstance(told.value, OSError)

    run_lab(body)


def test_a_port_in_use_by_another_program_says_so(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        number = server.sockets[0].getsockname()[1]
        with pytest.raises(LocalListenError, match=f"port {number} is in use by another program"):
            verb(lab, "serve")(f"tcp:{number}", Echo)
        server.close()
        await server.wait_closed()

    run_lab(body)


def test_an_address_that_is_not_here_says_so(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(
            LocalListenError, match=r"no interface of this machine has the address 192\.0\.2\.1"
        ):
            verb(lab, "serve")("tcp:0", Echo, interface="192.0.2.1")

    run_lab(body)


def test_all_interfaces_are_served_when_asked_for(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        assert verb(lab, "serve")("tcp:0", Echo, interface="0.0.0.0").getHost().host == "0.0.0.0"

    run_lab(body)


# -- close --------------------------------------------------------------------------------------------


def test_close_takes_labels_and_objects_of_every_kind(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        close = verb(lab, "close")
        await lab.cell("port = serve('tcp:0', Protocol)")
        await lab.cell(
            "c = await connect(f':{port.port}'); e = await connect(f':{port.port}', Protocol); d = sleep(9)"
        )
        await lab.until(lambda: lab["port"].connections == 2)
        capsys.readouterr()
        lab["d"].addErrback(lambda failure: failure.trap(CancelledError))
        close("p1", lab["c"], lab["e"], lab["d"])
        assert lab["port"].state == "closed" and lab["d"].called
        assert capsys.readouterr().out == "p1 is closed; 2 connections that came in through it stay open\n"
        await lab.until(lambda: not len(lab.session.net))

    run_lab(body)


def test_close_takes_labels_of_deferreds_and_protocols_never_connected(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("d = sleep(9)")
        lab["d"].addErrback(lambda failure: failure.trap(CancelledError))
        verb(lab, "close")("d1", Protocol(), Conversation())
        assert lab["d"].called
        with pytest.raises(LocalCallError, match=r"close\('d9'\): not open; open: nothing"):
            verb(lab, "close")("d1", "d9")

    run_lab(body)


def test_a_canceller_that_raises_does_not_keep_the_rest_open(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("port = serve('tcp:0', Protocol)")
        await lab.cell("d = Deferred(lambda d: 1/0)")
        await lab.cell("e = sleep(9)")
        lab["e"].addErrback(lambda failure: failure.trap(CancelledError))
        verb(lab, "close")(all)
        assert lab["port"].state == "closed" and lab["e"].called
        assert "the canceller of a Deferred raised" in capsys.readouterr().err

    run_lab(body)


def test_closing_a_cell_closes_what_it_opened(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("a = serve('tcp:0', Protocol)")
        await lab.cell("b = serve('tcp:0', Protocol); c = await connect(f':{a.port}')")
        capsys.readouterr()
        verb(lab, "close")(cell=2)
        assert capsys.readouterr().out == "closed p2, c1\n"
        assert (lab["a"].state, lab["b"].state) == ("listening", "closed")
        verb(lab, "close")(cell=7)
        assert capsys.readouterr().out == "nothing was open\n"

    run_lab(body)


@pytest.mark.parametrize("everything", [all, "all"])
def test_closing_all_closes_everything(run_lab: Any, capsys: Any, everything: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("a = serve('tcp:0', Protocol); c = await connect(f':{a.port}'); d = sleep(9)")
        await lab.until(lambda: len(lab.session.net) == 3)
        lab["d"].addErrback(lambda failure: failure.trap(CancelledError))
        capsys.readouterr()
        verb(lab, "close")(everything)
        assert capsys.readouterr().out == "closed p1, c1, c2, d1\n"
        await lab.until(lambda: not len(lab.session.net))

    run_lab(body)


def test_closing_a_served_conversation_cancels_what_talks(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        ended: list[str] = []

        async def talk(c: Conversation) -> None:
            try:
                await Deferred()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        port = verb(lab, "serve")("tcp:0", talk)
        await verb(lab, "connect")(f":{port.port}")
        await lab.until(lambda: "c2" in lab.session.reactor.opened)
        verb(lab, "close")("c2")
        await lab.until(lambda: ended)
        assert capsys.readouterr().err == ""

    run_lab(body)


def test_drain_waits_for_what_was_sent_during_an_event(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        drained: list[object] = []

        def answer(c: Conversation) -> None:
            c.line().addCallback(lambda line: c.sendline(line)).addCallback(lambda _: c.drain()).addCallback(
                drained.append
            )

        port = verb(lab, "serve")("tcp:0", answer)
        c = await verb(lab, "connect")(f":{port.port}")
        c.sendline(b"x")
        assert await c.line() == b"x"
        await lab.until(lambda: drained)

    run_lab(body)


def test_many_bytes_both_ways_with_a_slow_reader(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        size = 8 << 20

        async def flood(c: Conversation) -> None:
            c.send(b"x" * size)
            await c.drain()

        port = verb(lab, "serve")("tcp:0", flood)
        c = await verb(lab, "connect")(f":{port.port}")
        await lab.until(lambda: c.unread > 1 << 20)
        for _ in range(20):
            await asyncio.sleep(0)
        assert c.unread < 2 << 20
        assert len(await c.recvn(size)) == size
        assert await c.recv() == b""

    run_lab(body)


# -- thread and sleep ---------------------------------------------------------------------------------


def test_thread_gives_what_the_function_gives(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        thread = verb(lab, "thread")
        assert await thread(divmod, 7, 3) == (2, 1)
        assert await thread(int, "ff", base=16) == 255
        with pytest.raises(ZeroDivisionError):
            await thread(divmod, 1, 0)

    run_lab(body)


def test_sleep_can_be_cancelled(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        pause = verb(lab, "sleep")(1000)
        pause.cancel()
        with pytest.raises(CancelledError):
            await pause
        await verb(lab, "sleep")(0)
        assert not any(
            call.getTime() > lab.session.reactor.seconds() + 900
            for call in lab.session.reactor.getDelayedCalls()
        )

    run_lab(body)


# -- wrong calls --------------------------------------------------------------------------------------

ACCEPTED = "a Protocol class, an instance of Factory, or a function (async or not) of a conversation"


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            "serve('tcp:8007')",
            LocalCallError,
            f"serve('tcp:8007', ...) needs to know what to answer with: {ACCEPTED}",
        ),
        (
            "serve(8007, Echo)",
            LocalCallError,
            "serve() takes the place first, as text: serve('tcp:8007', Echo); not 8007",
        ),
        (
            "serve('tcp:8007', Echo())",
            LocalCallError,
            "serve() makes a protocol for each connection: give it the class, Echo, not Echo()",
        ),
        (
            "serve('tcp:8007', Factory)",
            LocalCallError,
            "serve() takes an instance of Factory: Factory(), not the class",
        ),
        (
            "serve('tcp:8007', int)",
            LocalCallError,
            "serve(): int is a class, but no Protocol: class int(Protocol)",
        ),
        ("serve('tcp:8007', 7)", LocalCallError, f"serve() answers with {ACCEPTED}, not with 7"),
        (
            "serve('tcp:8007', lambda: 0)",
            LocalCallError,
            "serve() calls <lambda>() with one argument, the conversation, and too many positional arguments",
        ),
        (
            "serve('tcp:8007', Echo, interface=1)",
            LocalCallError,
            "serve(): interface is an address as text, '0.0.0.0' for all, not 1",
        ),
        (
            "serve('tcp:8007', Echo, backlog=0)",
            LocalCallError,
            "serve(): backlog is a number of connections, 1 or more, not 0",
        ),
        ("serve('tcp:x', Echo)", LocalEndpointError, "serve('tcp:x'): "),
        (
            "serve('gopher:8007', Echo)",
            LocalEndpointError,
            "serve('gopher:8007'): unknown kind of endpoint 'gopher', there are: ",
        ),
        (
            "serve('tcp:1', Echo, port=3)",
            LocalCallError,
            "serve(): got an unexpected keyword argument 'port'; it is called as "
            "serve(where, what=None, *, interface=None, backlog=None)",
        ),
        (
            "connect()",
            LocalCallError,
            "connect(): missing a required argument: 'where'; it is called as "
            "connect(where, protocol=None, *, timeout=30)",
        ),
        (
            "connect('nowhere')",
            LocalEndpointError,
            "connect('nowhere'): no kind and no port; connect('tcp:nowhere:PORT'); kinds: ",
        ),
        (
            "connect('foo:bar:1')",
            LocalEndpointError,
            "connect('foo:bar:1'): unknown kind of endpoint 'foo', there are: ",
        ),
        ("connect('foo://x')", LocalEndpointError, "connect('foo://x'): unknown scheme 'foo'; known: tcp://"),
        (
            "connect(8007)",
            LocalCallError,
            "connect() takes the place first, as text: connect('tcp:127.0.0.1:8007'); not 8007",
        ),
        (
            "connect(':80', 7)",
            LocalCallError,
            "connect() talks through a Protocol class, an instance of one, or",
        ),
        (
            "connect(':80', Factory)",
            LocalCallError,
            "connect() takes an instance of Factory: Factory(), not the class",
        ),
        (
            "connect(':80', timeout='x')",
            LocalCallError,
            "connect(): timeout is a number of seconds, 0 or more, not 'x'",
        ),
        ("connect(':99999')", LocalEndpointError, "connect(':99999'): "),
        (
            "close()",
            LocalCallError,
            "close() needs to know what: close(c), close('p1'), close(cell=5) or close(all); open: nothing",
        ),
        ("close('zz')", LocalCallError, "close('zz'): not open; open: nothing"),
        ("close(7)", LocalCallError, "close(7): that cannot be closed: close(c), close('p1')"),
        ("close(cell='x')", LocalCallError, "close(cell=...) takes the number of one cell and nothing else"),
        ("thread(7)", LocalCallError, "thread() takes the function and its arguments, thread(f, x), not 7"),
        ("thread()", LocalCallError, "thread(): missing a required argument: 'function'"),
        (
            "thread(coroutine)",
            LocalCallError,
            "thread() is for functions that block; an async one needs no thread",
        ),
        (
            "thread(coroutine())",
            LocalCallError,
            "thread() is for functions that block; an async one needs no thread",
        ),
        ("sleep('1')", LocalCallError, "sleep(): seconds is a number of seconds, 0 or more, not '1'"),
        ("sleep(-1)", LocalCallError, "sleep(): seconds is a number of seconds, 0 or more, not -1"),
        ("net(7)", LocalCallError, "net() takes words, net('tcp'), and net(cell=5), not 7"),
        ("net['zz']", LocalCallError, "net['zz']: not open; open: nothing"),
        ("net[3]", LocalCallError, "net[3]: net['c3'] gives an object, net(cell=3) shows a cell's"),
        ("jobs['d9']", LocalCallError, "jobs['d9']: no such Deferred waits; those that do: none"),
    ],
)
def test_a_wrong_call_says_what_is_right(
    run_lab: Any, call: str, kind: type[SessionError], text: str
) -> None:
    async def coroutine() -> None:
        raise AssertionError("it must not run")

    async def body(lab: Any) -> None:
        names = {**lab.session.names(), "Echo": Echo, "coroutine": coroutine}
        with pytest.raises(kind) as told:
            eval(call, names)
        assert str(told.value).startswith(text)
        assert "\n" not in str(told.value)

    run_lab(body)


def test_help_of_a_verb_shows_how_it_is_called(run_lab: Any, capsys: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.cell("connect?")
        shown = capsys.readouterr().out
        assert "where" in shown and "timeout" in shown and "await connect('tcp:127.0.0.1:8007')" in shown

    run_lab(body)


def test_a_closed_conversation_refuses_to_send(run_lab: Any) -> None:
    async def body(lab: Any) -> None:
        port = verb(lab, "serve")("tcp:0", Echo)
        c = await verb(lab, "connect")(f":{port.port}")
        await c.close()
        with pytest.raises(LocalClosedError):
            c.send(b"x")

    run_lab(body)
