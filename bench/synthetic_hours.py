"""Opening hours as pharmacies, practices and town halls write them, made up: some thousand distinct expressions.

Lunch breaks, edges off the quarter (08:50), other Saturdays, closed holidays, nights, round the clock.
"""

# ruff: noqa: PLR2004 - shares of what is made up

from __future__ import annotations

from collections.abc import Callable
from random import Random

ALWAYS = "24/7"
_DAYS = ("Mo", "Tu", "We", "Th", "Fr")
_MORNINGS = ("08:00", "08:15", "08:30", "08:30", "08:45", "08:50", "09:00", "09:00", "09:00", "09:10", "09:30", "10:00")
_NOONS = ("12:00", "12:00", "12:10", "12:15", "12:20", "12:30", "12:30", "12:30", "12:45", "13:00", "13:05")
_AFTER = ("13:30", "13:45", "14:00", "14:00", "14:00", "14:10", "14:15", "14:20", "14:30", "14:30", "15:00")
_EVENINGS = ("18:00", "18:30", "18:50", "19:00", "19:00", "19:15", "19:20", "19:30", "19:30", "19:40", "20:00", "20:30")
_NIGHTS = ("20:00-08:00", "19:30-08:30", "20:00-09:00", "21:00-07:50", "00:00-24:00", "08:00-02:00", "09:00-01:00")
_HOLIDAYS = ("; PH off", "; PH off", "", "; PH 10:00-12:30")


def shop_hours(seed: int, *, distinct: int) -> list[str]:
    """Weeks of a pharmacy or a laboratory: most days alike, a lunch break or none, an own Saturday."""
    random = Random(seed)

    def one() -> str:
        if random.random() < 0.25:
            week = f"Mo-Fr {random.choice(_MORNINGS)}-{random.choice(_EVENINGS)}"
        elif random.random() < 0.3:
            # Monday begins later, or not before noon.
            monday = f"{random.choice(_AFTER)}-{random.choice(_EVENINGS)}"
            week = f"Mo {monday}; Tu-Fr {_two_halves(random)}"
        else:
            week = f"Mo-Fr {_two_halves(random)}"
        saturday = random.choice(
            (
                f"; Sa {random.choice(_MORNINGS)}-{random.choice(_NOONS)}",
                f"; Sa {_two_halves(random)}",
                f"; Sa {random.choice(_MORNINGS)}-{random.choice(_EVENINGS)}",
                "",
            )
        )
        sunday = f"; Su {random.choice(_MORNINGS)}-{random.choice(_NOONS)}" if random.random() < 0.04 else ""
        return week + saturday + sunday + random.choice(_HOLIDAYS)

    return _distinct(one, distinct)


def practice_hours(seed: int, *, distinct: int) -> list[str]:
    """Weeks of a practice: each day its own, one day off, seldom a Saturday."""
    random = Random(seed)

    def one() -> str:
        off = random.choice(_DAYS)
        rules = []
        for day in _DAYS:
            if day == off:
                continue
            if random.random() < 0.3:
                rules.append(f"{day} {random.choice(_MORNINGS)}-{random.choice(_NOONS)}")
            else:
                rules.append(f"{day} {_two_halves(random)}")
        if random.random() < 0.3:
            rules.append(f"Sa {random.choice(_MORNINGS)}-{random.choice(_NOONS)}")
        return "; ".join(rules) + random.choice(_HOLIDAYS)

    return _distinct(one, distinct)


def night_hours(seed: int, *, distinct: int) -> list[str]:
    """Weeks of a place that is open in the night, all week or at its end."""
    random = Random(seed)

    def one() -> str:
        night = random.choice(_NIGHTS)
        if random.random() < 0.5:
            return f"Mo-Su {night}" + random.choice(("", "; PH 00:00-24:00"))
        return f"Mo-Fr {_two_halves(random)}; Sa-Su {night}"

    return _distinct(one, distinct)


def _two_halves(random: Random) -> str:
    morning = f"{random.choice(_MORNINGS)}-{random.choice(_NOONS)}"
    return f"{morning},{random.choice(_AFTER)}-{random.choice(_EVENINGS)}"


def _distinct(one: Callable[[], str], wanted: int) -> list[str]:
    found: dict[str, None] = {}
    for _ in range(100 * wanted):
        if len(found) == wanted:
            break
        found[one()] = None
    assert len(found) == wanted, "so many different ones cannot be made"
    return list(found)
