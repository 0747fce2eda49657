r"""The mini-language of endpoint strings.

    description = kind [":" argument *(":" argument)]
    argument    = [name "="] value

A backslash takes the meaning from the character after it, so ``\:`` stands for a colon, ``\=`` for an equals
sign and ``\\`` for a backslash. A value that is an IPv6 address may stand in brackets instead, as in URLs:
``tcp:[::1]:80`` is ``tcp:\:\:1:80``. The kind may be written in capitals; blanks count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import DescriptionTypeError, EmptyDescriptionError, UnfinishedEscapeError

_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z_.-]+)?)\](?=:|\Z)")


@dataclass(frozen=True)
class Argument:
    """One argument: its `name`, None when it has none, its `value`, and where they are in the string."""

    name: str | None
    value: str
    position: int
    length: int

    def __str__(self) -> str:
        return self.value if self.name is None else f"{self.name}={self.value}"


@dataclass(frozen=True)
class Description:
    """An endpoint string taken apart."""

    text: str
    kind: str
    arguments: tuple[Argument, ...]

    @property
    def positional(self) -> list[str]:
        """The values that have no name, in order."""
        return [argument.value for argument in self.arguments if argument.name is None]

    @property
    def named(self) -> dict[str, str]:
        """The values that have a name; of one that comes twice, the last."""
        return {argument.name: argument.value for argument in self.arguments if argument.name is not None}

    def __str__(self) -> str:
        return self.text


def parse_description(text: str) -> Description:
    """Take an endpoint string apart. What its kind and arguments mean is not looked at.

    Raises:
        DescriptionTypeError: `text` is not a string.
        EmptyDescriptionError: it is empty.
        UnfinishedEscapeError: it ends in a single backslash.
    """
    if not isinstance(text, str):
        remedy = (
            "decode it first, for example data.decode()" if isinstance(text, bytes) else "write 'tcp:8080'"
        )
        raise DescriptionTypeError(
            f"an endpoint string is str, not {type(text).__name__} ({text!r}): {remedy}", ""
        )
    if not text:
        raise EmptyDescriptionError("the endpoint string is empty: write for example 'tcp:8080'", text)
    fields = _fields(text)
    kind = fields[0]
    return Description(text, str(kind).lower(), tuple(fields[1:]))


def quoteStringArgument(argument: str) -> str:
    """`argument` in the form in which `clientFromString` and `serverFromString` read it back unchanged.

    For values that a program puts into an endpoint string, such as file names: colons, equals signs and
    backslashes are escaped.
    """
    if not isinstance(argument, str):
        raise TypeError(f"quoteStringArgument() takes str, not {type(argument).__name__}: {argument!r}")
    return re.sub(r"([\\:=])", r"\\\1", argument)


def _fields(text: str) -> list[Argument]:
    fields = []
    start = 0
    while True:
        field, end = _field(text, start)
        fields.append(field)
        if end == len(text):
            return fields
        start = end + 1


def _field(text: str, start: int) -> tuple[Argument, int]:
    """The argument that begins at `start`, and the index of the colon (or end) behind it."""
    name: str | None = None
    value: list[str] = []
    index = start
    while index < len(text) and text[index] != ":":
        bracketed = None if value else _BRACKETED.match(text, index)
        if bracketed is not None:
            value.append(bracketed[1])
            index = bracketed.end()
        elif text[index] == "\\":
            if index + 1 == len(text):
                raise UnfinishedEscapeError(
                    r"the last backslash escapes nothing: write \\ for one", text, index
                )
            value.append(text[index + 1])
            index += 2
        elif text[index] == "=" and name is None:
            name = "".join(value)
            value = []
            index += 1
        else:
            value.append(text[index])
            index += 1
    return Argument(name, "".join(value), start, index - start), index
