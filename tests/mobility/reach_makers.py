"""Networks without files, for what is within reach and for maps."""

from citizen_api.mobility.network import SNAP_M
from tests.mobility.makers import make_grid

GRID = make_grid(12, 12)
METRE = 1 / 111_200
"""Degrees of latitude."""


def place_at(network, junction, *, north_m=0.0):
    """A position at a junction, or so far north of it."""
    return {"lat": float(network.lats[junction]) + north_m * METRE, "lon": float(network.lons[junction])}


class SomeNetworks:
    """The networks of a test, in place of those that lie in files."""

    def __init__(self, *networks) -> None:
        self.networks = list(networks)

    def all(self):
        return self.networks

    def around(self, *, lat, lon):
        near = SNAP_M * METRE * 1.6
        return [
            network
            for network in self.networks
            if network.box[0] - near <= lat <= network.box[2] + near
            and network.box[1] - near <= lon <= network.box[3] + near
        ]
