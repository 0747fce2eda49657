"""The global `reactor` of small programs: a stand-in that finds the real one when it is first used.

Importing it installs nothing. It stands for the reactor that runs in the calling thread, or else for the
one it made at first use, on the platform's best driver. Code of libraries takes a reactor as an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import running
from .error import ReactorAlreadyInstalledError

if TYPE_CHECKING:
    from .core import Reactor


class ReactorProxy:
    """Stands for the reactor of this thread, or of this process."""

    __slots__ = ("_installed",)

    def __init__(self) -> None:
        self._installed: Reactor | None = None

    def _target(self) -> Reactor:
        target = running.current() or self._installed
        if target is None:
            from .core import Reactor  # transports and drivers are loaded when they are needed

            target = self._installed = Reactor()
        return target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # questions about the kind of object are about the stand-in itself
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_installed":
            object.__setattr__(self, name, value)
        else:
            setattr(self._target(), name, value)

    @property
    def __providedBy__(self) -> Any:
        from zope.interface import providedBy

        return providedBy(self._target())

    def __repr__(self) -> str:
        target = running.current() or self._installed
        return "<reactor, not used yet>" if target is None else f"<reactor: {target!r}>"


reactor = ReactorProxy()


def install(target: Reactor) -> None:
    """Let the global `reactor` stand for `target`. Raises ReactorAlreadyInstalledError after it was used."""
    if reactor._installed is not None and reactor._installed is not target:
        raise ReactorAlreadyInstalledError(
            "the global reactor is in use already: install another one before anything uses it"
        )
    reactor._installed = target
