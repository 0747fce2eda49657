"""UDP over IPv4 and IPv6, and multicast on top of it.

Start with `port`; groups are in `multicast`. What UDP shares with Unix datagrams is in `..datagrams`.
"""

from .multicast import MulticastPort
from .port import Port

__all__ = ["MulticastPort", "Port"]
