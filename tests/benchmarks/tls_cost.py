"""CPU time of a TLS echo server per megabyte and per handshake: ours beside Twisted's and asyncio's.

The certificate has an elliptic key (P-256): what the libraries do themselves shows more than under the cost
of RSA. asyncio uses the OpenSSL that Python was built with, the others the one inside of `cryptography`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from measure import HERE, LOAD_CORE, Comparison, Server, cpu_seconds, options, pinned, print_comparisons

from wirelab.reactor.ssl import Authority

#: Ours, the peer, and how many times the peer's cost ours may be: Twisted's throughput x 1.3, and within 1.25
#: times of asyncio's cost.
TARGETS = (
    ("wirelab-epoll", "twisted", 1 / 1.3),
    ("wirelab-epoll", "asyncio", 1.25),
    ("wirelab-asyncio", "asyncio", 1.25),
)

WORK = {"bulk": "per MB echoed", "handshakes": "per connection, one handshake and one octet echoed"}

Costs = dict[tuple[str, str], list[float]]


def _cost(server: Server, kind: str, amount: int) -> float:
    """CPU microseconds that `server` uses for one of `amount`."""
    script = [sys.executable, HERE / "tls_load.py", str(server.port), kind, str(amount)]
    with subprocess.Popen(
        pinned(script, LOAD_CORE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the load could not connect")
        before = cpu_seconds(server.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        if process.stdout.readline() != "done\n":
            raise SystemExit("the load was interrupted")
        after = cpu_seconds(server.pid)
        process.stdin.write("\n")
    return (after - before) / amount * 1e6


def main() -> None:
    parser = options(__doc__ or "", rounds=5)
    parser.add_argument("--megabytes", type=int, default=200, help="echoed (%(default)s)")
    parser.add_argument("--handshakes", type=int, default=600, help="made (%(default)s)")
    arguments = parser.parse_args()
    amounts = {"bulk": arguments.megabytes, "handshakes": arguments.handshakes}
    costs: Costs = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "server.pem"
        shown = Authority().issue("localhost", "127.0.0.1")
        pem.write_bytes(shown.privateKey.dump(1) + shown.dumpPEM())
        kinds = list(dict.fromkeys(kind for ours, peer, _ in TARGETS for kind in (ours, peer)))
        for _ in range(arguments.rounds):
            for kind in kinds:
                python = arguments.peer if kind == "twisted" else sys.executable
                with Server([python, HERE / "tls_server.py", kind, pem]) as server:
                    for work, amount in amounts.items():
                        costs[kind, work].append(_cost(server, work, amount))
    print("\nTLS: CPU microseconds of the server, median")
    for work, what in WORK.items():
        print(f"  {what}: " + ", ".join(f"{kind} {median(costs[kind, work]):.0f}" for kind in kinds))
    rows = [
        Comparison(f"{ours} / {peer}, {work}", costs[ours, work], costs[peer, work], "us", target)
        for ours, peer, target in TARGETS
        for work in WORK
    ]
    print_comparisons("TLS: ratios of cost", rows)


if __name__ == "__main__":
    main()
