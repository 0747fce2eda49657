"""What is said on a wire, apart from how the bytes travel.

Here, in the order of reading:

- `wire`: whole servers on half a page each: echo, chargen, daytime and their like.
- `basic`: protocols that receive lines or strings instead of octets; what most protocols begin with.
- `framing`: the cores under them, which cut streams into messages and know no sockets.
- `policies`: time limits, rates and numbers of connections, laid around a protocol from outside.

A protocol has two parts: a core that is given octets and gives events, and beside it a thin `Protocol` that
carries octets to it and acts on the events. So everything about the bytes can be tried at a prompt and tested
without a network.
"""
