"""Sockets that systemd opened and passed to this process (sd_listen_fds(3)).

The environment says how many there are (LISTEN_FDS, from descriptor 3 on), for which process (LISTEN_PID)
and, if the unit gives them names, which (LISTEN_FDNAMES, colons between them).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .adopted import AdoptedStreamServerEndpoint
from .description import Description
from .errors import ArgumentValueError, EndpointStringError, MissingArgumentError
from .values import Unfit

FIRST = 3
"""The first descriptor that is passed: SD_LISTEN_FDS_START."""

MOST = 10_000
"""More descriptors than any unit passes: a count above it is a mistake, not sockets."""


def listening_descriptors(environment: Mapping[str, str]) -> dict[int, str]:
    """The passed descriptors with their names, in order; empty when none were passed to this process.

    A socket without a name is called "unknown", as sd_listen_fds_with_names(3) does. Raises ValueError when
    the environment contradicts itself.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    text = environment.get("LISTEN_FDS", "")
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise ValueError(f"LISTEN_FDS is {text!r}, which is not a number of descriptors")
    numbers = range(FIRST, FIRST + int(text))
    names = environment.get("LISTEN_FDNAMES")
    if names is None:
        return dict.fromkeys(numbers, "unknown")
    split = names.split(":")
    if len(split) != len(numbers):
        raise ValueError(f"LISTEN_FDNAMES has {len(split)} names for {len(numbers)} descriptors: {names!r}")
    return dict(zip(numbers, split, strict=True))


class SystemdKind:
    """``systemd:domain=INET:index=0`` or ``systemd:domain=INET:name=web``: adopts a passed socket.

    It adds what it needs of the descriptors to the table kind `arguments`, which reads the arguments.
    """

    def __init__(self, arguments: Any) -> None:
        self._arguments = arguments

    def build(self, reactor: Any, description: Description) -> AdoptedStreamServerEndpoint:
        """The endpoint. Raises EndpointStringError when there is no such socket."""
        domain, index, name = self._arguments.build(None, description)
        end = len(description.text)
        if (index is None) == (name is None):
            raise MissingArgumentError(
                f"systemd needs either index or name: write for example {self._arguments.example!r}",
                description.text,
                end,
            )
        try:
            passed = listening_descriptors(os.environ)
        except ValueError as error:
            raise EndpointStringError(str(error), description.text, 0, end) from error
        descriptor = _find(passed, index, name)
        if descriptor is None:
            there = ", ".join(f"{number - FIRST} ({each})" for number, each in passed.items())
            what = f"index {index}" if name is None else f"name {name!r}"
            raise ArgumentValueError(
                f"systemd passed no socket of {what} to this process; it passed: {there or 'none'}",
                description.text,
                0,
                end,
            )
        os.set_inheritable(descriptor, False)  # they come without close-on-exec
        return AdoptedStreamServerEndpoint(reactor, descriptor, domain)


def _find(passed: Mapping[int, str], index: int | None, name: str | None) -> int | None:
    if index is not None:
        return FIRST + index if FIRST + index in passed else None
    return next((number for number, each in passed.items() if each == name), None)


def arguments_of(reactor: None, domain: int, index: int | None, name: str | None) -> tuple[Any, ...]:
    """What `SystemdKind` needs of the arguments, as they were read."""
    return domain, index, name


def index(name: str, text: str) -> int:
    """A place among the passed sockets, the first being 0."""
    if not (text.isascii() and text.isdigit() and int(text) < MOST):
        raise Unfit(ArgumentValueError, f"{name} {text!r} is not a whole number from 0 on")
    return int(text)
