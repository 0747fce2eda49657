"""Protocols that receive messages instead of octets: lines, netstrings, strings behind their length.

Subclass one, override `lineReceived` or `stringReceived`, and answer with `sendLine` or `sendString`. How
the stream was cut on its way never shows. A message over the limit closes the connection, and the log says
why.

    class Upper(LineOnlyReceiver):
        def lineReceived(self, line: bytes) -> None:
            self.sendLine(line.upper())

All of them: a message is delivered when the one before has been dealt with, also when that put data back or
received more; what had come in before `loseConnection` was called is not delivered after it. The framing
itself is in `wirelab.protocols.framing`, free of input and output.
"""

from ..framing import NetstringParseError, StringTooLongError
from .files import FileSender, FileTransferStopped
from .lines import LineOnlyReceiver, LineReceiver
from .netstrings import NetstringReceiver
from .prefixed import Int8StringReceiver, Int16StringReceiver, Int32StringReceiver, IntNStringReceiver
from .stateful import StatefulStringProtocol

__all__ = [
    "FileSender",
    "FileTransferStopped",
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "LineOnlyReceiver",
    "LineReceiver",
    "NetstringParseError",
    "NetstringReceiver",
    "StatefulStringProtocol",
    "StringTooLongError",
]
