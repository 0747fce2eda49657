"""Everything that can go wrong between this process and the operating system, by name.

`ConnectError` and its kin say why a connection was never made, `ConnectionClosed` and its kin why one
ended, `CannotListenError` why a port was not opened. An `OSError` is turned into one of these once, at the
transport's door, and stays reachable as ``__cause__`` or `osError`.
"""

from __future__ import annotations

import errno
import socket
from typing import Any


class _Told(Exception):
    """An error whose text is its documented meaning, followed by what the one who raised it added."""

    meaning = ""

    def __str__(self) -> str:
        detail = " ".join(str(arg) for arg in self.args)
        return f"{self.meaning}: {detail}" if detail else self.meaning


# -- listening ----------------------------------------------------------------------------------------


class BindError(_Told):
    """A local address could not be taken."""

    meaning = "could not bind to the local address"


class CannotListenError(BindError):
    """A port could not be opened: `interface`, `port` and the system's `socketError` say which and why."""

    def __init__(self, interface: str, port: int | str | None, socketError: OSError) -> None:
        super().__init__(interface, port, socketError)
        self.interface = interface
        self.port = port
        self.socketError = socketError

    def __str__(self) -> str:
        reason = self.socketError.strerror or str(self.socketError)
        return f"could not listen on {self._where()}: {reason[:1].lower()}{reason[1:]}"

    def _where(self) -> str:
        if isinstance(self.port, str):
            return self.port  # a path, which is on no interface
        return f"{self.interface or 'any interface'}, port {self.port}"


class AlreadyListened(_Told):
    """A port that can listen once only was asked to listen again."""

    meaning = "this port already listens"


class NotListeningError(RuntimeError):
    """The port does not listen (any more)."""


class InvalidAddressError(ValueError):
    """`address` is not a literal IP address, though one was needed."""

    def __init__(self, address: str, message: str) -> None:
        super().__init__(address, message)
        self.address = address
        self.message = message

    def __str__(self) -> str:
        return f"{self.message}: {self.address!r}"


class UnsupportedAddressFamily(_Told):
    """A socket of an address family that this reactor cannot serve was offered for adoption."""

    meaning = "address family not supported"


class UnsupportedSocketType(_Told):
    """A socket of a type that this reactor cannot serve was offered for adoption."""

    meaning = "socket type not supported"


class MulticastJoinError(Exception):
    """A multicast group could not be joined or left."""


class MessageLengthError(_Told):
    """A datagram is longer than the system takes."""

    meaning = "message is too long to send"


# -- connecting ---------------------------------------------------------------------------------------


class DNSLookupError(OSError):
    """A host name could not be resolved."""

    meaning = "name lookup failed"

    def __str__(self) -> str:
        detail = " ".join(str(arg) for arg in self.args)
        return f"{self.meaning}: {detail}" if detail else self.meaning


class ConnectInProgressError(Exception):
    """The connection is still being made; try again later."""


class ConnectError(Exception):
    """A connection could not be made. `osError` is the system's errno, or None when it had no say."""

    meaning = "could not connect"

    def __init__(self, osError: int | str | None = None, string: str = "") -> None:
        super().__init__(string)
        self.osError = osError

    def __str__(self) -> str:
        detail = str(self.args[0]) if self.args else ""
        if not detail and self.osError is not None:
            detail = f"errno {self.osError}"
        return f"{self.meaning}: {detail}" if detail else self.meaning


class ConnectBindError(ConnectError):
    """The local address asked for could not be taken."""

    meaning = "could not bind to the local address before connecting"


class UnknownHostError(ConnectError):
    """The host is not known."""

    meaning = "host name or address is unknown"


class NoRouteError(ConnectError):
    """There is no way to the host or its network."""

    meaning = "no route to host"


class ConnectionRefusedError(ConnectError):
    """The peer answered that nobody listens there."""

    meaning = "connection refused by the peer"


class TCPTimedOutError(ConnectError):
    """The system's own connection timer ran out."""

    meaning = "the system's connection timer ran out"


class BadFileError(ConnectError):
    """The Unix socket's path is not one that can be connected to."""

    meaning = "the file cannot be connected to"


class ServiceNameUnknownError(ConnectError):
    """A service name stands for no port number."""

    meaning = "service name given as port is unknown"


class UserError(ConnectError):
    """The program, and not the network, ended the attempt."""

    meaning = "the program ended the connection attempt"


class TimeoutError(UserError):
    """The time given for connecting ran out."""

    meaning = "connecting took longer than the time given"


class ConnectingCancelledError(Exception):
    """The attempt was cancelled; `address`, an IAddress, is where it would have gone."""

    def __init__(self, address: Any) -> None:
        super().__init__(address)
        self.address = address

    def __str__(self) -> str:
        return f"connecting to {self.address} was cancelled"


class NotConnectingError(RuntimeError):
    """There is no connection attempt to stop."""


class NoProtocol(Exception):
    """The factory gave no protocol for the connection."""


class SSLError(_Told):
    """Something about TLS went wrong."""

    meaning = "a TLS error occurred"


class VerifyError(_Told):
    """The peer's certificate did not hold."""

    meaning = "could not verify the certificate"


class PeerVerifyError(VerifyError):
    """The peer did not accept our certificate."""

    meaning = "the peer could not verify our certificate"


class CertificateError(Exception):
    """No certificate could be had from the connection."""


_REFUSALS: dict[int, type[ConnectError]] = {
    errno.ENETUNREACH: NoRouteError,
    errno.EHOSTUNREACH: NoRouteError,
    errno.ENETDOWN: NoRouteError,
    errno.ECONNREFUSED: ConnectionRefusedError,
    errno.ETIMEDOUT: TCPTimedOutError,
    errno.ENOENT: BadFileError,
    errno.EADDRNOTAVAIL: ConnectBindError,
    errno.EADDRINUSE: ConnectBindError,
}


def getConnectError(e: OSError | tuple[int, str]) -> ConnectError:
    """The `ConnectError` that says what the system's error `e` (or its ``(errno, text)``) means."""
    if isinstance(e, tuple):
        number: int | None = e[0]
        text = e[1]
    else:
        number, text = e.errno, e.strerror or str(e)
    if isinstance(e, socket.gaierror):
        return UnknownHostError(number, text)
    return _REFUSALS.get(number or 0, ConnectError)(number, text)


# -- connections that end -----------------------------------------------------------------------------


class ConnectionClosed(_Told):
    """A connection ended; this is the base of all reasons that `connectionLost` is given."""

    meaning = "connection closed"


class ConnectionLost(ConnectionClosed):
    """The connection ended in another way than by a clean close."""

    meaning = "connection to the other side was lost in a non-clean fashion"


class ConnectionAborted(ConnectionLost):
    """This side dropped the connection with `abortConnection`."""

    meaning = "connection was aborted by this side"


class ConnectionDone(ConnectionClosed):
    """The connection was closed cleanly, by either side."""

    meaning = "connection was closed cleanly"


class FileDescriptorOverrun(ConnectionLost):
    """More descriptors than can be passed arrived with too little data to carry them."""

    meaning = "more file descriptors were waiting than data to carry them"


class ConnectionFdescWentAway(ConnectionLost):
    """The descriptor under the connection is no longer open."""

    meaning = "the file descriptor of the connection went away"


# -- time, processes, the reactor ---------------------------------------------------------------------


class AlreadyCalled(ValueError):
    """The delayed call has been made and cannot be changed any more."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "the call has already been made"


class AlreadyCancelled(ValueError):
    """The delayed call was cancelled and cannot be changed any more."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "the call has already been cancelled"


class PotentialZombieWarning(Warning):
    """A child process was started before its end can be noticed."""


class ProcessDone(ConnectionDone):
    """The process ended well: `exitCode` 0."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.exitCode = 0
        self.signal: int | None = None
        self.status = status

    meaning = "process ended with exit code 0"


class ProcessTerminated(ConnectionLost):
    """The process ended badly: with `exitCode`, or by `signal`; `status` is the system's raw value."""

    def __init__(
        self, exitCode: int | None = None, signal: int | None = None, status: int | None = None
    ) -> None:
        super().__init__()
        self.exitCode = exitCode
        self.signal = signal
        self.status = status

    def __str__(self) -> str:
        if self.signal is not None:
            return f"process was ended by signal {self.signal}"
        if self.exitCode is not None:
            return f"process ended with exit code {self.exitCode}"
        return "process ended"


class ProcessExitedAlready(Exception):
    """The process is gone; it cannot be signalled any more."""


class ReactorNotRunning(RuntimeError):
    """The reactor does not run, so it cannot be stopped."""


class ReactorAlreadyRunning(RuntimeError):
    """The reactor runs already, so it cannot be run again from within."""


class ReactorNotRestartable(RuntimeError):
    """Kept for programs that catch it; reactors here can be run again."""


class ReactorAlreadyInstalledError(AssertionError):
    """Another reactor is already in use as the global one."""
