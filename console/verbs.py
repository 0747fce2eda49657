"""The verbs at the prompt, as one object per session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ..reactor.defer import Deferred
    from .session import Session

T = TypeVar("T")


class Verbs:
    """What can be said at the prompt of one session; `names` is what goes into its namespace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def connect(self, where: str, protocol: Any = None, *, timeout: float | None = 30) -> Deferred[Any]:
        """Open a connection. Await it, or add callbacks: it fires with what talks over the connection.

        c = await connect('tcp:127.0.0.1:8007')      # a conversation: c.send(b'hi\\r\\n'); await c.line()
        e = await connect('tcp:127.0.0.1:8007', Echo)   # your own Protocol class, instance or Factory
        """
        raise NotImplementedError

    def serve(self, where: str, what: Any, *, interface: str | None = None, backlog: int = 50) -> Any:
        """Open a port at once, and answer each connection to it with `what`.

        p = serve('tcp:8007', Echo)                  # a Protocol class, or an instance of Factory
        p = serve('tcp:8007', talk)                  # a function, or an async function, of a conversation
        """
        raise NotImplementedError

    def close(self, what: Any = None, *, cell: int | None = None) -> None:
        """Close something: close(c), close('p1'), close(cell=5), close(all)."""
        raise NotImplementedError

    def thread(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Deferred[T]:
        """Run `function` in a thread, so that the loop goes on; the Deferred fires with what it returns."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> Deferred[None]:
        """Wait without blocking: `await sleep(0.5)`."""
        raise NotImplementedError

    def names(self) -> dict[str, object]:
        """What is put into the session's namespace."""
        return {name: getattr(self, name) for name in ("connect", "serve", "close", "thread", "sleep")}
