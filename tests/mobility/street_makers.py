"""Networks built from synthetic extracts, and a look at their streets one by one."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from citizen_api.mobility.building import About, Air, build_network
from citizen_api.mobility.local_factors import read_table
from citizen_api.mobility.network import KINDS, Flag
from citizen_api.sources.osm_streets import read_streets
from tests.sources.osm_makers import make_node, write_pbf

ABOUT = About(
    city="synthetic",
    title="Synthetic",
    built_on=date(2026, 11, 25),
    source="synthetic",
    licence="none",
    attribution="nobody",
)
AIR = Air(table=read_table(None))
DEGREE_M = 111_208.0
"""One of latitude, near 48.8."""


def make_line(*numbers, step_m=100.0, lon=2.3, lat=48.8, **tags):
    """Points that follow each other northward, `step_m` apart; number n stands n steps from `lat`."""
    return [make_node(number, lat=lat + number * step_m / DEGREE_M, lon=lon, **tags) for number in numbers]


def build(folder, *objects, **options):
    """(network, report) of an extract."""
    extract = read_streets(write_pbf(folder / "synthetic.osm.pbf", *objects))
    return build_network(extract, ABOUT, **{"air": AIR, **options})


@dataclass(frozen=True)
class Seen:
    """A street as a test looks at it. `walk`, `bike`: "" no, ">" ahead, "<" back, "<>" both."""

    kind: str
    name: str | None
    length_m: float
    walk: str
    bike: str
    flags: Flag
    number: int

    def has(self, flag):
        return bool(self.flags & flag)


def streets(network):
    """Streets by name and length."""

    def directions(name, street):
        graph = network.graphs[name]
        return "<" * bool(graph.backward_arcs[street] >= 0) + ">" * bool(graph.forward_arcs[street] >= 0)

    seen = [
        Seen(
            kind=KINDS[network.kinds[street]],
            name=network.name_of(street),
            length_m=round(float(network.length_m[street]), 1),
            walk=directions("walk", street),
            bike=directions("bike", street),
            flags=Flag(int(network.flags[street])),
            number=street,
        )
        for street in range(len(network.tails))
    ]
    return sorted(seen, key=lambda street: (street.name or "", street.length_m))


def seconds(network, graph, street, *, back=False):
    """What an arc of a street takes."""
    arcs = network.graphs[graph]
    return float(arcs.time_s[(arcs.backward_arcs if back else arcs.forward_arcs)[street]])


def check(network):
    """What holds of every network."""
    n, s = len(network.lats), len(network.tails)
    first, last = network.shape_offsets[:-1], network.shape_offsets[1:] - 1
    for lats, lons, at in (
        (network.shape_lat_e7[first], network.shape_lon_e7[first], network.tails),
        (network.shape_lat_e7[last], network.shape_lon_e7[last], network.heads),
    ):
        assert np.abs(lats - network.lats[at] * 1e7).max() < 1
        assert np.abs(lons - network.lons[at] * 1e7).max() < 1
    assert set(network.tails.tolist()) | set(network.heads.tolist()) == set(range(n))
    assert not (network.tails == network.heads).any()
    assert (network.length_m > 0).all()
    in_a_graph = np.zeros(s, np.bool_)
    for arcs in network.graphs.values():
        tails = np.repeat(np.arange(n), np.diff(arcs.offsets))
        ends = np.column_stack((network.tails, network.heads))[arcs.streets]
        ends[arcs.backward] = ends[arcs.backward][:, ::-1]
        assert (ends == np.column_stack((tails, arcs.heads))).all()
        assert (arcs.components[tails] == arcs.components[arcs.heads]).all()
        assert (arcs.components[tails] >= 0).all()
        assert np.isfinite(arcs.time_s).all()
        for numbers, backward in ((arcs.forward_arcs, False), (arcs.backward_arcs, True)):
            known = np.flatnonzero(numbers >= 0)
            assert (arcs.streets[numbers[known]] == known).all()
            assert (arcs.backward[numbers[known]] == backward).all()
            in_a_graph[known] = True
    assert in_a_graph.all()
    for factors in network.factors.values():
        assert abs(np.average(factors, weights=network.length_m) - 1) < 1e-4
