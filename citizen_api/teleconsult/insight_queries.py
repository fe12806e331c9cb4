"""Reads of what became of handoffs, by week and commune; and the chore that tells it to feeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import and_, func, or_, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from citizen_api.teleconsult.handoff_counts import week_of
from citizen_api.teleconsult.handoff_models import HandoffCount
from citizen_api.teleconsult.insight_rules import LEAST, Counts, Shown, shown_commune, shown_total
from citizen_api.teleconsult.models import Feed
from citizen_api.territory.models import Commune, Departement

Level = Literal["departement", "commune", "no_place"]
LEVELS: Final[tuple[Level, ...]] = ("departement", "commune", "no_place")
OF_LATE: Final = timedelta(days=14)
_WHOLE_DEPARTEMENTS: Final = frozenset({"departement", "region", "country"})
_COUNTED: Final = ("made", "opened", "gone", "booked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A territory of a question: commune, epci, departement, region, or country (code None)."""

    kind: str
    code: str | None


@dataclass(frozen=True, slots=True)
class InsightRow:
    """What may be said of one week (its Monday) of one territory. `code`, `name`: None without a place."""

    week: date
    level: Level
    code: str | None
    name: str | None
    shown: Shown


@dataclass(frozen=True, slots=True)
class _Cell:
    week: date
    code: str | None
    name: str | None
    departement_code: str | None
    counts: Counts


def insight(session: Session, area: Area, weeks: Sequence[date], *, provider_id: str | None) -> list[InsightRow]:
    """What may be said of handoffs to places in an area, by week: départements that lie in it wholly, communes.

    `weeks`: Mondays. `provider_id` None: of all providers together. Handoffs without a place (by video) lie in the
    country only.
    """
    cells = _cells(session, area, weeks, provider_id)
    rows = [row for cell in cells if (row := _commune_row(cell)) is not None]
    if area.kind in _WHOLE_DEPARTEMENTS:
        names = {row.code: row.name for row in session.execute(select(Departement.code, Departement.name))}
        rows += _departement_rows(cells, names)
    return sorted(rows, key=lambda row: (row.week, LEVELS.index(row.level), row.code or ""))


def update_gone_rates(session: Session, now: datetime) -> int:
    """Tell each feed which share of its handoffs of late was gone on arrival: how many feeds have another one now.

    Of late: of handoffs that were made in the weeks which the last 14 days touch; with fewer than 11 arrivals, None.
    """
    opened, gone = func.sum(HandoffCount.opened), func.sum(HandoffCount.gone)
    late = and_(
        HandoffCount.feed_id == Feed.id,
        HandoffCount.provider_id == Feed.provider_id,  # the number of a feed that went may be another's now
        HandoffCount.week >= week_of(now - OF_LATE),
    )
    rows = session.execute(
        select(Feed.id, Feed.gone_rate, opened, gone).outerjoin(HandoffCount, late).group_by(Feed.id, Feed.gone_rate)
    ).all()
    changed = 0
    for feed_id, known, was_opened, was_gone in rows:
        rate = _gone_rate(int(was_opened or 0), int(was_gone or 0))
        if rate != known:
            session.execute(update(Feed).where(Feed.id == feed_id).values(gone_rate=rate))
            changed += 1
    return changed


def _gone_rate(opened: int, gone: int) -> float | None:
    arrivals = opened + gone
    return gone / arrivals if arrivals >= LEAST else None


def _cells(session: Session, area: Area, weeks: Sequence[date], provider_id: str | None) -> list[_Cell]:
    sums = [func.sum(getattr(HandoffCount, name)) for name in _COUNTED]
    asked = [HandoffCount.week.in_(weeks), _lies_in(area)]
    if provider_id is not None:
        asked.append(HandoffCount.provider_id == provider_id)
    # Whatever names no commune is without a place, all of it together.
    cell = (HandoffCount.week, Commune.code, Commune.name, Commune.departement_code)
    found: Any = (
        select(*cell, *sums)
        .outerjoin(Commune, Commune.code == HandoffCount.territory_code)
        .where(*asked)
        .group_by(*cell)
    )
    return [
        _Cell(week, code, name, departement_code, Counts(*map(int, numbers)))
        for week, code, name, departement_code, *numbers in session.execute(found)
    ]


def _lies_in(area: Area) -> ColumnElement[bool]:
    holds: dict[str, ColumnElement[bool]] = {
        "commune": or_(Commune.code == area.code, Commune.parent_code == area.code),
        "epci": or_(Commune.epci_code == area.code, Commune.ept_code == area.code),
        "departement": Commune.departement_code == area.code,
        "region": Commune.region_code == area.code,
        "country": true(),
    }
    return holds[area.kind]


def _commune_row(cell: _Cell) -> InsightRow | None:
    shown = shown_commune(cell.counts)
    if shown is None:
        return None
    return InsightRow(cell.week, "no_place" if cell.code is None else "commune", cell.code, cell.name, shown)


def _departement_rows(cells: Iterable[_Cell], names: dict[str, str]) -> Iterator[InsightRow]:
    parts = defaultdict(list)
    for cell in cells:
        if cell.departement_code is not None:
            parts[cell.week, cell.departement_code].append(cell.counts)
    for (week, code), communes in parts.items():
        shown = shown_total(communes)
        if shown is not None:
            yield InsightRow(week, "departement", code, names[code], shown)
