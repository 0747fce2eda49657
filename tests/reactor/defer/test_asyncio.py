"""Deferreds among asyncio's tasks and futures: in C, in Python, on uvloop."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
import uvloop

from wirelab.reactor import defer
from wirelab.reactor.defer import Deferred, ensureDeferred, inlineCallbacks
from wirelab.reactor.failure import Failure

Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
PyTask: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]
CTask: Any = asyncio.tasks._CTask  # type: ignore[attr-defined]


@pytest.fixture(scope="module", autouse=True)
def uvloop_has_run() -> None:
    """The first loop of uvloop in a process opens a pipe for signals that stays open."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))


@pytest.fixture(params=["C task", "Python task", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs an async function as a task of the kind."""

    def run(function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        kind = CTask if request.param == "C task" else PyTask
        with asyncio.Runner(
            loop_factory=uvloop.new_event_loop if request.param == "uvloop" else None
        ) as runner:
            loop = runner.get_loop()
            if request.param != "uvloop":
                loop.set_task_factory(
                    lambda loop, coroutine, **options: kind(coroutine, loop=loop, **options)
                )
            return runner.run(function())

    return run


def soon(d: Deferred[Any], result: Any) -> None:
    """Fire `d` in the next turn of the loop."""
    fire = d.errback if isinstance(result, BaseException) else d.callback
    asyncio.get_running_loop().call_soon(fire, result)


def outcome(d: Deferred[Any]) -> list[Any]:
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


# -- Deferreds in tasks


@pytest.mark.parametrize("result", [3, None, ""])
def test_await_gives_the_result_and_leaves_it(run: Run, result: Any) -> None:
    async def main() -> None:
        d: Deferred[Any] = Deferred()
        soon(d, result)
        assert await d == result
        assert await d == result
        assert await defer.succeed(result) == result

    run(main)


def test_fired_deferred_is_awaited_without_a_turn_of_the_loop(run: Run) -> None:
    async def main() -> None:
        turns: list[int] = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await defer.succeed(1)
        with pytest.raises(ValueError):
            await defer.fail(ValueError())
        assert not turns

    run(main)


def test_await_raises_the_failure_which_is_handled(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        for d in (Deferred[Any](), defer.fail(ValueError("x"))):
            if not d.called:
                soon(d, ValueError("x"))
            with pytest.raises(ValueError, match="x"):
                await d

    run(main)
    assert not caplog.records


def test_callbacks_added_later_do_not_change_what_is_awaited(run: Run) -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        task = asyncio.ensure_future(wait(d))
        await asyncio.sleep(0)
        d.addCallback(lambda x: x * 100)
        d.callback(1)
        assert await task == 1

    async def wait(d: Deferred[int]) -> int:
        return await d

    run(main)


def test_several_tasks_await_one_deferred(run: Run) -> None:
    async def wait(d: Deferred[int]) -> int:
        return await d

    async def main() -> None:
        d: Deferred[int] = Deferred()
        soon(d, 3)
        assert await asyncio.gather(wait(d), wait(d), d, d) == [3, 3, 3, 3]

    run(main)


def test_wait_for_gives_the_result(run: Run) -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        soon(d, 3)
        assert await asyncio.wait_for(d, 10) == 3

    run(main)


@pytest.mark.parametrize("way", ["wait_for", "timeout"])
def test_time_limit_cancels_the_deferred(run: Run, way: str) -> None:
    async def main() -> None:
        cancelled: list[Any] = []
        d: Deferred[int] = Deferred(cancelled.append)
        with pytest.raises(TimeoutError):
            if way == "wait_for":
                await asyncio.wait_for(d, 0.001)
            else:
                async with asyncio.timeout(0.001):
                    await d
        assert cancelled == [d]

    run(main)


def test_task_group_cancels_the_deferreds_of_the_others(run: Run) -> None:
    async def wait(d: Deferred[int]) -> int:
        return await d

    async def main() -> None:
        waited: Deferred[int] = Deferred()
        failing: Deferred[int] = Deferred()
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.TaskGroup() as group:
                group.create_task(wait(waited))
                group.create_task(wait(failing))
                soon(failing, ValueError("x"))
        assert [str(error) for error in raised.value.exceptions] == ["x"]
        assert waited.called

    run(main)


def test_cancelled_task_cancels_the_deferred_and_sees_asyncios_CancelledError(run: Run) -> None:
    async def wait(d: Deferred[int]) -> None:
        with pytest.raises(asyncio.CancelledError):
            await d
        raise asyncio.CancelledError

    async def main() -> None:
        cancelled: list[Any] = []
        d: Deferred[int] = Deferred(cancelled.append)
        task = asyncio.ensure_future(wait(d))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert cancelled == [d]

    run(main)


def test_cancelled_task_waits_for_the_cleaning_up(run: Run) -> None:
    async def wait(d: Deferred[int]) -> None:
        await d

    async def main() -> None:
        cleaning: Deferred[None] = Deferred()
        d: Deferred[int] = Deferred()
        d.addErrback(lambda failure: cleaning.addCallback(lambda _: failure))
        task = asyncio.ensure_future(wait(d))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        cleaning.callback(None)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)


@pytest.mark.parametrize("late", ["result", "failure"])
def test_cancelled_task_sees_CancelledError_whatever_the_deferred_gives(
    run: Run, late: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait(d: Deferred[Any]) -> None:
        await d

    async def main() -> None:
        d: Deferred[Any] = Deferred(
            lambda d: d.callback(1) if late == "result" else d.errback(ValueError("in cleaning up"))
        )
        task = asyncio.ensure_future(wait(d))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)
    gc.collect()  # a Task and its exception refer to each other
    assert ["in cleaning up" in record.message for record in caplog.records] == [True] * (late == "failure")


def test_deferred_cancelled_by_somebody_else_raises_our_CancelledError(run: Run) -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        asyncio.get_running_loop().call_soon(d.cancel)
        with pytest.raises(defer.CancelledError):
            await d

    run(main)


def test_cancel_before_the_task_has_started_to_wait(run: Run) -> None:
    async def wait(d: Deferred[int]) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await d

    async def main() -> None:
        d: Deferred[int] = Deferred()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.ensure_future(wait(d))
        assert d.called

    run(main)


def test_shielded_deferred_is_not_cancelled(run: Run) -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(d), 0.001)
        assert not d.called
        d.callback(1)
        await asyncio.sleep(0)

    run(main)


def test_deferred_is_no_asyncio_future() -> None:
    assert not asyncio.isfuture(Deferred())


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


def test_task_goes_on_in_its_own_context(run: Run) -> None:
    async def main() -> None:
        variable.set("task")
        d: Deferred[None] = Deferred()
        firer = contextvars.Context()
        firer.run(variable.set, "firer")
        asyncio.get_running_loop().call_soon(d.callback, None, context=firer)
        await d
        assert variable.get() == "task"

    run(main)


# -- futures and asyncio's coroutines in ours


@inlineCallbacks
def yielding(awaitable: Any) -> Generator[Any, Any, Any]:
    result = yield awaitable
    return result


async def awaiting(awaitable: Any) -> Any:
    return await awaitable


@pytest.mark.parametrize("wait", [yielding, lambda a: ensureDeferred(awaiting(a))], ids=["yield", "await"])
class TestOurCoroutinesWaitFor:
    def test_future_with_result(self, run: Run, wait: Callable[[Any], Deferred[Any]]) -> None:
        async def main() -> None:
            future = asyncio.get_running_loop().create_future()
            d = wait(future)
            future.set_result(3)
            assert not d.called
            assert await d == 3
            assert await wait(future) == 3

        run(main)

    def test_future_with_exception(self, run: Run, wait: Callable[[Any], Deferred[Any]]) -> None:
        async def main() -> None:
            future = asyncio.get_running_loop().create_future()
            d = wait(future)
            future.set_exception(ValueError("x"))
            with pytest.raises(ValueError, match="x"):
                await d

        run(main)

    def test_cancelled_future_as_our_CancelledError(
        self, run: Run, wait: Callable[[Any], Deferred[Any]]
    ) -> None:
        async def main() -> None:
            future = asyncio.get_running_loop().create_future()
            d = wait(future)
            future.cancel()
            with pytest.raises(defer.CancelledError):
                await d

        run(main)

    def test_task_that_is_cancelled_with_the_deferred(
        self, run: Run, wait: Callable[[Any], Deferred[Any]]
    ) -> None:
        async def main() -> None:
            task = asyncio.ensure_future(asyncio.sleep(60))
            d = wait(task)
            await asyncio.sleep(0)
            d.cancel()
            with pytest.raises(defer.CancelledError):
                await d
            assert task.cancelled()

        run(main)

    def test_coroutine_of_asyncio(self, run: Run, wait: Callable[[Any], Deferred[Any]]) -> None:
        async def main() -> None:
            assert await wait(asyncio.sleep(0.001, "slept")) == "slept"
            assert await wait(asyncio.sleep(0, "yielded")) == "yielded"

        run(main)


def test_bare_yield_waits_a_turn_of_the_loop(run: Run) -> None:
    async def main() -> None:
        turns: list[int] = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await ensureDeferred(awaiting(asyncio.sleep(0)))
        assert turns

    run(main)


def test_coroutine_keeps_its_context_across_a_future(run: Run) -> None:
    async def ours(future: asyncio.Future[None]) -> str:
        variable.set("ours")
        await future
        return variable.get()

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        d = ensureDeferred(ours(future))
        future.set_result(None)
        assert await d == "ours"
        assert variable.get() == "none"

    run(main)


# -- conversion


def test_asFuture_has_the_result(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        d: Deferred[int] = Deferred()
        future = d.asFuture(loop)
        d.callback(3)
        assert await future == 3
        with pytest.raises(ValueError):
            await defer.fail(ValueError()).asFuture(loop)
        failing: Deferred[int] = Deferred()
        failing_future = failing.asFuture(loop)
        failing.errback(ValueError())
        with pytest.raises(ValueError):
            await failing_future

    run(main)


def test_cancelling_asFuture_cancels_the_deferred(run: Run) -> None:
    async def main() -> None:
        cancelled: list[Any] = []
        d: Deferred[int] = Deferred(cancelled.append)
        future = d.asFuture(asyncio.get_running_loop())
        future.cancel()
        await asyncio.sleep(0)
        assert cancelled == [d]

    run(main)


def test_fromFuture_has_the_result(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for result in (3, ValueError("x")):
            future = loop.create_future()
            found = outcome(Deferred.fromFuture(future))
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
            await asyncio.sleep(0)
            assert found == [result]

    run(main)


def test_fromFuture_and_cancelling_both_ways(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        d: Deferred[None] = Deferred.fromFuture(future)
        d.cancel()
        assert future.cancelled()
        assert isinstance(outcome(d)[0], defer.CancelledError)
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.cancel()
        await asyncio.sleep(0)
        assert isinstance(outcome(d)[0], defer.CancelledError)

    run(main)
