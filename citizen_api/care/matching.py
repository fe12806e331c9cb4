"""How likely two records of different sources speak of one place. Plain functions: no I/O.

A pair is compared once (`compare`), into what agrees and what differs: position, street, house number, name. Then
`likeness` gives a figure, and `excluded` says whether a hard fact stands against it. `care/placing.py` makes places
of pairs. The figures were read off the shared files of Paris; docs/adr/007-matching.md explains them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from citizen_api.care.spelling import (
    LIKE_STREET,
    SAME_STREET,
    Street,
    name_similarity,
    number_agreement,
    street_similarity,
)

THRESHOLD: Final = 0.6
"""From this likeness on, two records are taken for one place."""

DOUBT: Final = 0.55
"""Likeness of what agrees in all but what decides: never enough, and worth a look."""

NEAR_M: Final = 100.0
"""Two exact positions of one place lie within this, where their addresses do not settle it."""

DOUBTFUL_M: Final = 250.0
"""Within this a geocoder may have put the same house of a street: their names must then agree."""

STREET_M: Final = 500.0
"""Within this of a street's position, the same name of a street is the same street of a town that is not named."""

LONG_STREET_M: Final = 5_000.0
"""How far from its street's position a house of the same town can be (rue de Vaugirard: 3.8 km)."""

ALONE_AT_ITS_ADDRESS: Final = frozenset(
    {"pharmacy", "laboratory", "emergency_department", "maternity", "pmi"}
    | {"defibrillator", "drinking_fountain", "cool_place"}
)
"""Categories of which one house holds one. Of the others several share an address: their names have to agree."""

_SAME_HOUSE: Final = 0.9
_SAME_NAME: Final = 0.85
_OTHER_NAME: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What matching reads of a record.

    `identity`: its identifying (scheme, value) pairs, strongest first. `commune`: code of the present commune (of
    an arrondissement: of its city); `district`: the arrondissement, where it is told. `name`: its
    `spelling.telling_words`. `exact`: the position is that of the house, not of a street or a town. `same_as` is
    equal for two records of one source that nothing tells apart.
    """

    source_id: str
    key: str
    identity: tuple[tuple[str, str], ...] = ()
    categories: frozenset[str] = frozenset()
    commune: str | None = None
    district: str | None = None
    street: Street | None = None
    name: str = ""
    lat: float | None = None
    lon: float | None = None
    exact: bool = False
    is_open: bool = True
    same_as: str = ""

    @property
    def order(self) -> tuple[str, str]:
        """Where it stands among all records, whatever the order of imports."""
        return self.source_id, self.key

    @property
    def is_vague(self) -> bool:
        """Whether it tells no more than "one of those in this street": no identifier, house, name or position."""
        return not (self.identity or self.exact or self.name or (self.street and self.street.numbers))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two records have in common.

    `distance_m`, `street` (similarity), `house` (number agreement) and `name` (similarity) are None where one of the
    two does not say. `same_town`: both name the same commune, and no two arrondissements. `alone`: a category that
    has one place at an address is common to both.
    """

    possible: bool
    exact: bool = False
    distance_m: float | None = None
    street: float | None = None
    house: float | None = None
    name: float | None = None
    same_town: bool = False
    alone: bool = False
    same_state: bool = True

    @property
    def same_street(self) -> bool:
        """Whether both name the same street."""
        return self.street is not None and self.street >= SAME_STREET

    @property
    def same_address(self) -> bool:
        """Whether both name the same house of the same street of the same town."""
        return self.same_town and self.same_street and (self.house or 0) >= _SAME_HOUSE


_IMPOSSIBLE: Final = Comparison(possible=False)


def compare(one: Item, other: Item, distance_m: float | None) -> Comparison:
    """Compare two records. `distance_m` is None where one of them has no position."""
    shared = one.categories & other.categories
    if not shared or _differ(one.commune, other.commune) or _differ(one.district, other.district):
        return _IMPOSSIBLE
    streets = (one.street, other.street) if one.street and other.street else None
    return Comparison(
        possible=True,
        exact=one.exact and other.exact and distance_m is not None,
        distance_m=distance_m,
        street=street_similarity(*streets) if streets else None,
        house=number_agreement(*streets) if streets else None,
        name=name_similarity(one.name, other.name),
        same_town=one.commune is not None and one.commune == other.commune,
        alone=bool(shared & ALONE_AT_ITS_ADDRESS),
        same_state=one.is_open == other.is_open,
    )


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def excluded(found: Comparison) -> bool:
    """Whether a hard fact keeps two records from speaking of one place.

    Nothing they could both be, another town, another name where several share an address, positions too far apart
    for two addresses that are not the same, another house of the same street.
    """
    if not found.possible:
        return True
    if not found.alone and found.name is not None and found.name < _OTHER_NAME:
        return True
    if found.same_address:
        return False
    if found.exact:
        return found.distance_m is not None and found.distance_m > DOUBTFUL_M
    return found.same_street and found.house is not None and found.house < _SAME_HOUSE


def likeness(found: Comparison) -> float:
    """How likely two records speak of one place, 0 to 1, whatever their identifiers."""
    if excluded(found):
        return 0.0
    if not found.exact and not found.same_street:
        return DOUBT if _may_be_one_street(found) else 0.0
    figure = _by_house(found) if found.exact else _by_street(found)
    if figure <= 0:
        return 0.0
    if found.name is not None and found.name >= _SAME_NAME:
        figure += (1 - figure) / 2
    elif found.name is not None and found.name < _OTHER_NAME:
        figure -= 0.15
    elif found.name is None and not found.alone:
        figure *= 0.6
    if not found.same_state:
        figure -= 0.05  # of two equal fits, the one that is open (or closed) like itself
    return round(max(figure, 0.0), 4)


def _may_be_one_street(found: Comparison) -> bool:
    """Whether only the kind of the street differs ("rue", "avenue"), in one town, and nothing else does."""
    return (
        found.same_town
        and found.alone
        and (found.street or 0.0) >= LIKE_STREET
        and (found.house is None or found.house >= _SAME_HOUSE)
        and (found.name is None or found.name >= _OTHER_NAME)
    )


def _by_house(found: Comparison) -> float:
    """Likeness of two exact positions, names aside."""
    distance_m = found.distance_m or 0.0
    if found.same_address:
        # The same address: farther off, one of the two positions is wrong.
        settled = 0.97 if distance_m <= NEAR_M else 0.9 if distance_m <= LONG_STREET_M else 0.8
        return settled * (found.house or 0)
    if distance_m > NEAR_M:
        return DOUBT if found.same_street and found.house is None else 0.0
    figure = 0.9 - 0.3 * distance_m / NEAR_M
    if found.same_street:
        figure += 0.05
    elif found.street is not None:
        figure -= 0.15  # a house at a corner, or two places
    if found.house is not None and found.same_street:
        figure -= 0.25 * (1 - found.house)
    return figure


def _by_street(found: Comparison) -> float:
    """Likeness of one street, where a position is that of the street or of a town, or not known."""
    distance_m, street = found.distance_m, found.street or 0.0
    if not found.same_town:
        return 0.65 * street if distance_m is not None and distance_m <= STREET_M else 0.0
    if found.house is not None:
        return 0.95 * street * found.house
    if distance_m is None:
        return 0.75 * street
    # Farther than any street is long the position is wrong: the same spelling of the street then has to do.
    return (0.85 - 0.1 * distance_m / LONG_STREET_M if distance_m <= LONG_STREET_M else 0.65) * street
