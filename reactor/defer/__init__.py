"""Deferred: results that will be there later. Start reading at `deferred.py`."""

from ..failure import Failure
from .combinators import FAILURE, SUCCESS, DeferredList, FailureGroup, gatherResults, race, timeout_deferred
from .coroutines import ensureDeferred, inlineCallbacks
from .debugging import getDebugging, setDebugging
from .deferred import Deferred
from .errors import (
    AlreadyCalledError,
    CancelledError,
    DeferError,
    FirstError,
    NotACoroutineError,
    QueueOverflow,
    QueueUnderflow,
    TimeoutError,
)
from .filesystem_lock import AlreadyTryingToLockError, DeferredFilesystemLock
from .primitives import DeferredLock, DeferredQueue, DeferredSemaphore
from .recording import DeferredState, Link
from .shortcuts import execute, fail, logError, maybeDeferred, passthru, succeed

__all__ = [
    "FAILURE",
    "SUCCESS",
    "AlreadyCalledError",
    "AlreadyTryingToLockError",
    "CancelledError",
    "DeferError",
    "Deferred",
    "DeferredFilesystemLock",
    "DeferredList",
    "DeferredLock",
    "DeferredQueue",
    "DeferredSemaphore",
    "DeferredState",
    "Failure",
    "FailureGroup",
    "FirstError",
    "Link",
    "NotACoroutineError",
    "QueueOverflow",
    "QueueUnderflow",
    "TimeoutError",
    "ensureDeferred",
    "execute",
    "fail",
    "gatherResults",
    "getDebugging",
    "inlineCallbacks",
    "logError",
    "maybeDeferred",
    "passthru",
    "race",
    "setDebugging",
    "succeed",
    "timeout_deferred",
]
