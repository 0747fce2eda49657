"""TLS over any transport: TCP, two protocols joined in memory, TLS itself.

Start with `protocol` (`TLSMemoryBIOProtocol`: the state machine between a transport and the protocol inside);
`factory` puts it around the protocols of another factory, `upgrade` into a conversation that has begun
(`startTLS`), `description` is what people want to know of a session. What TLS shows and believes is in
`..ssl`.
"""

from .description import TLSDescription
from .factory import TLSMemoryBIOFactory
from .protocol import TLSMemoryBIOProtocol
from .upgrade import start_tls

__all__ = ["TLSDescription", "TLSMemoryBIOFactory", "TLSMemoryBIOProtocol", "start_tls"]
