"""`startTLS`: taking up TLS in the middle of a conversation."""

from __future__ import annotations

from typing import Any

from .factory import TLSMemoryBIOFactory
from .protocol import upgrade


def start_tls(transport: Any, context_factory: Any, is_client: bool) -> None:
    """Speak TLS over `transport` from here on; its protocol keeps it, and needs not know.

    What was written before leaves as it was; what is written from now on is encrypted, and waits for the end
    of the handshake. What came in the clear and was not handled yet is thrown away: it was not sent by whom
    TLS is going to verify. A transport that is closing stays as it is.

    Raises TypeError for what is no context factory, and what that raises for bad settings.
    """
    if not transport.connected or transport.disconnecting:
        return
    upgrade(
        transport,
        TLSMemoryBIOFactory(context_factory, is_client, getattr(transport.protocol, "factory", None)),
    )
