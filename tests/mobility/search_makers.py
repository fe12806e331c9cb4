"""References for the search, which share nothing with it: igraph, a plain Dijkstra, and the snap as first written."""

import heapq
import math

import igraph
import numpy as np

from citizen_api.mobility.search import NO_HOURS, Costs, Snap


def make_costs(network, graph="walk", **changes) -> Costs:
    """Nothing but the graph's own time, or what is given instead."""
    plain = np.ones(len(network.tails), np.float32)
    given = {"time_s": network.graphs[graph].time_s, "weight": plain, "factor": plain, "hours": NO_HOURS}
    return Costs(**given | changes)


def make_snap(network, street, fraction, graph="walk") -> Snap:
    """A point of a street."""
    lat, lon = network.shape(street)[0] + fraction * (network.shape(street)[-1] - network.shape(street)[0])
    component = int(network.graphs[graph].components[network.tails[street]])
    return Snap(street=street, fraction=fraction, lat=float(lat), lon=float(lon), distance_m=0.0, component=component)


def draw_snaps(network, count, *, seed, graph="walk"):
    """Points of streets of the largest component, some of them at an end."""
    draw = np.random.default_rng(seed)
    roads = network.graphs[graph]
    known = roads.components[roads.components >= 0]
    inside = roads.components == np.bincount(known).argmax()
    streets = draw.choice(np.flatnonzero(inside[network.tails] & inside[network.heads]), count).tolist()
    fractions = np.where(draw.random(count) < 0.2, draw.integers(0, 2, count), draw.random(count)).tolist()
    return [make_snap(network, *each, graph) for each in zip(streets, fractions, strict=True)]


def air_free(costs):
    """Whether the air has no price, or one for ever."""
    return len(costs.hours) == 1


def least_costs(network, starts, goals, costs, graph="walk"):
    """Least cost from each start to each goal by igraph, the price of the air being one for ever: [starts, goals]."""
    assert air_free(costs)
    roads = network.graphs[graph]
    tails = np.repeat(np.arange(len(network.lats)), np.diff(roads.offsets))
    each = costs.time_s.astype(float) * (
        costs.weight[roads.streets] + costs.hours[0] * costs.factor[roads.streets].astype(float)
    )
    graph_of_all = igraph.Graph(len(network.lats), np.column_stack((tails, roads.heads)), directed=True)
    out = [_ends(network, roads, start, each, arriving=False) for start in starts]
    into = [_ends(network, roads, goal, each, arriving=True) for goal in goals]
    sources = sorted({junction for ends in out for junction, _ in ends})
    targets = sorted({junction for ends in into for junction, _ in ends})
    between = np.array(graph_of_all.distances(sources, targets, weights=each.tolist()))
    row, column = {j: i for i, j in enumerate(sources)}, {j: i for i, j in enumerate(targets)}
    found = np.full((len(starts), len(goals)), np.inf)
    for i, leaving in enumerate(out):
        for k, arriving in enumerate(into):
            ways = [a + between[row[u], column[v]] + b for u, a in leaving for v, b in arriving]
            found[i, k] = min([*ways, _along(roads, starts[i], goals[k], each)])
    return found


def _ends(network, roads, point, each, *, arriving):
    """Junctions next to a point, and what it costs from there, or to there."""
    tail, head, at = int(network.tails[point.street]), int(network.heads[point.street]), point.fraction
    forward, backward = int(roads.forward_arcs[point.street]), int(roads.backward_arcs[point.street])
    ahead, back = (at, 1 - at) if arriving else (1 - at, at)
    ends = [
        (tail if arriving else head, forward, ahead),
        (head if arriving else tail, backward, back),
    ]
    return [(junction, share * each[arc] if share else 0.0) for junction, arc, share in ends if arc >= 0 or share == 0]


def _along(roads, start, goal, each):
    if start.street != goal.street:
        return math.inf
    share = goal.fraction - start.fraction
    arc = int((roads.forward_arcs if share >= 0 else roads.backward_arcs)[start.street])
    return abs(share) * each[arc] if arc >= 0 else (0.0 if share == 0 else math.inf)


def plain_labels(network, costs, begins, graph="walk"):
    """Dijkstra's search with the price of each arc at the hour when it is reached: {junction: (cost, seconds, arc)}.

    `begins`: [(junction, cost, seconds)].
    """
    roads = network.graphs[graph]
    labels, settled = {}, {}
    heap = []
    for junction, cost, seconds in begins:
        heapq.heappush(heap, (cost, seconds, -1, junction))
    while heap:
        cost, seconds, by, junction = heapq.heappop(heap)
        if junction in settled:
            continue
        settled[junction] = cost, seconds, by
        air = costs.hours[hour_at(costs, seconds)]
        for arc in range(int(roads.offsets[junction]), int(roads.offsets[junction + 1])):
            head, street = int(roads.heads[arc]), int(roads.streets[arc])
            if head not in settled and costs.time_s[arc] < math.inf:
                then_s = float(costs.time_s[arc])
                price = float(costs.weight[street]) + float(air) * float(costs.factor[street])
                label = cost + then_s * price, seconds + then_s, arc
                if head not in labels or label < labels[head]:
                    labels[head] = label
                    heapq.heappush(heap, (*label, head))
    return settled


def hour_at(costs, at_s):
    """Which hour of the prices a moment lies in."""
    later = 0 if at_s < costs.first_s else 1 + int((at_s - costs.first_s) // 3600)
    return min(later, len(costs.hours) - 1)


def cost_of(route, costs):
    """What a way costs, piece by piece, at its own hours."""
    total, at_s = 0.0, 0.0
    for street, seconds in zip(route.streets, route.time_s, strict=True):
        air = costs.hours[hour_at(costs, at_s)]
        total += float(seconds) * (float(costs.weight[street]) + float(air) * float(costs.factor[street]))
        at_s += float(seconds)
    return total


def simple_snap(network, graph, *, lat, lon, within_m):
    """Every street of the network, measured with numpy: [(street, fraction, metres)], one for each component."""
    x, y = network.plane(lat=lat, lon=lon)
    roads = network.graphs[graph]
    nearest = {}
    for street in range(len(network.tails)):
        if roads.forward_arcs[street] < 0 and roads.backward_arcs[street] < 0:
            continue
        component = int(roads.components[network.tails[street]])
        distance_m, fraction = _on_street(network, street, x, y)
        if distance_m <= within_m and (component not in nearest or distance_m < nearest[component][2]):
            nearest[component] = street, fraction, distance_m
    return sorted(nearest.values(), key=lambda found: (found[2], found[0]))


def _on_street(network, street, x, y):
    points = np.array([network.plane(lat=lat, lon=lon) for lat, lon in network.shape(street)])
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    shares = ((np.array([x, y]) - points[:-1]) * steps).sum(axis=1) / np.maximum(lengths**2, 1e-12)
    shares = np.clip(shares, 0, 1)
    feet = np.where(shares[:, None] == 1, points[1:], points[:-1] + shares[:, None] * steps)
    distances = np.hypot(feet[:, 0] - x, feet[:, 1] - y)
    piece = int(distances.argmin())
    gone = lengths[:piece].sum() + shares[piece] * lengths[piece]
    return float(distances[piece]), float(gone / lengths.sum()) if lengths.any() else 0.0
