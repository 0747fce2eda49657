"""What can be wrong with an endpoint string, one class for each fault, all of them ValueErrors."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 60
"""Characters of a description that a message quotes; longer ones are cut around the fault."""


class EndpointStringError(ValueError):
    """An endpoint string cannot be understood.

    `description` is the string, `position` the index in it of what is wrong, `length` how many characters
    that is; `pointer` draws both.
    """

    def __init__(self, message: str, description: str, position: int = 0, length: int = 1) -> None:
        super().__init__(message, description, position, length)
        self.message = message
        self.description = description
        self.position = position
        self.length = max(1, length)

    def __str__(self) -> str:
        if not self.description:
            return self.message
        return f"{self.message}, at position {self.position} of {_cut(self.description)!r}"

    @property
    def pointer(self) -> str:
        """Two lines: the description, and under it carets that mark the fault."""
        return f"{self.description}\n{' ' * self.position}{'^' * self.length}"


class EmptyDescriptionError(EndpointStringError):
    """The endpoint string is empty."""


class DescriptionTypeError(EndpointStringError, TypeError):
    """Something else than text was given as endpoint string."""


class UnknownKindError(EndpointStringError):
    """The word before the first colon names no kind of endpoint; `kinds` are those that exist."""

    def __init__(
        self, message: str, description: str, kinds: Iterable[str], position: int = 0, length: int = 1
    ) -> None:
        super().__init__(message, description, position, length)
        self.kinds = tuple(kinds)


class BrokenPluginError(EndpointStringError):
    """The package that provides this kind of endpoint could not be used; the cause is chained."""


class UnfinishedEscapeError(EndpointStringError):
    """The endpoint string ends in a backslash that escapes nothing."""


class MissingArgumentError(EndpointStringError):
    """An argument that has no default is not there."""


class UnknownArgumentError(EndpointStringError):
    """There is no argument of this name."""


class ExcessArgumentError(EndpointStringError):
    """There are more arguments without a name than this kind takes."""


class RepeatedArgumentError(EndpointStringError):
    """The same argument is given twice."""


class ArgumentValueError(EndpointStringError):
    """The value of an argument is not one it can have."""


class PortError(ArgumentValueError):
    """The port is not a number, or not one a port can have."""


class HostError(ArgumentValueError):
    """The host is empty, or no host can have such a name."""


class TimeoutValueError(ArgumentValueError):
    """The timeout is not a positive number of seconds."""


class InvalidHostNameError(ValueError):
    """A host name has no form in which it could be looked up (RFC 1035 section 2.3.4, RFC 5891)."""


def _cut(description: str) -> str:
    return description if len(description) <= SHOWN else description[: SHOWN - 3] + "..."
