"""A small program that stands between us and the program to be started, and becomes it.

It runs in a Python of its own, without threads, so it may do what is not safe between `fork` and `exec`
here: put descriptors on any number, take a terminal, change the directory and the user. It costs about 15 ms.
Its order comes through a socket, which also tells what went wrong; a successful `exec` closes it.
"""

from __future__ import annotations

import errno
import fcntl
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch import Order

_PROGRAM = """
import fcntl, marshal, os, signal, sys

def become(order):
    fds, told = order["fds"], None
    # First out of each other's way, above every number that is wanted, and then each to its place.
    top = max(control, *fds, *fds.values(), 2) + 1
    kept = fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, top)
    copies = {child: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, top) for child, fd in fds.items()}
    for fd in {control, *fds.values()}:
        os.close(fd)
    for child, copy in copies.items():
        os.dup2(copy, child)
    if order["terminal"]:
        import termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    stage = "d"
    try:
        if order["path"] is not None:
            os.chdir(order["path"])
        stage = "x"
        if order["groups"] is not None:
            os.setgroups(order["groups"])
        if order["gid"] is not None:
            os.setregid(order["gid"], order["gid"])
        if order["uid"] is not None:
            os.setreuid(order["uid"], order["uid"])
        for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        os.write(kept, b"r")
        for program in order["programs"]:
            try:
                os.execve(program, order["args"], order["env"])
            except (FileNotFoundError, NotADirectoryError) as error:
                told = told or error
            except OSError as error:
                told = error
                if error.errno != 13:
                    break
        raise told
    except OSError as error:
        os.write(kept, b"%s%d" % (stage.encode(), error.errno))

control = int(sys.argv[1])
pieces = []
while piece := os.read(control, 65536):
    pieces.append(piece)
become(marshal.loads(b"".join(pieces)))
"""


def start(order: Order, fds: Mapping[int, int], has_terminal: bool) -> int:
    """As `launch.start`, whatever the numbers and with a terminal. Raises OSError."""
    ours, theirs = socket.socketpair()
    copies: dict[int, int] = {}
    with ours, theirs:
        try:
            for child, fd in fds.items():  # none that `subprocess` would put something else on
                copies[child] = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
            between = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *copies.values()],
                start_new_session=has_terminal,
            )
        finally:
            for fd in copies.values():
                os.close(fd)
        theirs.close()
        answer = _give(ours, _encoded(order, copies, has_terminal))
    if answer == b"r":
        between.returncode = 0  # as in `launch`: its end is waited for elsewhere
        return between.pid
    between.wait()
    _, _, told = answer.rpartition(b"r")
    if not told:
        raise OSError(errno.ECHILD, f"the Python in between ({sys.executable}) did not start it")
    number = int(told[1:])
    culprit = order.path if told.startswith(b"d") else order.executable
    raise OSError(number, os.strerror(number), culprit)


def _give(control: socket.socket, order: bytes) -> bytes:
    try:
        control.sendall(order)
        control.shutdown(socket.SHUT_WR)
    except BrokenPipeError:
        pass  # it ended before it had read its order; the answer says so
    answer = b""
    while piece := control.recv(64):
        answer += piece
    return answer


def _encoded(order: Order, fds: Mapping[int, int], has_terminal: bool) -> bytes:
    # bytes throughout: neither side's encoding matters then
    uid, gid, groups = order.identity()
    env = os.environ if order.env is None else order.env
    return marshal.dumps(
        {
            "fds": dict(fds),
            "terminal": has_terminal,
            "path": None if order.path is None else os.fsencode(order.path),
            "uid": uid,
            "gid": gid,
            "groups": groups,
            "args": [os.fsencode(each) for each in order.args],
            "env": {os.fsencode(key): os.fsencode(value) for key, value in env.items()},
            "programs": _programs(order),
        }
    )


def _programs(order: Order) -> list[bytes]:
    """The files that may be meant, in the order of the PATH."""
    name = os.fsencode(order.executable)
    if b"/" in name:
        return [name]
    env = None if order.env is None else {os.fsdecode(k): os.fsdecode(v) for k, v in order.env.items()}
    return [os.path.join(os.fsencode(folder), name) for folder in os.get_exec_path(env)]
