"""TCP over IPv4 and IPv6: connections, the ports that accept them and the attempts that make them.

Start with `port` for servers, `connector` for clients; `connection` is what both end up with. The state
machine underneath, which knows nothing of TCP, is `..stream`.
"""

from .client import Client
from .connection import Connection, Server
from .connector import Connector
from .port import Port
from .sockets import address_of

__all__ = ["Client", "Connection", "Connector", "Port", "Server", "address_of"]
