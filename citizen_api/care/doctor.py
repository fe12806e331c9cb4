"""Looks for faults in what the sources say, and in what was made of it: a list for people, nothing is changed.

Each kind of fault is found by a function of its own, streamed; what is held in memory is what matching holds.
docs/data-quality.md says what it found in real files, and what it cannot find.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Any, Final

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from citizen_api.care import record_queries
from citizen_api.care.linking import item_of
from citizen_api.care.matching import THRESHOLD, Item, compare
from citizen_api.care.merging import says_the_same
from citizen_api.care.placing import likely_pairs
from citizen_api.care.spelling import name_similarity, number_agreement, read_street
from citizen_api.core.geo import distance_m, ecef_m
from citizen_api.sources.records import in_degrees

JUST_UNDER: Final = 0.5
"""From this likeness on, a pair that was not merged is worth a look."""

NEIGHBOURS: Final = 6
REACH: Final = 1.5
"""A commune is taken to reach this many times as far as the centre of its sixth nearest neighbour."""

LEAST_REACH_M: Final = 5_000.0

CROWD: Final = 20
"""A position that so many places give as their own tells nothing of any of them."""

MANY: Final = 50
"""So many addresses at one position are told apart; more are only more."""

_ROWS: Final = 5_000
_ALIKE: Final = 0.85
_SAME_HOUSE: Final = 0.9
_SAME_SPOT_M: Final = 30.0
_READ: Final = ("name", "street", "commune_code", "lat", "lon", "position_approximate")
_JUMPS_DEG: Final = (0.5, -0.5, 1.0, -1.0, 10.0, -10.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: its kind, the place, and what is wrong with it. `where` is the place's name and address.

    `field`, `value` and `other` are what stands against what; `source` says who says it, and of which day.
    """

    kind: str
    facility_id: str
    where: str
    field: str
    value: str
    other: str = ""
    source: str = ""
    says: str = ""


@dataclass(slots=True)
class Visit:
    """What one look at the tables gathers on the way, beside the findings: figures worth telling."""

    session: Session
    figures: Counter[str] = field(default_factory=Counter)


def _where(row: Any) -> str:
    """Name and address of a place."""
    return _address(row.name, row.street, row.postcode, row.city)


def _address(name: str | None, street: str | None, postcode: str | None, city: str | None) -> str:
    return ", ".join(filter(None, (name, street, " ".join(filter(None, (postcode, city))))))


Look = Callable[[Visit], Iterator[Finding]]


def conflicts(visit: Visit) -> Iterator[Finding]:
    """Fields of which two real sources say different things."""
    for row in record_queries.places_in_conflict(visit.session):
        for name, said in row.conflicts.items():
            own = (row.field_sources or {}).get(name, ["", ""])
            value = f"{row.lat}, {row.lon}" if name == "position" else str(getattr(row, name, ""))
            for other, source_id, dated in said:
                text = f"{other['lat']}, {other['lon']}" if name == "position" else str(other)
                away = f"{other['distance_m']} m away" if name == "position" else ""
                believed = f"believed: {own[0]} of {own[1]}"
                says = "; ".join(filter(None, (away, believed)))
                yield Finding("conflict", row.id, _where(row), name, value, text, f"{source_id} of {dated}", says)


def shared_positions(visit: Visit) -> Iterator[Finding]:
    """Positions that several places of different addresses give as those of their house."""
    everyone = record_queries.places_at_shared_positions(visit.session)
    for (lat, lon), group in groupby(everyone, key=lambda row: (row.lat, row.lon)):
        rows = list(group)
        addresses = _different(row.street for row in rows if row.street)
        if len(addresses) < 2:  # noqa: PLR2004 - a pair
            continue
        visit.figures["positions that places of different addresses give as their own"] += 1
        says = f"{len(rows)} places, {len(addresses)} addresses at one position"
        for row in rows:
            others = "; ".join(each for each in addresses if each != row.street)
            yield Finding(
                "position_shared", row.id, _where(row), "position", f"{lat}, {lon}", others, _told_by(row), says
            )


def _different(streets: Iterator[str]) -> list[str]:
    """Addresses of which no two name the same house (MANY at most)."""
    found: list[str] = []
    for street in streets:
        if len(found) < MANY and not any(_one_house(known, street) for known in found):
            found.append(street)
    return found


def _one_house(text: str, other_text: str) -> bool:
    """Whether two addresses name one house: "18 rue Joyeuse" and "18 avenue Joyeuse" at one position do."""
    one, other = read_street(text), read_street(other_text)
    if one and other and one.solid == other.solid and (number_agreement(one, other) or 0.0) >= _SAME_HOUSE:
        return True
    return says_the_same("street", text, other_text) or says_the_same("street", other_text, text)


def far_positions(visit: Visit) -> Iterator[Finding]:
    """Positions farther from their commune's centre than the commune can reach: one of the two is wrong."""
    communes = _Communes(record_queries.centres(visit.session))
    towns = record_queries.towns(visit.session)
    positioned = (
        row
        for row in record_queries.positioned_places(visit.session)
        if row.commune_code and "position" in (row.field_sources or {})
    )
    while rows := list(islice(positioned, _ROWS)):
        codes = [towns.get(row.commune_code, (row.commune_code, row.commune_code)) for row in rows]
        codes_of_rows = [district or commune for commune, district in codes]
        away = communes.away_m(codes_of_rows, [row.lat for row in rows], [row.lon for row in rows])
        for rank in np.flatnonzero(away > LEAST_REACH_M):
            row, code, away_m = rows[rank], codes_of_rows[rank], float(away[rank])
            reach_m = communes.reach_m(code)
            if away_m > reach_m:
                why = communes.slip(code, lat=row.lat, lon=row.lon)
                says = f"{away_m / 1000:.1f} km from the centre of {communes.name(code)}, which reaches about "
                says += f"{reach_m / 1000:.1f} km; nearest is that of {communes.nearest(lat=row.lat, lon=row.lon)}"
                kind = "position_slipped" if why else "position_far"
                yield Finding(kind, row.id, _where(row), "position", f"{row.lat}, {row.lon}", why, _told_by(row), says)


def phones(visit: Visit) -> Iterator[Finding]:
    """Telephone numbers that are none, as a source wrote them or as they are stored."""
    for record in record_queries.phones(visit.session):
        facts, source = record.facts, f"{record.source_id} of {record.dated}"
        where = _address(*(facts.get(name) for name in ("name", "street", "postcode", "city")))
        if facts.get("phone_repaired"):
            visit.figures[f"telephone numbers of {record.source_id} whose lost leading zero was put back"] += 1
        if written := facts.get("phone_not_understood"):
            yield Finding("phone", record.facility_id, where, "phone", written, "", source, "as written: no number")
        stored = facts.get("phone")
        if stored:
            visit.figures["telephone numbers, as sources give them"] += 1
        if stored and not _is_phone(stored):
            yield Finding("phone", record.facility_id, where, "phone", stored, "", source, "stored: no valid number")


def _is_phone(text: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(text, None)))
    except phonenumbers.NumberParseException:
        return False


def duplicates(visit: Visit) -> Iterator[Finding]:
    """Places that may be one: two numbers at one address, or a likeness that was not enough, or kept apart."""
    numbered = record_queries.registered(visit.session, "finess")
    items = _shown_items(visit, numbered)
    pairs = {
        (one, other): figure
        for ((one, _), (other, _)), figure in likely_pairs(list(items.values()), at_least=JUST_UNDER).items()
        if one not in numbered or other not in numbered or _at_one_address(items[one], items[other])
    }
    ids = {each for pair in pairs for each in pair}
    where = {name: _where(row) for name, row in record_queries.places(visit.session, ids).items()}
    numbers = record_queries.identifiers_of(visit.session, ids, "finess")
    sources = record_queries.sources_of(visit.session, ids)
    for (one, other), figure in sorted(pairs.items()):
        says = f"likeness {figure:.2f}; the other: {where[other]}"
        if one in numbers and other in numbers:
            alike = "names alike; " if _named_alike(items[one], items[other]) else ""
            says = f"FINESS {numbers[one]} and {numbers[other]}; {alike}{says}"
            yield Finding("two_numbers", one, where[one], "place", one, other, "", says)
        # A list that counts a street's pharmacies says itself that there is one more: no fault.
        elif not (sources[one] & sources[other] and (items[one].is_vague or items[other].is_vague)):
            kind = "apart" if figure >= THRESHOLD else "duplicate"
            yield Finding(kind, one, where[one], "place", one, other, "", says)


def _shown_items(visit: Visit, numbered: set[str]) -> dict[str, Item]:
    """Every open place as matching reads it, by id.

    Its FINESS number is left out, since two of them may be one place. Two registered practitioners are two, though,
    however alike.
    """
    towns = record_queries.towns(visit.session)
    categories = record_queries.categories_by_place(visit.session)
    practitioners = record_queries.registered(visit.session, "rpps_site") - numbered
    crowds = record_queries.crowded_positions(visit.session, at_least=CROWD)
    items: dict[str, Item] = {}
    for row in record_queries.places_to_match(visit.session):
        facts = {name: getattr(row, name) for name in _READ}
        if (row.lat, row.lon) in crowds:
            facts["position_approximate"] = True
        if row.id in practitioners:
            facts["identifiers"] = [("rpps_site", row.id)]
        item = item_of(row.id, "", facts, is_open=True, towns=towns)
        items[row.id] = replace(item, categories=categories.get(row.id, frozenset()), same_as="")
    return items


def _at_one_address(one: Item, other: Item) -> bool:
    """Whether two registered places share their address, or their name and position and no house number forbids it."""
    away_m = None
    if one.lat is not None and one.lon is not None and other.lat is not None and other.lon is not None:
        away_m = distance_m(lat=one.lat, lon=one.lon, to_lat=other.lat, to_lon=other.lon)
    found = compare(one, other, away_m)
    at_one_spot = found.exact and (away_m or 0.0) <= _SAME_SPOT_M and found.house != 0.0
    return found.same_address or (at_one_spot and _named_alike(one, other))


def _named_alike(one: Item, other: Item) -> bool:
    return (name_similarity(one.name, other.name) or 0.0) >= _ALIKE


def hours(visit: Visit) -> Iterator[Finding]:
    """Opening hours that were not understood: kept word for word, shown as unknown."""
    for row in record_queries.places_of_unknown_hours(visit.session):
        source = " of ".join((row.field_sources or {}).get("opening_hours_verbatim", ()))
        yield Finding("hours", row.id, _where(row), "opening_hours", row.opening_hours_verbatim, "", source)
    if understood := record_queries.count_known_hours(visit.session):
        visit.figures["places whose opening hours are understood"] = understood


def matches(visit: Visit) -> Iterator[Finding]:
    """Tell how many places of each source another one confirms that does not know them by an identifier: no fault."""
    total = record_queries.places_by_source(visit.session)
    for source_id, other, number in record_queries.confirmations(visit.session):
        visit.figures[f"of the {total[source_id]} places of {source_id} are confirmed by {other}"] = number
    for source_id, confidence, number in record_queries.confidences(visit.session):
        low = math.floor(10 * confidence) / 10
        visit.figures[f"records of {source_id} placed with a confidence of {low:.1f} to {low + 0.1:.1f}"] += number
    yield from ()


LOOKS: Final[Mapping[str, tuple[Look, tuple[str, ...]]]] = {
    "conflicts": (conflicts, ("conflict",)),
    "positions": (
        lambda visit: _both(visit, shared_positions, far_positions),
        ("position_shared", "position_far", "position_slipped"),
    ),
    "phones": (phones, ("phone",)),
    "duplicates": (duplicates, ("two_numbers", "apart", "duplicate")),
    "hours": (hours, ("hours",)),
    "matches": (matches, ()),
}
"""What can be looked for, by the word of `--kind`, and the kinds of findings it gives."""

ABOUT: Final[Mapping[str, str]] = {
    "conflict": "a field of which two sources say different things",
    "position_shared": "one position given as its own by places of different addresses",
    "position_far": "farther from its commune's centre than the commune reaches: one of the two is wrong",
    "position_slipped": "the same, and right once a slip of the pen is undone",
    "phone": "a telephone number that is none",
    "two_numbers": "two FINESS numbers of one kind at one address: one place twice, or two services of one house",
    "apart": "two places that look like one, kept apart by their sources",
    "duplicate": "two places that may be one: a likeness just under the threshold",
    "hours": "opening hours that were not understood",
}


def _both(visit: Visit, *looks: Look) -> Iterator[Finding]:
    for look in looks:
        yield from look(visit)


def _told_by(row: Any) -> str:
    return " of ".join((row.field_sources or {}).get("position", ()))


class _Communes:
    """How far each commune reaches, from the centres round it."""

    def __init__(self, centres: Sequence[Any]) -> None:
        """`centres`: rows of `record_queries.centres`."""
        self._rows = centres
        self._rank = {row.code: rank for rank, row in enumerate(centres)}
        self._xyz = ecef_m([row.lat for row in centres], [row.lon for row in centres])
        self._city = np.array([row.parent_code or row.code for row in centres])
        self._whole = np.array([row.parent_code is None for row in centres], dtype=bool)
        self._reach: dict[str, float] = {}

    def name(self, code: str) -> str:
        """Name and code of a commune."""
        return f"{self._rows[self._rank[code]].name} ({code})"

    def nearest(self, *, lat: float, lon: float) -> str:
        """Name and code of the commune whose centre is nearest."""
        away = np.linalg.norm(self._xyz - ecef_m([lat], [lon]), axis=1)
        return self.name(self._rows[int(np.argmin(away))].code)

    def away_m(self, codes: Sequence[str], lats: Sequence[float], lons: Sequence[float]) -> NDArray[np.float64]:
        """Distance in metres of each position from its commune's centre; NaN where that is not known."""
        ranks = np.array([self._rank.get(code, -1) for code in codes])
        if not len(self._rows):
            return np.full(len(ranks), np.nan)
        return np.where(ranks < 0, np.nan, np.linalg.norm(ecef_m(lats, lons) - self._xyz[ranks], axis=1))

    def reach_m(self, code: str) -> float:
        """How far from its known centre a place of the commune can be, about; more where the centre is borrowed."""
        if code not in self._reach:
            rank = self._rank[code]
            away = np.linalg.norm(self._xyz - self._xyz[rank], axis=1)
            # Of a city with arrondissements either the whole counts, or its parts: never both.
            others = self._whole if self._whole[rank] else ~self._whole | (self._city != self._city[rank])
            away = away[others & (away > 0)]
            nearest = float(np.partition(away, NEIGHBOURS - 1)[NEIGHBOURS - 1]) if len(away) >= NEIGHBOURS else math.inf
            reach = max(LEAST_REACH_M, REACH * nearest)
            self._reach[code] = 2 * reach if self._rows[rank].centre_approximate else reach
        return self._reach[code]

    def slip(self, code: str, *, lat: float, lon: float) -> str:
        """Which slip of the pen would explain the position, with where it would be then; "" for none."""
        tries = [("latitude and longitude swapped", lon, lat), ("longitude without its minus", lat, -lon)]
        tries += [(f"latitude {-by:+g}°", lat - by, lon) for by in _JUMPS_DEG]
        tries += [(f"longitude {-by:+g}°", lat, lon - by) for by in _JUMPS_DEG]
        reach_m = self.reach_m(code)
        for what, new_lat, new_lon in tries:
            if in_degrees(lat=new_lat, lon=new_lon) and self.away_m([code], [new_lat], [new_lon])[0] <= reach_m:
                return f"{what}: {new_lat:.6f}, {new_lon:.6f}"
        return ""
