"""What a Deferred tells about itself: repr, describe, and what it remembers when debugging is on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from wirelab.reactor import defer
from wirelab.reactor.defer import Deferred, DeferredState, Link, ensureDeferred, recording


@pytest.fixture
def debugging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Debugging on, and the time, which may be changed."""
    now = [100.0]
    monkeypatch.setattr(recording.time, "monotonic", lambda: now[0])
    defer.setDebugging(True)
    yield now
    defer.setDebugging(False)


def double(x: int) -> int:
    return x * 2


def boom(_: object) -> None:
    raise ValueError("boom")


def forget(_: object) -> None:
    return None


async def waiter(d: Deferred[Any]) -> None:
    await d


def make() -> Deferred[Any]:
    return Deferred()


MADE = f"{__file__}:{make.__code__.co_firstlineno + 1} in make"


def test_debugging_is_off_until_set() -> None:
    assert not defer.getDebugging()
    defer.setDebugging(True)
    assert defer.getDebugging()
    defer.setDebugging(False)
    assert not defer.getDebugging()


def test_off_it_leaves_the_methods_as_they_were() -> None:
    before = dict(vars(Deferred))
    defer.setDebugging(True)
    assert dict(vars(Deferred)) != before
    defer.setDebugging(False)
    assert dict(vars(Deferred)) == before


def fire(d: Deferred[Any]) -> None:
    d.callback(21)


def fail(d: Deferred[Any]) -> None:
    d.errback(ValueError("bad"))


def wait_for_another(d: Deferred[Any]) -> None:
    d.addCallback(lambda _: Deferred())
    d.callback(1)


def fire_paused(d: Deferred[Any]) -> None:
    d.pause()
    d.callback(5)


@pytest.mark.parametrize(
    ("do", "state", "result"),
    [
        (forget, "waiting", None),
        (fire, "fired", "21"),
        (fail, "failed", "ValueError: bad"),
        (wait_for_another, "chained", None),
        (fire_paused, "paused", "5"),
        (lambda d: d.pause(), "paused", None),
    ],
)
@pytest.mark.parametrize("is_on", [False, True])
def test_state_and_result(
    do: Callable[[Deferred[Any]], object], state: str, result: str, is_on: bool
) -> None:
    defer.setDebugging(is_on)
    try:
        d = make()
        do(d)
        described = d.describe()
    finally:
        defer.setDebugging(False)
    assert (described.state, described.result, described.origin) == (state, result, MADE)
    assert (described.age is None) != is_on
    if d.called:
        d.addErrback(forget)


@pytest.mark.usefixtures("debugging")
def test_chain_has_what_ran_and_what_is_to_come() -> None:
    d = make()
    d.addCallback(double).addErrback(forget)
    d.addCallback(boom).addErrback(forget)
    inner: Deferred[Any] = Deferred()
    d.addCallback(lambda _: inner)
    d.addCallbacks(double, forget)
    d.addBoth(partial(double))
    later = ensureDeferred(waiter(d))
    d.callback(4)
    chain = d.describe().chain
    assert chain[:3] == (
        Link("double", "callback", "8"),
        Link("boom", "callback", "ValueError: boom", raised=True),
        Link("forget", "errback", "None"),
    )
    assert chain[3].name.endswith("<lambda>")
    assert chain[3].returned is not None
    assert chain[3].returned.startswith("<Deferred waiting")
    assert [(link.name, link.kind, link.returned) for link in chain[4:]] == [
        ("double", "callback", None),
        ("double", "callback", None),
        ("waiter", "await", None),
    ]
    assert [link.kind for link in inner.describe().chain] == ["deferred"]
    inner.callback(1)
    assert later.called


def test_what_is_to_come_is_known_without_debugging() -> None:
    d = make()
    d.addCallback(double).addErrback(forget)
    assert d.describe().chain == (Link("double", "callback"), Link("forget", "errback"))


def test_who_fired_it_is_known_when_debugging(debugging: list[float]) -> None:
    d = make()
    fire(d)
    place = f"{__file__}:{fire.__code__.co_firstlineno + 1} in fire"
    assert d.describe().fired_by == place
    with pytest.raises(defer.AlreadyCalledError, match=re.escape(f"was fired already, at {place}")):
        fire(d)


def test_who_fired_it_can_be_found_out() -> None:
    d = make()
    fire(d)
    with pytest.raises(defer.AlreadyCalledError, match=r"setDebugging\(True\) before it is made"):
        fire(d)


def test_age_is_seconds_since_it_was_made(debugging: list[float]) -> None:
    d = make()
    debugging[0] += 0.34
    assert d.describe().age == pytest.approx(0.34)
    assert repr(d) == str(d) == f"<Deferred waiting 0.3 s, made at {MADE.rpartition('/')[2]}>"


@pytest.mark.usefixtures("debugging")
def test_made_in_every_way_it_remembers() -> None:
    @defer.inlineCallbacks
    def generator() -> Any:
        yield defer.succeed(1)

    for d in (
        defer.succeed(1),
        defer.maybeDeferred(lambda: 1),
        ensureDeferred(waiter(defer.succeed(1))),
        generator(),
        defer.gatherResults([defer.succeed(1)]),
    ):
        state = d.describe()
        assert state.age is not None
        assert state.origin is not None
        assert "test_made_in_every_way_it_remembers" in state.origin


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        (forget, "<Deferred waiting, made at "),
        (fire, "<Deferred fired: 21, made at "),
        (fail, "<Deferred failed: ValueError: bad, made at "),
        (wait_for_another, "<Deferred waiting for another Deferred, made at "),
        (fire_paused, "<Deferred paused: 5, made at "),
    ],
)
def test_repr_is_one_readable_line(do: Callable[[Deferred[Any]], object], expected: str) -> None:
    d = make()
    do(d)
    assert repr(d).startswith(expected)
    assert "\n" not in repr(d)
    if d.called:
        d.addErrback(forget)


@pytest.mark.parametrize("result", ["x" * 10_000, b"x" * 10_000, bytearray(10_000), list(range(10_000))])
@pytest.mark.usefixtures("debugging")
def test_long_results_are_shortened(result: Any) -> None:
    d = make()
    d.addCallback(lambda x: x)
    d.callback(result)
    assert len(repr(d)) < 250
    (link,) = d.describe().chain
    assert link.returned is not None
    assert len(link.returned) < 150


@pytest.mark.usefixtures("debugging")
def test_result_that_cannot_be_shown_harms_nobody() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    d = make()
    d.addCallback(lambda x: x)
    d.callback(Rude())
    assert "Rude" in repr(d)


@pytest.mark.usefixtures("debugging")
def test_remembered_callbacks_are_bounded() -> None:
    d = make()
    for _ in range(recording.LINKS + 50):
        d.addCallback(lambda x: x)
    d.callback(1)
    assert len(d.describe().chain) == recording.LINKS


@pytest.mark.usefixtures("debugging")
def test_misuse_is_refused_when_debugging_as_well() -> None:
    for method in ("addCallback", "addErrback", "addBoth", "addCallbacks"):
        with pytest.raises(TypeError, match=rf"{method}\(\) takes a function, not 5"):
            getattr(make(), method)(5)


@pytest.mark.usefixtures("debugging")
def test_arguments_and_errors_are_as_without_debugging() -> None:
    d = make()
    seen: list[Any] = []
    d.addCallback(lambda r, *a, **k: seen.append((r, a, k)), 1, two=2)
    d.addBoth(lambda r, *a, **k: seen.append((r, a, k)) or boom(r), 3, four=4)
    d.addErrback(lambda f, *a, **k: seen.append((f.type, a, k)) or f.trap(KeyError), 5, six=6)
    d.addErrback(lambda f: seen.append([frame[0] for frame in f.frames]))
    d.callback(0)
    assert seen[:3] == [(0, (1,), {"two": 2}), (None, (3,), {"four": 4}), (ValueError, (5,), {"six": 6})]
    assert seen[3] == ["<lambda>", "boom"]


def test_made_before_debugging_it_goes_on_as_it_was() -> None:
    d = make()
    defer.setDebugging(True)
    try:
        d.addCallback(double)
        d.callback(2)
    finally:
        defer.setDebugging(False)
    assert d.result == 4
    assert d.describe().age is None


def test_state_reads_well() -> None:
    state = DeferredState(
        "failed",
        0.25,
        "a.py:1 in f",
        "b.py:2 in g",
        (Link("h", "callback", "5"), Link("i", "errback")),
        "KeyError",
    )
    assert str(state) == (
        "failed, 0.2 s, KeyError, made at a.py:1 in f, fired at b.py:2 in g\n"
        "  callback h -> 5\n"
        "  errback i: not yet"
    )
