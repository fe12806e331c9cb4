"""The compiled search: nearest places of one category, filters included, and the geodesic that orders them.

numba compiles these functions once and keeps the machine code beside this file (or in NUMBA_CACHE_DIR); they hold
no Python object, but keep the GIL: a search takes less than handing it to another thread and back. Angles are in
degrees at the border, distances in metres, positions ECEF.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
SMALLEST_RADIUS_M = SEMI_MINOR_M**2 / SEMI_MAJOR_M
"""The strongest curvature of the ellipsoid: that of the meridian at the equator."""

NO_ROOM, UNSETTLED = -1, -2
"""Instead of a count: a place there was no room for might come first; a geodesic does not settle."""

_ECCENTRICITY_2 = FLATTENING * (2 - FLATTENING)
_TURNS = 100
_STACK = 64  # a tree of 2**31 places is 31 levels deep, and each level leaves one branch waiting
_compiled = njit(cache=True, error_model="numpy")


@_compiled
def geodesic_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Geodesic distance on WGS84, or -1 where the iteration does not settle (nearly opposite points).

    T. Vincenty, Direct and inverse solutions of geodesics on the ellipsoid, Survey Review 23 (176), 1975, inverse
    formula; within 0.1 mm of Karney's exact solution wherever it settles.
    """
    if lat1 == lat2 and lon1 == lon2:
        return 0.0
    reduced1 = math.atan((1 - FLATTENING) * math.tan(math.radians(lat1)))
    reduced2 = math.atan((1 - FLATTENING) * math.tan(math.radians(lat2)))
    sin1, cos1, sin2, cos2 = math.sin(reduced1), math.cos(reduced1), math.sin(reduced2), math.cos(reduced2)
    # The short way round, also over the antimeridian.
    east = lon2 - lon1
    if east > 180:  # noqa: PLR2004 - degrees
        east -= 360
    elif east < -180:  # noqa: PLR2004
        east += 360
    turn = math.radians(east)
    on_sphere = turn
    for _ in range(_TURNS):
        sin_turn, cos_turn = math.sin(on_sphere), math.cos(on_sphere)
        sin_arc = math.hypot(cos2 * sin_turn, cos1 * sin2 - sin1 * cos2 * cos_turn)
        if sin_arc == 0:
            return 0.0
        cos_arc = sin1 * sin2 + cos1 * cos2 * cos_turn
        arc = math.atan2(sin_arc, cos_arc)
        sin_azimuth = cos1 * cos2 * sin_turn / sin_arc
        cos2_azimuth = 1 - sin_azimuth * sin_azimuth
        middle = cos_arc - 2 * sin1 * sin2 / cos2_azimuth if cos2_azimuth > 1e-14 else 0.0  # noqa: PLR2004 - the equator
        c = FLATTENING / 16 * cos2_azimuth * (4 + FLATTENING * (4 - 3 * cos2_azimuth))
        before = on_sphere
        on_sphere = turn + (1 - c) * FLATTENING * sin_azimuth * (
            arc + c * sin_arc * (middle + c * cos_arc * (2 * middle * middle - 1))
        )
        if abs(on_sphere) > math.pi:
            return -1.0
        if abs(on_sphere - before) < 1e-13:  # noqa: PLR2004 - less than a micrometre
            u2 = cos2_azimuth * (SEMI_MAJOR_M**2 - SEMI_MINOR_M**2) / SEMI_MINOR_M**2
            a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
            b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
            correction = (
                b
                * sin_arc
                * (
                    middle
                    + b
                    / 4
                    * (
                        cos_arc * (2 * middle * middle - 1)
                        - b / 6 * middle * (4 * sin_arc * sin_arc - 3) * (4 * middle * middle - 3)
                    )
                )
            )
            return SEMI_MINOR_M * a * (arc - correction)
    return -1.0


@_compiled
def geodesics_m(lat: float, lon: float, lats: FloatArray, lons: FloatArray) -> FloatArray:
    """Geodesic distances from one position to many, as `geodesic_m` tells them."""
    distances = np.empty(len(lats))
    for rank in range(len(lats)):
        distances[rank] = geodesic_m(lat, lon, lats[rank], lons[rank])
    return distances


@_compiled
def farthest_geodesic_m(chord_m: float) -> float:
    """Give the longest geodesic that a chord through the Earth can have.

    Schur's comparison theorem: of two arcs of one length, the one that bends less has the longer chord. No geodesic
    bends more than a circle of SMALLEST_RADIUS_M.
    """
    half = chord_m / (2 * SMALLEST_RADIUS_M)
    return 2 * SMALLEST_RADIUS_M * math.asin(half) if half < 1 else math.inf


@_compiled
def _box_distance_2(box: FloatArray, x: float, y: float, z: float) -> float:
    dx = max(box[0] - x, 0.0, x - box[3])
    dy = max(box[1] - y, 0.0, y - box[4])
    dz = max(box[2] - z, 0.0, z - box[5])
    return float(dx * dx + dy * dy + dz * dz)


@_compiled
def _sift_down(chords: FloatArray, points: IntArray, size: int) -> None:
    """Restore a heap (the farthest first) whose root has changed."""
    hole, chord, point = 0, chords[0], points[0]
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and chords[child + 1] > chords[child]:
            child += 1
        if chords[child] <= chord:
            break
        chords[hole], points[hole] = chords[child], points[child]
        hole = child
    chords[hole], points[hole] = chord, point


@_compiled
def _sift_up(chords: FloatArray, points: IntArray, hole: int) -> None:
    chord, point = chords[hole], points[hole]
    while hole:
        parent = (hole - 1) >> 1
        if chords[parent] >= chord:
            break
        chords[hole], points[hole] = chords[parent], points[parent]
        hole = parent
    chords[hole], points[hole] = chord, point


@_compiled
def nearest(
    xyz: FloatArray,
    places: NDArray[np.int32],
    schedules: NDArray[np.int32],
    features: NDArray[np.uint64],
    boxes: FloatArray,
    node_features: NDArray[np.uint64],
    node_buckets: NDArray[np.uint64],
    lats: FloatArray,
    lons: FloatArray,
    ranks: NDArray[np.int32],
    tree: IntArray,
    lat: float,
    lon: float,
    needed: NDArray[np.uint64],
    states: NDArray[np.uint8],
    wanted: int,
    buckets: np.uint64,
    radius_m: float,
    after_mm: int,
    after_rank: int,
    limit: int,
    room: int,
) -> tuple[int, IntArray, IntArray]:
    """Find the first `limit` places of one tree by (distance in whole mm, rank): (count, mm, places).

    `tree` is (first member, members, first node, levels): it holds members `first` on of `xyz` (n, 3) ECEF metres,
    `places`, `schedules` and `features` (n, words), and is the complete binary tree whose node `j` of level `l` holds
    the members from members*j >> l to members*(j+1) >> l; `boxes` (nodes, 6), `node_features` (what some member
    has) and `node_buckets` (of its members' schedules) are in heap order. `lats`, `lons` and `ranks` are by place. A
    member fits when it has every bit of `needed`, its schedule's state (a byte of `states`) is among the bits of
    `wanted` (0: whatever it is; `buckets`: bits of the buckets in which such schedules are), it lies within `radius_m`,
    and comes after (`after_mm`, `after_rank`; -1: the first page).

    The chord through the Earth chooses `room` candidates, the geodesic orders them. Instead of the count:
    NO_ROOM, UNSETTLED.
    """
    chords, points = np.empty(room), np.empty(room, np.int64)
    size = _search(
        xyz, places, schedules, features, boxes, node_features, node_buckets, lats, lons, ranks, tree, lat, lon,
        needed, states, wanted, buckets, radius_m, after_mm, after_rank, chords, points,
    )  # fmt: skip
    found_mm, found_places = np.empty(limit, np.int64), np.empty(limit, np.int64)
    if size < 0:
        return size, found_mm, found_places
    count = _measure(chords, points, size, places, lats, lons, ranks, lat, lon, found_mm, found_places)
    while count > 0 and found_mm[count - 1] > radius_m * 1000:
        count -= 1
    return count, found_mm, found_places


@_compiled
def _search(  # noqa: C901, PLR0912, PLR0915 - one loop: whatever is called for each place costs as much as the place
    xyz: FloatArray,
    places: NDArray[np.int32],
    schedules: NDArray[np.int32],
    features: NDArray[np.uint64],
    boxes: FloatArray,
    node_features: NDArray[np.uint64],
    node_buckets: NDArray[np.uint64],
    lats: FloatArray,
    lons: FloatArray,
    ranks: NDArray[np.int32],
    tree: IntArray,
    lat: float,
    lon: float,
    needed: NDArray[np.uint64],
    states: NDArray[np.uint8],
    wanted: int,
    buckets: np.uint64,
    radius_m: float,
    after_mm: int,
    after_rank: int,
    chords: FloatArray,
    points: IntArray,
) -> int:
    """Fill `chords` (squared, m2) and `points` (member numbers) as a heap, the farthest first; give their number."""
    first, count, first_node, levels = tree[0], tree[1], tree[2], tree[3]
    if count == 0:
        return 0
    phi, lam = math.radians(lat), math.radians(lon)
    normal = SEMI_MAJOR_M / math.sqrt(1 - _ECCENTRICITY_2 * math.sin(phi) ** 2)
    x, y = normal * math.cos(phi) * math.cos(lam), normal * math.cos(phi) * math.sin(lam)
    z = normal * (1 - _ECCENTRICITY_2) * math.sin(phi)

    size, room, words = 0, len(chords), len(needed)
    # No geodesic is shorter than its chord. A centimetre makes up for what is rounded.
    limit = (radius_m + 0.01) ** 2
    # Of the page before: what is this near comes surely before its end, what is farther than that surely after.
    after_half = max(after_mm / 1000.0 - 0.01, 0.0) / (2 * SMALLEST_RADIUS_M)
    before_chord_2 = (2 * SMALLEST_RADIUS_M * math.sin(min(after_half, math.pi / 2))) ** 2
    after_chord_2 = (after_mm / 1000.0 + 0.01) ** 2
    stack_node, stack_level = np.empty(_STACK, np.int64), np.empty(_STACK, np.int64)
    stack_far = np.empty(_STACK, np.float64)
    stack_node[0], stack_level[0], stack_far[0] = 0, 0, _box_distance_2(boxes[first_node], x, y, z)
    top = 1
    while top:
        top -= 1
        node, level = stack_node[top], stack_level[top]
        if stack_far[top] > limit:
            continue
        has_all = True
        for word in range(words):
            if node_features[first_node + node, word] & needed[word] != needed[word]:
                has_all = False
        if not has_all or (wanted and node_buckets[first_node + node] & buckets == 0):
            continue
        if level < levels:
            near, far = 2 * node + 1, 2 * node + 2
            near_2 = _box_distance_2(boxes[first_node + near], x, y, z)
            far_2 = _box_distance_2(boxes[first_node + far], x, y, z)
            if far_2 < near_2:
                near, far, near_2, far_2 = far, near, far_2, near_2
            if far_2 <= limit:
                stack_node[top], stack_level[top], stack_far[top] = far, level + 1, far_2
                top += 1
            if near_2 <= limit:
                stack_node[top], stack_level[top], stack_far[top] = near, level + 1, near_2
                top += 1
            continue
        rank = node - ((1 << level) - 1)
        for member in range(first + ((count * rank) >> level), first + ((count * (rank + 1)) >> level)):
            # The cheapest first: a word of features is a third of a position, and next to its neighbours'.
            fits = True
            for word in range(words):
                if features[member, word] & needed[word] != needed[word]:
                    fits = False
            if not fits:
                continue
            dx, dy, dz = xyz[member, 0] - x, xyz[member, 1] - y, xyz[member, 2] - z
            chord_2 = dx * dx + dy * dy + dz * dz
            if chord_2 > limit:
                continue
            if wanted and not (wanted >> states[schedules[member]]) & 1:
                continue
            if after_mm >= 0 and chord_2 <= after_chord_2:
                if chord_2 < before_chord_2:
                    continue
                place = places[member]
                distance = geodesic_m(lat, lon, lats[place], lons[place])
                if distance < 0:
                    return UNSETTLED
                distance_mm = round(distance * 1000)
                if distance_mm < after_mm or (distance_mm == after_mm and ranks[place] <= after_rank):
                    continue
            if size < room:
                chords[size], points[size] = chord_2, member
                _sift_up(chords, points, size)
                size += 1
            elif chord_2 < chords[0]:
                chords[0], points[0] = chord_2, member
                _sift_down(chords, points, size)
            if size == room and chords[0] < limit:
                limit = chords[0]
    return size


@_compiled
def _measure(
    chords: FloatArray,
    points: IntArray,
    size: int,
    places: NDArray[np.int32],
    lats: FloatArray,
    lons: FloatArray,
    ranks: NDArray[np.int32],
    lat: float,
    lon: float,
    found_mm: IntArray,
    found_places: IntArray,
) -> int:
    """Order what `_search` found by the geodesic; fill the arrays with the first of them, and give how many."""
    limit = len(found_mm)
    order = np.argsort(chords[:size])
    taken = size
    if size > limit:
        bound = farthest_geodesic_m(math.sqrt(chords[order[limit - 1]])) + 0.002
        taken = limit
        while taken < size and math.sqrt(chords[order[taken]]) <= bound:
            taken += 1
    if taken == size and size == len(chords):
        return NO_ROOM
    distances_mm, numbers = np.empty(taken, np.int64), np.empty(taken, np.int64)
    for rank in range(taken):
        place = places[points[order[rank]]]
        distance = geodesic_m(lat, lon, lats[place], lons[place])
        if distance < 0:
            return UNSETTLED
        distance_mm = round(distance * 1000)
        # By insertion: they come nearly in order already.
        hole = rank
        while hole and (
            distances_mm[hole - 1] > distance_mm
            or (distances_mm[hole - 1] == distance_mm and ranks[numbers[hole - 1]] > ranks[place])
        ):
            distances_mm[hole], numbers[hole] = distances_mm[hole - 1], numbers[hole - 1]
            hole -= 1
        distances_mm[hole], numbers[hole] = distance_mm, place
    given = min(taken, limit)
    found_mm[:given] = distances_mm[:given]
    found_places[:given] = numbers[:given]
    return given
