r"""``process:/bin/cat:argument:another``: a program and its arguments, without a name, each after a colon.

Colons, equals signs and backslashes in them are escaped. The environment is ours. By name there are ``path``,
the directory to start in, ``pty=yes`` for a terminal instead of pipes, and ``errors=drop`` to drop what it
writes to its standard error, which is logged otherwise.
"""

from __future__ import annotations

from typing import Any

from .description import Description
from .errors import ArgumentValueError, MissingArgumentError, RepeatedArgumentError, UnknownArgumentError
from .process import ProcessEndpoint, StandardErrorBehavior

_CHOICES: dict[str, dict[str, object]] = {
    "pty": {"yes": True, "no": False},
    "errors": {"log": StandardErrorBehavior.LOG, "drop": StandardErrorBehavior.DROP},
}
_NAMES = ("path", *_CHOICES)


class ProcessKind:
    """The kind of endpoint that starts a program."""

    def build(self, reactor: Any, description: Description) -> ProcessEndpoint:
        """The endpoint. Raises EndpointStringError."""
        named = _named(description)
        words = description.positional
        if not words or not words[0]:
            raise MissingArgumentError(
                "process needs a program: write for example 'process:/bin/cat'",
                description.text,
                len(description.text),
            )
        return ProcessEndpoint(
            reactor,
            words[0],
            words,
            None,
            named.get("path"),
            usePTY=named.get("pty", False),
            errFlag=named.get("errors", StandardErrorBehavior.LOG),
        )


def _named(description: Description) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for argument in description.arguments:
        where = (description.text, argument.position, argument.length)
        name = argument.name
        if name is None:
            continue
        if name not in _NAMES:
            raise UnknownArgumentError(
                f"process has no argument {name!r}, its arguments with a name are: {', '.join(_NAMES)}; "
                r"an equals sign inside of a program's own argument is written \=",
                *where,
            )
        if name in found:
            raise RepeatedArgumentError(f"process is given its {name} twice", *where)
        choices = _CHOICES.get(name)
        if choices is not None and argument.value not in choices:
            raise ArgumentValueError(f"{name} {argument.value!r} is not one of {', '.join(choices)}", *where)
        found[name] = argument.value if choices is None else choices[argument.value]
    return found
