"""Looks for faults in what the sources say, and in what was made of it: a list for people, nothing is changed.

Each kind of fault is found by a function of its own, streamed; what is held in memory is what matching holds.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import phonenumbers
from sqlalchemy.orm import Session

from citizen_api.care import record_queries
from citizen_api.care.linking import item_of
from citizen_api.care.matching import THRESHOLD, Item, compare
from citizen_api.care.merging import says_the_same
from citizen_api.care.placing import likely_pairs
from citizen_api.core.geo import distance_m, ecef_m

JUST_UNDER: Final = 0.5
"""From this likeness on, a pair that was not merged is worth a look."""

NEIGHBOURS: Final = 6
REACH: Final = 1.5
"""A commune is taken to reach this many times as far as the centre of its sixth nearest neighbour."""

LEAST_REACH_M: Final = 5_000.0
_ALIKE: Final = 0.85
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
    _places: dict[str, str] = field(default_factory=dict)

    def where(self, row: Any) -> str:
        """Name and address of a place."""
        return ", ".join(filter(None, (row.name, row.street, " ".join(filter(None, (row.postcode, row.city))))))


Look = Callable[[Visit], Iterator[Finding]]


def conflicts(visit: Visit) -> Iterator[Finding]:
    """Fields of which two real sources say different things."""
    for row in record_queries.shown_places(visit.session):
        for name, said in (row.conflicts or {}).items():
            own = (row.field_sources or {}).get(name, ["", ""])
            value = f"{row.lat}, {row.lon}" if name == "position" else str(getattr(row, name, ""))
            for other, source_id, dated in said:
                text = f"{other['lat']}, {other['lon']}" if name == "position" else str(other)
                away = f"{other['distance_m']} m away" if name == "position" else ""
                believed = f"believed: {own[0]} of {own[1]}"
                says = "; ".join(filter(None, (away, believed)))
                yield Finding("conflict", row.id, visit.where(row), name, value, text, f"{source_id} of {dated}", says)


def shared_positions(visit: Visit) -> Iterator[Finding]:
    """Positions that several places of different addresses give as those of their house."""
    shared = record_queries.shared_positions(visit.session, at_least=2)
    found: dict[tuple[float, float], list[Any]] = defaultdict(list)
    for row in record_queries.shown_places(visit.session) if shared else ():
        if (row.lat, row.lon) in shared and not row.position_approximate:
            found[row.lat, row.lon].append(row)
    for (lat, lon), rows in sorted(found.items()):
        addresses: list[str] = []
        for row in rows:
            if row.street and not any(says_the_same("street", known, row.street) for known in addresses):
                addresses.append(row.street)
        if len(addresses) > 1:
            says = f"{len(rows)} places, {len(addresses)} addresses at one position"
            for row in rows:
                yield Finding(
                    "position_shared", row.id, visit.where(row), "position", f"{lat}, {lon}", "", _told_by(row), says
                )


def far_positions(visit: Visit) -> Iterator[Finding]:
    """Positions farther from their commune's centre than the commune can reach."""
    communes = _Communes(record_queries.centres(visit.session))
    towns = record_queries.towns(visit.session)
    for row in record_queries.shown_places(visit.session):
        if (
            row.commune_code is None
            or row.lat is None
            or row.field_sources is None
            or "position" not in row.field_sources
        ):
            continue
        commune, district = towns.get(row.commune_code, (row.commune_code, None))
        code = district or commune
        away_m, reach_m = communes.away_m(code, lat=row.lat, lon=row.lon), communes.reach_m(code)
        if away_m is None or reach_m is None or away_m <= reach_m:
            continue
        why = communes.slip(code, lat=row.lat, lon=row.lon)
        says = f"{away_m / 1000:.1f} km from the centre of {code}, which reaches about {reach_m / 1000:.1f} km"
        kind = "position_slipped" if why else "position_far"
        yield Finding(kind, row.id, visit.where(row), "position", f"{row.lat}, {row.lon}", why, _told_by(row), says)


def phones(visit: Visit) -> Iterator[Finding]:
    """Telephone numbers that are none, as a source wrote them or as they are stored."""
    for record in record_queries.phones(visit.session):
        facts, source = record.facts, f"{record.source_id} of {record.dated}"
        where = ", ".join(filter(None, (facts.get("name"), facts.get("street"), facts.get("postcode"))))
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
    numbers = record_queries.identifiers_by_place(visit.session, "finess")
    sources = record_queries.sources_by_place(visit.session)
    items, where = _shown_items(visit)
    for ((one, _), (other, _)), figure in sorted(likely_pairs(list(items.values()), at_least=JUST_UNDER).items()):
        rest = f"likeness {figure:.2f}; the other: {where[other]}"
        if one in numbers and other in numbers:
            if _look_like_one(items[one], items[other]):
                says = f"FINESS {numbers[one]} and {numbers[other]}; {rest}"
                yield Finding("two_numbers", one, where[one], "place", one, other, "", says)
        # A list that counts a street's pharmacies says itself that there is one more: no fault.
        elif not (sources[one] & sources[other] and (items[one].is_vague or items[other].is_vague)):
            kind = "apart" if figure >= THRESHOLD else "duplicate"
            yield Finding(kind, one, where[one], "place", one, other, "", rest)


def _shown_items(visit: Visit) -> tuple[dict[str, Item], dict[str, str]]:
    """Every open place as matching reads it, by id, and how it is told to people."""
    towns = record_queries.towns(visit.session)
    categories = record_queries.categories_by_place(visit.session)
    items: dict[str, Item] = {}
    where: dict[str, str] = {}
    for row in record_queries.shown_places(visit.session):
        facts = {name: getattr(row, name) for name in _READ} | {
            "category_codes": [("alentours", category) for category in categories.get(row.id, ())]
        }
        items[row.id] = item_of(row.id, "", facts, is_open=True, towns=towns)
        where[row.id] = visit.where(row)
    return items, where


def _look_like_one(one: Item, other: Item) -> bool:
    """Whether two registered places share their address, or their name and their position."""
    away_m = None
    if one.lat is not None and one.lon is not None and other.lat is not None and other.lon is not None:
        away_m = distance_m(lat=one.lat, lon=one.lon, to_lat=other.lat, to_lon=other.lon)
    found = compare(one, other, away_m)
    alike = found.name is not None and found.name >= _ALIKE
    return found.same_address or (alike and found.exact and (away_m or 0.0) <= _SAME_SPOT_M)


def hours(visit: Visit) -> Iterator[Finding]:
    """Opening hours that were not understood: kept word for word, shown as unknown."""
    for row in record_queries.shown_places(visit.session):
        if row.opening_hours_verbatim and not row.opening_hours:
            source = " of ".join((row.field_sources or {}).get("opening_hours_verbatim", ()))
            yield Finding("hours", row.id, visit.where(row), "opening_hours", row.opening_hours_verbatim, "", source)
        if row.opening_hours:
            visit.figures["places whose opening hours are understood"] += 1


LOOKS: Final[Mapping[str, tuple[Look, tuple[str, ...]]]] = {
    "conflicts": (conflicts, ("conflict",)),
    "positions": (
        lambda visit: _both(visit, shared_positions, far_positions),
        ("position_shared", "position_far", "position_slipped"),
    ),
    "phones": (phones, ("phone",)),
    "duplicates": (duplicates, ("two_numbers", "apart", "duplicate")),
    "hours": (hours, ("hours",)),
}
"""What can be looked for, by the word of `--kind`, and the kinds of findings it gives."""

ABOUT: Final[Mapping[str, str]] = {
    "conflict": "a field of which two sources say different things",
    "position_shared": "one position given as its own by places of different addresses",
    "position_far": "farther from its commune's centre than the commune reaches",
    "position_slipped": "the same, but right once a slip of the pen is undone",
    "phone": "a telephone number that is none",
    "two_numbers": "two FINESS numbers for what looks like one place",
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

    def __init__(self, centres: list[tuple[str, str | None, float, float, bool]]) -> None:
        """`centres`: (code, code of the city, lat, lon, borrowed)."""
        self._rank = {code: rank for rank, (code, *_) in enumerate(centres)}
        self._xyz = ecef_m([lat for _, _, lat, _, _ in centres], [lon for _, _, _, lon, _ in centres])
        self._city = np.array([parent or code for code, parent, *_ in centres])
        self._whole = np.array([parent is None for _, parent, *_ in centres])
        self._borrowed = {code for code, *_, borrowed in centres if borrowed}
        self._reach: dict[str, float] = {}

    def away_m(self, code: str, *, lat: float, lon: float) -> float | None:
        """Distance in metres from a commune's centre; None where it is not known."""
        rank = self._rank.get(code)
        if rank is None:
            return None
        return float(np.linalg.norm(ecef_m([lat], [lon])[0] - self._xyz[rank]))

    def reach_m(self, code: str) -> float | None:
        """How far from its centre a place of the commune can be, about; more where the centre is borrowed."""
        if code not in self._rank:
            return None
        if code not in self._reach:
            rank = self._rank[code]
            away = np.linalg.norm(self._xyz - self._xyz[rank], axis=1)
            # Of a city with arrondissements either the whole counts, or its parts: never both.
            others = self._whole if self._whole[rank] else ~self._whole | (self._city != self._city[rank])
            away = away[others & (away > 0)]
            nearest = float(np.partition(away, NEIGHBOURS - 1)[NEIGHBOURS - 1]) if len(away) >= NEIGHBOURS else math.inf
            reach = max(LEAST_REACH_M, REACH * nearest)
            self._reach[code] = 2 * reach if code in self._borrowed else reach
        return self._reach[code]

    def slip(self, code: str, *, lat: float, lon: float) -> str:
        """Which slip of the pen would explain the position, with where it would be then; "" for none."""
        tries = [("latitude and longitude swapped", lon, lat), ("longitude without its minus", lat, -lon)]
        tries += [(f"latitude {-by:+g}°", lat - by, lon) for by in _JUMPS_DEG]
        tries += [(f"longitude {-by:+g}°", lat, lon - by) for by in _JUMPS_DEG]
        reach_m = self.reach_m(code) or 0.0
        for what, new_lat, new_lon in tries:
            if abs(new_lat) <= 90 and abs(new_lon) <= 180:  # noqa: PLR2004 - degrees
                away_m = self.away_m(code, lat=new_lat, lon=new_lon)
                if away_m is not None and away_m <= reach_m:
                    return f"{what}: {new_lat:.6f}, {new_lon:.6f}"
        return ""
