"""How a run ends, as the shell that started it sees it: exit statuses, and a broken pipe."""

from __future__ import annotations

import os
import select
import signal
import sys

FAILED = 1
USAGE = 2
INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + signal.SIGPIPE


def exit_status(leaving: SystemExit) -> int:
    """The status that python would end with after `leaving`; a message in place of a number is printed."""
    code = leaving.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return FAILED


def flush_standard_output() -> bool:
    """Flush `sys.stdout`; False when nobody reads it any more, and then it is pointed away for good.

    Otherwise python complains once more while it shuts down.
    """
    try:
        descriptor = sys.stdout.fileno()
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except (
        AttributeError,
        ValueError,
        OSError,
    ):  # no stdout at all (>&-), the program closed it, a full disk
        return True
    # A write that failed leaves nothing to flush, so the flush alone does not tell.
    if not _reader_is_gone(descriptor):
        return True
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return False


def _reader_is_gone(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))
