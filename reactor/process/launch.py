"""Starting a program: the descriptors it gets, where and as whom it runs, and why it could not be started.

`subprocess.Popen` does it, since of all ways from Python it is the safest: its child runs C code only (a
Python after `fork` can deadlock on the locks of threads that do not exist there), it closes every descriptor
that was not asked for whoever opened it, and a failed exec is an error at the call. What it cannot do, other
descriptors than 0, 1 and 2 and a controlling terminal, is left to a small program in between, see `between`.
"""

from __future__ import annotations

import errno
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..stream import short
from . import between

Text = str | bytes


@dataclass(frozen=True)
class Order:
    """What is to be started: see `IReactorProcess.spawnProcess`. `env` None stands for our own."""

    executable: Text
    args: tuple[Text, ...]
    env: Mapping[Text, Text] | None
    path: Text | None
    uid: int | None
    gid: int | None

    def identity(self) -> tuple[int | None, int | None, list[int] | None]:
        """The user, group and further groups to run as; None stands for what they are.

        A user without a group gets those of the user, as at a login: nobody keeps the groups of root.
        """
        if self.uid is None:
            return None, self.gid, None
        try:
            user = pwd.getpwuid(self.uid)
        except KeyError:
            gid, groups = self.gid, [] if self.gid is None else [self.gid]
        else:
            gid = user.pw_gid if self.gid is None else self.gid
            groups = os.getgrouplist(user.pw_name, gid)
        return self.uid, gid, groups if os.geteuid() == 0 else None


def checked_order(executable: Any, args: Any, env: Any, path: Any, uid: int | None, gid: int | None) -> Order:
    """The arguments of `spawnProcess` after a look at their kinds. Raises TypeError, ValueError."""
    executable = _checked_text("the executable", executable)
    if isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
        raise TypeError(
            f"spawnProcess() takes args as a list that begins with the program's name, not {short(args)}"
        )
    texts = tuple(_checked_text("each of args", each) for each in args)
    if env is not None:
        if not isinstance(env, Mapping):
            raise TypeError(f"spawnProcess() takes env as a dict or None (our own), not {short(env)}")
        env = {_checked_text("env", key): _checked_text("env", value) for key, value in env.items()}
    if path is not None:
        path = _checked_text("path", path)
    return Order(executable, texts or (executable,), env, path, uid, gid)


def _checked_text(what: str, value: Any) -> Text:
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"spawnProcess() takes {what} as str or bytes, not {short(value)}")
    text: Text = os.fspath(value)
    if (b"\0" if isinstance(text, bytes) else "\0") in text:  # type: ignore[operator]
        raise ValueError(f"spawnProcess() takes no NUL in {what}: {short(text)}")
    return text


def start(order: Order, fds: Mapping[int, int], has_terminal: bool = False) -> int:
    """Start it with our descriptors `fds`, by the number they have there; its process id.

    Of 0, 1 and 2 those that are not among them are the null device: a program that opens a file while one of
    them is closed would take that for its output. With `has_terminal`, 0 is made its controlling terminal.

    Raises OSError (FileNotFoundError, PermissionError, ...), which names the program or the directory.
    """
    try:
        with _interruptible():
            if set(fds) <= {0, 1, 2} and not has_terminal:
                return _start_directly(order, fds)
            return between.start(order, fds, has_terminal)
    except OSError as error:
        raise explained(error, order) from error


def _start_directly(order: Order, fds: Mapping[int, int]) -> int:
    uid, gid, groups = order.identity()
    args: Any = order.args  # text and bytes side by side, which its annotations do not foresee
    env: Any = order.env
    child = subprocess.Popen(
        args,
        executable=order.executable,
        stdin=fds.get(0, subprocess.DEVNULL),
        stdout=fds.get(1, subprocess.DEVNULL),
        stderr=fds.get(2, subprocess.DEVNULL),
        cwd=order.path,
        env=env,
        user=uid,
        group=gid,
        extra_groups=groups,
    )
    child.returncode = 0  # its end is ours to wait for: this keeps `subprocess` from doing so
    return child.pid


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let no child inherit that we ignore SIGINT, as a Jupyter kernel does between cells.

    What is ignored stays so in a child, and what is caught does not; so it is caught, and dropped, meanwhile.
    """
    is_ignored = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    )
    if not is_ignored:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def explained(error: OSError, order: Order) -> OSError:
    """The same error, saying what it means for a program that was to be started."""
    number = error.errno or 0
    culprit = order.executable
    if order.path is not None and error.filename == order.path:
        culprit, text = order.path, _DIRECTORY.get(number)
    elif number == errno.ENOENT:
        text = _not_found(order.executable)
    elif number == errno.EACCES:
        text = _not_permitted(order.executable)
    elif number == errno.EPERM and (order.uid, order.gid) != (None, None):
        text = f"the system does not let us start it as user {order.uid}, group {order.gid}"
    else:
        text = _OTHERS.get(number)
    return OSError(number, text or error.strerror or str(error), os.fsdecode(culprit))


_DIRECTORY = {
    errno.ENOENT: "there is no such directory to start a program in",
    errno.ENOTDIR: "this is no directory to start a program in",
    errno.EACCES: "no permission to enter this directory to start a program in",
}
_OTHERS = {
    errno.ENOEXEC: "not a program of this machine; a script begins with #! and its interpreter",
    errno.EAGAIN: "too many processes for this user (ulimit -u); cannot start",
    errno.EMFILE: "too many open files (ulimit -n) to start",
    errno.ENOMEM: "no memory to start",
    errno.E2BIG: "the arguments and the environment together are too long to start",
}


def _not_found(executable: Text) -> str:
    if os.path.exists(executable):
        return "the interpreter that its first line names does not exist"
    slash = b"/" if isinstance(executable, bytes) else "/"
    if slash not in executable:  # type: ignore[operator]
        return "no such program in the PATH of its environment"
    return "no such program"


def _not_permitted(executable: Text) -> str:
    if os.path.isdir(executable):
        return "this is a directory, not a program"
    if os.path.isfile(executable) and not os.access(executable, os.X_OK):
        return "not executable: chmod +x makes it so"
    return "no permission to run it"
