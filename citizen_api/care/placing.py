"""Which records make one place. Plain functions: no I/O.

`place_records` is a function of the set of records, whatever the order in which they came:

1. records that share an identifying identifier are one place, and two values of one scheme never are;
2. the others join by `matching.likeness`, the likest pair first (of equal ones, the smaller source and key);
3. nothing joins against a hard fact: another identifier, a second record of the same source, or what
   `matching.excluded` says, held against every record that is there already;
4. what tells no more than its street ("a pharmacy, rue de Tolbiac", eleven equal rows) comes last, and confirms as
   many places of other sources as there are rows; the rows left over are together one place: at least one more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from citizen_api.care.matching import DOUBTFUL_M, STREET_M, THRESHOLD, Item, compare, excluded, likeness
from citizen_api.care.rules import DEMO_SOURCE, facility_id
from citizen_api.care.spelling import LIKE_STREET, SAME_STREET, Street, street_similarity
from citizen_api.core.geo import ecef_m

RIVAL_MARGIN: Final = 0.15
"""Places this much less alike are as good a guess for a row that tells no more than its street."""

_BLOCK: Final = 256
_Order = tuple[str, str]
_Xyz = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a record belongs: the id of its place, and how sure that is (0 to 1; 1 for its own identifier)."""

    facility_id: str
    confidence: float


@dataclass(slots=True, eq=False)
class _Node:
    """Records that go together from the start. `rows`: of equal rows, those that no place has yet, last to go first."""

    order: _Order
    items: list[Item]
    rows: list[Item] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """One way in which a node looks: each record of an identifier is one, equal rows together are one."""

    item: Item
    node: _Node
    xyz: _Xyz | None

    def distance_m(self, other: _Face) -> float | None:
        """Chord in metres: that of the geodesic, to a millimetre, over the distances that matter."""
        if self.xyz is None or other.xyz is None:
            return None
        x, y, z = self.xyz
        to_x, to_y, to_z = other.xyz
        return float(((x - to_x) ** 2 + (y - to_y) ** 2 + (z - to_z) ** 2) ** 0.5)


@dataclass(slots=True, eq=False)
class _Place:
    """A place in the making: its records, the nodes they came from, and what a newcomer may not contradict."""

    nodes: list[_Node]
    items: list[Item]
    identity: dict[str, str] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, node: _Node, items: Sequence[Item]) -> _Place:
        identity = dict(pair for item in items for pair in item.identity)
        return cls([node], list(items), identity, {item.source_id for item in items})


Pairs = dict[tuple[_Order, _Order], float]


def place_records(items: Iterable[Item]) -> dict[_Order, Placement]:
    """Place every record, by (source, key). The order of `items` does not matter."""
    nodes = _nodes(items)
    faces = _faces(nodes) if any(not node.items[0].identity for node in nodes) else []
    likely = _likely_pairs(faces)
    paired = {order for pair in likely for order in pair}
    found: dict[_Order, Placement] = {}
    for node in nodes:
        if node.order not in paired:  # of a country, nearly all
            placement = Placement(_id_of(node.items), 1.0)
            found.update((item.order, placement) for item in node.items)
    nodes = [node for node in nodes if node.order in paired]
    return found | _gather(nodes, [face for face in faces if face.node.order in paired], likely)


def _gather(nodes: Sequence[_Node], faces: Sequence[_Face], likely: Pairs) -> dict[_Order, Placement]:
    """Place the records of nodes that are each like another."""
    by_order = {node.order: node for node in nodes}
    ranked = sorted((-figure, by_order[one].order, by_order[other].order) for (one, other), figure in likely.items())
    pairs = [(by_order[one], by_order[other]) for _, one, other in ranked]
    looks: dict[_Order, list[_Face]] = defaultdict(list)
    for face in faces:
        looks[face.node.order].append(face)
    places = {node.order: _Place.of(node, node.items) for node in nodes if node.rows is None}
    for one, other in pairs:
        if one.rows is None and other.rows is None:
            _join(places, one, other, looks)
    for one, other in pairs:
        if (one.rows is None) != (other.rows is None):
            named, rows = (one, other) if one.rows is None else (other, one)
            _confirm(places[named.order], rows, looks)
    places |= {node.order: _Place.of(node, node.rows) for node in nodes if node.rows}
    for one, other in pairs:
        if one.rows and other.rows:
            _join(places, one, other, looks)
    return _placements(places, likely, by_order)


def likely_pairs(items: Sequence[Item], *, at_least: float) -> Pairs:
    """Find the pairs of items that look like one place: (source, key) twice -> likeness.

    Each item has to have a source of its own: what comes of one source is not compared, nor two that
    have an identifier.
    """
    return _likely_pairs(_faces([_Node(item.order, [item]) for item in items]), at_least=at_least)


def _nodes(items: Iterable[Item]) -> list[_Node]:
    """Gather the records of an identifier, and equal rows of a source, all in canonical order."""
    groups: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda each: each.order):
        if item.identity:
            groups["identified", *item.identity[0]].append(item)
        elif item.same_as and (item.street or item.lat is not None):
            groups["rows", item.source_id, item.same_as].append(item)
        else:
            groups["record", *item.order].append(item)
    nodes = []
    for group in groups.values():
        first = group[0]
        several = not first.identity and (len(group) > 1 or first.is_vague)
        # The open ones confirm first, the smallest key last: what is left over keeps its id.
        rows = sorted(group, key=lambda item: (item.is_open, len(item.key), item.key)) if several else None
        nodes.append(_Node(first.order, group, rows))
    return nodes


def _faces(nodes: Sequence[_Node]) -> list[_Face]:
    """What can be compared. What the demo makes up is placed by its identifier or stands alone."""
    looks = [
        (item, node)
        for node in nodes
        for item in (node.items if node.rows is None else node.items[:1])
        if item.source_id != DEMO_SOURCE
    ]
    located = [item for item, _ in looks if item.lat is not None and item.lon is not None]
    xyz = ecef_m([item.lat or 0.0 for item in located], [item.lon or 0.0 for item in located]).tolist()
    where: dict[_Order, _Xyz] = {item.order: (x, y, z) for item, (x, y, z) in zip(located, xyz, strict=True)}
    return [_Face(item, node, where.get(item.order)) for item, node in looks]


def _likely_pairs(faces: Sequence[_Face], *, at_least: float = THRESHOLD) -> Pairs:
    """Find the pairs of nodes that are likely one place, with the best likeness of their faces.

    Not between two that have an identifier.
    """
    found: Pairs = {}
    for one, other in _candidates(faces, alike=SAME_STREET if at_least >= THRESHOLD else LIKE_STREET):
        figure = likeness(compare(one.item, other.item, one.distance_m(other)))
        if figure >= at_least:
            pair = (one.node.order, other.node.order)
            ordered = pair if pair[0] < pair[1] else (pair[1], pair[0])
            found[ordered] = max(figure, found.get(ordered, 0.0))
    return found


def _candidates(faces: Sequence[_Face], *, alike: float) -> Iterator[tuple[_Face, _Face]]:
    """Pairs worth comparing; one may come twice. Never all with all: near each other, or of one street of a town.

    `alike`: from which similarity on two spellings of a street are worth it.
    """
    loose = [face for face in faces if not face.item.identity]
    exact = [face for face in faces if face.item.exact]
    yield from _near([face for face in loose if face.item.exact], exact, DOUBTFUL_M)
    # Where a town is not named, the same street is looked for round about.
    yield from _near([face for face in loose if face.item.commune is None], faces, STREET_M)
    yield from _near(loose, [face for face in faces if face.item.commune is None], STREET_M)
    # Streets whose figures differ ("rue du 8 mai") are never the same: a town is looked through figures by figures.
    towns: dict[tuple[str, str], tuple[list[_Face], list[_Face]]] = defaultdict(lambda: ([], []))
    for face in faces:
        if face.item.commune and face.item.street:
            everyone, without = towns[face.item.commune, face.item.street.figures]
            everyone.append(face)
            if not face.item.identity:
                without.append(face)
    for everyone, without in towns.values():
        if without:
            yield from _in_one_street(without, everyone, alike)


def _near(some: Sequence[_Face], others: Sequence[_Face], radius_m: float) -> Iterator[tuple[_Face, _Face]]:
    """Pairs within a distance, by a hash of the cells of space (on Earth-centred coordinates: no seam anywhere)."""
    if not some or not others:
        return
    cells: dict[tuple[int, int, int], list[_Face]] = defaultdict(list)
    for face in others:
        if face.xyz is not None:
            x, y, z = face.xyz
            cells[int(x // radius_m), int(y // radius_m), int(z // radius_m)].append(face)
    steps = (-1, 0, 1)
    for face in some:
        if face.xyz is None:
            continue
        cx, cy, cz = (int(value // radius_m) for value in face.xyz)
        for other in (f for i in steps for j in steps for k in steps for f in cells.get((cx + i, cy + j, cz + k), ())):
            if _worth(face, other) and (face.distance_m(other) or 0.0) <= radius_m:
                yield face, other


def _worth(one: _Face, other: _Face) -> bool:
    return one.item.source_id != other.item.source_id and bool(one.item.categories & other.item.categories)


def _in_one_street(some: Sequence[_Face], others: Sequence[_Face], alike: float) -> Iterator[tuple[_Face, _Face]]:
    """Pairs of one town whose streets can be the same, however they are spelt."""
    streets: dict[tuple[str, str, str], tuple[list[_Face], list[_Face]]] = defaultdict(lambda: ([], []))
    spelt: dict[tuple[str, str, str], Street] = {}
    for rank, faces in enumerate((some, others)):
        for face in faces:
            if street := face.item.street:
                name = street.kind, street.name, street.solid
                spelt[name] = street
                streets[name][rank].append(face)
    wanted = {name: street for name, street in spelt.items() if streets[name][0]}
    for one, other in _same_streets(wanted, spelt, alike):
        for face in streets[one][0]:
            for against in streets[other][1]:
                if _worth(face, against):
                    yield face, against


def _same_streets(
    some: Mapping[tuple[str, str, str], Street], others: Mapping[tuple[str, str, str], Street], alike: float
) -> Iterator[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    by_word: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for name, street in others.items():
        by_word[street.last].append(name)
    mine, theirs = list(some), list(others)
    for start in range(0, len(mine), _BLOCK):
        block = mine[start : start + _BLOCK]
        # Spelt alike word by word ("Richar Lenoir"), or letter by letter ("Mac Donald", "Macdonald").
        close = _alike([name[1] for name in block], [name[1] for name in theirs])
        close |= _alike([name[2] for name in block], [name[2] for name in theirs])
        for row, one in enumerate(block):
            street = some[one]
            near = {theirs[column] for column in np.flatnonzero(close[row])}
            near.update(by_word[street.last])
            for other in sorted(near):
                if street_similarity(street, others[other]) >= alike:
                    yield one, other


def _alike(some: Sequence[str], others: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts are spelt alike enough, as a matrix."""
    cutoff = 100 * SAME_STREET
    found = process.cdist(some, others, scorer=fuzz.ratio, score_cutoff=cutoff - 1, dtype=np.uint8)
    return np.asarray(found > 0, dtype=np.bool_)


def _join(places: dict[_Order, _Place], one: _Node, other: _Node, looks: Mapping[_Order, Sequence[_Face]]) -> None:
    """Make one place of the two in which these nodes are, unless something stands against it."""
    here, there = places[one.order], places[other.order]
    if here is there or here.sources & there.sources:
        return
    if any(there.identity.get(scheme, value) != value for scheme, value in here.identity.items()):
        return
    if any(_contradict(looks[a.order], looks[b.order]) for a in here.nodes for b in there.nodes):
        return
    here.nodes += there.nodes
    here.items += there.items
    here.identity |= there.identity
    here.sources |= there.sources
    for node in there.nodes:
        places[node.order] = here


def _confirm(place: _Place, rows: _Node, looks: Mapping[_Order, Sequence[_Face]]) -> None:
    """Let one of the equal rows speak of a place, unless none is left or something stands against it."""
    source_id = rows.items[0].source_id
    if not rows.rows or source_id in place.sources:
        return
    if any(_contradict(looks[node.order], looks[rows.order]) for node in place.nodes):
        return
    place.items.append(rows.rows.pop())
    place.nodes.append(rows)
    place.sources.add(source_id)


def _contradict(some: Sequence[_Face], others: Sequence[_Face]) -> bool:
    """Whether hard facts stand against all that can be compared of two nodes."""
    against = False
    for one in some:
        for other in others:
            if not excluded(compare(one.item, other.item, one.distance_m(other))):
                if _tells_where(one.item) and _tells_where(other.item):
                    return False
            else:
                against = True
    return against


def _tells_where(item: Item) -> bool:
    return item.lat is not None or item.street is not None


def _id_of(items: Iterable[Item]) -> str:
    """Id of a place: from its strongest identifier, else from the smallest source and key."""
    ordered = sorted(items, key=lambda item: item.order)
    identity = next((item.identity for item in ordered if item.identity), ())
    return facility_id(identity, source_id=ordered[0].source_id, key=ordered[0].key)


def _placements(
    places: Mapping[_Order, _Place], likely: Pairs, by_order: Mapping[_Order, _Node]
) -> dict[_Order, Placement]:
    """Name each place, and say how sure each of its records is."""
    beside: dict[_Order, list[tuple[float, _Node]]] = defaultdict(list)
    for (one, other), figure in likely.items():
        beside[one].append((figure, by_order[other]))
        beside[other].append((figure, by_order[one]))
    found: dict[_Order, Placement] = {}
    for place in {id(place): place for place in places.values()}.values():
        name = _id_of(place.items)
        first = min(item.order for item in place.items)
        members = {node.order for node in place.nodes}
        for node in place.nodes:
            best = max((figure for figure, other in beside[node.order] if other.order in members), default=1.0)
            share = _share(place, node, best, beside[node.order], places) if node.rows is not None else 1.0
            mine = {item.order for item in node.items}
            leads = not place.identity and first in mine
            for item in place.items:
                if item.order in mine:
                    sure = bool(item.identity) or leads
                    found[item.order] = Placement(name, 1.0 if sure else round(best * share, 4))
    return found


def _share(
    place: _Place,
    node: _Node,
    best: float,
    beside: Sequence[tuple[float, _Node]],
    places: Mapping[_Order, _Place],
) -> float:
    """Chance that it is this place, of all those that a row of a street fits as well: rows / places, at most 1."""
    rivals = {id(place)} | {
        id(places[other.order])
        for figure, other in beside
        if figure >= best - RIVAL_MARGIN and other.order in places and other.rows is None
    }
    return min(1.0, len(node.items) / len(rivals))
