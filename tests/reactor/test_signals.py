"""SIGINT and SIGTERM end a run in an orderly way, in a process of its own."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from wirelab.reactor.core import Reactor

reactor = Reactor()
reactor.addSystemEventTrigger("before", "shutdown", print, "shut down")
name = sys.argv[1]
before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
for turn in range(2):
    reactor.callLater(0.001, os.kill, os.getpid(), getattr(signal, name))
    reactor.run()
assert before == {number: signal.getsignal(number) for number in before}
print("ran twice")
"""

BLOCKED = """
import os, signal, threading, time
from wirelab.reactor.core import Reactor

reactor = Reactor()
reactor.callWhenRunning(print, "running", flush=True)
reactor.run()
print("ended")
"""

OWN_HANDLER = """
import os, signal
from wirelab.reactor.core import Reactor

reactor = Reactor()
signal.signal(signal.SIGINT, lambda *args: (print("mine"), reactor.callFromThread(reactor.stop)))
reactor.callLater(0.001, os.kill, os.getpid(), signal.SIGINT)
reactor.run()
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_is_a_stop_and_is_given_back_afterwards(name):
    done = run(PROGRAM, name)
    assert (done.stdout.split("\n"), done.stderr, done.returncode) == (["shut down", "ran twice", ""], "", 0)


def test_a_signal_wakes_a_loop_that_sleeps():
    process = subprocess.Popen([sys.executable, "-c", BLOCKED], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 0


def test_a_programs_own_handler_stays():
    done = run(OWN_HANDLER)
    assert (done.stdout, done.stderr, done.returncode) == ("mine\n", "", 0)
