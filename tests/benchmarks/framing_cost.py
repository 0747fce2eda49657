"""CPU time of the receivers of lines and strings per message, beside Twisted's.

Messages of 64 octets, many in a chunk, one in a chunk, and octet by octet; then one message of 10 MB in
chunks of 64 KiB. Run as `framing_cost.py --child KIND` it measures one kind and prints JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measure import Comparison, child_output, options, print_comparisons

#: How many times Twisted's CPU time ours may be.
TARGET = 0.6

PAYLOAD = b"x" * 64
LARGE = 10 * 2**20
CHUNK = 65536

#: A receiver's name, a message of PAYLOAD as it takes it, and what stands before and after LARGE octets.
RECEIVERS = {
    "LineOnlyReceiver": (PAYLOAD + b"\r\n", b"", b"\r\n"),
    "LineReceiver": (PAYLOAD + b"\r\n", b"", b"\r\n"),
    "NetstringReceiver": (b"%d:%b," % (len(PAYLOAD), PAYLOAD), b"%d:" % LARGE, b","),
    "Int32StringReceiver": (len(PAYLOAD).to_bytes(4, "big") + PAYLOAD, LARGE.to_bytes(4, "big"), b""),
}

#: Messages in a chunk: what one segment of Ethernet carries, and what one read of a busy socket gives.
MANY = (20, 900)

#: Measured this often in a row; the least counts, since whatever disturbs only adds.
TRIES = 7


def _receiver(basic: Any, testing: Any, name: str) -> Any:
    """A receiver that does nothing with what it receives, and what it has received, counted."""
    base = getattr(basic, name)

    class Receiver(base):  # type: ignore[misc, valid-type]
        MAX_LENGTH = LARGE

        def lineReceived(self, line: bytes) -> None:
            pass

        def stringReceived(self, string: bytes) -> None:
            pass

    receiver = Receiver()
    receiver.makeConnection(testing.StringTransport())
    return receiver


def _cost(receive: Callable[[bytes], object], chunks: Sequence[bytes]) -> float:
    """CPU seconds that it takes to receive `chunks`, the least of some tries."""
    tries = []
    for _ in range(TRIES):
        gc.collect()
        started = time.process_time()
        for chunk in chunks:
            receive(chunk)
        tries.append(time.process_time() - started)
    return min(tries)


def _figures(basic: Any, testing: Any) -> dict[str, float]:
    figures = {}
    for name, (message, before, after) in RECEIVERS.items():
        receive = _receiver(basic, testing, name).dataReceived
        for many in MANY:
            times = 18_000 // many
            used = _cost(receive, [message * many] * times)
            figures[f"{name}, {many} messages a chunk"] = used / (times * many) * 1e6
        figures[f"{name}, 1 message a chunk"] = _cost(receive, [message] * 9000) / 9000 * 1e6
        octets = [bytes([octet]) for octet in message]
        figures[f"{name}, 1 octet a chunk"] = _cost(receive, octets * 200) / 200 * 1e6
        chunks = [before, *[b"y" * CHUNK] * (LARGE // CHUNK), after]
        figures[f"{name}, 10 MB in 64 KiB chunks"] = _cost(receive, [c for c in chunks if c]) * 1e6
    return figures


def _child(kind: str) -> dict[str, float]:
    if kind == "twisted":
        from twisted.internet import testing
        from twisted.protocols import basic
    else:
        from wirelab.protocols import basic
        from wirelab.reactor import testing
    return _figures(basic, testing)


def main() -> None:
    parser = options((__doc__ or "").splitlines()[0], rounds=5)
    parser.add_argument("--child", choices=("wirelab", "twisted"), help="measure one kind in this process")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_child(arguments.child)))
        return
    script = Path(__file__)
    ours, peer = [], []
    for _ in range(arguments.rounds):
        ours.append(json.loads(child_output(sys.executable, script, "--child", "wirelab")))
        peer.append(json.loads(child_output(arguments.peer, script, "--child", "twisted")))
    rows = [
        Comparison(
            what, [figures[what] for figures in ours], [figures[what] for figures in peer], "us", TARGET
        )
        for what in ours[0]
    ]
    print_comparisons("framing: CPU time per message", rows)


if __name__ == "__main__":
    main()
