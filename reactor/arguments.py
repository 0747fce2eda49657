"""What may be passed to the calls of a reactor that listen and connect."""

from __future__ import annotations


def check_port(verb: str, port: object) -> None:
    """Raises TypeError or ValueError for what is no port number, in the name of `verb`."""
    if isinstance(port, str):
        raise TypeError(
            f"{verb}() takes a port number, not {port!r}: for endpoint strings there are "
            "clientFromString() and serverFromString()"
        )
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"{verb}() takes a port number, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"{verb}() takes a port number from 0 to 65535, not {port}")


def check_factory(verb: str, factory: object) -> None:
    """Raises TypeError for what is no factory; the text says what to pass instead."""
    if isinstance(factory, type):
        if hasattr(factory, "dataReceived"):
            raise TypeError(
                f"{verb}() takes a factory, not the protocol class {factory.__name__}: "
                f"try Factory.forProtocol({factory.__name__})"
            )
        if hasattr(factory, "buildProtocol"):
            raise TypeError(f"{verb}() takes a factory, not its class: try {factory.__name__}()")
    if not callable(getattr(factory, "buildProtocol", None)):
        hint = ""
        if hasattr(factory, "dataReceived"):
            hint = ": this is one protocol, and each connection needs its own; try Factory.forProtocol()"
        raise TypeError(f"{verb}() takes a factory with buildProtocol(addr), not {factory!r}{hint}")


def check_client_factory(verb: str, factory: object) -> None:
    """Raises TypeError for what is no factory of a client."""
    check_factory(verb, factory)
    if not hasattr(factory, "startedConnecting"):
        raise TypeError(f"{verb}() takes a ClientFactory, not {factory!r}")


def check_protocol(factory: object, protocol: object) -> None:
    """Raises TypeError for what `factory` gave a connection to talk through, when it is no protocol."""
    if isinstance(protocol, type):
        name = protocol.__name__
        raise TypeError(f"{type(factory).__name__}.buildProtocol() gave the class {name}: return {name}()")
    for name in ("makeConnection", "dataReceived", "connectionLost"):
        if not callable(getattr(protocol, name, None)):
            raise TypeError(
                f"{type(factory).__name__}.buildProtocol() gave {protocol!r}, which is no protocol: "
                f"it has no {name}()"
            )


def check_datagram_protocol(verb: str, protocol: object) -> None:
    """Raises TypeError for what is no protocol in datagrams; the text says what to pass instead."""
    if isinstance(protocol, type):
        raise TypeError(f"{verb}() takes a protocol, not its class: try {protocol.__name__}()")
    if not callable(getattr(protocol, "datagramReceived", None)):
        hint = ": one of streams is for listenTCP()" if hasattr(protocol, "dataReceived") else ""
        raise TypeError(f"{verb}() takes a DatagramProtocol, not {protocol!r}{hint}")


def check_packet_size(verb: str, size: object) -> None:
    """Raises TypeError or ValueError for what is no number of octets to receive."""
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"{verb}() takes maxPacketSize as a number of octets, not {size!r}")
    if size < 1:
        raise ValueError(f"{verb}() takes a maxPacketSize of 1 octet or more, not {size}")
