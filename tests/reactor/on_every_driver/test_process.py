"""Child processes: what they are given, what is told of them, how they end, and what is left: nothing."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.address import ProcessAddress
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred, gatherResults
from wirelab.reactor.drivers.asyncio import AsyncioDriver
from wirelab.reactor.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from wirelab.reactor.interfaces import IConsumer, IProcessTransport, IPushProducer, IReactorProcess
from wirelab.reactor.process import Process, PTYProcess, reapAllProcesses
from wirelab.reactor.process import watch as watching
from wirelab.reactor.protocol import ProcessProtocol
from wirelab.reactor.testing.running import run_until

SH = "/bin/sh"


class Child(ProcessProtocol):
    """Notes all it is told; `ended` fires with why the process ended."""

    def __init__(self):
        self.events = []
        self.heard = {}
        self.exited = Deferred()
        self.ended = Deferred()
        self._waiting = []

    def connectionMade(self):
        assert self.transport.pid
        self.events.append("made")

    def childDataReceived(self, childFD, data):
        super().childDataReceived(childFD, data)
        self.heard[childFD] = self.heard.get(childFD, b"") + data
        for each in self._waiting[:]:
            childFD, wanted, waiting = each
            if wanted in self.heard.get(childFD, b""):
                self._waiting.remove(each)
                waiting.callback(self.heard[childFD])

    def childConnectionLost(self, childFD):
        super().childConnectionLost(childFD)
        self.events.append(("lost", childFD))

    def processExited(self, reason):
        self.events.append("exited")
        self.exited.callback(reason.value)

    def processEnded(self, reason):
        self.events.append("ended")
        self.ended.callback(reason.value)

    def hears(self, wanted, childFD=1):
        waiting = Deferred()
        self._waiting.append((childFD, wanted, waiting))
        self.childDataReceived(childFD, b"")
        return waiting


@pytest.fixture
def spawn(reactor):
    """Start a program, or a line of shell: `child = spawn("exit 3")`."""

    def spawn(what, child=None, **options):
        child = Child() if child is None else child
        args = [SH, "-c", what] if isinstance(what, str) else what
        options.setdefault("env", None)
        reactor.spawnProcess(child, args[0], args, **options)
        return child

    return spawn


@pytest.fixture
def ordinary_signals():
    """Children inherit what is ignored here, as SIGHUP is when the tests are run under nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


pytestmark = pytest.mark.usefixtures("no_children", "ordinary_signals")


class TestInterfaces:
    async def test_everything_promised_is_there(self, reactor, spawn):
        child = spawn(["/bin/true"])
        for interface in (IProcessTransport, IConsumer, IPushProducer):
            assert verifyObject(interface, child.transport)
        assert verifyObject(IReactorProcess, reactor)
        assert isinstance(child.transport, Process)
        await child.ended


class TestTalking:
    async def test_what_is_written_to_it_comes_back(self, spawn):
        child = spawn(["/bin/cat"])
        child.transport.write(b"one ")
        child.transport.writeSequence([b"two ", b"three"])
        await child.hears(b"three")
        child.transport.closeStdin()
        assert type(await child.ended) is ProcessDone
        assert child.heard == {1: b"one two three"}
        assert (child.transport.bytesOut, child.transport.bytesIn) == (13, 13)

    async def test_output_and_errors_come_apart(self, spawn):
        child = spawn("echo out; echo err >&2")
        await child.ended
        assert child.heard == {1: b"out\n", 2: b"err\n"}

    async def test_outReceived_and_its_kin_are_called(self, spawn):
        calls = []

        class Older(Child):
            def outReceived(self, data):
                calls.append(("out", data))

            def errReceived(self, data):
                calls.append(("err", data))

            def inConnectionLost(self):
                calls.append("in lost")

            def outConnectionLost(self):
                calls.append("out lost")

            def errConnectionLost(self):
                calls.append("err lost")

        child = spawn("echo out; echo err >&2", Older())
        await child.ended
        assert ("out", b"out\n") in calls and ("err", b"err\n") in calls
        assert {"in lost", "out lost", "err lost"} <= set(calls)

    async def test_five_megabytes_pass_whole_and_wait_in_a_queue(self, spawn):
        child, blob = spawn(["/bin/cat"]), bytes(range(256)) * 20480
        child.transport.write(blob)
        assert child.transport.bufferedBytes > 0
        child.transport.closeStdin()
        await child.ended
        assert child.heard[1] == blob
        assert child.transport.bufferedBytes == 0

    async def test_while_paused_nothing_is_received(self, reactor, spawn):
        child = spawn("printf first; read line; printf second; read line")
        await child.hears(b"first")
        child.transport.pauseProducing()
        other = spawn(["/bin/true"])
        child.transport.write(b"\n")
        await other.ended
        assert child.heard == {1: b"first"}
        child.transport.resumeProducing()
        await child.hears(b"second")
        child.transport.write(b"\n")
        await child.ended

    async def test_a_push_producer_waits_for_a_child_that_does_not_read(self, spawn):
        told = []

        class Producer:
            def pauseProducing(self):
                told.append("pause")

            def resumeProducing(self):
                told.append("resume")

            def stopProducing(self):
                told.append("stop")

        child = spawn("read line; cat >/dev/null")
        child.transport.registerProducer(Producer(), True)
        child.transport.write(b"x" * 300000)
        assert told == ["pause"]
        with pytest.raises(RuntimeError, match="was not unregistered"):
            child.transport.registerProducer(Producer(), True)
        child.transport.write(b"\n")
        child.transport.closeStdin()  # waits for the producer
        await until(child, lambda: "resume" in told)
        assert told == ["pause", "resume"]
        child.transport.unregisterProducer()
        assert type(await child.ended) is ProcessDone

    async def test_a_pull_producer_is_asked_until_it_is_done(self, spawn):
        child, pieces = spawn(["/bin/cat"]), [b"a" * 100000, b"b" * 100000, b"c"]

        class Producer:
            def resumeProducing(self):
                if pieces:
                    child.transport.write(pieces.pop(0))
                else:
                    child.transport.unregisterProducer()

            def stopProducing(self):
                raise AssertionError

        child.transport.registerProducer(Producer(), False)
        child.transport.closeStdin()
        await child.ended
        assert len(child.heard[1]) == 200001

    async def test_the_producer_is_stopped_when_the_input_is_closed(self, spawn):
        stopped = Deferred()

        class Producer:
            def stopProducing(self):
                stopped.callback("stopped")

        child = spawn("exec <&-; read line")
        child.transport.registerProducer(Producer(), True)
        assert await stopped == "stopped"
        await child.ended

    async def test_writing_after_the_end_is_dropped(self, spawn):
        child = spawn(["/bin/true"])
        await child.ended
        child.transport.write(b"late")
        child.transport.writeToChild(0, b"late")
        child.transport.loseConnection()
        child.transport.closeStdin()
        assert child.transport.bytesOut == 0

    async def test_only_bytes_are_written_and_the_error_says_how(self, spawn):
        child = spawn(["/bin/cat"])
        with pytest.raises(TypeError, match=r"write\(\) takes bytes, not str: .*'text'\.encode\(\)"):
            child.transport.write("text")
        with pytest.raises(TypeError, match=r"use write\(\)"):
            child.transport.writeSequence(b"text")
        with pytest.raises(KeyError, match="reads nothing of ours from its descriptor 1"):
            child.transport.writeToChild(1, b"text")
        child.transport.closeStdin()
        await child.ended


async def until(child, is_so):
    """Let the reactor of `child` turn until `is_so()`."""
    reactor = child.transport.reactor
    while not is_so():
        turn = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn


class TestOrder:
    async def test_made_comes_first_and_ended_last_each_once(self, spawn):
        child = spawn("echo x")
        await child.ended
        lost = [("lost", 0), ("lost", 1), ("lost", 2)]
        assert child.events[0] == "made" and child.events[-1] == "ended"
        assert sorted(map(str, child.events[1:-1])) == sorted(map(str, ["exited", *lost]))

    async def test_ended_waits_for_a_grandchild_that_holds_the_output(self, spawn):
        child = spawn("(read line <&3; echo late) & exit 5", childFDs={1: "r", 3: "w"})
        why = await child.exited
        assert (why.exitCode, why.signal) == (5, None)
        assert "ended" not in child.events
        assert child.transport.state == "exited 5" and child.transport.pid is None
        child.transport.writeToChild(3, b"go\n")
        assert await child.ended is why
        assert child.heard == {1: b"late\n"}
        assert child.events == ["made", "exited", *child.events[2:4], "ended"]

    async def test_the_closing_of_its_input_is_noticed_without_a_write(self, spawn):
        child = spawn("exec <&-; echo closed; read line <&3", childFDs={0: "w", 1: "r", 3: "w"})
        await child.hears(b"closed")
        await until(child, lambda: ("lost", 0) in child.events)
        assert "exited" not in child.events
        child.transport.closeChildFD(3)
        await child.ended

    async def test_each_of_ours_can_be_closed(self, spawn):
        child = spawn("read line; echo x; echo y >&2")
        child.transport.closeStdout()
        child.transport.closeStderr()
        await until(child, lambda: len(child.events) == 3)
        assert child.events == ["made", ("lost", 1), ("lost", 2)]
        child.transport.closeStdin()
        await child.ended
        assert child.heard == {}

    async def test_loseConnection_closes_all_after_what_was_written(self, spawn, tmp_path):
        child = spawn(f"cat >{tmp_path}/got")
        child.transport.write(b"x" * 200000)
        child.transport.loseConnection()
        assert type(await child.ended) is ProcessDone
        assert (tmp_path / "got").stat().st_size == 200000


class TestEnd:
    @pytest.mark.parametrize("code", [1, 3, 127, 255])
    async def test_exit_codes_are_told(self, spawn, code):
        child = spawn(f"exit {code}")
        why = await child.ended
        assert type(why) is ProcessTerminated
        assert (why.exitCode, why.signal, why.status) == (code, None, code << 8)
        assert child.transport.state == "closed" and child.transport.exit == f"exited {code}"

    @pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "KILL", "TERM", "USR1", "PIPE", "ALRM"])
    async def test_each_signal_is_sent_and_told(self, spawn, name):
        child = spawn(["/bin/sleep", "100"])
        child.transport.signalProcess(name)
        why = await child.ended
        assert (why.exitCode, why.signal) == (None, getattr(signal, f"SIG{name}"))
        assert child.transport.exit == f"ended by SIG{name}"

    @pytest.mark.parametrize("which", ["SIGTERM", "term", signal.SIGTERM, 15])
    async def test_signals_have_several_names(self, spawn, which):
        child = spawn(["/bin/sleep", "100"])
        child.transport.signalProcess(which)
        assert (await child.ended).signal == 15

    async def test_a_stopped_child_goes_on_when_told(self, spawn):
        child = spawn("echo up; read line; echo on")
        await child.hears(b"up")
        child.transport.signalProcess("STOP")
        child.transport.write(b"\n")
        child.transport.signalProcess("CONT")
        await child.ended
        assert child.heard[1] == b"up\non\n"

    async def test_what_is_gone_cannot_be_signalled(self, spawn):
        child = spawn("exit 3")
        await child.ended
        with pytest.raises(ProcessExitedAlready, match="has ended: exited 3"):
            child.transport.signalProcess("KILL")

    async def test_an_end_that_was_not_noticed_yet_is_noticed_by_a_signal(self, spawn):
        child = spawn(["/bin/true"])
        os.waitid(os.P_PID, child.transport.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ProcessExitedAlready):
            child.transport.signalProcess("TERM")
        assert type(await child.ended) is ProcessDone

    @pytest.mark.parametrize("which", ["NOSUCH", 1000, -1])
    async def test_unknown_signals_are_refused(self, spawn, which):
        child = spawn(["/bin/cat"])
        with pytest.raises(ValueError, match=r"unknown signal 'NOSUCH', there are: .*KILL|is not from 0 to"):
            child.transport.signalProcess(which)
        with pytest.raises(TypeError, match="takes a name such as 'TERM' or a number"):
            child.transport.signalProcess(None)
        child.transport.loseConnection()
        await child.ended

    async def test_abort_kills_at_once(self, spawn):
        child = spawn(["/bin/sleep", "100"])
        child.transport.write(b"x" * 200000)
        child.transport.abortConnection()
        assert (await child.ended).signal == signal.SIGKILL
        child.transport.abortConnection()

    async def test_a_status_that_somebody_else_collected_is_unknown(self, spawn, caplog):
        child = spawn(["/bin/true"])
        os.waitpid(child.transport.pid, 0)
        why = await child.ended
        assert (type(why), why.exitCode, why.signal) == (ProcessTerminated, None, None)
        assert "somebody else has collected the exit status" in caplog.text

    async def test_without_descriptors_for_processes_a_thread_waits(self, spawn, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        children = [spawn(f"exit {code}") for code in range(5)]
        ends = await gatherResults([child.ended for child in children])
        assert [why.exitCode for why in ends] == [0, 1, 2, 3, 4]

    async def test_without_waitid_either_it_collects_the_status_itself(self, spawn, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        monkeypatch.delattr(os, "waitid")
        assert (await spawn("exit 7").ended).exitCode == 7

    async def test_reapAllProcesses_finds_what_was_not_noticed(self, reactor, spawn, monkeypatch):
        monkeypatch.setattr(watching.ExitWatch, "start", lambda self: None)
        child = spawn("exit 4")
        os.waitid(os.P_PID, child.transport.pid, os.WEXITED | os.WNOWAIT)
        reapAllProcesses()
        assert (await child.ended).exitCode == 4


class TestWhatItGets:
    async def test_its_environment_is_empty_or_ours_or_what_is_given(self, reactor, monkeypatch):
        monkeypatch.setenv("OURS", "1")
        found = []
        for options in ({}, {"env": {}}, {"env": None}, {"env": {"GIVEN": "x", b"BYTES": b"\xff"}}):
            child = Child()
            reactor.spawnProcess(child, "/usr/bin/env", ["env"], **options)
            await child.ended
            found.append(child.heard.get(1, b""))
        assert found[:2] == [b"", b""]
        assert b"OURS=1\n" in found[2]
        assert found[3] == b"GIVEN=x\nBYTES=\xff\n"

    async def test_it_starts_in_the_directory_that_is_named(self, spawn, tmp_path):
        child = spawn("pwd", path=tmp_path)
        await child.ended
        assert child.heard[1] == f"{tmp_path}\n".encode()

    async def test_its_own_name_may_differ_from_that_of_the_file(self, reactor):
        child = Child()
        reactor.spawnProcess(child, SH, ["another", "-c", "echo $0 $1", "name", b"\xfe"])
        await child.ended
        assert child.heard[1] == b"name \xfe\n"

    async def test_a_name_without_a_slash_is_found_in_the_path(self, reactor):
        for options in ({}, {"childFDs": {1: "r", 5: "r"}}):
            child = Child()
            reactor.spawnProcess(child, "echo", ["echo", "found"], **options)
            await child.ended
            assert child.heard[1] == b"found\n"

    async def test_any_descriptor_can_be_a_pipe_in_either_direction(self, spawn):
        child = spawn("cat <&7 >/proc/self/fd/12; echo err >&5", childFDs={5: "r", 7: "w", 12: "r"})
        child.transport.writeToChild(7, b"through")
        child.transport.closeChildFD(7)
        await child.ended
        assert child.heard == {5: b"err\n", 12: b"through"}

    async def test_descriptors_of_ours_can_be_given_and_crossed(self, spawn, tmp_path):
        with open(tmp_path / "first", "wb") as first, open(tmp_path / "second", "wb") as second:
            fds = {1: second.fileno(), 2: first.fileno(), 0: "w", 3: first.fileno(), 4: "r"}
            child = spawn("echo out; echo err >&2; echo three >&3; echo four >&4", childFDs=fds)
            await child.ended
            assert not first.closed
        assert (tmp_path / "first").read_bytes() == b"err\nthree\n"
        assert (tmp_path / "second").read_bytes() == b"out\n"
        assert child.heard == {4: b"four\n"}

    @pytest.mark.parametrize("more", [{}, {9: "r"}], ids=["directly", "in between"])
    async def test_nothing_else_is_inherited(self, spawn, more):
        leak = os.open("/dev/zero", os.O_RDONLY)
        os.set_inheritable(leak, True)
        try:
            child = spawn(["/bin/ls", "/proc/self/fd"], childFDs={1: "r", **more})
            await child.ended
        finally:
            os.close(leak)
        # One more for the folder that it lists; what was not given of 0 to 2 is the null device.
        assert len(child.heard[1].split()) == 4 + len(more)
        assert str(leak).encode() not in child.heard[1].split() or leak <= 3

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
    @pytest.mark.parametrize("more", [{}, {9: "r"}], ids=["directly", "in between"])
    async def test_it_runs_as_whom_it_is_told(self, spawn, more):
        child = spawn("id -u; id -g; id -G", uid=65534, childFDs={1: "r", **more})
        await child.ended
        assert child.heard[1].split()[0] == b"65534"
        assert b"0" not in child.heard[1].split()  # no group of root either
        other = spawn("id -u; id -g", gid=12, childFDs={1: "r", **more})
        await other.ended
        assert other.heard[1] == b"0\n12\n"

    async def test_signals_that_we_ignore_work_on_it(self, spawn):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            child = spawn(["/bin/sleep", "100"])
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)
        child.transport.signalProcess("INT")
        assert (await child.ended).signal == signal.SIGINT

    @pytest.mark.parametrize("more", [{}, {9: "r"}], ids=["directly", "in between"])
    async def test_it_does_not_ignore_broken_pipes_as_we_do(self, spawn, more):
        child = spawn(["/usr/bin/env", SH, "-c", "kill -PIPE $$; echo alive"], childFDs={1: "r", **more})
        assert (await child.ended).signal == signal.SIGPIPE


class TestTerminal:
    async def test_all_three_are_its_controlling_terminal(self, spawn):
        child = spawn("tty; tty <&1; tty <&2; echo x >/dev/tty", usePTY=True)
        assert isinstance(child.transport, PTYProcess)
        assert type(await child.ended) is ProcessDone
        first, second, third, last = child.heard[1].split()
        assert first == second == third and first.startswith(b"/dev/") and last == b"x"
        assert child.events == ["made", "exited", "ended"]

    async def test_one_talks_to_it_and_types_the_end(self, spawn):
        child = spawn(["/bin/cat"], usePTY=True)
        child.transport.write(b"line\n")
        await child.hears(b"line\r\nline\r\n")
        child.transport.closeStdin()
        assert type(await child.ended) is ProcessDone

    async def test_typing_ctrl_c_interrupts_it(self, spawn):
        child = spawn("echo up; read line", usePTY=True)
        await child.hears(b"up")
        child.transport.write(b"\x03")
        assert (await child.ended).signal == signal.SIGINT

    async def test_closing_it_hangs_up(self, spawn):
        child = spawn("echo up; read line", usePTY=True)
        await child.hears(b"up")
        child.transport.loseConnection()
        assert (await child.ended).signal == signal.SIGHUP

    async def test_a_terminal_of_ours_can_be_given(self, spawn):
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x18\x00\x63\x00\x00\x00\x00\x00")
        child = spawn("stty size", usePTY=(ours, theirs, os.ttyname(theirs)))
        await child.ended
        assert child.heard[1] == b"24 99\r\n"

    async def test_much_output_at_the_end_comes_whole(self, spawn):
        child = spawn("seq 20000", usePTY=True)
        await child.ended
        assert child.heard[1].split()[-1] == b"20000"


class TestNotStarted:
    CASES = (
        (["/no/such"], {}, FileNotFoundError, "no such program: '/no/such'"),
        (["no-such-program"], {}, FileNotFoundError, "no such program in the PATH of its environment"),
        (["/etc"], {}, PermissionError, "this is a directory, not a program: '/etc'"),
        (["/etc/passwd"], {}, PermissionError, r"not executable: chmod \+x makes it so: '/etc/passwd'"),
        (["/bin/true"], {"path": "/no/dir"}, FileNotFoundError, "no such directory to start .*'/no/dir'"),
        (["/bin/true"], {"path": "/etc/passwd"}, NotADirectoryError, "this is no directory"),
        (["/bin/true"], {"childFDs": {1: 999}}, OSError, r"childFDs\[1\] is 999, which is not open here"),
        ([b"/bin/true", "x" * 3000000], {}, OSError, "too long to start"),
    )

    @pytest.mark.parametrize("more", [{}, {"usePTY": True}], ids=["directly", "in between"])
    @pytest.mark.parametrize(("args", "options", "kind", "text"), CASES)
    async def test_the_call_says_why(self, reactor, spawn, args, options, kind, text, more):
        if "childFDs" in options and more:
            more = {}
        with pytest.raises(kind, match=text):
            spawn(args, **options, **more)
        assert not reactor.opened

    @pytest.mark.parametrize("more", [{}, {"usePTY": True}], ids=["directly", "in between"])
    async def test_files_that_are_no_programs(self, spawn, tmp_path, more):
        for name, text, kind, said in (
            ("plain", "exit 0\n", OSError, "not a program of this machine; a script begins with #!"),
            ("lost", "#!/no/interpreter\n", FileNotFoundError, "its first line names does not exist"),
        ):
            file = tmp_path / name
            file.write_text(text)
            file.chmod(0o755)
            with pytest.raises(kind, match=said):
                spawn([str(file)], **more)

    BAD = (
        ([1], {}, TypeError, "takes the executable as str or bytes, not 1"),
        (["/bin/true\0"], {}, ValueError, "takes no NUL in the executable"),
        (["/bin/true"], {"env": ["x"]}, TypeError, "takes env as a dict or None"),
        (["/bin/true"], {"env": {"x": 1}}, TypeError, "takes env as str or bytes, not 1"),
        (["/bin/true"], {"path": 3}, TypeError, "takes path as str or bytes"),
        (["/bin/true"], {"childFDs": [1]}, TypeError, "takes childFDs as a dict"),
        (["/bin/true"], {"childFDs": {1: "x"}}, ValueError, r"childFDs\[1\] is 'x': 'r' for one"),
        (["/bin/true"], {"childFDs": {-1: "r"}}, ValueError, "descriptors of the child as keys"),
        (["/bin/true"], {"childFDs": {}, "usePTY": True}, ValueError, "takes usePTY or childFDs"),
    )

    @pytest.mark.parametrize(("args", "options", "kind", "text"), BAD)
    async def test_arguments_that_make_no_sense_are_refused(self, spawn, args, options, kind, text):
        with pytest.raises(kind, match=text):
            spawn(args, **options)

    async def test_mix_ups_say_what_to_do(self, reactor):
        with pytest.raises(TypeError, match=r"not a class: try Child\(\)"):
            reactor.spawnProcess(Child, SH)
        with pytest.raises(TypeError, match="takes a ProcessProtocol, not 'x'"):
            reactor.spawnProcess("x", SH)
        with pytest.raises(TypeError, match="args as a list that begins with the program's name"):
            reactor.spawnProcess(Child(), SH, "sh -c true")


class TestErrors:
    @pytest.mark.parametrize(
        "where", ["connectionMade", "childDataReceived", "processExited", "processEnded"]
    )
    async def test_a_protocol_that_raises_is_told_and_its_process_let_go(self, spawn, caplog, where):
        def broken(self, *args):
            if where == "processEnded":
                Child.processEnded(self, *args)
            raise ZeroDivisionError("on purpose")

        child = spawn(
            "echo x; cat" if where[0] == "c" else "exit 0", type("Broken", (Child,), {where: broken})()
        )
        await child.ended
        await until(child, lambda: "raised ZeroDivisionError" in caplog.text)


class TestViews:
    async def test_it_is_listed_while_it_lives(self, reactor, spawn):
        child = spawn("read line; exit 2")
        process = child.transport
        pid = process.pid
        assert reactor.opened == {"x1": process} and process.shortId == "x1"
        assert process.state == "running" and process.kind == "process"
        assert process.getHost() == ProcessAddress(pid) and str(process.getHost()) == f"pid {pid}"
        assert str(process.getPeer()) == "/bin/sh -c 'read line; exit 2'"
        assert repr(process) == f"<Process x1 /bin/sh -c 'read line; exit 2' pid {pid} running>"
        assert process.logPrefix() == "Child,x1" and process.idleSeconds() is None
        process.closeStdin()
        await child.ended
        assert reactor.opened == {}
        assert str(process.getHost()) == f"pid {pid}, exited 2"
        assert repr(process).endswith(f"pid {pid} exited 2>")


class TestStop:
    def test_children_are_left_to_run_and_their_end_is_told_in_the_next_run(self, reactor):
        child = Child()
        reactor.callWhenRunning(lambda: reactor.spawnProcess(child, "/bin/sleep", ["sleep", "100"]))
        reactor.callWhenRunning(reactor.stop)
        reactor.run(installSignalHandlers=False)
        assert child.events == ["made", ("lost", 0), ("lost", 1), ("lost", 2)]
        child.transport.signalProcess("KILL")
        assert run_until(reactor, child.ended).signal == signal.SIGKILL
        assert child.events[-2:] == ["exited", "ended"]

    def test_a_reactor_that_is_closed_lets_go_and_the_next_one_collects(self, reactor):
        before, child = Reactor(), Child()
        before.spawnProcess(child, "/bin/cat")
        pid = child.transport.pid
        before.close()
        assert "ended" not in child.events and not before.opened
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its input ended, and so did it
        following = Child()
        reactor.spawnProcess(following, "/bin/true")
        run_until(reactor, following.ended)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    async def test_the_end_is_told_in_the_context_of_the_start(self, reactor, spawn):
        from contextvars import ContextVar

        where, seen = ContextVar("where", default=""), []

        class Noting(Child):
            def childDataReceived(self, childFD, data):
                seen.append(where.get())

            def processEnded(self, reason):
                seen.append(where.get())
                super().processEnded(reason)

        where.set("cell")
        child = spawn("echo x", Noting())
        where.set("")
        await child.ended
        assert seen == ["cell", "cell"]


class TestMany:
    async def test_five_hundred_leave_nothing_behind(self, reactor, spawn):
        for _ in range(10):
            children = [spawn(["/bin/true"]) for _ in range(50)]
            ends = await gatherResults([child.ended for child in children])
            assert {type(why) for why in ends} == {ProcessDone}
        assert not reactor.opened
        assert not watching._watches and not watching._abandoned


def test_it_gets_along_with_the_children_of_others(reactor):
    """Of `subprocess`, and in a loop of asyncio of asyncio's own."""

    async def ours(reactor):
        children = [Child() for _ in range(3)]
        for code, child in enumerate(children):
            reactor.spawnProcess(child, SH, ["sh", "-c", f"exit {code}"])
        theirs = subprocess.run([SH, "-c", "exit 9"])
        ends = await gatherResults([child.ended for child in children])
        return theirs.returncode, [why.exitCode for why in ends]

    assert run_until(reactor, ours(reactor)) == (9, [0, 1, 2])
    if not isinstance(reactor.driver, AsyncioDriver):
        return

    async def both():
        hosted = Reactor(AsyncioDriver(asyncio.get_running_loop()))
        hosted.startRunning()
        started = [await asyncio.create_subprocess_exec(SH, "-c", f"exit {code}") for code in (4, 5, 6)]
        mine = await ours(hosted)
        codes = [await process.wait() for process in started]
        hosted.close()
        return mine, codes

    loop = reactor.driver.loop
    if sys.version_info < (3, 12) and type(loop).__module__.startswith("asyncio"):
        # Before 3.12 asyncio has one watcher of children for all loops, with threads of its own.
        watcher = asyncio.ThreadedChildWatcher()
        asyncio.set_child_watcher(watcher)
    try:
        assert loop.run_until_complete(both()) == ((9, [0, 1, 2]), [4, 5, 6])
    finally:
        if sys.version_info < (3, 12):
            asyncio.set_child_watcher(None)


def test_threads_are_not_needed(reactor):
    """A program that starts a process has no more threads than before."""
    child = Child()
    reactor.spawnProcess(child, "/bin/true")
    run_until(reactor, child.ended)
    assert threading.active_count() == 1 or not any("waits" in each.name for each in threading.enumerate())
