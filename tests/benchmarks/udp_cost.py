"""CPU time of a UDP echo server per datagram: ours on epoll, asyncio and uvloop, beside the peers."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from statistics import median

from measure import HERE, LOAD_CORE, Comparison, Server, cpu_seconds, options, pinned, print_comparisons

#: Sockets that send, each one datagram at a time, and the size of a datagram in octets.
LOADS = ((1, 64), (20, 64), (100, 64), (100, 1200))

#: Ours, the peer, and how many times the peer's cost ours may be.
TARGETS = (
    ("wirelab-epoll", "twisted", 0.6),
    ("bare Python", "twisted", None),
    ("wirelab-epoll", "bare Python", None),
    ("wirelab-epoll", "uvloop", None),
    ("wirelab-asyncio", "asyncio", None),
)

#: One socket has the server sleep and wake for each datagram, which costs several times the rest.
OUT_OF_REACH = ("twisted", 1)

OURS = ("bare Python", "wirelab-epoll", "wirelab-asyncio", "wirelab-uvloop", "asyncio")
"""The servers that this Python runs."""

Costs = dict[tuple[str, tuple[int, int]], list[float]]


def _cost(server: Server, sockets: int, size: int, seconds: float) -> float:
    """CPU microseconds that `server` uses for a datagram and its echo."""
    load = [sys.executable, HERE / "udp_load.py", str(server.port), str(sockets), str(size), str(seconds)]
    with subprocess.Popen(
        pinned(load, LOAD_CORE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the load got no echo")
        before = cpu_seconds(server.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        echoes = int(process.stdout.readline())
        after = cpu_seconds(server.pid)
    return (after - before) / echoes * 1e6


def _measure(servers: dict[str, str], rounds: int, seconds: float) -> Costs:
    costs: Costs = defaultdict(list)
    for _ in range(rounds):
        for kind, python in servers.items():
            with Server([python, HERE / "udp_server.py", kind]) as server:
                for load in LOADS:
                    costs[kind, load].append(_cost(server, *load, seconds))
    return costs


def _print(costs: Costs) -> None:
    print("\nudp: CPU microseconds of the server per datagram and echo, median")
    print(f"{'':<20}" + "".join(f"{f'{count} x {size} B':>16}" for count, size in LOADS))
    for kind in dict.fromkeys(kind for kind, _ in costs):
        print(f"{kind:<20}" + "".join(f"{median(costs[kind, load]):>16.2f}" for load in LOADS))
    rows = [
        Comparison(
            f"{ours} / {peer}, {load[0]} x {load[1]} B",
            costs[ours, load],
            costs[peer, load],
            "us",
            None if (peer, load[0]) == OUT_OF_REACH else target,
        )
        for ours, peer, target in TARGETS
        for load in LOADS
        if (ours, load) in costs and (peer, load) in costs
    ]
    print_comparisons("udp: ratios", rows)


def main() -> None:
    parser = options(__doc__ or "", rounds=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (%(default)s)")
    parser.add_argument("--only", help="the servers to measure, with commas between them")
    arguments = parser.parse_args()
    servers = dict.fromkeys(OURS, sys.executable)
    servers |= dict.fromkeys(("uvloop", "twisted"), arguments.peer)
    if arguments.only:
        servers = {kind: servers[kind] for kind in arguments.only.split(",")}
    _print(_measure(servers, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
