"""Places to connect to and to listen at, as objects or as strings such as ``tcp:8080``.

Start with `clientFromString` and `serverFromString` (`strings.py`). The language of the strings is in
`description.py`, the table of the kinds in `kinds.py`, the race for the best address in `race.py`.
"""

from .adopted import AdoptedStreamServerEndpoint
from .attempt import connectProtocol
from .description import quoteStringArgument
from .errors import (
    ArgumentValueError,
    BrokenPluginError,
    DescriptionTypeError,
    EmptyDescriptionError,
    EndpointStringError,
    ExcessArgumentError,
    HostError,
    InvalidHostNameError,
    MissingArgumentError,
    PortError,
    RepeatedArgumentError,
    TimeoutValueError,
    UnfinishedEscapeError,
    UnknownArgumentError,
    UnknownKindError,
)
from .haproxy import HAProxyServerEndpoint
from .hostname import HostnameEndpoint
from .process import ProcessEndpoint, StandardErrorBehavior
from .standard_io import StandardIOEndpoint
from .strings import clientFromString, serverFromString
from .tcp import TCP4ClientEndpoint, TCP4ServerEndpoint, TCP6ClientEndpoint, TCP6ServerEndpoint
from .tls import SSL4ClientEndpoint, SSL4ServerEndpoint, wrapClientTLS
from .unix import UNIXClientEndpoint, UNIXServerEndpoint

__all__ = [
    "AdoptedStreamServerEndpoint",
    "ArgumentValueError",
    "BrokenPluginError",
    "DescriptionTypeError",
    "EmptyDescriptionError",
    "EndpointStringError",
    "ExcessArgumentError",
    "HAProxyServerEndpoint",
    "HostError",
    "HostnameEndpoint",
    "InvalidHostNameError",
    "MissingArgumentError",
    "PortError",
    "ProcessEndpoint",
    "RepeatedArgumentError",
    "SSL4ClientEndpoint",
    "SSL4ServerEndpoint",
    "StandardErrorBehavior",
    "StandardIOEndpoint",
    "TCP4ClientEndpoint",
    "TCP4ServerEndpoint",
    "TCP6ClientEndpoint",
    "TCP6ServerEndpoint",
    "TimeoutValueError",
    "UNIXClientEndpoint",
    "UNIXServerEndpoint",
    "UnfinishedEscapeError",
    "UnknownArgumentError",
    "UnknownKindError",
    "clientFromString",
    "connectProtocol",
    "quoteStringArgument",
    "serverFromString",
    "wrapClientTLS",
]
