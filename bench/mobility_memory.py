"""The memory that a worker holds for itself, with one network open: `python -m bench.mobility_memory VERSION TRIPS`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from bench.mobility_graphs import AT, made_up_air
from citizen_api.mobility.network_files import open_network
from citizen_api.mobility.planning import candidates
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.search import snap, warm_up
from tests.mobility.makers import make_grid

ROOT = Path(__file__).resolve().parents[1]


def weigh(version: Path, *, trips: int) -> dict[str, float]:
    """Private memory, in MB, of a process of its own: at first, the network open, landmarks made, trips found.

    The caller has the same files mapped: what is read of them is shared, and counts for nobody.
    """
    command = [sys.executable, "-m", "bench.mobility_memory", str(version), str(trips)]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    weighed: dict[str, float] = json.loads(found.stdout)
    return weighed


def main() -> None:
    """Weigh this process."""
    version, trips = Path(sys.argv[1]), int(sys.argv[2])
    warm_up(make_grid())
    weighed = {"ready_mb": _private_mb()}
    network = open_network(version)
    weighed["opened_mb"] = _private_mb()
    warm_up(network)
    weighed["landmarks_mb"] = _private_mb()
    draw, air, found = np.random.default_rng(2), made_up_air(), 0
    while found < trips:
        lats, lons = (values[draw.integers(len(network.lats), size=2)] for values in (network.lats, network.lons))
        mode = MODES["walk" if found % 2 else "bike"]
        ends = [snap(network, mode.graph, lat=float(lat), lon=float(lon)) for lat, lon in zip(lats, lons, strict=True)]
        if all(ends):
            candidates(network, mode, ends[0][0], ends[1][0], background=air, depart_at=AT)
            found += 1
    weighed["trips_mb"] = _private_mb()
    print(json.dumps(weighed))


def _private_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))
    return round(kilobytes * 1024 / 1e6, 1)


if __name__ == "__main__":
    main()
