"""Alternatives between two points of one network: fastest, cleanest, balanced, calm, and none that is worse in all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from citizen_api.mobility.exposure import Background, doses_ug, hour_prices
from citizen_api.mobility.network import KINDS, Flag, Float32Array, Network
from citizen_api.mobility.profiles import costs_of
from citizen_api.mobility.rules import Mode
from citizen_api.mobility.search import NO_HOURS, Costs, Route, Snap, find_route, with_access
from citizen_api.mobility.snapping import access_m, access_s

WISHES: Final = ("wheelchair", "pushchair", "avoid_hills", "avoid_unlit", "child_bike")
WEIGHTS: Final = (0.0, 0.5, 2.0, 8.0)
"""How much clean air is worth against time (lambda of the exposure cost), from the fastest on."""
STRESS: Final[Mapping[str, float]] = {
    "trunk": 3.0,
    "primary": 2.2,
    "secondary": 1.8,
    "tertiary": 1.35,
    "unclassified": 1.15,
    "residential": 1.05,
    "service": 1.1,
}
"""What a minute counts on a street for who wants calm, by its class; 1 on every other.

Ours, in the order of the levels of traffic stress of Mekuria, Furth and Nixon (Mineta Transportation Institute,
report 11-19, 2012), but for BESIDE_MAIN_STRESS. A way of its own for bicycles takes two thirds of what is above 1 away
from a cyclist; a green street counts a tenth less.
"""
CYCLE_KEEPS: Final = 1 / 3
GREEN_STRESS: Final = 0.9
BESIDE_MAIN_M: Final = 25.0
BESIDE_MAIN_STRESS: Final = 1.3
"""A path, a cycle track or a small street that runs beside a main road is as loud as that: it counts so much at least,
more than a street where people live, green or not."""

DOSE_DIGITS: Final = 2
"""Decimals of a dose in ug, as it is compared and as it is shown."""
SHARED: Final = 0.85
SHARED_APART: Final = 0.10
NEAR_APART: Final = 0.05
"""Two ways are one when they share 85 % of their length and their doses are less than 10 % apart, or when their doses
are less than 5 % apart, by whatever streets and in whatever time: nobody knows the air of a street so well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way by one mode, from door to door. `dose_ug`: per pollutant, None unknown; `guide_ug`: that of the guide.

    `labels`: which of fastest, cleanest, balanced, calm it is, and wished: the best for what is wished of a way, when
    that keeps one off others. Never none. `weight`: with which it was found.
    """

    mode: Mode
    route: Route
    weight: float
    labels: tuple[str, ...]
    duration_s: float
    distance_m: float
    ascent_m: float | None
    dose_ug: Mapping[str, float | None]
    guide: str | None
    guide_ug: float | None


def candidates(
    network: Network,
    mode: Mode,
    start: Snap,
    goal: Snap,
    *,
    background: Background,
    depart_at: datetime,
    wishes: Collection[str] = (),
    dark: bool = False,
    weights: Sequence[float] = WEIGHTS,
    calm: bool = True,
    arrive_by: datetime | None = None,
) -> list[Candidate]:
    """Ways of which none is at least as slow and as dirty as another, without near-duplicates, fastest first.

    With `arrive_by`, each is judged by the air of its own departure, as late as it can be; `depart_at` is then about
    when one leaves, by which streets are weighed.

    Empty: no way that fits the wishes. Where no concentration is known no street is cleaner than another: then there
    are the fastest and the calm, judged by minutes and by the stress of traffic, and nothing is called clean.
    """
    guide = background.guide(depart_at) if background.basis == "hours" else None
    before_s, after_s = access_s(start), access_s(goal)
    on_streets_at = depart_at + timedelta(seconds=before_s)
    time_s, weight = costs_of(network, mode, wishes=wishes, dark=dark)
    stress = stress_of(network, mode)
    searches = [(worth, weight) for worth in (weights if guide is not None else weights[:1])]
    if calm:
        # A little of the air too, so that the calm way is not needlessly worse than all others.
        searches.append((weights[min(1, len(weights) - 1)] if guide is not None else 0.0, weight * stress))
    wished = len(searches)
    if (weight != 1).any():
        # What would be told without the wishes: only to know of what they keep one off.
        plain = np.ones_like(weight)
        searches += [(0.0, plain), *([(weights[-1], plain)] if guide is not None else [])]
    found: dict[bytes, Candidate] = {}
    unwished: dict[bytes, Candidate] = {}
    for number, (worth, heavy) in enumerate(searches):
        hours, first_s = (
            (NO_HOURS, 3600.0)
            if guide is None or not worth
            else hour_prices(background, pollutant=guide, depart_at=on_streets_at, mode=mode, weight=worth)
        )
        # The wish weighs the air of a street too: who avoids it does so however much clean air is worth.
        factor = heavy if guide is None else heavy * network.factors[guide]
        costs = Costs(time_s=time_s, weight=heavy, factor=factor, hours=hours, first_s=first_s)
        route = find_route(network, mode.graph, start, goal, costs)
        if route is None or not np.isfinite(route.duration_s):
            return []
        route = with_access(route, before_s=before_s, after_s=after_s)
        key = b"".join(column.tobytes() for column in (route.streets, route.begins, route.ends))
        if key not in found and key not in unwished:
            leaves_at = depart_at if arrive_by is None else latest_departure(arrive_by, route.duration_s)
            dose = doses_ug(network, route, mode=mode, background=background, depart_at=leaves_at)
            of_them = found if number < wished else unwished
            distance_m = float(route.length_m(network).sum()) + access_m(start) + access_m(goal)
            of_them[key] = _candidate(network, mode, route, distance_m, worth, dose, guide)
    return _chosen(network, list(found.values()), list(unwished.values()), weight, stress, calm=calm)


def latest_departure(arrive_by: datetime, duration_s: float) -> datetime:
    """When to leave so as to arrive in time, to the second as a duration is shown."""
    return arrive_by - timedelta(seconds=round(duration_s))


def stress_of(network: Network, mode: Mode) -> Float32Array:
    """What a minute counts on each street for who wants calm: float32[s], see STRESS."""
    stress = np.array([STRESS.get(kind, 1.0) for kind in KINDS], np.float32)[network.kinds]
    if mode.graph == "bike":
        own = (network.flags & int(Flag.CYCLE)) != 0
        stress = np.where(own, 1 + (stress - 1) * np.float32(CYCLE_KEEPS), stress)
    green = (network.flags & int(Flag.GREEN)) != 0
    stress = np.where(green, stress * np.float32(GREEN_STRESS), stress)
    beside = network.main_road_m < BESIDE_MAIN_M
    return np.where(beside, np.maximum(stress, np.float32(BESIDE_MAIN_STRESS)), stress)


def ascent_m(network: Network, route: Route) -> float | None:
    """Metres that a way climbs; None when the slope of one of its streets is not known."""
    up = np.where(route.begins <= route.ends, network.ascent_m[route.streets], network.descent_m[route.streets])
    climbed = float((np.abs(route.ends - route.begins) * up).sum())
    return None if np.isnan(climbed) else climbed


def shared_part(network: Network, one: Route, other: Route) -> float:
    """Part of the longer of two ways' length that lies on streets of both."""
    lengths = [_by_street(network, route) for route in (one, other)]
    both = sum(min(metres, lengths[1].get(street, 0.0)) for street, metres in lengths[0].items())
    longest = max(sum(length.values()) for length in lengths)
    return both / longest if longest else 1.0


def _by_street(network: Network, route: Route) -> dict[int, float]:
    found: dict[int, float] = {}
    for street, metres in zip(route.streets.tolist(), route.length_m(network).tolist(), strict=True):
        found[street] = found.get(street, 0.0) + metres
    return found


def _candidate(
    network: Network,
    mode: Mode,
    route: Route,
    distance_m: float,
    worth: float,
    dose: Mapping[str, float | None],
    guide: str | None,
) -> Candidate:
    return Candidate(
        mode=mode,
        route=route,
        weight=worth,
        labels=(),
        duration_s=route.duration_s,
        distance_m=distance_m,
        ascent_m=ascent_m(network, route),
        dose_ug=dose,
        guide=guide,
        guide_ug=None if guide is None else dose.get(guide),
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A way, its whole seconds, those that its wishes feel, what it has of stress, and what is weighed against time.

    `loud`: of each second the stress above that of the quietest streets, so that the calmest way is one through quiet
    streets and not only a short one. `second`: the dose of the guide, or the stress where no dose is known. Rounded as
    the answer shows it, so that nobody sees one way that is better than another in all that is shown.
    """

    way: Candidate
    time_s: int
    felt_s: int
    loud: float
    second: float

    def dominates(self, other: _Judged) -> bool:
        at_least = self.time_s <= other.time_s and self.second <= other.second
        return at_least and (self.time_s, self.second) != (other.time_s, other.second)


def _chosen(
    network: Network,
    ways: Sequence[Candidate],
    unwished: Sequence[Candidate],
    weight: Float32Array,
    stress: Float32Array,
    *,
    calm: bool,
) -> list[Candidate]:
    """Keep the way that fits the wishes best, then from the cleanest on what is no worse, no better and not the same.

    No better: a way that is faster and cleaner than the one that fits the wishes best only is so by what they avoid.
    Then the one that fits them best is called so, and nothing is called fastest, cleanest or calmest beside which one
    without the wishes is so clearly. What has no name of its own is not offered.
    """
    with_dose = all(way.guide_ug is not None for way in (*ways, *unwished))
    judged = [_judge(way, weight, stress, with_dose=with_dose) for way in ways]
    first = min(judged, key=lambda one: (one.felt_s, one.second, one.time_s))
    kept = [first]
    for one in sorted(judged, key=lambda one: (one.second, one.felt_s)):
        if not any(one.dominates(other) or other.dominates(one) or _nearly_same(network, one, other) for other in kept):
            kept.append(one)
    kept.sort(key=lambda one: (one.time_s, one.second))
    avoided = [one for one in judged if any(one.dominates(other) for other in kept)]
    avoided += [_judge(way, weight, stress, with_dose=with_dose) for way in unwished]
    orders: dict[str, Callable[[_Judged], float]] = {"fastest": lambda one: one.time_s}
    if with_dose:
        # The knee, without a scale: so many per cent slower must buy more per cent of dose.
        orders |= {"cleanest": lambda one: one.second, "balanced": lambda one: one.time_s * one.second}
    if calm:
        orders["calm"] = lambda one: one.loud
    labels: dict[int, list[str]] = {rank: [] for rank in range(len(kept))}
    for label, order in orders.items():
        values = [order(one) for one in kept]
        rank = values.index(min(values))
        if all(order(one) >= values[rank] * (1 - NEAR_APART) for one in avoided):
            labels[rank].append(label)
        elif label != "calm" and "wished" not in labels[kept.index(first)]:
            labels[kept.index(first)].insert(0, "wished")
    return [replace(one.way, labels=tuple(labels[rank])) for rank, one in enumerate(kept) if labels[rank]]


def _judge(way: Candidate, weight: Float32Array, stress: Float32Array, *, with_dose: bool) -> _Judged:
    streets, time_s = way.route.streets, way.route.time_s
    felt = time_s * weight[streets]
    stress_s = float((felt * stress[streets]).sum())
    loud = float((time_s * (stress[streets] - GREEN_STRESS)).sum())
    dose = way.guide_ug if with_dose else None
    return _Judged(
        way=way,
        time_s=round(way.duration_s),
        felt_s=round(float(felt.sum())),
        loud=loud,
        second=round(stress_s if dose is None else dose, DOSE_DIGITS),
    )


def _nearly_same(network: Network, one: _Judged, other: _Judged) -> bool:
    apart = abs(one.second - other.second) / max(one.second, other.second, 1e-9)
    if apart < NEAR_APART:
        return True
    return apart < SHARED_APART and shared_part(network, one.way.route, other.way.route) >= SHARED
