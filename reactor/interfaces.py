"""What the parts of the reactor promise one another, as zope interfaces.

Time is in seconds as float, data is ``bytes``, ports are numbers. A method without a stated result gives
None; "Deferred of X" means a `wirelab.reactor.defer.Deferred` that fires with X.
"""

from __future__ import annotations

from zope.interface import Attribute, Interface

# mypy reads an interface as a plain class, so that methods here take no ``self`` by zope's convention;
# the plugin that would know better does not support current mypy versions.
# mypy: disable-error-code="misc,no-untyped-def,no-untyped-call"

__all__ = [
    "IAddress",
    "IConnector",
    "IConsumer",
    "IDelayedCall",
    "IFileDescriptor",
    "IFileDescriptorReceiver",
    "IHalfCloseableDescriptor",
    "IHalfCloseableProtocol",
    "IHandshakeListener",
    "IHostResolution",
    "IHostnameResolver",
    "IListeningPort",
    "ILoggingContext",
    "IMulticastTransport",
    "IOpenSSLClientConnectionCreator",
    "IOpenSSLContextFactory",
    "IOpenSSLServerConnectionCreator",
    "IProcessProtocol",
    "IProcessTransport",
    "IProducer",
    "IProtocol",
    "IProtocolFactory",
    "IProtocolNegotiationFactory",
    "IPullProducer",
    "IPushProducer",
    "IReactorCore",
    "IReactorFDSet",
    "IReactorFromThreads",
    "IReactorInThreads",
    "IReactorMulticast",
    "IReactorPluggableNameResolver",
    "IReactorPluggableResolver",
    "IReactorProcess",
    "IReactorSSL",
    "IReactorSocket",
    "IReactorTCP",
    "IReactorThreads",
    "IReactorTime",
    "IReactorUDP",
    "IReactorUNIX",
    "IReactorUNIXDatagram",
    "IReadDescriptor",
    "IReadWriteDescriptor",
    "IResolutionReceiver",
    "IResolverSimple",
    "ISSLTransport",
    "IStreamClientEndpoint",
    "IStreamClientEndpointStringParser",
    "IStreamClientEndpointStringParserWithReactor",
    "IStreamServerEndpoint",
    "IStreamServerEndpointStringParser",
    "ISystemHandle",
    "ITCPTransport",
    "ITLSTransport",
    "ITransport",
    "IUDPTransport",
    "IUNIXTransport",
    "IWriteDescriptor",
]


class IAddress(Interface):
    """An end of a wire. Addresses compare by value and can be keys."""


# -- the reactor --------------------------------------------------------------------------------------


class IReactorCore(Interface):
    """Running, stopping, and what happens around it."""

    running = Attribute("True from the end of start-up until the beginning of shut-down.")

    def resolve(name, timeout=(1, 3, 11, 45)):
        """Deferred of the first IPv4 address of `name`, as text; errback: DNSLookupError."""

    def run():
        """Run until `stop`; then it can be run again."""

    def stop():
        """End the current `run` after the shut-down triggers. Raises ReactorNotRunning."""

    def crash():
        """End the current `run` at once, without triggers."""

    def iterate(delay=0):
        """Run one turn of the loop, waiting at most `delay` seconds for something to happen."""

    def fireSystemEvent(eventType):
        """Call the triggers of `eventType`: those before, during, then after it."""

    def addSystemEventTrigger(phase, eventType, callable, *args, **kw):
        """Call `callable` in the `phase` 'before', 'during' or 'after' of an event.

        The events are 'startup', 'shutdown' and any name passed to `fireSystemEvent`. The 'during' phase
        waits for Deferreds that 'before' triggers give. The answer is for `removeSystemEventTrigger`.
        """

    def removeSystemEventTrigger(triggerID):
        """Take a trigger back. Raises ValueError when it is not there (any more)."""

    def callWhenRunning(callable, *args, **kw):
        """Call at once when running, else at start-up; None or an identifier of the trigger."""


class IReactorTime(Interface):
    """Time and calls to come."""

    def seconds():
        """A clock that only goes forward, in seconds."""

    def callLater(delay, callable, *args, **kw):
        """Call `callable` after `delay` seconds (0 or more); an IDelayedCall."""

    def getDelayedCalls():
        """A list of the pending IDelayedCalls."""


class IDelayedCall(Interface):
    """A call that will be made later."""

    def getTime():
        """When it is due, on the clock of its reactor."""

    def cancel():
        """Do not make it. Raises AlreadyCalled, AlreadyCancelled."""

    def delay(secondsLater):
        """Make it `secondsLater` later than planned. Raises as `cancel` does."""

    def reset(secondsFromNow):
        """Make it `secondsFromNow` from now. Raises as `cancel` does."""

    def active():
        """Whether it is still to be made."""


class IReactorFromThreads(Interface):
    """The one method of a reactor that other threads may call."""

    def callFromThread(callable, *args, **kw):
        """Call `callable` soon, in the reactor's thread."""


class IReactorInThreads(Interface):
    """Work handed to threads."""

    def callInThread(callable, *args, **kw):
        """Call `callable` in a thread of the pool; its result is dropped, its failure logged."""


class IReactorThreads(IReactorFromThreads, IReactorInThreads):
    """Threads in both directions."""

    def getThreadPool():
        """The pool that `callInThread` uses, started."""

    def suggestThreadPoolSize(size):
        """Let the pool have at most `size` threads."""


class IReactorFDSet(Interface):
    """Descriptors to be watched. `reader` has `fileno` and `doRead`, `writer` has `fileno` and `doWrite`."""

    def addReader(reader):
        """Call ``reader.doRead()`` whenever it can be read from."""

    def addWriter(writer):
        """Call ``writer.doWrite()`` whenever it can be written to."""

    def removeReader(reader):
        """Watch it no more for reading."""

    def removeWriter(writer):
        """Watch it no more for writing."""

    def removeAll():
        """Watch nothing any more; a list of what was watched. The reactor's own are left."""

    def getReaders():
        """A list of what is watched for reading."""

    def getWriters():
        """A list of what is watched for writing."""


class IReactorTCP(Interface):
    """TCP, over IPv4 and IPv6."""

    def listenTCP(port, factory, backlog=50, interface=""):
        """Accept connections on `port` (0: any free one); an IListeningPort.

        `interface` is a literal address; empty means every IPv4 one, ``"::"`` every one of both families.
        Raises CannotListenError.
        """

    def connectTCP(host, port, factory, timeout=30, bindAddress=None):
        """Connect to `host`, trying for `timeout` seconds; an IConnector.

        `bindAddress` is a (host, port) pair to connect from, port 0 for any.
        """


class IReactorSSL(Interface):
    """TLS over TCP."""

    def listenSSL(port, factory, contextFactory, backlog=50, interface=""):
        """As `listenTCP`, each connection wrapped in TLS."""

    def connectSSL(host, port, factory, contextFactory, timeout=30, bindAddress=None):
        """As `connectTCP`, wrapped in TLS."""


class IReactorUNIX(Interface):
    """Unix domain stream sockets."""

    def listenUNIX(address, factory, backlog=50, mode=0o666, wantPID=False):
        """Accept connections at the path `address`; an IListeningPort."""

    def connectUNIX(address, factory, timeout=30, checkPID=0):
        """Connect to the path `address`; an IConnector."""


class IReactorUNIXDatagram(Interface):
    """Unix domain datagram sockets."""

    def listenUNIXDatagram(address, protocol, maxPacketSize=8192, mode=0o666):
        """Receive datagrams at the path `address`; an IListeningPort."""

    def connectUNIXDatagram(address, protocol, maxPacketSize=8192, mode=0o666, bindAddress=None):
        """Exchange datagrams with the path `address`; an IConnector."""


class IReactorUDP(Interface):
    """UDP, over IPv4 and IPv6."""

    def listenUDP(port, protocol, interface="", maxPacketSize=8192):
        """Receive datagrams on `port`; an IListeningPort."""


class IReactorMulticast(Interface):
    """UDP with multicast groups."""

    def listenMulticast(port, protocol, interface="", maxPacketSize=8192, listenMultiple=False):
        """As `listenUDP`, its transport also an IMulticastTransport."""


class IReactorSocket(Interface):
    """Sockets that somebody else opened. The reactor duplicates the descriptor; close yours."""

    def adoptStreamPort(fileDescriptor, addressFamily, factory):
        """Accept on a listening stream socket; an IListeningPort."""

    def adoptStreamConnection(fileDescriptor, addressFamily, factory):
        """Serve a connected stream socket with a protocol of `factory`."""

    def adoptDatagramPort(fileDescriptor, addressFamily, protocol, maxPacketSize=8192):
        """Exchange datagrams on a bound UDP socket; an IListeningPort."""


class IReactorProcess(Interface):
    """Child processes."""

    def spawnProcess(
        processProtocol,
        executable,
        args=(),
        env={},  # noqa: B006  # as documented; an interface is never called
        path=None,
        uid=None,
        gid=None,
        usePTY=False,
        childFDs=None,
    ):
        """Start `executable`; an IProcessTransport. `env` None stands for our own, the default for none.

        `childFDs` maps descriptors of the child to 'r', 'w' or a descriptor of ours. Raises OSError.
        """


# -- descriptors --------------------------------------------------------------------------------------


class ILoggingContext(Interface):
    """Something that log lines are about."""

    def logPrefix():
        """Short text that says who speaks."""


class IFileDescriptor(ILoggingContext):
    """Something with a descriptor."""

    def fileno():
        """The number of the descriptor, -1 when there is none."""

    def connectionLost(reason):
        """The descriptor is gone, because of the Failure `reason`."""


class IReadDescriptor(IFileDescriptor):
    """Something that can be read from."""

    def doRead():
        """Data (or the end, or an error) is there."""


class IWriteDescriptor(IFileDescriptor):
    """Something that can be written to."""

    def doWrite():
        """There is room to write."""


class IReadWriteDescriptor(IReadDescriptor, IWriteDescriptor):
    """Both."""


class IHalfCloseableDescriptor(Interface):
    """A descriptor whose two directions close apart."""

    def writeConnectionLost(reason):
        """Nothing can be written any more."""

    def readConnectionLost(reason):
        """Nothing can be read any more."""


class ISystemHandle(Interface):
    """Access to the object of the standard library underneath."""

    def getHandle():
        """The socket."""


# -- transports ---------------------------------------------------------------------------------------


class ITransport(Interface):
    """The wire as a protocol sees it."""

    def write(data):
        """Send `data`, all of it, without waiting."""

    def writeSequence(data):
        """Send each of the bytes objects in `data`."""

    def loseConnection():
        """Close after everything written has left."""

    def getPeer():
        """The IAddress of the other end."""

    def getHost():
        """The IAddress of this end."""


class ITCPTransport(ITransport):
    """A TCP connection."""

    def loseWriteConnection():
        """Close our direction after everything written has left; reading goes on."""

    def abortConnection():
        """Drop the connection at once; what was not sent is lost."""

    def getTcpNoDelay():
        """Whether small segments leave at once (TCP_NODELAY)."""

    def setTcpNoDelay(enabled):
        """Turn TCP_NODELAY on or off."""

    def getTcpKeepAlive():
        """Whether the system probes an idle connection (SO_KEEPALIVE)."""

    def setTcpKeepAlive(enabled):
        """Turn SO_KEEPALIVE on or off."""


class IUNIXTransport(ITransport):
    """A Unix domain stream connection."""

    def sendFileDescriptor(descriptor):
        """Pass an open descriptor to the peer, in order with the data written."""


class ITLSTransport(ITCPTransport):
    """A connection that can take up TLS."""

    def startTLS(contextFactory):
        """Wrap the connection in TLS from here on."""


class ISSLTransport(ITCPTransport):
    """A connection inside TLS."""

    def getPeerCertificate():
        """The peer's certificate as pyOpenSSL object, or None."""


class IUDPTransport(Interface):
    """A UDP port as its protocol sees it."""

    def write(packet, addr=None):
        """Send a datagram to `addr`, a (literal address, port) pair, or to the connected peer."""

    def connect(host, port):
        """Exchange datagrams with this literal address and port only."""

    def getHost():
        """The IAddress the port is bound to."""

    def stopListening():
        """Close; a Deferred when that takes time, else None."""

    def setBroadcastAllowed(enabled):
        """Allow datagrams to broadcast addresses, or forbid them."""

    def getBroadcastAllowed():
        """Whether they are allowed."""


class IMulticastTransport(IUDPTransport):
    """A UDP port that takes part in multicast groups."""

    def getOutgoingInterface():
        """The interface that multicast leaves by."""

    def setOutgoingInterface(addr):
        """Let multicast leave by this interface; Deferred."""

    def getLoopbackMode():
        """Whether this host hears its own multicast."""

    def setLoopbackMode(mode):
        """Hear it, or not."""

    def getTTL():
        """How many hops multicast travels."""

    def setTTL(ttl):
        """Let it travel so many."""

    def joinGroup(addr, interface=""):
        """Receive what is sent to the group; Deferred, errback: MulticastJoinError."""

    def leaveGroup(addr, interface=""):
        """Receive it no more; Deferred."""


class IListeningPort(Interface):
    """A port that accepts."""

    def startListening():
        """Begin to accept. Raises CannotListenError."""

    def stopListening():
        """Accept no more; a Deferred that fires when the port is closed, or None."""

    def getHost():
        """The IAddress it listens on."""


class IConnector(Interface):
    """A connection attempt, and later the connection."""

    def stopConnecting():
        """Give up connecting. Raises NotConnectingError."""

    def disconnect():
        """Give up connecting, or close the connection."""

    def connect():
        """Try again."""

    def getDestination():
        """The IAddress it goes to."""


class IProcessTransport(ITransport):
    """A child process as its protocol sees it."""

    pid = Attribute("The child's process id; None once its end was noticed.")

    def closeStdin():
        """Close the child's standard input after what was written."""

    def closeStdout():
        """Close our end of its standard output."""

    def closeStderr():
        """Close our end of its standard error."""

    def closeChildFD(descriptor):
        """Close our end of one of its descriptors."""

    def writeToChild(childFD, data):
        """Write to one of its descriptors."""

    def signalProcess(signalID):
        """Send a signal, by name ('KILL', 'TERM', ...) or number. Raises ProcessExitedAlready."""


# -- protocols ----------------------------------------------------------------------------------------


class IProtocol(Interface):
    """What is said on one connection."""

    def makeConnection(transport):
        """The wire is there: keep `transport`, then `connectionMade`."""

    def connectionMade():
        """The conversation begins."""

    def dataReceived(data):
        """Some bytes arrived, in any portions."""

    def connectionLost(reason):
        """The conversation is over; `reason` is a Failure of a ConnectionClosed."""


class IProtocolFactory(Interface):
    """What makes protocols, one for each connection."""

    def buildProtocol(addr):
        """A new protocol for a connection with `addr`, or None to refuse it."""

    def doStart():
        """A port or connector begins to use this factory."""

    def doStop():
        """A port or connector no longer uses it."""


class IProtocolNegotiationFactory(Interface):
    """A factory that takes part in choosing the protocol spoken inside TLS (ALPN)."""

    def acceptableProtocols():
        """Protocol names in bytes, the preferred one first."""


class IHalfCloseableProtocol(Interface):
    """A protocol for connections whose two directions close apart."""

    def readConnectionLost():
        """The peer sends no more; we still may."""

    def writeConnectionLost():
        """We can send no more; the peer still may."""


class IFileDescriptorReceiver(Interface):
    """A protocol that is passed descriptors."""

    def fileDescriptorReceived(descriptor):
        """The peer passed an open descriptor, now ours to close."""


class IHandshakeListener(Interface):
    """A protocol that wants to know when TLS stands."""

    def handshakeCompleted():
        """The handshake is over and the peer verified."""


class IProcessProtocol(Interface):
    """What is said with a child process."""

    def makeConnection(process):
        """The child was started."""

    def childDataReceived(childFD, data):
        """It wrote to one of its descriptors."""

    def childConnectionLost(childFD):
        """It closed one of its descriptors."""

    def processExited(reason):
        """It ended; data may still be on its way."""

    def processEnded(reason):
        """It ended and everything it wrote was received."""


# -- producers and consumers --------------------------------------------------------------------------


class IProducer(Interface):
    """Something that makes data for a consumer."""

    def stopProducing():
        """No more is wanted, for good."""


class IPushProducer(IProducer):
    """A producer that makes data by itself until told to wait."""

    def pauseProducing():
        """Wait."""

    def resumeProducing():
        """Go on."""


class IPullProducer(IProducer):
    """A producer that makes one portion each time it is asked."""

    def resumeProducing():
        """Write one portion."""


class IConsumer(Interface):
    """Something that data is written to."""

    def registerProducer(producer, streaming):
        """Take data from a push (`streaming` true) or pull producer. Raises RuntimeError when it has one."""

    def unregisterProducer():
        """The producer is done."""

    def write(data):
        """Take `data`."""


# -- endpoints ----------------------------------------------------------------------------------------


class IStreamServerEndpoint(Interface):
    """A place to accept connections at."""

    def listen(protocolFactory):
        """Deferred of an IListeningPort; errback: CannotListenError."""


class IStreamClientEndpoint(Interface):
    """A place to connect to."""

    def connect(protocolFactory):
        """Deferred of the connected protocol; errback: ConnectError and kin."""


class IStreamServerEndpointStringParser(Interface):
    """A plug-in for a kind of server endpoint."""

    prefix = Attribute("The word before the first colon.")

    def parseStreamServer(reactor, *args, **kwargs):
        """An IStreamServerEndpoint from the arguments of the string."""


class IStreamClientEndpointStringParser(Interface):
    """A plug-in for a kind of client endpoint that finds the reactor by itself."""

    prefix = Attribute("The word before the first colon.")

    def parseStreamClient(*args, **kwargs):
        """An IStreamClientEndpoint from the arguments of the string."""


class IStreamClientEndpointStringParserWithReactor(Interface):
    """A plug-in for a kind of client endpoint."""

    prefix = Attribute("The word before the first colon.")

    def parseStreamClient(reactor, *args, **kwargs):
        """An IStreamClientEndpoint from the arguments of the string."""


# -- names --------------------------------------------------------------------------------------------


class IResolverSimple(Interface):
    """One name, one IPv4 address."""

    def getHostByName(name, timeout=(1, 3, 11, 45)):
        """Deferred of the address as text; errback: DNSLookupError."""


class IHostResolution(Interface):
    """A look-up under way."""

    name = Attribute("The name being looked up.")

    def cancel():
        """Stop it; the receiver still hears `resolutionComplete`."""


class IResolutionReceiver(Interface):
    """Who hears the addresses of a name as they are found."""

    def resolutionBegan(resolutionInProgress):
        """The look-up, an IHostResolution, has begun."""

    def addressResolved(address):
        """An IAddress was found."""

    def resolutionComplete():
        """There are no more."""


class IHostnameResolver(Interface):
    """All addresses of a name."""

    def resolveHostName(
        resolutionReceiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"
    ):
        """Look `hostName` up for the receiver; the IHostResolution."""


class IReactorPluggableNameResolver(Interface):
    """A reactor whose way of finding addresses can be replaced."""

    nameResolver = Attribute("The IHostnameResolver in use.")

    def installNameResolver(resolver):
        """Use this one; the one used before."""


class IReactorPluggableResolver(Interface):
    """A reactor whose simple resolver can be replaced."""

    def installResolver(resolver):
        """Use this IResolverSimple; the one used before."""


# -- TLS ----------------------------------------------------------------------------------------------


class IOpenSSLContextFactory(Interface):
    """What gives a pyOpenSSL context."""

    def getContext():
        """An OpenSSL.SSL.Context."""


class IOpenSSLClientConnectionCreator(Interface):
    """What makes the TLS side of a client's connection."""

    def clientConnectionForTLS(tlsProtocol):
        """An OpenSSL.SSL.Connection for the given TLSMemoryBIOProtocol."""


class IOpenSSLServerConnectionCreator(Interface):
    """What makes the TLS side of a server's connection."""

    def serverConnectionForTLS(tlsProtocol):
        """An OpenSSL.SSL.Connection for the given TLSMemoryBIOProtocol."""
