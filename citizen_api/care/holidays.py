"""What the place decides about its hours: its public holidays, its school holidays.

A holiday is three-valued: True, False, or None where no calendar at hand can tell.
"""

import csv
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from citizen_api.territory.clocks import departement_of

SchoolZone = Literal["A", "B", "C"]

SCHOOL_HOLIDAYS = Path(__file__).with_name("data") / "school_holidays_fr.csv"

# Académies of each zone: arrêté du 16 avril 2015 (school years from 2015) and those that followed, which kept
# the same make-up; Caen and Rouen are one académie, Normandie, since 2020. Corse and overseas belong to none.
_SCHOOL_ZONES: dict[SchoolZone, dict[str, str]] = {
    "A": {
        "Besançon": "25 39 70 90",
        "Bordeaux": "24 33 40 47 64",
        "Clermont-Ferrand": "03 15 43 63",
        "Dijon": "21 58 71 89",
        "Grenoble": "07 26 38 73 74",
        "Limoges": "19 23 87",
        "Lyon": "01 42 69",
        "Poitiers": "16 17 79 86",
    },
    "B": {
        "Aix-Marseille": "04 05 13 84",
        "Amiens": "02 60 80",
        "Lille": "59 62",
        "Nancy-Metz": "54 55 57 88",
        "Nantes": "44 49 53 72 85",
        "Nice": "06 83",
        "Normandie": "14 27 50 61 76",
        "Orléans-Tours": "18 28 36 37 41 45",
        "Reims": "08 10 51 52",
        "Rennes": "22 29 35 56",
        "Strasbourg": "67 68",
    },
    "C": {
        "Créteil": "77 93 94",
        "Montpellier": "11 30 34 48 66",
        "Paris": "75",
        "Toulouse": "09 12 31 32 46 65 81 82",
        "Versailles": "78 91 92 95",
    },
}
_SCHOOL_ZONE_OF = {
    departement: zone
    for zone, academies in _SCHOOL_ZONES.items()
    for departements in academies.values()
    for departement in departements.split()
}

# Code du travail, L3133-1: (month, day), and days after Easter Sunday.
_EVERYWHERE = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25), 1, 39, 50)

# Code du travail, L3134-13 (57, 67, 68) and L3422-2 (abolition of slavery); the territories' own codes (98.).
_ALSO: dict[str, tuple[tuple[int, int] | int, ...]] = {
    "57": ((12, 26),),
    "67": ((12, 26),),
    "68": ((12, 26),),
    "971": ((5, 27),),
    "972": ((5, 22),),
    "973": ((6, 10),),
    "974": ((12, 20),),
    "976": ((4, 27),),
    "977": ((10, 9),),
    "978": ((5, 28),),
    "986": ((4, 28), (6, 29), (7, 29)),
    "987": ((3, 5), -2),
    "988": ((9, 24),),
}

# Kept by some and not by others, so no calendar can tell for one place: Good Friday holds in Alsace-Moselle
# only where there is a Protestant temple or a mixed church (L3134-13); in the Antilles Good Friday, mid-Lent
# and Victor Schœlcher's day are kept by custom.
_PERHAPS: dict[str, tuple[tuple[int, int] | int, ...]] = {
    "57": (-2,),
    "67": (-2,),
    "68": (-2,),
    "971": (-24, -2, (7, 21)),
    "972": (-2, (7, 21)),
    "978": (-2, (7, 21)),
}

_MATARII_REPLACES_AUTONOMY_DAY = 2025  # French Polynesia: 29 June until 2024, 20 November since


@dataclass(frozen=True, slots=True)
class HolidayRegion:
    """What decides holidays: the département or overseas territory, and its school zone (None: not known)."""

    departement: str
    school_zone: SchoolZone | None


@cache
def holiday_region_of(insee_code: str) -> HolidayRegion:
    """Region of holidays of a commune or a département; ValueError for what is no INSEE code."""
    departement = departement_of(insee_code)
    return HolidayRegion(departement, _SCHOOL_ZONE_OF.get(departement))


@cache
def public_calendar_of(insee_code: str) -> str:
    """Name the calendar of public holidays of a commune: those of the same name have the same. ValueError as above."""
    departement = departement_of(insee_code)
    return departement if departement in _ALSO or departement in _PERHAPS else "common"


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (the anonymous algorithm of Nature, 1876)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _dated(days: tuple[tuple[int, int] | int, ...], year: int) -> frozenset[date]:
    sunday = easter(year)
    return frozenset(sunday + timedelta(days=day) if isinstance(day, int) else date(year, *day) for day in days)


@cache
def _public_holidays(departement: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Public holidays of a year, and the days that are one for some only."""
    certain = _dated(_EVERYWHERE + _ALSO.get(departement, ()), year)
    if departement == "987":
        certain |= {date(year, 11, 20) if year >= _MATARII_REPLACES_AUTONOMY_DAY else date(year, 6, 29)}
    return certain, _dated(_PERHAPS.get(departement, ()), year) - certain


def is_public_holiday(day: date, region: HolidayRegion) -> bool | None:
    """Whether `day` is a public holiday there; None where it is one for some only."""
    certain, perhaps = _public_holidays(region.departement, day.year)
    if day in certain:
        return True
    return None if day in perhaps else False


@cache
def _school_holidays() -> dict[str, tuple[frozenset[date], date, date]]:
    """Each zone's days without school, and the first and last day that the bundled calendar knows."""
    days: dict[str, set[date]] = {}
    with SCHOOL_HOLIDAYS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            start, end = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
            span = (start + timedelta(days=n) for n in range((end - start).days + 1))
            days.setdefault(row["zone"], set()).update(span)
    # The calendar ends with its last holiday: what follows has not been decided yet.
    return {zone: (frozenset(known), min(known), max(known)) for zone, known in days.items()}


def is_school_holiday(day: date, region: HolidayRegion) -> bool | None:
    """Whether `day` is in the school holidays there; None outside zones A, B, C or the bundled calendar."""
    if region.school_zone is None:
        return None
    holidays, first, last = _school_holidays()[region.school_zone]
    return day in holidays if first <= day <= last else None


@cache
def _public_turns(departement: str, year: int) -> tuple[date, ...]:
    certain, perhaps = _public_holidays(departement, year)
    turns = {day + timedelta(days=n) for day in certain | perhaps for n in (0, 1)}
    return tuple(sorted(turns | {date(year + 1, 1, 1)}))


@cache
def _school_turns(zone: SchoolZone) -> tuple[date, ...]:
    days, first, last = _school_holidays()[zone]
    turns = {day for day in days if day - timedelta(days=1) not in days}
    turns |= {day + timedelta(days=1) for day in days if day + timedelta(days=1) not in days}
    return tuple(sorted(turns | {first, last + timedelta(days=1)}))


def next_holiday_turn(kind: Literal["PH", "SH"], day: date, region: HolidayRegion) -> date | None:
    """Find the next day of which another answer is possible than of `day`; None when there is none."""
    if kind == "PH":
        turns = _public_turns(region.departement, day.year)
    elif region.school_zone is None:
        return None
    else:
        turns = _school_turns(region.school_zone)
    place = bisect_right(turns, day)
    return turns[place] if place < len(turns) else None
