"""Endpoints from strings: `clientFromString`, `serverFromString`, and the packages that add kinds to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..interfaces import IStreamClientEndpointStringParser
from ..resolver import is_literal
from .description import Description, parse_description
from .errors import BrokenPluginError, UnknownKindError
from .kinds import CLIENT_KINDS, SERVER_KINDS, Kind

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CLIENT_GROUP = "wirelab.endpoints.client"
SERVER_GROUP = "wirelab.endpoints.server"
"""The entry point groups in which packages name their parsers."""


def clientFromString(reactor: Any, description: str) -> Any:
    r"""The IStreamClientEndpoint that a string such as ``tcp:example.org:80:timeout=5`` stands for.

    ``tcp:host:port`` and ``tcp6:host:port`` take the host and port by position or by name and, by name only,
    ``timeout`` (seconds, 30) and ``bindAddress`` (a literal address to connect from). The colons of an IPv6
    address are escaped, ``tcp:\:\:1:80``, or the address is put in brackets, ``tcp:[::1]:80``.

    ``unix:path`` takes ``timeout`` and ``lockfile`` (1: a live process must hold the lock file) by name only;
    ``unix:@name`` is the abstract name.

    ``tls:host:port`` verifies that it talks to `host`. By name only it takes what `tcp` does, ``trustRoots``
    (a PEM file, or a folder of ``*.pem`` files, with the authorities to trust instead of the platform's),
    ``certificate`` and ``privateKey`` (PEM files, or one, with what to show) and ``endpoint`` (another string
    to connect by, its colons escaped).

    ``process:/bin/cat:argument:...`` starts a program with our environment and talks to its standard input
    and output. By name it takes ``path`` (the directory to start in), ``pty`` (yes: a terminal) and
    ``errors`` (log, or drop: what becomes of its standard error).

    With `tcp` and `tls`, a host name is tried at all its addresses as `HostnameEndpoint` does.

    Raises:
        EndpointStringError: a ValueError; its subclasses and its text say what is wrong and where.
    """
    parsed = parse_description(description)
    return _kind(parsed, CLIENT_KINDS, CLIENT_GROUP, "parseStreamClient").build(reactor, parsed)


def serverFromString(reactor: Any, description: str) -> Any:
    """The IStreamServerEndpoint that a string such as ``tcp:8080:interface=127.0.0.1`` stands for.

    ``tcp:port`` and ``tcp6:port`` take ``interface`` (a literal address; by default every one of the family)
    and ``backlog`` (50), ``unix:path`` takes ``mode`` (octal, 666), ``backlog`` and ``lockfile`` (1: a socket
    left by a server that crashed is taken over), ``adopt-socket:fileno:INET`` serves a listening socket
    opened by somebody else.

    ``stdio:`` serves standard input and output, ``systemd:domain=INET:index=0`` (or ``name=``) a socket that
    systemd passed. ``haproxy:`` before another string, such as ``haproxy:tcp:8080``, expects the header of
    the PROXY protocol, version 1 or 2, on each connection.

    ``tls:port`` (or ``ssl:port``) takes what `tcp` does and, by name only, ``privateKey`` (a PEM file,
    server.pem), ``certKey`` (a PEM file, by default the same), ``extraCertChain``, ``dhParameters`` (PEM
    files) and ``sslmethod`` (a name such as TLSv1_2_METHOD). The files are read again when they have changed.

    Raises:
        EndpointStringError: a ValueError; its subclasses and its text say what is wrong and where.
    """
    parsed = parse_description(description)
    return _kind(parsed, SERVER_KINDS, SERVER_GROUP, "parseStreamServer").build(reactor, parsed)


def _kind(description: Description, built_in: dict[str, Kind], group: str, method: str) -> Kind:
    kind = built_in.get(description.kind)
    if kind is not None:
        return kind
    plugins = list(_entry_points(group))
    for entry_point in plugins:
        if entry_point.name == description.kind:
            return _PluginKind(entry_point, method)
    kinds = sorted({*built_in, *(entry_point.name for entry_point in plugins)})
    raise UnknownKindError(
        f"{_what_is_wrong(description, group)}, there are: {', '.join(kinds)}{_hint(description, group)}",
        description.text,
        kinds,
        0,
        len(description.kind),
    )


def _what_is_wrong(description: Description, group: str) -> str:
    other, call = (CLIENT_KINDS, "connected to") if group == SERVER_GROUP else (SERVER_KINDS, "listened at")
    if description.kind in other:
        return f"{description.kind!r} can only be {call}"
    return f"unknown kind of endpoint {description.kind!r}"


def _hint(description: Description, group: str) -> str:
    """What may have been meant by a string without a kind."""
    text, rest = description.text, description.positional
    if len(description.arguments) > 1:
        return ""
    if group == SERVER_GROUP and text.isdigit():
        return f"; did you mean 'tcp:{text}'?"
    if not rest or not rest[0].isdigit():
        return ""
    if group == CLIENT_GROUP:
        return f"; did you mean 'tcp:{text}'?"
    return (
        f"; did you mean 'tcp:{rest[0]}:interface={description.kind}'?"
        if is_literal(description.kind)
        else ""
    )


def _entry_points(group: str) -> Iterator[EntryPoint]:
    # Reading the installed packages costs 20 ms and more, and only kinds that are not built in need it.
    from importlib.metadata import entry_points

    yield from entry_points(group=group)


class _PluginKind:
    """A kind that a package provides."""

    def __init__(self, entry_point: EntryPoint, method: str) -> None:
        self._entry_point = entry_point
        self._method = method

    def build(self, reactor: Any, description: Description) -> Any:
        """The endpoint that the package's parser gives for the arguments, all as text."""
        parser = self._load(description)
        parse = getattr(parser, self._method)
        takes_no_reactor = IStreamClientEndpointStringParser.providedBy(parser)
        before = () if takes_no_reactor else (reactor,)
        return parse(*before, *description.positional, **description.named)

    def _load(self, description: Description) -> Any:
        try:
            parser = self._entry_point.load()
        except Exception as error:
            raise self._broken(f"cannot be imported: {error}", description) from error
        if isinstance(parser, type):
            parser = parser()
        if not hasattr(parser, self._method):
            raise self._broken(f"has no {self._method}()", description)
        return parser

    def _broken(self, what: str, description: Description) -> BrokenPluginError:
        return BrokenPluginError(
            f"{self._entry_point.value!r}, which provides {description.kind!r}, {what}",
            description.text,
            0,
            len(description.kind),
        )
