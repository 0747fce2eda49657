"""CPU time of an echo server per round trip: ours on epoll, asyncio and uvloop, beside the peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from measure import HERE, LOAD_CORE, Comparison, Server, cpu_seconds, options, pinned, print_comparisons

#: Connections and the size of a message in octets. One connection comes first and warms the server up: the
#: allocator under asyncio's large reads may otherwise stay at four times the cost.
LOADS = ((1, 64), (100, 64), (400, 64), (100, 16384))

#: Ours, the peer, and how many times the peer's cost ours may be.
TARGETS = (
    ("wirelab-epoll", "uvloop", 1.15),
    ("wirelab-epoll", "twisted", 0.45),
    ("wirelab-asyncio", "asyncio", 1.1),
    ("wirelab-uvloop", "uvloop", None),
)

#: What no server can reach: one connection has its server sleep and wake for each message, which costs
#: even the C floor more than half of what it costs Twisted.
OUT_OF_REACH = ("twisted", 1)

Costs = dict[tuple[str, tuple[int, int]], list[float]]


def _name(load: tuple[int, int]) -> str:
    return f"{load[0]} x {load[1]} B"


def _compiled(source: str, folder: Path) -> Path | None:
    """The program made of `source`, or None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    program = folder / Path(source).stem
    subprocess.run([compiler, "-O2", "-o", program, HERE / source], check=True)
    return program


def _servers(peer: str, floor: Path | None) -> dict[str, list[str | Path]]:
    script = HERE / "echo_server.py"
    servers: dict[str, list[str | Path]] = {"C epoll": [floor]} if floor else {}
    for kind in ("wirelab-epoll", "wirelab-asyncio", "wirelab-uvloop", "asyncio"):
        servers[kind] = [sys.executable, script, kind]
    for kind in ("uvloop", "twisted"):
        servers[kind] = [peer, script, kind]
    return servers


def _cost(server: Server, load: list[str | Path], connections: int, size: int, seconds: float) -> float:
    """CPU microseconds that `server` uses for a round trip."""
    command = pinned([*load, str(server.port), str(connections), str(size), str(seconds)], LOAD_CORE)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the load could not connect")
        before = cpu_seconds(server.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        trips = int(process.stdout.readline().split()[0])
        after = cpu_seconds(server.pid)
    return (after - before) / trips * 1e6


def _measure(
    servers: dict[str, list[str | Path]], load: list[str | Path], rounds: int, seconds: float
) -> Costs:
    costs: Costs = defaultdict(list)
    for _ in range(rounds):
        for kind, command in servers.items():
            with Server(command) as server:
                for connections, size in LOADS:
                    costs[kind, (connections, size)].append(_cost(server, load, connections, size, seconds))
    return costs


def _print(costs: Costs) -> None:
    print("\necho: CPU microseconds of the server per round trip, median")
    print(f"{'':<20}" + "".join(f"{_name(load):>16}" for load in LOADS))
    for kind in dict.fromkeys(kind for kind, _ in costs):
        print(f"{kind:<20}" + "".join(f"{median(costs[kind, load]):>16.2f}" for load in LOADS))
    rows = [
        Comparison(
            f"{ours} / {peer}, {_name(load)}",
            costs[ours, load],
            costs[peer, load],
            "us",
            None if (peer, load[0]) == OUT_OF_REACH else target,
        )
        for ours, peer, target in TARGETS
        for load in LOADS
        if (ours, load) in costs and (peer, load) in costs
    ]
    print_comparisons("echo: ratios", rows)


def main() -> None:
    parser = options(__doc__ or "", rounds=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (%(default)s)")
    parser.add_argument("--only", help="the servers to measure, with commas between them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compiled = _compiled("load.c", Path(folder))
        load: list[str | Path] = [compiled] if compiled else [sys.executable, HERE / "load.py"]
        servers = _servers(arguments.peer, _compiled("floor.c", Path(folder)))
        if arguments.only:
            servers = {kind: servers[kind] for kind in arguments.only.split(",")}
        _print(_measure(servers, load, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
