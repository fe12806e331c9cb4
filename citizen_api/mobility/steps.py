"""A way in words: where one turns, onto what, and how far it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from citizen_api.mobility.network import KINDS, Flag, FloatArray, GraphName, IntArray, Network
from citizen_api.mobility.search import Route
from content.words import Words

SHORT_M: Final = 25.0
"""A nameless piece no longer than this (a crossing, a link) is told with what comes before it."""
STRAIGHT_DEGREES: Final = 30.0
SLIGHT_DEGREES: Final = 60.0
SHARP_DEGREES: Final = 120.0
BACK_DEGREES: Final = 165.0
_AHEAD_M: Final = 15.0
"""Over which length a direction is taken, so that a bend at a kerb is no turn."""
_DIRECTIONS: Final = ("north", "north_east", "east", "south_east", "south", "south_west", "west", "north_west")
_CALM_KINDS: Final = {
    "footway": "footpath",
    "pedestrian": "footpath",
    "corridor": "corridor",
    "cycleway": "cycle_path",
    "path": "path",
    "track": "path",
    "steps": "stairs",
    "elevator": "lift",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction. `turn`: depart, straight, slight_left, left, sharp_left, …, back or arrive.

    `onto`: the name of the street, else None; `kind`: what it is where it has no name (footpath, cycle_path, stairs,
    lift, corridor, path, way). `direction`: one of eight, of the first step. `pushed`: the bicycle is.
    """

    turn: str
    onto: str | None
    kind: str
    direction: str | None
    distance_m: float
    duration_s: float
    lat: float
    lon: float
    pushed: bool = False


def steps_of(network: Network, route: Route, points: FloatArray, pieces: IntArray, *, graph: GraphName) -> list[Step]:
    """Instructions for a way, whose line is that of `shapes.route_points`; the last one is to arrive."""
    steps: list[Step] = []
    lengths = route.length_m(network)
    groups = _groups(network, route, lengths, graph)
    for group in groups:
        on_it = np.flatnonzero((pieces >= group.first) & (pieces < group.past))
        if not len(on_it):
            continue
        begin = int(on_it[0])
        turn, direction = "depart", None
        after = _bearing(points[begin:], forward=True)
        if steps:
            turn = _turn(after - _bearing(points[: begin + 1], forward=False))
        else:
            direction = _DIRECTIONS[round(after / 45) % 8]
        part = slice(group.first, group.past)
        step = Step(
            turn=turn,
            onto=group.name,
            kind=group.kind,
            direction=direction,
            distance_m=float(lengths[part].sum()),
            duration_s=float(route.time_s[part].sum()),
            lat=float(points[begin, 0]),
            lon=float(points[begin, 1]),
            pushed=group.pushed,
        )
        if steps and turn == "straight" and steps[-1].onto is None is step.onto and steps[-1].kind == step.kind:
            # Straight on from one nameless way to another: nobody would notice.
            before = steps.pop()
            step = replace(
                before,
                distance_m=before.distance_m + step.distance_m,
                duration_s=before.duration_s + step.duration_s,
            )
        steps.append(step)
    lat, lon = (float(value) for value in points[-1])
    arrived = Step(
        turn="arrive", onto=None, kind="way", direction=None, distance_m=0.0, duration_s=0.0, lat=lat, lon=lon
    )
    return [*steps, arrived]


def say_step(step: Step, words: Mapping[str, Words], lang: str) -> str:
    """An instruction as a sentence, without its length."""
    onto = step.onto or words[f"onto_{step.kind}"].say(lang)
    if step.turn == "arrive":
        return words["step_arrive"].say(lang)
    if step.direction is not None:
        text = words["step_depart"].say(lang, direction=words[step.direction].say(lang), onto=onto)
    elif step.kind in ("stairs", "lift"):
        return words[f"step_{step.kind}"].say(lang)
    else:
        text = words[f"step_{step.turn}"].say(lang, onto=onto)
    return f"{text} {words['step_pushed'].say(lang)}" if step.pushed else text


def say_distance(metres: float, words: Mapping[str, Words], lang: str) -> str:
    """A length as one says it: to 10 m below 1 km, to 100 m above."""
    if round(metres, -1) < 1000:  # noqa: PLR2004 - metres of a kilometre
        return words["metres"].say(lang, count=max(round(metres / 10) * 10, 10))
    kilometres = f"{metres / 1000:.1f}"
    return words["kilometres"].say(lang, count=kilometres.replace(".", ",") if lang == "fr" else kilometres)


@dataclass(slots=True)
class _Group:
    first: int
    past: int
    name: str | None
    kind: str
    pushed: bool
    metres: float


def _groups(network: Network, route: Route, lengths: FloatArray, graph: GraphName) -> list[_Group]:
    """Pieces that one instruction covers: of one name, or nameless and of one kind; short nameless ones join."""
    groups: list[_Group] = []
    for number, street in enumerate(route.streets.tolist()):
        name = network.name_of(street)
        flags = int(network.flags[street])
        kind = "stairs" if flags & Flag.STEPS else _CALM_KINDS.get(KINDS[network.kinds[street]], "way")
        pushed = graph == "bike" and bool(flags & (Flag.PUSH | Flag.STEPS))
        metres = float(lengths[number])
        last = groups[-1] if groups else None
        same = last is not None and (last.name, last.pushed) == (name, pushed) and (name or last.kind == kind)
        link = last is not None and name is None and metres <= SHORT_M and kind not in ("stairs", "lift")
        if last is not None and (same or (link and last.kind not in ("stairs", "lift"))):
            last.past, last.metres = number + 1, last.metres + metres
        elif last is not None and last.name is None and last.metres <= SHORT_M and len(groups) == 1 and name:
            # A link out of the door: one departs onto the first street that has a name.
            groups[-1] = _Group(last.first, number + 1, name, kind, pushed, last.metres + metres)
        else:
            groups.append(_Group(number, number + 1, name, kind, pushed, metres))
    return _joined(groups)


def _joined(groups: list[_Group]) -> list[_Group]:
    """Join what a link has parted: the same street before it and after it."""
    joined: list[_Group] = []
    for group in groups:
        last = joined[-1] if joined else None
        if last is not None and last.name is not None and (last.name, last.pushed) == (group.name, group.pushed):
            last.past, last.metres = group.past, last.metres + group.metres
        else:
            joined.append(group)
    return joined


def _bearing(points: FloatArray, *, forward: bool) -> float:
    """Direction in degrees from north over the first metres of a line, or over its last."""
    line = points if forward else points[::-1]
    east = (line[:, 1] - line[0, 1]) * np.cos(np.radians(line[0, 0]))
    north = line[:, 0] - line[0, 0]
    metres = np.hypot(east, north) * 111_195  # of a degree, nearly
    far = np.flatnonzero(metres >= _AHEAD_M)
    at = int(far[0]) if len(far) else len(line) - 1
    degrees = float(np.degrees(np.arctan2(east[at], north[at])))
    return degrees if forward else degrees + 180


def _turn(degrees: float) -> str:
    turned = (degrees + 180) % 360 - 180
    size = abs(turned)
    if size < STRAIGHT_DEGREES:
        return "straight"
    if size > BACK_DEGREES:
        return "back"
    side = "right" if turned > 0 else "left"
    if size < SLIGHT_DEGREES:
        return f"slight_{side}"
    return f"sharp_{side}" if size > SHARP_DEGREES else side
