"""Where one message ends and the next begins: cores that cut streams, without any input or output.

Each core is a plain class. ``receive_data(data)`` takes octets cut anywhere and gives the messages they
complete; what is unfinished is kept, never more than the core's limit. There is no socket, no clock and
no callback in here, so a core can be tried at a prompt, tested on a table of bytes, and used by any
protocol:

    >>> core = NetstringFraming()
    >>> core.receive_data(b"5:hel"), core.receive_data(b"lo,2:hi,")
    ([], [b'hello', b'hi'])

Start with `prefixed`, the shortest; `lines` is the one with turns in it. The protocols over them are in
`wirelab.protocols.basic`.
"""

from .errors import (
    FramingError,
    LineTooLong,
    LocalFramingError,
    NetstringParseError,
    RemoteFramingError,
    StringTooLongError,
    TooLongAnnounced,
)
from .lines import MAX_LINE, LineFraming
from .netstrings import MAX_NETSTRING, NetstringFraming, encode_netstring
from .prefixed import MAX_STRING, PrefixedFraming

__all__ = [
    "MAX_LINE",
    "MAX_NETSTRING",
    "MAX_STRING",
    "FramingError",
    "LineFraming",
    "LineTooLong",
    "LocalFramingError",
    "NetstringFraming",
    "NetstringParseError",
    "PrefixedFraming",
    "RemoteFramingError",
    "StringTooLongError",
    "TooLongAnnounced",
    "encode_netstring",
]
