"""A session: one shell and one reactor, the names at its prompt, and what it opened."""

from __future__ import annotations

from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..protocols.basic import LineReceiver
from ..reactor import defer
from ..reactor.defer import Deferred, inlineCallbacks
from ..reactor.failure import Failure
from ..reactor.protocol import Factory, Protocol
from ..reactor.threads import deferToThread
from . import closing, displays
from .amounts import counted
from .announcements import Announcements
from .conversation import Conversation
from .jobs import Job, Jobs
from .labels import Labels
from .live import LiveConnection, LivePort, talker, thing_of
from .net import Net
from .tracebacks import user_lines
from .verbs import Verbs
from .waiting import Wait, take

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..reactor.core import Reactor
    from ..reactor.ssl import Authority
    from .cells import Cell

KNOWN: dict[str, object] = {
    "Deferred": Deferred,
    "Factory": Factory,
    "LineReceiver": LineReceiver,
    "Protocol": Protocol,
    "deferToThread": deferToThread,
    "inlineCallbacks": inlineCallbacks,
}
"""The well-known names that most cells begin with; all others are imported as in a program."""

BANNER = """\
serve    p = serve('tcp:8007', Echo)  a Protocol class, a Factory, or a function
connect  c = await connect('tcp:127.0.0.1:8007'); c.send(b'hi'); await c.line()
net      what is open; jobs: what is still to come; close('c3'), close(all)
thread   await thread(f, x)  for what blocks; await sleep(3)
also     Protocol Factory LineReceiver Deferred inlineCallbacks deferToThread
         reactor; any Deferred can be awaited; connect? and so on tell more"""

current_session: ContextVar[object] = ContextVar("wirelab_session", default=None)
"""The `mark` of the session whose cell the running code belongs to; None for what no cell started.

Not the session itself: contexts live as long as what was opened in them, and would keep it alive.
"""


class Session:
    """What is live between the first prompt and the last: made by `SessionShell.open_session`."""

    def __init__(self, shell: InteractiveShell, reactor: Reactor) -> None:
        self.shell = shell
        self.reactor = reactor
        self.foreground: Cell | None = None
        """The cell that runs in the foreground; None at an empty prompt."""
        self.mark = object()
        """What `current_session` is in this session's cells."""
        self.verbs = Verbs(self)
        self.net = Net(reactor.opened, self.find)
        self.jobs = Jobs(reactor, self._tell_result, lambda: shell.user_ns, self.cell_name)
        self.announcements = Announcements(self.cell_name, self._is_ours)
        self.authority: Authority | None = None
        """What makes certificates here, once one was needed."""
        self._labels = Labels(lambda: shell.user_ns, lambda: shell.user_ns_hidden)
        self._names: dict[str, object] = {}
        self._waits: WeakSet[Wait[Any]] = WeakSet()
        self._was_debugging = False
        self._is_open = False

    # -- beginning and end ----------------------------------------------------------------------------

    def open(self) -> None:
        """Start the reactor when it does not run, and put the names at the prompt."""
        if not self.reactor.running:
            self.reactor.startRunning(installSignalHandlers=False)
        self._is_open = True
        self._was_debugging = defer.getDebugging()
        defer.setDebugging(True)
        self.announcements.install()
        self.put_names()

    def close(self) -> None:
        """Close everything that was opened, forget what waits, take the names away; nothing when closed.

        The reactor goes on: whoever made it closes it.
        """
        if not self._is_open:
            return
        self._is_open = False
        self.jobs.forget()
        # Dropped, not failed: nobody is left to be told of the end, and a task that waits is cancelled
        # together with the loop.
        for wait in list(self._waits):
            wait.drop()
        for thing in self.net.things():
            talks = self.find(thing.shortId)
            if isinstance(talks, Conversation):
                talks.drop_waits()
            closing.dismiss(thing)
        self._take_names()
        self._labels.clear()
        self.announcements.remove()
        defer.setDebugging(self._was_debugging)

    def names(self) -> dict[str, object]:
        """The names at the prompt, the verbs first."""
        return {
            **self.verbs.names(),
            "net": self.net,
            "jobs": self.jobs,
            # The real one: the stand-in that programs import does not know it from inside of a thread.
            "reactor": self.reactor,
            **KNOWN,
        }

    def put_names(self) -> None:
        """Put the names into the namespace; a name that the user has given to something else stays his."""
        namespace = self.shell.user_ns
        for name, value in self.names().items():
            if name not in namespace or namespace[name] is self._names.get(name):
                self._names[name] = value
                namespace[name] = self.shell.user_ns_hidden[name] = value

    def _take_names(self) -> None:
        for name, value in self._names.items():
            if self.shell.user_ns.get(name) is value:
                del self.shell.user_ns[name]
            self.shell.user_ns_hidden.pop(name, None)
        self._names.clear()

    def track(self, wait: Wait[Any]) -> None:
        """Let `wait` end with the session."""
        self._waits.add(wait)

    # -- labels ---------------------------------------------------------------------------------------

    def announce(self, deferred: Deferred[Any]) -> str:
        """Give `deferred` a label (`d1`), list it in `jobs`, and tell its result when it has one.

        The same Deferred keeps its label. What `deferred` passes to its callbacks stays as it is.
        """
        label = self.jobs.announce(deferred).label
        self._labels.offer(label, deferred)
        return label

    def show(self, value: object) -> None:
        """`value` was shown: let its label be a name at the prompt."""
        thing = thing_of(value)
        if thing is not None and thing.shortId in self.reactor.opened:
            self._labels.offer(thing.shortId, self.find(thing.shortId))

    def find(self, label: str) -> object:
        """What is live under `label` (`p1`, `c3`, `d2`), or None.

        A connection that a conversation talks over is found as the conversation.
        """
        thing = self.reactor.opened.get(label)
        if isinstance(thing, LiveConnection) and isinstance(talker(thing), Conversation):
            return talker(thing)
        return self.jobs.find(label) if thing is None else thing

    @property
    def labels(self) -> Labels:
        """The labels that are names at the prompt."""
        return self._labels

    # -- what is told ---------------------------------------------------------------------------------

    def open_resources(self) -> list[str]:
        """What would end with the session, one line each; empty when leaving costs nothing."""
        return [
            f"{displays.port_line(port)}  {counted(port.connections, 'connection')}"
            for port in self.net.things()
            if isinstance(port, LivePort)
        ]

    def banner(self) -> str:
        """The text a face shows at its first prompt: the names, and what they are for."""
        return BANNER

    def cell_name(self, filename: str) -> str | None:
        """``[3]`` for the file name that IPython made up for cell 3; None for others."""
        named = self.shell.compile.format_code_name(filename)
        if named is None:
            return None
        number = str(named[1]).removeprefix("In").strip("[] ")
        return f"[{number}]"

    def _is_ours(self, context: Context) -> bool:
        return context.get(current_session) in (None, self.mark)

    def _tell_result(self, job: Job, result: Any) -> None:
        job.context.copy().run(self._print_result, job, result)

    def _print_result(self, job: Job, result: Any) -> None:
        self.show(result)
        lines = [displays.result_line(job.label, job.age, result)]
        if isinstance(result, Failure):
            take(job.deferred)
            lines += user_lines(result.tb, self.cell_name, least=1)
        print("\n".join(lines))
