"""`setDebugging`: has Deferreds remember what happens to them, at no cost to those made while it is off."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..failure import Failure
from . import origin, recording
from .deferred import Deferred
from .recording import Record, Recorded

_NO_KEYWORDS: Mapping[str, Any] = {}

_plain_init = Deferred.__init__
_plain_add = Deferred.addCallbacks
_plain_callback = Deferred.callback
_plain_errback = Deferred.errback


def setDebugging(on: bool) -> None:
    """Have every Deferred made from now on remember its age, what its callbacks returned, and who fired it.

    `Deferred.describe` shows it. Those made before go on as they are.
    """
    recording.is_on = bool(on)
    for name, (plain, recorded) in _METHODS.items():
        setattr(Deferred, name, recorded if on else plain)


def getDebugging() -> bool:
    """Whether Deferreds made now remember."""
    return recording.is_on


def _init(self: Deferred[Any], canceller: Callable[[Deferred[Any]], object] | None = None) -> None:
    _plain_init(self, canceller)
    self._record = Record()


def _add_callbacks(
    self: Deferred[Any],
    callback: Callable[..., Any] | None,
    errback: Callable[..., Any] | None = None,
    callbackArgs: tuple[Any, ...] | None = (),
    callbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
    errbackArgs: tuple[Any, ...] | None = (),
    errbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
) -> Deferred[Any]:
    record: Record | None = getattr(self, "_record", None)
    if record is not None:
        if callable(callback):
            callback = Recorded(callback, "callback", record.links)
        if callable(errback):
            errback = Recorded(errback, "errback", record.links)
    return _plain_add(self, callback, errback, callbackArgs, callbackKeywords, errbackArgs, errbackKeywords)


def _checked(method: str) -> Callable[..., Deferred[Any]]:
    """The plain method, which refuses what cannot be called."""
    plain: Callable[..., Deferred[Any]] = Deferred.__dict__[method]
    return plain


_plain_one = {name: _checked(name) for name in ("addCallback", "addErrback", "addBoth")}


def _add_callback(self: Deferred[Any], callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
    if not callable(callback):
        return _plain_one["addCallback"](self, callback)
    return _add_callbacks(self, callback, None, args, kwargs)


def _add_errback(self: Deferred[Any], errback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
    if not callable(errback):
        return _plain_one["addErrback"](self, errback)
    return _add_callbacks(self, None, errback, (), _NO_KEYWORDS, args, kwargs)


def _add_both(self: Deferred[Any], callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
    if not callable(callback):
        return _plain_one["addBoth"](self, callback)
    return _add_callbacks(self, callback, callback, args, kwargs, args, kwargs)


def _callback(self: Deferred[Any], result: Any) -> None:
    _note_firer(self)
    _plain_callback(self, result)
    del self, result  # frames that raised refer to this one: it would be a cycle


def _errback(self: Deferred[Any], fail: Failure | BaseException | None = None) -> None:
    _note_firer(self)
    _plain_errback(self, fail)
    del self, fail  # as above


def _note_firer(deferred: Deferred[Any]) -> None:
    record: Record | None = getattr(deferred, "_record", None)
    if record is not None and not deferred.called:
        record.fired_by = origin.outside(sys._getframe(2))


#: Name -> the method as it is, and the one that remembers. Exchanged in the class, so that neither asks
#: which.
_METHODS: dict[str, tuple[Any, Any]] = {
    "__init__": (_plain_init, _init),
    "addCallbacks": (_plain_add, _add_callbacks),
    "addCallback": (_plain_one["addCallback"], _add_callback),
    "addErrback": (_plain_one["addErrback"], _add_errback),
    "addBoth": (_plain_one["addBoth"], _add_both),
    "callback": (_plain_callback, _callback),
    "errback": (_plain_errback, _errback),
}
