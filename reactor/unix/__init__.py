"""Unix domain sockets: conversations within one machine, which can pass open descriptors.

Start with `port` for servers, `client` for clients; `connection` is what both end up with, `passing` how a
descriptor travels with the data. Datagrams are in `datagrams`, paths and abstract names in `paths`, lock
files in `locks`.
"""

from .client import Client, Connector
from .connection import Connection, Server
from .credentials import PeerCredentials
from .datagrams import ConnectedDatagramPort, DatagramPort
from .port import Port

__all__ = [
    "Client",
    "ConnectedDatagramPort",
    "Connection",
    "Connector",
    "DatagramPort",
    "PeerCredentials",
    "Port",
    "Server",
]
