"""Multicast within this machine: groups that are joined and left, and how far what is sent travels."""

import errno
import os
import socket
import struct

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred, succeed
from wirelab.reactor.error import CannotListenError, MulticastJoinError
from wirelab.reactor.interfaces import IMulticastTransport, IReactorMulticast
from wirelab.reactor.protocol import DatagramProtocol
from wirelab.reactor.udp import MulticastPort

# Of the block for documentation (RFC 6676), and a transient one of the interface's own scope, which never
# leaves the machine whatever the interface (RFC 4291 section 2.7).
GROUP4, GROUP6 = "233.252.0.17", "ff11::17"
FAMILIES = [socket.AF_INET, socket.AF_INET6]


def carry(family, group, interface):
    """Send a datagram to the group and receive it. Raises OSError where the interface carries none."""
    with socket.socket(family, socket.SOCK_DGRAM) as here:
        here.settimeout(1)
        index = socket.if_nametoindex(interface)
        if family == socket.AF_INET6:
            here.bind(("::", 0))
            request = socket.inet_pton(family, group) + struct.pack("@I", index)
            here.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
            here.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            here.bind(("0.0.0.0", 0))
            loopback = socket.inet_aton("127.0.0.1")
            here.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + loopback)
            here.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
        here.sendto(b"x", (group, here.getsockname()[1]))
        here.recv(1)


def interface_of(family, group):
    """An interface that carries groups, lo if it does, and None; or lo, and why none does."""
    # Linux has no route for groups of IPv6 on lo unless somebody made one.
    names = ["lo"] if family == socket.AF_INET else ["lo", *(name for _, name in socket.if_nameindex())]
    told = {}
    for name in names:
        try:
            carry(family, group, name)
        except OSError as error:
            told[name] = str(error)
        else:
            return name, None
    return "lo", f"no interface carries {family.name} groups: {told}"


LO6, NOT6 = interface_of(socket.AF_INET6, GROUP6)
LO4, NOT4 = interface_of(socket.AF_INET, GROUP4)
GROUPS = {socket.AF_INET: (GROUP4, "127.0.0.1"), socket.AF_INET6: (GROUP6, LO6)}
carried = [
    pytest.param(family, marks=pytest.mark.skipif(bool(why), reason=str(why)), id=family.name)
    for family, why in ((socket.AF_INET, NOT4), (socket.AF_INET6, NOT6))
]
both = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


class Member(DatagramProtocol):
    noisy = False

    def __init__(self):
        self.heard = []
        self._waiting = []

    def datagramReceived(self, datagram, addr):
        self.heard.append(datagram)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self)

    async def until(self, *datagrams):
        while self.heard != list(datagrams):
            waiting = Deferred()
            self._waiting.append(waiting)
            await waiting


@pytest.fixture
def listen(reactor):
    """Opens ports for multicast of a family: `member = listen(family)`; closes them at the end."""

    def listen(family, port=0, **options):
        member = Member()
        interface = "::" if family == socket.AF_INET6 else ""
        reactor.listenMulticast(port, member, interface, **options)
        return member

    yield listen
    for port in list(reactor.opened.values()):
        port.stopListening()


async def refused(deferred):
    """The text of the MulticastJoinError with which it fails."""
    with pytest.raises(MulticastJoinError) as told:
        await deferred
    return str(told.value)


@both
async def test_everything_promised_is_there(reactor, listen, family):
    port = listen(family).transport
    assert verifyObject(IReactorMulticast, reactor)
    assert verifyObject(IMulticastTransport, port)
    assert type(port) is MulticastPort
    assert port.kind == "udp" and port.shortId == "u1"


@pytest.mark.parametrize("family", carried)
async def test_members_hear_what_is_sent_to_their_group(listen, family):
    group, interface = GROUPS[family]
    one = listen(family, listenMultiple=True)
    number = one.transport.port
    two = listen(family, number, listenMultiple=True)
    sender = listen(family)
    for member in (one, two):
        assert await member.transport.joinGroup(group, interface) is None
    await sender.transport.setOutgoingInterface(interface)
    sender.transport.write(b"to all", (group, number))
    await one.until(b"to all")
    await two.until(b"to all")
    assert await two.transport.leaveGroup(group, interface) is None
    await two.transport.stopListening()
    sender.transport.write(b"to one", (group, number))
    await one.until(b"to all", b"to one")
    assert two.heard == [b"to all"]


@pytest.mark.parametrize("family", carried)
async def test_a_group_that_was_left_is_not_heard(listen, family):
    group, interface = GROUPS[family]
    port = (member := listen(family)).transport
    await port.joinGroup(group, interface)
    await port.setOutgoingInterface(interface)
    await port.leaveGroup(group, interface)
    port.write(b"gone", (group, port.port))
    await port.joinGroup(group, interface)
    port.write(b"back", (group, port.port))
    await member.until(b"back")


@pytest.mark.parametrize("family", carried)
async def test_without_loopback_we_do_not_hear_ourselves(listen, family):
    group, interface = GROUPS[family]
    member = listen(family)
    port = member.transport
    await port.joinGroup(group, interface)
    await port.setOutgoingInterface(interface)
    assert port.getLoopbackMode() is True
    port.setLoopbackMode(False)
    assert port.getLoopbackMode() is False
    # On the interface lo itself everything comes back, whatever the mode: only the mode can be looked at.
    port.setLoopbackMode(True)
    port.write(b"heard", (group, port.port))
    await member.until(b"heard")


@pytest.mark.parametrize("family", carried)
async def test_interfaces_go_by_name_and_number_too(listen, family):
    group, _ = GROUPS[family]
    name = LO6 if family == socket.AF_INET6 else LO4
    number = str(socket.if_nametoindex(name))
    for interface in (name, number):
        port = listen(family).transport
        await port.setOutgoingInterface(interface)
        await port.joinGroup(group, interface)
        await port.leaveGroup(group, interface)
    if family == socket.AF_INET6:
        port = listen(family).transport
        assert port.getOutgoingInterface() == 0
        await port.setOutgoingInterface(name)
        assert port.getOutgoingInterface() == int(number)
        await port.joinGroup(f"{group}%{name}")
    else:
        port = listen(family).transport
        assert port.getOutgoingInterface() == "0.0.0.0"
        await port.setOutgoingInterface("127.0.0.1")
        assert port.getOutgoingInterface() == "127.0.0.1"


@both
async def test_how_far_it_travels(listen, family):
    port = listen(family).transport
    assert port.getTTL() == 1
    for ttl in (0, 32, 255):
        port.setTTL(ttl)
        assert port.getTTL() == ttl
    for ttl in (-1, 256):
        with pytest.raises(ValueError, match=f"from 0 to 255, not {ttl}"):
            port.setTTL(ttl)
    with pytest.raises(TypeError, match="a number of hops, not '1'"):
        port.setTTL("1")


@both
async def test_what_cannot_be_joined_says_why(listen, family):
    port = listen(family).transport
    group, interface = GROUPS[family]
    plain = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    block = r"ff00::/8" if family == socket.AF_INET6 else "224.0.0.0/4"
    assert await refused(port.joinGroup(plain)) == (
        f"cannot join {plain}: not an address of a group, which are in {block}"
    )
    assert await refused(port.leaveGroup(group, interface)) == (
        f"cannot leave {group} on {interface}: it was not joined there"
    )
    assert await refused(port.joinGroup(group, "nosuch")) == (
        f"cannot join {group} on nosuch: no interface is called 'nosuch'"
    )
    other = GROUP4 if family == socket.AF_INET6 else GROUP6
    assert "this port is not of IPv" in await refused(port.joinGroup(other))
    with pytest.raises(TypeError, match="the group's address as text"):
        await port.joinGroup(b"233.252.0.17")
    with pytest.raises(OSError, match="cannot send by 'nosuch': no interface is called 'nosuch'"):
        await port.setOutgoingInterface("nosuch")


@pytest.mark.parametrize("family", carried)
async def test_joining_twice_is_told(listen, family):
    port = listen(family).transport
    group, interface = GROUPS[family]
    await port.joinGroup(group, interface)
    assert await refused(port.joinGroup(group, interface)) == (
        f"cannot join {group} on {interface}: it was joined already"
    )


@pytest.mark.parametrize(
    "name", ["EADDRINUSE", "EADDRNOTAVAIL", "ENODEV", "ENOBUFS", "ENOMEM", "EPERM", "EINVAL"]
)
async def test_each_error_of_joining_is_a_failure_to_join(listen, name):
    port = listen(socket.AF_INET).transport
    sock = port.socket

    class Refusing:
        def __getattr__(self, attribute):
            return getattr(sock, attribute)

        def setsockopt(self, *args):
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    port.socket = Refusing()
    with pytest.raises(MulticastJoinError, match=f"cannot join {GROUP4}: ") as told:
        await port.joinGroup(GROUP4)
    assert told.value.__cause__.errno == getattr(errno, name)


async def test_a_group_may_have_a_name(reactor, listen, monkeypatch):
    port = listen(socket.AF_INET).transport
    asked = []
    monkeypatch.setattr(reactor, "resolve", lambda name: asked.append(name) or succeed("127.0.0.1"))
    assert "cannot join 127.0.0.1: not an address of a group" in await refused(port.joinGroup("group.test"))
    assert asked == ["group.test"]


async def test_only_those_that_share_get_the_same_number(reactor, listen):
    first = listen(socket.AF_INET, listenMultiple=True).transport
    with pytest.raises(CannotListenError, match="address already in use"):
        listen(socket.AF_INET, first.port)
    second = listen(socket.AF_INET, first.port, listenMultiple=True).transport
    assert first.port == second.port
