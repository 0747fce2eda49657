"""Child processes: starting them, talking to them, signalling them, and noticing their end.

`reactor.spawnProcess` (`processes.py`) starts them. `piped.py` and `terminal.py` have the transports,
`base.py` what both are, `launch.py` how a program is started, `watch.py` how its end is noticed.
"""

from .base import BaseProcess
from .piped import Process
from .terminal import PTYProcess
from .watch import reapAllProcesses

__all__ = ["BaseProcess", "PTYProcess", "Process", "reapAllProcesses"]
