"""The PROXY protocol: a proxy tells first on each connection who is on its other side.

The header in `header.py`, by the specification of HAProxy (doc/proxy-protocol.txt, 2020/03/05), versions 1
and 2; what reads it before a protocol begins in `factory.py`.
"""

from .factory import ProxiedFactory
from .header import HeaderParser, ProxyHeader, RemoteHeaderError

__all__ = ["HeaderParser", "ProxiedFactory", "ProxyHeader", "RemoteHeaderError"]
