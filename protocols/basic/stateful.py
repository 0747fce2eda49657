"""A protocol of strings in which each string means what the state says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class StatefulStringProtocol:
    """Mixin for the string receivers: the state names the method that takes the next string.

    In the state ``"init"``, the first, that is `proto_init`; each such method gives the next state. The
    state ``"done"`` closes the connection.

        class Login(StatefulStringProtocol, NetstringReceiver):
            def proto_init(self, name: bytes) -> str: ...
    """

    state: str = "init"

    transport: Any

    def stringReceived(self, string: bytes) -> None:
        """Call the state's method.

        Raises AttributeError when there is none, TypeError when it does not give a state.
        """
        method: Callable[[bytes], str] | None = getattr(self, f"proto_{self.state}", None)
        if method is None:
            raise AttributeError(
                f"{type(self).__name__} has no method proto_{self.state}() for its state {self.state!r}"
            )
        state = method(string)
        if not isinstance(state, str):
            raise TypeError(
                f"proto_{self.state}() gave {state!r}: it gives the name of the next state, or 'done'"
            )
        self.state = state
        if state == "done":
            self.transport.loseConnection()
