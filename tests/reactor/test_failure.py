"""Failure: an exception as a value, with where it happened."""

from __future__ import annotations

import io
import os
import pickle
import sys
import traceback
from collections.abc import Generator
from typing import Any

import pytest

from wirelab.reactor import defer
from wirelab.reactor.failure import Failure, NoCurrentExceptionError

HERE = os.path.abspath(__file__)


class Special(ValueError):
    """An error of ours."""


def raising(message: str = "x") -> None:
    local = "seen in verbose tracebacks"
    raise Special(message)
    print(local)


def failed() -> Failure:
    try:
        raising()
    except Special:
        return Failure()
    raise AssertionError


# -- making one


def test_takes_the_exception_being_handled() -> None:
    try:
        raise Special("x")
    except Special as error:
        failure = Failure()
        assert failure.value is error
        assert failure.type is Special
        assert failure.tb is error.__traceback__


def test_takes_an_exception_with_its_traceback() -> None:
    error = Special("x")
    assert Failure(error).tb is None
    try:
        raise error
    except Special:
        pass
    failure = Failure(error)
    assert (failure.value, failure.type, failure.tb) == (error, Special, error.__traceback__)


def test_takes_class_and_traceback_when_given() -> None:
    try:
        raise ValueError
    except ValueError:
        trace = sys.exc_info()[2]
    failure = Failure(Special(), ValueError, trace)
    assert failure.type is ValueError
    assert failure.getTracebackObject() is trace


def test_of_a_failure_carries_the_same_exception() -> None:
    failure = failed()
    again = Failure(failure)
    assert (again.value, again.type, again.tb) == (failure.value, failure.type, failure.tb)


def test_without_exception_is_refused() -> None:
    with pytest.raises(NoCurrentExceptionError, match=r"pass an exception: Failure\(ValueError"):
        Failure()


@pytest.mark.parametrize("given", ["text", 5, ValueError])
def test_of_something_else_is_refused_with_the_right_call(given: Any) -> None:
    with pytest.raises(TypeError, match=r"Failure\(\) takes an exception, not .*wrap it"):
        Failure(given)


def test_of_a_class_without_exception_is_refused() -> None:
    with pytest.raises(TypeError, match="needs the exception itself, not only its class ValueError"):
        Failure(None, ValueError)


# -- asking what it is


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((Special,), Special),
        ((ValueError,), ValueError),
        ((KeyError, Exception), Exception),
        ((KeyError,), None),
        ((), None),
        (("builtins.ValueError",), "builtins.ValueError"),
        ((f"{Special.__module__}.Special",), f"{Special.__module__}.Special"),
        (("Special", KeyError), None),
    ],
)
def test_check_gives_the_first_that_fits(wanted: tuple[Any, ...], found: Any) -> None:
    assert failed().check(*wanted) is found or failed().check(*wanted) == found


def test_trap_gives_what_fits_and_raises_the_rest() -> None:
    failure = failed()
    assert failure.trap(KeyError, ValueError) is ValueError
    with pytest.raises(Special) as raised:
        failure.trap(KeyError)
    assert raised.value is failure.value


def test_parents_are_qualified_names_nearest_first() -> None:
    assert failed().parents[:3] == [
        f"{Special.__module__}.Special",
        "builtins.ValueError",
        "builtins.Exception",
    ]


def test_getErrorMessage_is_the_message() -> None:
    assert failed().getErrorMessage() == "x"
    inner = failed()
    assert Failure(ValueError(inner)).getErrorMessage() == str(inner)


def test_repr_is_one_readable_line() -> None:
    assert repr(Failure(ValueError("x"))) == str(Failure(ValueError("x"))) == "<Failure ValueError: x>"
    assert repr(failed()) == f"<Failure {Special.__module__}.Special: x>"


# -- raising it again


def test_raiseException_raises_with_the_original_traceback() -> None:
    failure = failed()
    for _ in range(3):  # it must not grow each time
        with pytest.raises(Special) as raised:
            failure.raiseException()
        names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
        assert names.count("raising") == 1
    assert names[-1] == "raising"


def test_raised_itself_it_is_caught_as_BaseException() -> None:
    with pytest.raises(BaseException) as raised:
        raise failed()
    assert isinstance(raised.value, Failure)


def test_throwExceptionIntoGenerator_gives_what_is_yielded_next() -> None:
    def generator() -> Generator[str, None, None]:
        try:
            yield "first"
        except Special as error:
            yield f"caught {error}"

    g = generator()
    next(g)
    assert failed().throwExceptionIntoGenerator(g) == "caught x"


# -- tracebacks


def test_traceback_shows_the_users_frames_as_python_does() -> None:
    text = failed().getTraceback()
    lines = text.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == f"{Special.__module__}.Special: x"
    assert f'File "{HERE}", line ' in text
    assert "in raising" in lines[-3]
    assert lines[-2] == "    raise Special(message)"


def chained_failure() -> Failure:
    """Raised by a callback below several frames of machinery."""

    def outer(_: object) -> None:
        inner: defer.Deferred[int] = defer.Deferred()
        inner.addCallback(lambda _: raising())
        inner.callback(1)
        found: list[Failure] = []
        inner.addErrback(found.append)
        found[0].raiseException()

    d = defer.succeed(1).addCallback(outer)
    found: list[Failure] = []
    d.addErrback(found.append)
    return found[0]


def test_machinery_is_folded_into_one_line() -> None:
    text = chained_failure().getTraceback()
    assert "reactor" + os.sep + "defer" not in text
    assert "  [1 frame of wirelab]\n" in text
    assert text.index("in outer") < text.index("[1 frame of wirelab]") < text.index("in raising")


def test_machinery_is_left_out_on_request() -> None:
    text = chained_failure().getTraceback(elideFrameworkCode=True)
    assert "wirelab]" not in text
    assert "in raising" in text


def test_frame_that_raised_is_shown_even_if_it_is_ours() -> None:
    try:
        defer.Deferred().addCallback(5)  # type: ignore[arg-type]
    except TypeError:
        text = Failure().getTraceback()
    assert f"deferred.py{chr(34)}, line" in text
    assert "in addCallback" in text


def test_callback_of_a_deferred_has_no_frame_of_machinery_above() -> None:
    d = defer.succeed(1).addCallback(lambda _: raising())
    found: list[Failure] = []
    d.addErrback(found.append)
    assert [frame[0] for frame in found[0].frames] == ["<lambda>", "raising"]


def test_brief_has_a_line_per_frame() -> None:
    lines = failed().getBriefTraceback().splitlines()
    assert lines[0] == f"Traceback: {Special}: x"
    assert lines[-1].startswith(f"{HERE}:")
    assert lines[-1].endswith(":raising")


def test_verbose_has_local_variables() -> None:
    text = failed().getTraceback(detail="verbose")
    assert text.startswith("*--- Failure ---\n")
    assert "  local : 'seen in verbose tracebacks'\n" in text
    assert text.endswith("*--- End of Failure ---\n")


def test_unknown_detail_is_refused() -> None:
    with pytest.raises(ValueError, match="'default', 'brief' or 'verbose', not 'long'"):
        failed().getTraceback(detail="long")  # type: ignore[arg-type]


def test_print_methods_write_the_same() -> None:
    failure = failed()
    for method, text in [
        (failure.printTraceback, failure.getTraceback()),
        (failure.printBriefTraceback, failure.getBriefTraceback()),
        (failure.printDetailedTraceback, failure.getTraceback(detail="verbose")),
    ]:
        file = io.StringIO()
        method(file)
        assert file.getvalue() == text


def test_print_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    failed().printBriefTraceback()
    assert capsys.readouterr().err.startswith("Traceback: ")


def test_causes_and_contexts_are_shown() -> None:
    try:
        try:
            raising("first")
        except Special as error:
            raise KeyError("second") from error
    except KeyError:
        text = Failure().getTraceback()
    assert text.index("Special: first") < text.index("direct cause") < text.index("KeyError: 'second'")


def test_notes_are_shown() -> None:
    error = ValueError("x")
    error.add_note("remember the milk")
    assert "remember the milk" in Failure(error).getTraceback()


def test_without_frames_there_is_still_a_traceback() -> None:
    assert Failure(ValueError("x")).getTraceback() == "Traceback (most recent call last):\nValueError: x\n"


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize("detail", ["default", "brief", "verbose"])
def test_error_that_cannot_be_shown_does_not_raise(detail: Any) -> None:
    def raises() -> None:
        rude = Rude()
        raise rude

    try:
        raises()
    except Rude:
        failure = Failure(captureVars=True)
    assert failure.getTraceback(detail=detail)
    assert "message unavailable" in repr(failure)


# -- keeping it


def test_cleanFailure_lets_go_of_frames_and_keeps_the_text() -> None:
    failure = failed()
    text = failure.getTraceback()
    failure.cleanFailure()
    assert failure.getTracebackObject() is None
    assert failure.value.__traceback__ is None
    assert failure.getTraceback() == text


def test_cleanFailure_keeps_captured_variables() -> None:
    try:
        raising()
    except Special:
        failure = Failure(captureVars=True)
    failure.cleanFailure()
    assert "seen in verbose tracebacks" in failure.getTraceback(detail="verbose")
    assert dict(failure.frames[-1][3])["local"] == "'seen in verbose tracebacks'"


def test_cleanFailure_follows_contexts_that_go_in_circles() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    Failure(first).cleanFailure()


def test_pickled_it_keeps_exception_and_text() -> None:
    failure = failed()
    again = pickle.loads(pickle.dumps(failure))
    assert isinstance(again, Failure)
    assert again.type is Special
    assert again.value.args == ("x",)
    assert again.getTracebackObject() is None
    assert again.getTraceback() == failure.getTraceback()
    assert again.check(ValueError)


def test_exception_that_cannot_be_pickled_is_replaced_by_its_description() -> None:
    failure = Failure(ValueError(lambda: None))
    again = pickle.loads(pickle.dumps(failure))
    assert "could not be pickled" in again.getErrorMessage()


def test_long_variables_are_shortened() -> None:
    def raises() -> None:
        long = "x" * 10_000
        raise ValueError(len(long))

    try:
        raises()
    except ValueError:
        text = Failure().getTraceback(detail="verbose")
    assert len(text) < 2_000
