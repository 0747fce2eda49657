"""The verbs at the prompt, as one object per session: what people read with ``connect?`` stands here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from . import closing, connecting, serving, work
from .errors import LocalCallError

if TYPE_CHECKING:
    from ..reactor.defer import Deferred
    from .session import Session

T = TypeVar("T")

NAMES = ("connect", "serve", "close", "thread", "sleep")


class Verbs:
    """What can be said at the prompt of one session; `names` is what goes into its namespace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def connect(self, where: str, protocol: Any = None, *, timeout: float | None = 30) -> Deferred[Any]:
        """Open a connection. Await it, or add callbacks: it fires with what talks over the connection.

            c = await connect('tcp:127.0.0.1:8007')        # a conversation: c.send(b'hi'); await c.line()
            e = await connect('tcp:127.0.0.1:8007', Echo)  # your Protocol class, instance of one, or Factory
            d = connect('example.org:80')                  # no await: a live Deferred; `jobs` lists it
            u = await connect('udp:127.0.0.1:9999')        # datagrams: u.send(b'hi'); await u.recv(timeout=1)

        `where` is an endpoint string (tcp:host:port), or host:port for TCP. `timeout` is in seconds, None for
        no limit. Cancelling gives up. Fails with what the network said, such as ConnectionRefusedError.
        """
        return connecting.connect(self._session, where, protocol, timeout)

    def serve(
        self, where: str, what: Any = None, *, interface: str | None = None, backlog: int | None = None
    ) -> Any:
        """Open a port, at once, and answer each connection to it with `what`. It gives the port.

            p = serve('tcp:8007', Echo)        # a Protocol class, or an instance of Factory
            p = serve('tcp:8007', talk)        # async def talk(c): ... with a conversation per connection
            p = serve('udp:9999', Beacon)      # a DatagramProtocol class, or an instance of one

        A function is called with a conversation for each connection. What it gives to wait for, as an async
        one does, or one that ends in `return c.send(...)`, is the connection's life: when that is over the
        connection closes, and an exception in it is told and closes that connection only. After any other
        the conversation stays open, for the callbacks that it added.

        It listens on the loopback interface; interface='0.0.0.0' is for all of IPv4, '::' for IPv6. 'tcp:0'
        takes a free port. `backlog` is how many connections may wait to be accepted. close(p) ends it.
        """
        return serving.serve(self._session, where, what, interface, backlog)

    def close(self, *things: Any, cell: int | None = None) -> None:
        """Close ports, connections and what talks over them; cancel Deferreds.

            close(c)   close('p1', 'c3')   close(cell=5)   close(all)

        What was sent still goes out. Connections that came in through a port outlive it.
        """
        closing.close(self._session, things, cell)

    def thread(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Deferred[T]:
        """Run `function` in a thread, so that the loop goes on; it fires with what the function returns.

            text = await thread(path.read_text)

        What it prints belongs to this cell. Cancelling takes a job out of the queue; one that runs goes on.
        """
        return work.thread(self._session, function, args, kwargs)

    def sleep(self, seconds: float) -> Deferred[None]:
        """Wait without blocking: `await sleep(0.5)`. Cancelling ends it."""
        return work.sleep(self._session, seconds)

    def names(self) -> dict[str, object]:
        """What is put into the session's namespace: functions, whose wrong calls are one line."""
        return {name: _checked(name, getattr(self, name)) for name in NAMES}


def _checked(name: str, verb: Callable[..., T]) -> Callable[..., T]:
    """`verb`, saying how it is called when it is called with arguments it does not have."""
    signature = inspect.signature(verb)
    parameters = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    shape = signature.replace(parameters=parameters, return_annotation=signature.empty)

    @wraps(verb)
    def checked(*args: Any, **kwargs: Any) -> T:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise LocalCallError(f"{name}(): {error}; it is called as {name}{shape}") from None
        return verb(*args, **kwargs)

    # inspect follows __wrapped__ to the method; the name alone is what people see.
    checked.__qualname__ = name
    return checked
