"""A wrong argument to what makes, waits for and times things is told in one line, where it was passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wirelab.reactor import defer, task
from wirelab.reactor.defer import Deferred

NOT: Any = 5
"An argument that is no Deferred, function, clock or path."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Deferred(NOT), "Deferred() takes a canceller to call, not 5"),
        (
            lambda: Deferred[int]().addTimeout(1, None),
            "addTimeout() takes the clock to go by, not None: addTimeout(1, reactor)",
        ),
        (lambda: Deferred[int]().asFuture(NOT), "asFuture() takes an asyncio loop, not 5"),
        (lambda: Deferred.fromFuture(NOT), "fromFuture() takes an asyncio Future or Task, not 5"),
        (lambda: defer.inlineCallbacks(NOT), "inlineCallbacks() takes a generator function, not 5"),
        (lambda: defer.DeferredList(NOT), "DeferredList() takes a list of Deferreds, not 5"),
        (
            lambda: defer.gatherResults(Deferred()),  # type: ignore[arg-type]  # that is what is wrong with it
            "DeferredList() takes a list of Deferreds, not <Deferred waiting",
        ),
        (lambda: defer.race(NOT), "race() takes a list of Deferreds, not 5"),
        (
            lambda: defer.DeferredSemaphore("2"),  # type: ignore[arg-type]  # as above
            "DeferredSemaphore takes a number of tokens, not '2'",
        ),
        (
            lambda: defer.DeferredFilesystemLock(NOT),
            "DeferredFilesystemLock takes the path of the lock as text, not 5",
        ),
        (
            lambda: task.deferLater(NOT, 1),
            "deferLater() takes the clock to go by first, not 5: deferLater(reactor, 1, f)",
        ),
        (lambda: task.react(NOT), "react() takes the main function to call with the reactor, not 5"),
        (lambda: task.Clock().advance("1"), "advance() takes seconds as a number, not '1'"),  # type: ignore[arg-type]
        (lambda: task.Clock().pump(NOT), "pump() takes a list of seconds, not 5: advance(5) takes one"),
    ],
)
def test_wrong_type_is_told(call: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("limit", ["size", "backlog"])
@pytest.mark.parametrize("wrong", [-1, "3"])
def test_queue_refuses_a_limit_that_is_none(limit: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"DeferredQueue takes a {limit} of 0 or more, or None"):
        defer.DeferredQueue[int](**{limit: wrong})
