"""Running a program and waiting for what it gives: its output, its exit code, or both.

Each function gives a Deferred, so ``out = await getProcessOutput("/bin/date")`` works too. When it is
cancelled, or `timeout` seconds have passed, or the program has put out more than `limit` octets, the program
is killed. Its standard input is empty unless it is given some.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .defer import CancelledError, Deferred, TimeoutError, fail
from .error import ProcessTerminated
from .failure import Failure
from .processes import EMPTY
from .protocol import ProcessProtocol
from .proxy import reactor as _the_reactor
from .stream import checked_bytes

OUTPUT_LIMIT = 1 << 26
"""Octets of output, both kinds together, that are kept for the caller: 64 MiB, what memory can spare."""


class OutputLimitError(Exception):
    """The program put out more than the limit, and was killed for it."""


class UnexpectedErrorOutput(OSError):
    """The program wrote to its standard error, and was killed; `processEnded` fires when it has ended."""

    def __init__(self, text: bytes, processEnded: Deferred[None]) -> None:
        super().__init__(f"got output on standard error: {text!r}")
        self.processEnded = processEnded


class ProcessSignalled(ProcessTerminated):
    """A signal ended the program. `out` and `err` are what it had put out.

    It unpacks like the tuple (out, err, signal) that programs know in its place.
    """

    def __init__(self, out: bytes, err: bytes, signal: int, status: int | None) -> None:
        super().__init__(None, signal, status)
        self.out = out
        self.err = err

    def __iter__(self) -> Iterator[Any]:
        return iter((self.out, self.err, self.signal))

    def __getitem__(self, index: int) -> Any:
        return (self.out, self.err, self.signal)[index]


def getProcessOutput(
    executable: Any,
    args: Sequence[Any] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Any = None,
    reactor: Any = None,
    errortoo: bool = False,
    *,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
) -> Deferred[bytes]:
    """Deferred of all that `executable` writes to its standard output, whatever its exit code is.

    `args` are its arguments without its own name; `env`, `path` as for `spawnProcess`. With `errortoo` what
    it writes to its standard error is part of the output; without it, that is an error.

    Errback: UnexpectedErrorOutput, TimeoutError, OutputLimitError, OSError when it cannot be started.
    """

    def ended(run: _Run, why: Any) -> bytes:
        return bytes(run.out)

    run = _Run(ended, is_merged=bool(errortoo), takes_errors=bool(errortoo))
    return run.start(executable, args, env, path, reactor, None, timeout, limit)


def getProcessValue(
    executable: Any,
    args: Sequence[Any] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Any = None,
    reactor: Any = None,
    *,
    timeout: float | None = None,
) -> Deferred[int | None]:
    """Deferred of its exit code, None when a signal ended it. What it puts out is dropped.

    Arguments as for `getProcessOutput`. Errback: TimeoutError, OSError when it cannot be started.
    """

    def ended(run: _Run, why: Any) -> int | None:
        code: int | None = why.exitCode
        return code

    run = _Run(ended, keeps_output=False)
    return run.start(executable, args, env, path, reactor, None, timeout, 0)


def getProcessOutputAndValue(
    executable: Any,
    args: Sequence[Any] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Any = None,
    reactor: Any = None,
    stdinBytes: bytes | None = None,
    *,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
) -> Deferred[tuple[bytes, bytes, int]]:
    """Deferred of (output, error output, exit code). `stdinBytes` is what it reads from its standard input.

    The other arguments as for `getProcessOutput`. Errback: ProcessSignalled when a signal ended it,
    TimeoutError, OutputLimitError, OSError when it cannot be started.
    """

    def ended(run: _Run, why: Any) -> Any:
        out, err = bytes(run.out), bytes(run.err)
        if why.signal is not None:
            return Failure(ProcessSignalled(out, err, why.signal, why.status))
        return out, err, why.exitCode

    if stdinBytes is not None:
        stdinBytes = checked_bytes("getProcessOutputAndValue", stdinBytes)
    return _Run(ended).start(executable, args, env, path, reactor, stdinBytes, timeout, limit)


class _Run(ProcessProtocol):
    """One run of a program; `ended` makes the result, or a Failure, of it and of why it ended."""

    def __init__(
        self,
        ended: Callable[[_Run, Any], Any],
        is_merged: bool = False,
        takes_errors: bool = True,
        keeps_output: bool = True,
    ) -> None:
        self.out = bytearray()
        self.err = self.out if is_merged else bytearray()
        self._make_result = ended
        self._takes_errors = takes_errors
        self._keeps_output = keeps_output
        self._result: Deferred[Any] = Deferred(self._cancelled)
        self._ended: Deferred[None] = Deferred()
        self._error: BaseException | None = None
        self._timer: Any = None
        self._limit = 0
        self._stdin: bytes | None = None

    def start(
        self,
        executable: Any,
        args: Sequence[Any],
        env: Mapping[Any, Any] | None,
        path: Any,
        reactor: Any,
        stdin: bytes | None,
        timeout: float | None,
        limit: int,
    ) -> Deferred[Any]:
        """Start the program; the Deferred of its result."""
        reactor = _the_reactor if reactor is None else reactor
        self._limit, self._stdin = limit, stdin
        fds: dict[int, str] = {1: "r", 2: "r"}
        if stdin is not None:
            fds[0] = "w"
        try:
            reactor.spawnProcess(self, executable, [executable, *args], env, path, childFDs=fds)
        except OSError as error:
            return fail(error)
        if timeout is not None and not self._result.called:
            self._timer = reactor.callLater(timeout, self._too_late, timeout)
        return self._result

    def connectionMade(self) -> None:
        if self._stdin is not None:
            self.transport.write(self._stdin)
            self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._take(self.out, data)

    def errReceived(self, data: bytes) -> None:
        if self._takes_errors:
            self._take(self.err, data)
        elif self._error is None:
            self._error = UnexpectedErrorOutput(data, self._ended)
            self.transport.abortConnection()
            self._finish(Failure(self._error))

    def _take(self, kept: bytearray, data: bytes) -> None:
        if not self._keeps_output or self._error is not None:
            return
        kept += data
        size = len(self.out) + (0 if self.err is self.out else len(self.err))
        if size > self._limit:
            self._give_up(OutputLimitError(f"{self._name()} put out more than {self._limit} bytes: killed"))

    def _name(self) -> str:
        command = self.transport.getPeer().command
        text = shlex.join([os.path.basename(command[0]), *command[1:]])
        return text if len(text) <= 60 else f"{text[:57]}..."

    def _too_late(self, seconds: float) -> None:
        self._timer = None
        self._give_up(TimeoutError(f"{self._name()} did not end within {seconds:g} s: killed"))

    def _give_up(self, error: BaseException) -> None:
        self._error = error  # told when it has ended, so that nothing of it is left then
        self.transport.abortConnection()

    def _cancelled(self, result: Deferred[Any]) -> None:
        self._error = CancelledError()
        self._stop_timer()
        self.transport.abortConnection()

    def processEnded(self, reason: Failure) -> None:
        self._ended.callback(None)
        self._finish(self._make_result(self, reason.value) if self._error is None else Failure(self._error))

    def _finish(self, result: Any) -> None:
        self._stop_timer()
        if not self._result.called:
            # A Failure as the result is an error: `callback` takes the one as well as the other.
            self._result.errback(result) if isinstance(result, Failure) else self._result.callback(result)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
