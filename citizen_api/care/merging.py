"""What is believed of a place when its sources differ. Plain functions: no I/O.

Every field remembers who says it and of which day, and what the other speaking sources say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from citizen_api.care.rules import DEMO_SOURCE, identifying
from citizen_api.care.spelling import (
    SAME_STREET,
    is_generic_name,
    number_agreement,
    plain,
    read_street,
    street_similarity,
)
from citizen_api.core.geo import distance_m

MERGED_FIELDS: Final = (
    "name",
    "street",
    "postcode",
    "city",
    "commune_code",
    "phone",
    "website",
    "wheelchair",
    "opening_hours_verbatim",
    "accepts_new_patients",
    "payment_sector",
    "third_party_payment",
    "home_visits",
    "call_15_first",
)
"""Fields of which one value is believed; "no" is a value."""

NOTHING: Final = (None, "")

GATHERED_FIELDS: Final = ("services", "languages")
"""Fields whose values add up: each source may know others."""

POSITION: Final = "position"
"""Under this name `field_sources` and `conflicts` speak of `lat` and `lon` together."""

FAR_M: Final = 200.0
"""Two positions of houses farther apart than this contradict each other."""

FAR_FROM_STREET_M: Final = 5_000.0
"""The same where one of them is that of a street or a town."""

_CITIES: Final = {"75056": "751", "13055": "132", "69123": "6938"}
"""Commune with arrondissements -> how the codes of these begin."""

_SAME_HOUSE: Final = 0.9
_WEB: Final = re.compile(r"^https?://(?:www\.)?|/+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatement:
    """What one source says of a place; `facts` are the non-empty fields of its record."""

    source_id: str
    key: str
    dated: date
    facts: Mapping[str, Any]
    categories: tuple[str, ...]
    closed_at: datetime | None

    @property
    def is_identified(self) -> bool:
        """Whether it names the place by an identifier, and not only by its looks."""
        return bool(identifying((scheme, value) for scheme, value in self.facts.get("identifiers", ())))

    @property
    def word_day(self) -> date:
        """Day of its word on whether the place is open: a closing that is entered late counts from its entry."""
        return self.dated if self.closed_at is None else max(self.dated, self.closed_at.date())

    @property
    def origin(self) -> list[str]:
        """Its source and date, as they are kept beside a field."""
        return [self.source_id, self.dated.isoformat()]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPlace:
    """What is believed of a place, from all of its sources. `lat` and `lon` are both known or both None.

    `field_sources`: {field: [source id, ISO date]}; `conflicts`: {field: [[value, source id, ISO date], …]}, where
    the value of a `position` is {"lat", "lon", "distance_m"}.
    """

    values: Mapping[str, Any]
    categories: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    lat: float | None
    lon: float | None
    position_approximate: bool
    opening_hours: str | None
    opening_hours_source: str | None
    closed_at: datetime | None
    field_sources: Mapping[str, list[str]]
    conflicts: Mapping[str, list[list[Any]]]


def merge(statements: Sequence[SourceStatement]) -> MergedPlace:
    """Decide what is believed: field by field, the newest source that says something.

    What tells more wins over what is newer only where both agree: the street with its house number, the arrondissement;
    any name before a generic one, any position of a house before that of a street. The order of `statements`
    does not matter. A demo statement never wins over another.

    Whether a place is closed, the newest word decides of the sources that know it by an identifier; where none does, it
    is closed when all real ones say so. So a list without identifiers adds and confirms, and neither closes nor
    reopens what another speaks of. A demo statement neither opens nor closes.
    """
    ranked = sorted(statements, key=lambda s: (s.source_id == DEMO_SOURCE, -s.dated.toordinal(), s.source_id, s.key))
    real = [statement for statement in ranked if statement.source_id != DEMO_SOURCE]
    identified = [statement for statement in real if statement.is_identified]
    deciding = identified or real
    closings = [statement.closed_at for statement in deciding if statement.closed_at is not None]
    is_closed = _newest_word_closes(identified) if identified else bool(real) and len(closings) == len(real)
    # What a source has closed it does not say any more, unless the place is: then its last words stay.
    speaking = [s for s in real if s.closed_at is None or (is_closed and s in deciding)]
    # The demo city stands last, and only adds to what the real sources say of a place, open or closed.
    everyone = [*speaking, *ranked[len(real) :]]
    sources: dict[str, list[str]] = {}
    conflicts: dict[str, list[list[Any]]] = {}
    values: dict[str, Any] = {}
    for name in (*MERGED_FIELDS, "opening_hours"):
        said = [s for s in everyone if s.facts.get(name) not in NOTHING]
        believed = _believed(name, said)
        values[name] = believed.facts[name] if believed else None
        if believed:
            sources[name] = believed.origin
            if otherwise := _otherwise(name, believed, said):
                conflicts[name] = otherwise
    for name in GATHERED_FIELDS:
        said = [s for s in everyone if s.facts.get(name)]
        values[name] = sorted({each for s in said for each in s.facts[name]})
        if said:
            sources[name] = said[0].origin
    placed = _positioned(everyone)
    if placed:
        sources[POSITION] = placed.origin
        if otherwise := _elsewhere(placed, everyone):
            conflicts[POSITION] = otherwise
    where: Mapping[str, Any] = placed.facts if placed else {}
    hours = values.pop("opening_hours")
    return MergedPlace(
        values=values,
        categories=tuple(dict.fromkeys(c for s in everyone for c in s.categories)),
        identifiers=tuple(
            sorted({(scheme, value) for s in ranked for scheme, value in s.facts.get("identifiers", ())})
        ),
        lat=where.get("lat"),
        lon=where.get("lon"),
        position_approximate=bool(where.get("position_approximate")),
        opening_hours=hours,
        opening_hours_source=sources["opening_hours"][0] if hours else None,
        closed_at=max(closings) if is_closed else None,
        field_sources=sources,
        conflicts=conflicts,
    )


def _newest_word_closes(identified: Sequence[SourceStatement]) -> bool:
    """Whether the newest word on a place is that it closed; of two of one day, that it is open counts.

    So an extract that is not kept up any more neither keeps open what a newer register closed nor, imported late,
    closes what that register lists.
    """
    closed = max((s.word_day for s in identified if s.closed_at is not None), default=date.min)
    return closed > max((s.word_day for s in identified if s.closed_at is None), default=date.min)


def _believed(name: str, said: Sequence[SourceStatement]) -> SourceStatement | None:
    """Whom to believe, of those who say something of a field, newest first."""
    if not said:
        return None
    newest = said[0]
    real = [s for s in said if s.source_id != DEMO_SOURCE]
    better: Callable[[SourceStatement], bool] | None = None
    if name == "name" and is_generic_name(newest.facts[name]):
        better = lambda s: not is_generic_name(s.facts[name])  # noqa: E731 - one of three
    elif name == "street":
        street = read_street(newest.facts[name])
        if street is not None and not street.numbers:
            better = lambda s: _has_house_of(s.facts[name], newest.facts[name])  # noqa: E731
    elif name == "commune_code" and newest.facts[name] in _CITIES:
        better = lambda s: s.facts[name].startswith(_CITIES[newest.facts[name]])  # noqa: E731
    return next((s for s in real if better(s)), newest) if better else newest


def _has_house_of(text: str, street_text: str) -> bool:
    """Whether an address gives a house number in a street that is told without one."""
    street, other = read_street(street_text), read_street(text)
    return (
        street is not None
        and other is not None
        and bool(other.numbers)
        and street_similarity(street, other) >= SAME_STREET
    )


def _otherwise(name: str, believed: SourceStatement, said: Sequence[SourceStatement]) -> list[list[Any]]:
    """What other real sources say otherwise of a field, newest first; what is made up contradicts nothing."""
    found: list[list[Any]] = []
    for statement in said:
        value = statement.facts[name]
        if DEMO_SOURCE in {statement.source_id, believed.source_id}:
            continue
        if statement is not believed and not says_the_same(name, believed.facts[name], value):
            entry = [value, *statement.origin]
            if entry not in found:
                found.append(entry)
    return found


def says_the_same(name: str, believed: Any, value: Any) -> bool:
    """Whether two values of a field are the same but for case, accents, spacing, or for telling less."""
    if believed == value:
        return True
    if not isinstance(believed, str) or not isinstance(value, str):
        return False
    same = _SAME.get(name)
    return same(believed, value) if same else plain(believed) == plain(value)


def _same_address(believed: str, value: str) -> bool:
    one, other = read_street(believed), read_street(value)
    if one is None or other is None:
        return plain(believed) == plain(value)
    house = number_agreement(one, other)
    return street_similarity(one, other) >= SAME_STREET and (house is None or house >= _SAME_HOUSE)


def _same_but_for_spaces(believed: str, value: str) -> bool:
    return "".join(believed.lower().split()) == "".join(value.lower().split())


_SAME: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "name": lambda believed, value: plain(believed) == plain(value) or is_generic_name(value),
    "street": _same_address,
    "commune_code": lambda believed, value: value in _CITIES and believed.startswith(_CITIES[value]),
    "website": lambda believed, value: _WEB.sub("", believed.lower()) == _WEB.sub("", value.lower()),
    "opening_hours": _same_but_for_spaces,
    "phone": _same_but_for_spaces,
}
"""How two texts of a field are compared; the others are equal but for case, accents and marks."""


def _positioned(everyone: Sequence[SourceStatement]) -> SourceStatement | None:
    """Whose position is believed: the newest of a house, else the newest of a street; the demo's last."""
    located = [s for s in everyone if s.facts.get("lat") is not None]
    return min(
        located,
        key=lambda s: (s.source_id == DEMO_SOURCE, bool(s.facts.get("position_approximate"))),
        default=None,
    )


def _elsewhere(placed: SourceStatement, everyone: Sequence[SourceStatement]) -> list[list[Any]]:
    """Positions of other real sources that contradict the believed one, newest first, with the distance in metres."""
    found: list[list[Any]] = []
    lat, lon = placed.facts["lat"], placed.facts["lon"]
    for statement in everyone:
        facts = statement.facts
        if statement is placed or facts.get("lat") is None or DEMO_SOURCE in {statement.source_id, placed.source_id}:
            continue
        away_m = distance_m(lat=lat, lon=lon, to_lat=facts["lat"], to_lon=facts["lon"])
        approximate = facts.get("position_approximate") or placed.facts.get("position_approximate")
        if away_m > (FAR_FROM_STREET_M if approximate else FAR_M):
            said = {"lat": facts["lat"], "lon": facts["lon"], "distance_m": round(away_m)}
            found.append([said, *statement.origin])
    return found
