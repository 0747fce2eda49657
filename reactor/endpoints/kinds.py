"""The kinds of endpoints that strings can name: the built-in ones in two tables, others from packages.

A later kind is one more entry in `SERVER_KINDS` or `CLIENT_KINDS`. A package adds one through an entry point
of the group `wirelab.endpoints.server` or `wirelab.endpoints.client`, named as the kind, that leads to an
`IStreamServerEndpointStringParser` or `IStreamClientEndpointStringParserWithReactor`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Shape

from ..resolver import is_literal
from . import systemd, tls_kinds, values
from .adopted import AdoptedStreamServerEndpoint
from .description import Argument, Description, parse_description
from .errors import (
    ExcessArgumentError,
    MissingArgumentError,
    RepeatedArgumentError,
    UnknownArgumentError,
    UnknownKindError,
)
from .haproxy import HAProxyKind
from .hostname import HostnameEndpoint
from .process_kind import ProcessKind
from .standard_io import StandardIOEndpoint
from .systemd import SystemdKind
from .tcp import TCP4ClientEndpoint, TCP4ServerEndpoint, TCP6ClientEndpoint, TCP6ServerEndpoint
from .unix import UNIXClientEndpoint, UNIXServerEndpoint


class Kind(Shape):
    """What `clientFromString` and `serverFromString` need of a kind."""

    def build(self, reactor: Any, description: Description) -> Any:
        """The endpoint that `description` stands for. Raises EndpointStringError."""


@dataclass(frozen=True)
class Parameter:
    """An argument that a kind takes: `read` turns its text into the value.

    Without a `default` it has to be given. One that is `named_only` has no place among those without a name.
    """

    name: str
    read: Callable[[str, str], Any]
    default: Any = ...
    named_only: bool = False


@dataclass(frozen=True)
class TableKind:
    """A kind whose arguments are a table: each is checked by its `Parameter`, then `make` is called with all.

    `example` is a string of this kind that is right.
    """

    example: str
    parameters: tuple[Parameter, ...]
    make: Callable[..., Any]

    def build(self, reactor: Any, description: Description) -> Any:
        """The endpoint. Raises the `EndpointStringError` that names the first argument at fault."""
        given = self._assign(description)
        found = {}
        for parameter in self.parameters:
            argument = given.get(parameter.name)
            if argument is not None:
                found[parameter.name] = _read(parameter, argument, description)
            elif parameter.default is ...:
                raise MissingArgumentError(
                    f"{description.kind} needs {parameter.name}: write for example {self.example!r}",
                    description.text,
                    len(description.text),
                )
            else:
                found[parameter.name] = parameter.default
        return self.make(reactor, **found)

    def _assign(self, description: Description) -> dict[str, Argument]:
        """Each given argument under the name of its parameter."""
        given: dict[str, Argument] = {}
        for argument in description.arguments:
            if argument.name is None:
                continue
            if all(argument.name != parameter.name for parameter in self.parameters):
                raise self._unknown(argument, description)
            if argument.name in given:
                raise _repeated(argument.name, argument, description)
            given[argument.name] = argument
        unnamed = [argument for argument in description.arguments if argument.name is None]
        if len(description.arguments) == 1 and unnamed and not unnamed[0].value:
            return given  # "tcp:" has no argument rather than an empty one
        places = self._places(len(unnamed), given)
        for place, argument in zip(places, unnamed, strict=False):
            if place in given:
                later = max(argument, given[place], key=lambda each: each.position)
                raise _repeated(place, later, description)
            given[place] = argument
        if len(unnamed) > len(places):
            raise self._excess(unnamed[len(places)], description, places)
        return given

    def _places(self, count: int, named: dict[str, Argument]) -> list[str]:
        """The parameters that so many values without a name stand for.

        They are the first ones in order, unless there are no more than have to be given and were not named:
        so ``tcp:host=example.org:80`` has a host and a port.
        """
        missing = [each.name for each in self.parameters if each.default is ... and each.name not in named]
        if 0 < count <= len(missing):
            return missing
        return [each.name for each in self.parameters if not each.named_only]

    def _unknown(self, argument: Argument, description: Description) -> UnknownArgumentError:
        known = ", ".join(parameter.name for parameter in self.parameters)
        return UnknownArgumentError(
            f"{description.kind} has no argument {argument.name!r}, its arguments are: {known}",
            description.text,
            argument.position,
            argument.length,
        )

    def _excess(self, argument: Argument, description: Description, places: list[str]) -> ExcessArgumentError:
        return ExcessArgumentError(
            f"{description.kind} takes {' and '.join(places)} without a name and nothing more, "
            f"not {argument.value!r}; {_COLONS}",
            description.text,
            argument.position,
            argument.length,
        )


_COLONS = r"colons inside a value are written \:"


def _repeated(name: str, argument: Argument, description: Description) -> RepeatedArgumentError:
    hint = f"; {_COLONS}" if "" in description.positional else ""
    return RepeatedArgumentError(
        f"{description.kind} is given its {name} twice{hint}",
        description.text,
        argument.position,
        argument.length,
    )


def _read(parameter: Parameter, argument: Argument, description: Description) -> Any:
    try:
        return parameter.read(parameter.name, argument.value)
    except values.Unfit as unfit:
        raise unfit.error(unfit.message, description.text, argument.position, argument.length) from None


# -- how the built-in kinds are made ------------------------------------------------------------------


def _tcp_client(reactor: Any, host: str, port: int, timeout: float, bindAddress: str | None) -> Any:
    """A name may have addresses of both families, so it is raced for; a literal address has only itself."""
    bind = None if not bindAddress else (bindAddress, 0)
    if is_literal(host):
        endpoint = TCP4ClientEndpoint if "." in host and ":" not in host else TCP6ClientEndpoint
        return endpoint(reactor, host, port, timeout, bind)
    return HostnameEndpoint(reactor, host, port, timeout, bind)


def _tcp6_client(reactor: Any, host: str, port: int, timeout: float, bindAddress: str | None) -> Any:
    return TCP6ClientEndpoint(reactor, host, port, timeout, None if not bindAddress else (bindAddress, 0))


def _unix_server(reactor: Any, address: str, mode: int, backlog: int, lockfile: bool) -> Any:
    return UNIXServerEndpoint(reactor, address, backlog, mode, lockfile)


def _unix_client(reactor: Any, path: str, timeout: float, lockfile: bool) -> Any:
    return UNIXClientEndpoint(reactor, path, timeout, lockfile)


def _tls_client(
    reactor: Any,
    host: str,
    port: int,
    timeout: float,
    bindAddress: str | None,
    certificate: str | None,
    privateKey: str | None,
    trustRoots: str | None,
    endpoint: str | None,
) -> Any:
    """TLS over TCP, or over the endpoint that another string names."""

    def connect() -> Any:
        if endpoint is None:
            return _tcp_client(reactor, host, port, timeout, bindAddress)
        inner = parse_description(endpoint)
        kind = CLIENT_KINDS.get(inner.kind)
        if kind is None:
            known = ", ".join(sorted(CLIENT_KINDS))
            raise UnknownKindError(
                f"endpoint= has the unknown kind {inner.kind!r}, there are: {known}", endpoint, CLIENT_KINDS
            )
        return kind.build(reactor, inner)

    return tls_kinds.tls_client(connect, host, certificate, privateKey, trustRoots)


_TLS_SERVER = tls_kinds.TLSKind(
    TableKind(
        "tls:443:privateKey=server.pem",
        (
            Parameter("port", values.local_port),
            Parameter("interface", values.address, ""),
            Parameter("backlog", values.positive, 50),
            Parameter("privateKey", tls_kinds.file, tls_kinds.DEFAULT_FILE, named_only=True),
            Parameter("certKey", tls_kinds.file, None, named_only=True),
            Parameter("extraCertChain", tls_kinds.file, None, named_only=True),
            Parameter("sslmethod", tls_kinds.method, None, named_only=True),
            Parameter("dhParameters", tls_kinds.file, None, named_only=True),
        ),
        tls_kinds.tls_server,
    )
)

_ADOPTED = TableKind(
    "adopt-socket:3:INET",
    (Parameter("fileno", values.descriptor), Parameter("addressFamily", values.family)),
    AdoptedStreamServerEndpoint,
)

SERVER_KINDS: dict[str, Kind] = {
    "tcp": TableKind(
        "tcp:8080:interface=127.0.0.1",
        (
            Parameter("port", values.local_port),
            Parameter("interface", values.address, ""),
            Parameter("backlog", values.positive, 50),
        ),
        TCP4ServerEndpoint,
    ),
    "tcp6": TableKind(
        "tcp6:8080:interface=[::1]",
        (
            Parameter("port", values.local_port),
            Parameter("interface", values.ipv6_address, "::"),
            Parameter("backlog", values.positive, 50),
        ),
        TCP6ServerEndpoint,
    ),
    "unix": TableKind(
        "unix:/tmp/x.sock:mode=660",
        (
            Parameter("address", values.socket_path),
            Parameter("mode", values.permissions, 0o666),
            Parameter("backlog", values.positive, 50),
            Parameter("lockfile", values.flag, True),
        ),
        _unix_server,
    ),
    "ssl": _TLS_SERVER,
    "tls": _TLS_SERVER,
    "adopt": _ADOPTED,
    "adopt-socket": _ADOPTED,
    "systemd": SystemdKind(
        TableKind(
            "systemd:domain=INET:index=0",
            (
                Parameter("domain", values.family),
                Parameter("index", systemd.index, None),
                Parameter("name", lambda name, text: text, None),
            ),
            systemd.arguments_of,
        )
    ),
    "stdio": TableKind("stdio:", (), StandardIOEndpoint),
}
"""Kinds that can be listened on, by the word before the first colon."""

SERVER_KINDS["haproxy"] = HAProxyKind(SERVER_KINDS)

_CONNECTING = (
    Parameter("host", values.host),
    Parameter("port", values.remote_port),
    Parameter("timeout", values.seconds, 30, named_only=True),
    Parameter("bindAddress", values.address, None, named_only=True),
)

_TLS_CLIENT = tls_kinds.TLSKind(
    TableKind(
        "tls:example.org:443",
        (
            *_CONNECTING,
            Parameter("certificate", tls_kinds.file, None, named_only=True),
            Parameter("privateKey", tls_kinds.file, None, named_only=True),
            Parameter("trustRoots", tls_kinds.file, None, named_only=True),
            Parameter("endpoint", tls_kinds.file, None, named_only=True),
        ),
        _tls_client,
    )
)

CLIENT_KINDS: dict[str, Kind] = {
    "process": ProcessKind(),
    "ssl": _TLS_CLIENT,
    "tls": _TLS_CLIENT,
    "tcp": TableKind("tcp:example.org:80", _CONNECTING, _tcp_client),
    "tcp6": TableKind("tcp6:example.org:80", _CONNECTING, _tcp6_client),
    "unix": TableKind(
        "unix:/tmp/x.sock",
        (
            Parameter("path", values.socket_path),
            Parameter("timeout", values.seconds, 30, named_only=True),
            Parameter("lockfile", values.flag, False, named_only=True),
        ),
        _unix_client,
    ),
}
"""Kinds that can be connected to, by the word before the first colon."""
