"""A Failure: an exception together with where it happened, to be passed around as a value."""

from __future__ import annotations

import builtins
import os
import pickle
import reprlib
import sys
import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import IO, Any, ClassVar, Literal, NoReturn, TypeVar

__all__ = ["Detail", "Failure", "NoCurrentExceptionError", "Outcome"]

Detail = Literal["default", "brief", "verbose"]
_ErrorType = TypeVar("_ErrorType", bound="type[BaseException] | str")

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

#: Frames of files in these folders are machinery: they say how a callback was reached, not what went wrong.
_MACHINERY = tuple(os.path.join(_ROOT, room, "") for room in ("reactor", "protocols", "console", "kernel"))

_shorten = reprlib.Repr()
_shorten.maxstring = _shorten.maxother = 120


class NoCurrentExceptionError(Exception):
    """`Failure()` was called without an exception outside of an `except` block."""


class Outcome:
    """What a callback may return that is not a plain value: a Failure or a Deferred.

    `kinds` holds every such class, so that the loop over the callbacks asks for both by one look into a set.
    """

    __slots__ = ()
    kinds: ClassVar[set[type]] = set()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        Outcome.kinds.add(cls)


@dataclass(frozen=True, slots=True)
class _Place:
    """One frame of a traceback, without the frame: it keeps nothing alive and can be pickled."""

    function: str
    file: str
    line: int
    is_machinery: bool
    variables: tuple[tuple[str, str], ...] = ()


class Failure(Outcome, BaseException):
    """An exception and its traceback.

    With no arguments it takes the exception that is being handled. `captureVars` keeps the local variables
    of each frame as text, so that they outlive `cleanFailure` and pickling.

    Attributes: `value` the exception, `type` its class, `tb` its traceback or None.

    Raises: NoCurrentExceptionError when there is neither an argument nor an exception being handled.
    """

    value: BaseException
    type: builtins.type[BaseException]
    tb: TracebackType | None
    _places: tuple[_Place, ...] | None
    _was_told: bool  # as unhandled; once is enough, however many Deferreds it goes through

    # Not even an empty dictionary is made for the attributes: a callback that raises costs a fifth less.
    __slots__ = ("_places", "_was_told", "tb", "type", "value")

    #: What a Deferred has in this place is its state, never negative: the loop over the callbacks asks for
    #: both at once.
    _state: ClassVar[int] = -1

    def __init__(
        self,
        exc_value: BaseException | None = None,
        exc_type: builtins.type[BaseException] | None = None,
        exc_tb: TracebackType | None = None,
        captureVars: bool = False,
    ) -> None:
        if exc_value is None:
            if exc_type is not None:
                raise TypeError(
                    f"Failure() needs the exception itself, not only its class {exc_type.__name__}"
                )
            exc_value = sys.exc_info()[1]
            if exc_value is None:
                raise NoCurrentExceptionError(
                    "no exception is being handled: call Failure() in an except block, or pass an exception: "
                    "Failure(ValueError('...'))"
                )
        elif not isinstance(exc_value, BaseException):
            raise TypeError(
                f"Failure() takes an exception, not {_shorten.repr(exc_value)}: "
                "wrap it, for example Failure(ValueError(...))"
            )
        self._was_told = False
        if isinstance(exc_value, Failure):  # `raise failure` in a callback means the exception it carries
            self.value = exc_value.value
            self.type = exc_value.type
            self.tb = exc_value.tb
            self._places = exc_value._places
        else:
            self._places = None
            self.value = exc_value
            self.type = exc_value.__class__ if exc_type is None else exc_type
            self.tb = exc_value.__traceback__ if exc_tb is None else exc_tb
        if captureVars:
            self._places = tuple(_places(self.tb, with_variables=True))

    # -- asking what it is

    def check(self, *errorTypes: _ErrorType) -> _ErrorType | None:
        """The first of `errorTypes` that the exception is an instance of, or None.

        They are classes, or qualified names of classes.
        """
        names: set[str] | None = None
        for wanted in errorTypes:
            if isinstance(wanted, str):
                if names is None:
                    names = set(self.parents)
                if wanted in names:
                    return wanted
            elif issubclass(self.type, wanted):
                return wanted
        return None

    def trap(self, *errorTypes: _ErrorType) -> _ErrorType:
        """As `check`, but anything not listed is raised again, for the next errback.

        Raises: the exception itself, when it is none of `errorTypes`.
        """
        found = self.check(*errorTypes)
        if found is not None:
            return found
        try:
            raise self.value.with_traceback(self.tb)
        finally:
            del self  # this frame is part of the traceback now, and would make a cycle

    @property
    def parents(self) -> list[str]:
        """Qualified names of the class of the exception and of all its bases, nearest first."""
        return [f"{cls.__module__}.{cls.__qualname__}" for cls in self.type.__mro__]

    @property
    def frames(self) -> list[tuple[str, str, int, list[tuple[str, str]], list[tuple[str, str]]]]:
        """Function, file, line, local variables as text (with `captureVars`), and an empty list.

        The outermost frame comes first.
        """
        return [(p.function, p.file, p.line, list(p.variables), []) for p in self._summary()]

    def getErrorMessage(self) -> str:
        """The message of the exception."""
        return str(self.value)

    # -- raising it again

    def raiseException(self) -> NoReturn:
        """Raise the exception with its original traceback. Raises: what the Failure carries."""
        try:
            raise self.value.with_traceback(self.tb)
        finally:
            del self  # this frame is part of the traceback now, and would make a cycle

    def throwExceptionIntoGenerator(self, g: Generator[Any, Any, Any]) -> Any:
        """Raise the exception inside `g`, with its original traceback; what `g` yields next is returned."""
        return g.throw(self.value.with_traceback(self.tb))

    # -- tracebacks

    def getTracebackObject(self) -> TracebackType | None:
        """The traceback, or None when the Failure was cleaned, unpickled, or never raised."""
        return self.tb

    def cleanFailure(self) -> None:
        """Let go of every frame; what a traceback shows is kept as text."""
        if self._places is None:
            self._places = tuple(_places(self.tb))
        self.tb = None
        seen: set[int] = set()
        error: BaseException | None = self.value
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            error.__traceback__ = None
            error = error.__context__

    def getTraceback(self, elideFrameworkCode: bool | int = False, detail: Detail = "default") -> str:
        """The traceback as text.

        Frames of wirelab's own machinery are folded into one line, or left out with `elideFrameworkCode`;
        the frame that raised is always shown. `detail` is "default" (as Python prints it), "brief" (one
        line per frame) or "verbose" (with local variables).
        """
        if detail not in ("default", "brief", "verbose"):
            raise ValueError(f"detail is 'default', 'brief' or 'verbose', not {detail!r}")
        shown = _folded(self._summary(with_variables=detail == "verbose"))
        kept = [item for item in shown if not (elideFrameworkCode and isinstance(item, int))]
        return "".join(_FORMATS[detail](self, kept))

    def getBriefTraceback(self) -> str:
        """`getTraceback` with one line per frame."""
        return self.getTraceback(detail="brief")

    def printTraceback(
        self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False, detail: Detail = "default"
    ) -> None:
        """Write `getTraceback` to `file` (standard error when None)."""
        (sys.stderr if file is None else file).write(self.getTraceback(elideFrameworkCode, detail))

    def printBriefTraceback(
        self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False
    ) -> None:
        """`printTraceback` with one line per frame."""
        self.printTraceback(file, elideFrameworkCode, detail="brief")

    def printDetailedTraceback(
        self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False
    ) -> None:
        """`printTraceback` with the local variables."""
        self.printTraceback(file, elideFrameworkCode, detail="verbose")

    def _summary(self, with_variables: bool = False) -> tuple[_Place, ...]:
        if self._places is not None:
            return self._places
        return tuple(_places(self.tb, with_variables))

    def __repr__(self) -> str:
        return f"<Failure {_qualified(self.type)}: {_message(self.value)}>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        value: BaseException = self.value
        try:
            pickle.dumps(value)
        except Exception as error:  # whatever a user's __reduce__ raises: the Failure must still travel
            value = _Unpicklable(f"{_message(self.value)} (could not be pickled: {error})")
        return _unpickle, (self.__class__, value, self._summary())


class _Unpicklable(Exception):
    """Stands for an exception that pickle refused."""


def _unpickle(cls: type[Failure], value: BaseException, places: tuple[_Place, ...]) -> Failure:
    failure = cls.__new__(cls)
    Failure.__init__(failure, value)
    failure._places = places
    return failure


def is_machinery(filename: str) -> bool:
    """Whether a source file is wirelab's own."""
    return filename.startswith(_MACHINERY)


_new = Failure.__new__


def caught(error: BaseException) -> Failure:
    """The Failure for an exception just caught by our own machinery, whose frame (the outermost) is cut off.

    The cut is not cosmetic: that frame's local variables would hold the Failure, and make a reference cycle.
    """
    trace = error.__traceback__
    if trace is not None:
        error.__traceback__ = trace = trace.tb_next
    if type(error) in Outcome.kinds:  # a raised Failure
        return Failure(error)
    # What Failure(error) does, at a third of its cost.
    failure = _new(Failure)
    failure._places = None
    failure._was_told = False
    failure.value = error
    failure.type = error.__class__
    failure.tb = trace
    return failure


def _places(trace: TracebackType | None, with_variables: bool = False) -> Iterator[_Place]:
    while trace is not None:
        frame = trace.tb_frame
        code = frame.f_code
        variables = _variables(frame) if with_variables else ()
        yield _Place(
            code.co_name,
            code.co_filename,
            trace.tb_lineno,
            is_machinery(code.co_filename),
            variables,
        )
        trace = trace.tb_next


def _variables(frame: FrameType) -> tuple[tuple[str, str], ...]:
    return tuple((name, _safe_repr(value)) for name, value in frame.f_locals.items())


def _safe_repr(value: object) -> str:
    try:
        return _shorten.repr(value)
    except Exception as error:  # a user's __repr__ must not hide the failure that is being shown
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as problem:  # as above
        return f"<message unavailable: __str__ raised {type(problem).__name__}>"


def _qualified(cls: type[BaseException]) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _folded(places: tuple[_Place, ...]) -> list[_Place | int]:
    """The frames to show; a number stands for that many frames of machinery in a row."""
    shown: list[_Place | int] = []
    last = len(places) - 1
    for number, place in enumerate(places):
        if not place.is_machinery or number == last:
            shown.append(place)
        elif shown and isinstance(shown[-1], int):
            shown[-1] += 1
        else:
            shown.append(1)
    return shown


def _fold_line(count: int) -> str:
    return f"  [{count} frame{'s' if count > 1 else ''} of wirelab]\n"


_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def _default(failure: Failure, shown: list[_Place | int]) -> Iterator[str]:
    elides = not any(isinstance(item, int) for item in shown)
    for earlier, how in _earlier(failure.value):
        places = _folded(tuple(_places(earlier.__traceback__)))
        yield from _plain(earlier, [item for item in places if not (elides and isinstance(item, int))])
        yield how
    yield from _plain(failure.value, shown)


def _earlier(error: BaseException) -> list[tuple[BaseException, str]]:
    """The exceptions that led to `error`, the first one first, each with how it led on."""
    found: list[tuple[BaseException, str]] = []
    seen = {id(error)}
    while True:
        if error.__cause__ is not None:
            earlier, how = error.__cause__, _CAUSE
        elif error.__context__ is not None and not error.__suppress_context__:
            earlier, how = error.__context__, _CONTEXT
        else:
            break
        if id(earlier) in seen:
            break
        seen.add(id(earlier))
        found.append((earlier, how))
        error = earlier
    return found[::-1]


def _plain(error: BaseException, shown: list[_Place | int]) -> Iterator[str]:
    yield "Traceback (most recent call last):\n"
    for item in shown:
        if isinstance(item, int):
            yield _fold_line(item)
        else:
            yield from traceback.format_list([traceback.FrameSummary(item.file, item.line, item.function)])
    yield from traceback.format_exception_only(error)


def _brief(failure: Failure, shown: list[_Place | int]) -> Iterator[str]:
    yield f"Traceback: {failure.type}: {_message(failure.value)}\n"
    for item in shown:
        yield _fold_line(item) if isinstance(item, int) else f"{item.file}:{item.line}:{item.function}\n"


def _verbose(failure: Failure, shown: list[_Place | int]) -> Iterator[str]:
    yield "*--- Failure ---\n"
    for item in shown:
        if isinstance(item, int):
            yield _fold_line(item)
            continue
        yield f"{item.file}:{item.line}: {item.function}(...)\n"
        if item.variables:
            yield " [ Locals ]\n"
        for name, text in item.variables:
            yield f"  {name} : {text}\n"
    yield from traceback.format_exception_only(failure.value)
    yield "*--- End of Failure ---\n"


_FORMATS = {"default": _default, "brief": _brief, "verbose": _verbose}
