"""What can go wrong at the prompt, as one line each: what was given, what is accepted, the right call."""

from __future__ import annotations

from collections.abc import Sequence


class SessionError(Exception):
    """The base of this room's errors.

    Its text stands for itself: at the prompt it shows as one line. When it came out of functions of the
    user's, their lines follow.
    """

    below: Sequence[str] = ()
    """Lines that the shell shows below the one."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}", *self.below]


class LocalCallError(SessionError, TypeError):
    """A verb or a method was called with something it does not take; the text names the right call."""


class LocalEndpointError(SessionError, ValueError):
    """An endpoint's text cannot be read, or names a kind that does not exist."""


class LocalListenError(SessionError, OSError):
    """A port could not be opened; the text names the reason and, where there is one, the remedy."""


class LocalLimitError(SessionError):
    """What a read waits for did not come within the bytes it may take; they wait for the next read.

    `limit` is in bytes.
    """

    def __init__(self, text: str, limit: int) -> None:
        super().__init__(text)
        self.limit = limit


class LocalTimeoutError(SessionError, TimeoutError):
    """A wait took longer than its `timeout=`; nothing that came in is lost."""


class EndedError(SessionError, EOFError):
    """A conversation ended before what was waited for had come.

    `partial` is what had come by then, as a copy: the next `recv` still gives it.
    """

    def __init__(self, text: str, partial: bytes = b"") -> None:
        super().__init__(text)
        self.partial = partial


class LocalClosedError(EndedError):
    """This side had closed the conversation."""


class RemoteClosedError(EndedError):
    """The peer had closed the conversation, cleanly."""


def shortened(value: object, limit: int = 60) -> str:
    """The repr of `value`, cut to `limit` characters."""
    try:
        text = repr(value)
    except Exception as error:  # a user's __repr__ may do anything, and we are about to report something else
        text = f"<{type(value).__name__}, whose repr failed: {type(error).__name__}>"
    if "\n" in text:
        text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
