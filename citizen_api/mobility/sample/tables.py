"""The form of the bundled streets: three tables with columns of our own.

points.csv: `lat`, `lon` in degrees, `shut` ("yes": nobody passes); a point is named by its line, from 0. streets.csv:
what is told of a street (`StreetTags`), and its `points`; "-" stands for points that the extract lacks. parks.csv:
outlines, as `points`. An empty cell is what was not mapped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.building_pieces import whole_parts
from citizen_api.mobility.network import KINDS
from citizen_api.sources.osm_street_tags import FIELDS, StreetTags
from citizen_api.sources.osm_streets import Extract, Street

POINTS: Final = "points.csv"
STREETS: Final = "streets.csv"
PARKS: Final = "parks.csv"
FILES: Final = (POINTS, STREETS, PARKS)

_MISSING: Final = "-"
_E7: Final = 10_000_000
_UNLESS_SAID: Final = StreetTags(kind="")


def write_tables(extract: Extract) -> dict[str, str]:
    """Give {file: text}: the streets of classes we know, their points, and the parks."""
    kept = [street for street in extract.streets if street.tags.kind in KINDS and whole_parts(street.points)]
    parks = [park for park in extract.parks if len(park) > 1]
    used = np.unique(np.concatenate([*(street.points for street in kept), *parks]))
    used = used[used >= 0]
    points = [
        (_degrees(extract.lats_e7[rank]), _degrees(extract.lons_e7[rank]), "yes" if rank in extract.shut else "")
        for rank in used.tolist()
    ]
    streets = [
        (*(_cell(getattr(street.tags, name), name) for name in FIELDS), _named(street.points, used)) for street in kept
    ]
    return {
        POINTS: _table(("lat", "lon", "shut"), points),
        STREETS: _table((*FIELDS, "points"), streets),
        PARKS: _table(("points",), [(_named(park, used),) for park in parks]),
    }


def read_tables(folder: Path) -> Extract:
    """Read the tables."""
    points = _rows(folder / POINTS)
    streets = [
        Street(StreetTags(**{name: _value(row[name], name) for name in FIELDS}), _ranks(row["points"]))
        for row in _rows(folder / STREETS)
    ]
    return Extract(
        streets=streets,
        lats_e7=np.array([round(float(row["lat"]) * _E7) for row in points], np.int64),
        lons_e7=np.array([round(float(row["lon"]) * _E7) for row in points], np.int64),
        shut=frozenset(rank for rank, row in enumerate(points) if row["shut"]),
        parks=[_ranks(row["points"]) for row in _rows(folder / PARKS)],
        dated=None,
        missing=sum(int((street.points < 0).sum()) for street in streets),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _degrees(units: int) -> str:
    return f"{units / _E7:.7f}"


def _named(points: NDArray[np.int64], used: NDArray[np.int64]) -> str:
    names = (_MISSING if rank < 0 else str(int(np.searchsorted(used, rank))) for rank in points.tolist())
    return " ".join(name for name, _ in groupby(names))


def _ranks(names: str) -> NDArray[np.int64]:
    return np.array([-1 if name == _MISSING else int(name) for name in names.split()], np.int64)


def _cell(value: Any, name: str) -> str:
    if value == getattr(_UNLESS_SAID, name):
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _value(cell: str, name: str) -> Any:
    if not cell:
        return getattr(_UNLESS_SAID, name)
    if name in {"kind", "name", "bicycle"}:
        return cell
    if name.endswith("_oneway"):
        return int(cell)
    return float(cell) if name == "incline_pct" else cell == "yes"
