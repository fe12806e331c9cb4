"""What a person wishes of a way, as times of arcs and weights of streets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.network import KINDS, Flag, Float32Array, Network
from citizen_api.mobility.rules import Mode
from citizen_api.mobility.search import Snap, snap

STEP_FREE: Final = frozenset({"wheelchair", "pushchair"})
"""Wishes that nobody has on a bicycle, and with which no step is gone."""
ROUGH_WEIGHT: Final = {"wheelchair": 4.0, "pushchair": 2.0}
STEEP: Final = ((0.03, 1.5), (0.06, 3.0))
"""With avoid_hills, from which slope (rise and fall against length) a street has which weight, up or down alike."""
UNLIT_WEIGHT: Final = 4.0
UNKNOWN_LIGHT_WEIGHT: Final = 1.5
CHILD_PACE: Final = 1.5
"""A child on a bicycle rides 10 km/h, an adult 15; on an electric one that goes along, no faster."""
CHILD_NEVER: Final = ("trunk", "primary")
CHILD_WEIGHTS: Final = {"secondary": 8.0, "tertiary": 2.0}
"""Of streets without a way of its own for bicycles: where a child does not ride, and where it had better not."""


def costs_of(
    network: Network, mode: Mode, *, wishes: Collection[str] = (), dark: bool = False
) -> tuple[Float32Array, Float32Array]:
    """Seconds float32[m] of each arc of the mode's graph (inf: not to be gone), and weight float32[s] of each street.

    The weight is 1 for a plain street, more for one that the wishes avoid; what is not known of a street (its slope,
    its surface) adds nothing, except its light. Neither may be written to: they may be the network's own.
    """
    graph = network.graphs[mode.graph]
    wished = frozenset(wishes)
    barred, weight = np.zeros(len(network.flags), np.bool_), np.ones(len(network.flags), np.float32)
    for wish in sorted(wished & STEP_FREE):
        barred |= _has(network, Flag.STEPS | Flag.NO_WHEELCHAIR) | (network.kinds == KINDS.index("steps"))
        weight[_has(network, Flag.ROUGH)] *= ROUGH_WEIGHT[wish]
    if mode.graph == "bike" and wished & STEP_FREE:
        barred[:] = True
    if "avoid_hills" in wished:
        weight *= _hill_weight(network)
    if "avoid_unlit" in wished and dark:
        weight[_has(network, Flag.UNLIT)] *= UNLIT_WEIGHT
        weight[~_has(network, Flag.LIT | Flag.UNLIT)] *= UNKNOWN_LIGHT_WEIGHT
    pace = mode.pace
    if "child_bike" in wished and mode.graph == "bike":
        pace = CHILD_PACE
        plain = ~_has(network, Flag.CYCLE)
        barred |= plain & np.isin(network.kinds, [KINDS.index(kind) for kind in CHILD_NEVER])
        for kind, more in CHILD_WEIGHTS.items():
            weight[plain & (network.kinds == KINDS.index(kind))] *= more
    time_s = graph.time_s
    if pace != 1:
        pushed = _has(network, Flag.PUSH | Flag.STEPS)
        time_s = time_s * np.where(pushed, np.float32(1), np.float32(pace))[graph.streets]
    if barred.any():
        time_s = np.where(barred[graph.streets], np.float32(np.inf), time_s)
    return time_s, weight


def ends_near(network: Network, mode: Mode, *, lat: float, lon: float, wishes: Collection[str] = ()) -> list[Snap]:
    """Where a way of this mode may begin or end: as `snap`, on streets that the wishes do not bar."""
    time_s, _ = costs_of(network, mode, wishes=wishes)
    return snap(network, mode.graph, lat=lat, lon=lon, time_s=time_s)


def _has(network: Network, flags: Flag) -> NDArray[np.bool_]:
    """Whether each street has one of `flags`."""
    found: NDArray[np.bool_] = (network.flags & int(flags)) != 0
    return found


def _hill_weight(network: Network) -> Float32Array:
    slope = (network.ascent_m + network.descent_m) / np.maximum(network.length_m, np.float32(1))
    weight = np.ones(len(slope), np.float32)
    for least, more in STEEP:
        weight[slope >= least] = more  # an unknown slope (NaN) is not at least anything
    return weight
