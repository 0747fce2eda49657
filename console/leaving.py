"""How a run ends, as the shell that started it sees it: exit statuses, and a broken pipe."""

from __future__ import annotations

import os
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
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    except (AttributeError, ValueError):  # no stdout at all (>&-), or the program closed it
        pass
    return True
