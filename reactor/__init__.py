"""What the operating system gives: the loop and its drivers, time, Deferreds, transports, endpoints.

Start with `core` (the reactor) and `defer` (results that are not there yet). `protocol` has what a program
subclasses, `tcp` the wire under it, `endpoints` how to name a place to connect to or listen at, `task` time
as a tool, `threads` work outside of the loop, `testing` doubles of all this. `reactor` stands for the
reactor that runs here; importing it makes none.
"""

from .proxy import reactor

__all__ = ["reactor"]
