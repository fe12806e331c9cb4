"""Synthetic facilities, spread as the people of France: written straight into a fresh database of the product's schema.

Every fact is made up, and every name says so; the communes, their populations and centres are real (bundled tables).
A facility lies in a commune drawn by population, at its centre plus a normal scatter whose standard deviation is
600 m + 3 m x sqrt(population), north and east alike: 0.7 km in a village, 1.8 km in an arrondissement of Paris, 2.7 km
in Toulouse. One of ten shares the exact position of another (the doctors of one house), so that ties are common.
The same seed, size, schema and program give the same tables; they are kept in a folder named after all four.
"""

# ruff: noqa: PLR2004 - shares of what is made up

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.synthetic_hours import ALWAYS, night_hours, practice_hours, shop_hours
from citizen_api.care.categories import CATEGORIES
from citizen_api.care.rules import facility_id
from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
COMMUNES = ROOT / "citizen_api" / "territory" / "data" / "communes.csv.gz"
SEED = 4
RARE, RARE_PLACES = "synthetic_rare", 30
"""A category of which the country has only 30 places. It is not one of the product's: none of them is so rare."""
SERVICE, SERVICE_SHARE = "vaccination", 0.05
_DATED = "2026-11-01"
_TEXT_MOMENT = "2026-11-02 00:00:00.000000"  # as SQLAlchemy writes it
_SOURCES = ("synthetic-register", "synthetic-map", "synthetic-list")
_SCHEMES = ("finess", "osm", "siret")
_WHEELCHAIR = ("yes", "limited", "no", None)
_KINDS, _NAMES = ("Rue", "Avenue", "Place", "Boulevard", "Chemin"), 400


class Shares(NamedTuple):
    """How many of a category's places keep which hours; the rest keep those of `pool`, or nobody told (`unknown`)."""

    weight: float
    pool: str
    unknown: float
    always: float = 0.0
    night: float = 0.0


_OTHER = Shares(2.0, "shop", 0.6)
_SHARES = {
    "pharmacy": Shares(6.0, "shop", 0.3, always=0.003, night=0.007),
    "general_practitioner": Shares(12.0, "practice", 0.7, night=0.002),
    "dentist": Shares(6.0, "practice", 0.7),
    "nurse": Shares(14.0, "practice", 0.85),
    "midwife": Shares(2.0, "practice", 0.8),
    "physiotherapist": Shares(12.0, "practice", 0.75),
    "hospital": Shares(1.0, "shop", 0.4, always=0.3),
    "emergency_department": Shares(0.3, "shop", 0.1, always=0.85),
    "defibrillator": Shares(16.0, "shop", 0.4, always=0.35),
    "drinking_fountain": Shares(6.0, "shop", 0.7, always=0.25),
}


class Communes(NamedTuple):
    """The communes where facilities and questions lie; an arrondissement stands for its part of a city."""

    codes: list[str]
    names: list[str]
    postcodes: list[str]
    centres: NDArray[np.float64]  # (n, 2): latitude, longitude
    population: NDArray[np.float64]


def read_communes() -> Communes:
    """Read the communes that have people and a position (the overseas ones have none in the bundled tables)."""
    with gzip.open(COMMUNES, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cut = {row["parent"] for row in rows if row["parent"]}
    rows = [row for row in rows if row["lat"] and int(row["population"] or 0) and row["code"] not in cut]
    return Communes(
        [row["code"] for row in rows],
        [row["name"] for row in rows],
        [row["postcodes"].split(" ")[0] for row in rows],
        np.array([(float(row["lat"]), float(row["lon"])) for row in rows]),
        np.array([float(row["population"]) for row in rows]),
    )


def spread(communes: Communes, count: int, *, seed: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw positions as the people live: (commune of each, (n, 2) latitude and longitude). See the module."""
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(communes.codes), size=count, p=communes.population / communes.population.sum())
    scatter_m = generator.normal(size=(count, 2)) * (600 + 3 * np.sqrt(communes.population[chosen]))[:, None]
    centres = communes.centres[chosen]
    degrees = scatter_m / 111_320
    degrees[:, 1] /= np.cos(np.radians(centres[:, 0]))
    return chosen, np.round(centres + degrees, 6)


def synthetic_database(folder: Path, *, facilities: int, seed: int = SEED) -> Path:
    """Give the folder (a data folder of the product) of a database with so many facilities; made if it is not there."""
    mark = hashlib.blake2b(digest_size=6)
    for path in (
        *(HERE / name for name in ("synthetic.py", "synthetic_hours.py")),
        *sorted((ROOT / "citizen_api" / "migrations" / "versions").glob("*.py")),
    ):
        mark.update(path.read_bytes())
    whole = folder / f"{facilities}-{seed}-{mark.hexdigest()}"
    if not whole.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder))
        try:
            _write(unfinished / "alentours.db", facilities, seed)
            unfinished.rename(whole)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return whole


def open_database(data_dir: Path) -> Database:
    """Open the database of a data folder."""
    return Database(make_engine(Settings(data_dir=data_dir)))


def _write(path: Path, facilities: int, seed: int) -> None:
    database = open_database(path.parent)
    prepare_database(database)
    database.engine.dispose()
    connection = sqlite3.connect(path, isolation_level=None)
    # No reader, and nothing to lose: the file counts only once its folder is renamed.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    rows = list(_rows(facilities, seed))
    rows.sort(key=lambda row: row["facility"][0])  # in the order of the index, which grows at its end only
    for source in _SOURCES:
        connection.execute(
            "INSERT INTO care_source (id, title, producer, licence, dated, imported_at) VALUES (?, ?, ?, ?, ?, ?)",
            (source, f"Synthetic data: {source}", "bench/synthetic.py", "none", _DATED, _TEXT_MOMENT),
        )
    _insert(connection, "care_facility", _FACILITY, (row["facility"] for row in rows))
    _insert(connection, "care_facility_category", ("facility_id", "category", "rank"), _many(rows, "categories"))
    _insert(connection, "care_facility_identifier", ("facility_id", "scheme", "value"), _many(rows, "identifiers"))
    names = ("source_id", "key", "facility_id", "dated", "digest", "facts", "confidence")
    _insert(connection, "care_facility_record", names, _many(rows, "records"))
    connection.execute("INSERT INTO care_directory_version (id, version, changed_at) VALUES (1, 1, ?)", (_TEXT_MOMENT,))
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _many(rows: list[dict[str, Any]], name: str) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield from row[name]


def _insert(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]
) -> None:
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - our names


_FACILITY = (
    *("id", "name", "street", "postcode", "city", "commune_code", "phone", "website", "lat", "lon"),
    *("position_approximate", "wheelchair", "services", "accepts_new_patients", "payment_sector"),
    *("third_party_payment", "home_visits", "languages", "call_15_first", "opening_hours", "opening_hours_verbatim"),
    *("opening_hours_source", "field_sources", "conflicts", "updated_at"),
)


def category_counts(facilities: int) -> dict[str, int]:
    """How many places each of the twenty categories has."""
    names = list(CATEGORIES)[:19]
    weights = np.array([_SHARES.get(name, _OTHER).weight for name in names])
    counts = np.floor(weights / weights.sum() * (facilities - RARE_PLACES)).astype(int)
    counts[int(np.argmax(counts))] += facilities - RARE_PLACES - counts.sum()
    return {**dict(zip(names, counts.tolist(), strict=True)), RARE: RARE_PLACES}


def _rows(facilities: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what the tables hold of each facility."""
    communes = read_communes()
    generator = np.random.default_rng(seed)
    chosen, positions = spread(communes, facilities, seed=seed + 1)
    shared = np.flatnonzero(generator.random(facilities - 1) < 0.1) + 1
    chosen[shared], positions[shared] = chosen[shared - 1], positions[shared - 1]
    categories = generator.permutation(
        np.repeat(list(category_counts(facilities)), list(category_counts(facilities).values()))
    ).tolist()
    few = facilities < 100_000
    pools = {
        "shop": shop_hours(seed, distinct=150 if few else 1500),
        "practice": practice_hours(seed, distinct=120 if few else 1200),
        "night": night_hours(seed, distinct=20 if few else 100),
    }
    draws = generator.random((facilities, 6))
    numbers = generator.integers(0, 2**31, size=(facilities, 3)).tolist()
    said = {source: json.dumps({name: [source, _DATED] for name in _FACILITY[1:12]}) for source in _SOURCES}
    for rank, (commune, position, category, draw, number) in enumerate(
        zip(chosen.tolist(), positions.tolist(), categories, draws.tolist(), numbers, strict=True)
    ):
        identifiers = [(_SCHEMES[0], f"S{rank:08}"), (_SCHEMES[1], f"node/9{rank:09}"), (_SCHEMES[2], f"S{rank:013}")]
        identifiers = identifiers[: 1 + (draw[0] < 0.4) + (draw[0] < 0.1)]
        sources = _SOURCES[: len(identifiers)]
        key = f"{rank:09}"
        name = facility_id(identifiers, source_id=sources[0], key=key)
        services = [SERVICE] if draw[1] < SERVICE_SHARE else []
        if 0.5 < draw[1] < 0.6:
            services.append("testing")
        hours = _hours(category, draw[2], number[0], pools)
        practice = _SHARES.get(category, _OTHER).pool == "practice"
        yield {
            "facility": (
                name,
                f"Synthetic {category.replace('_', ' ')} {rank}",
                f"{1 + number[1] % 150} {_KINDS[number[1] % len(_KINDS)]} Synthétique {number[2] % _NAMES}",
                communes.postcodes[commune],
                communes.names[commune],
                communes.codes[commune],
                f"+3319900{number[1] % 100:02}{number[2] % 100:02}",  # numbers that ARCEP keeps for fiction
                "https://synthetic.example" if draw[3] < 0.2 else None,
                *position,
                draw[4] < 0.03,
                _WHEELCHAIR[0 if draw[5] < 0.3 else 1 if draw[5] < 0.4 else 2 if draw[5] < 0.5 else 3],
                json.dumps(services),
                draw[3] < 0.5 if practice and draw[4] < 0.3 else None,
                ("1", "2")[draw[3] < 0.3] if practice and draw[4] < 0.6 else None,
                "full" if practice and draw[4] < 0.2 else None,
                draw[3] < 0.4 if practice and draw[4] < 0.2 else None,
                '["fr", "en"]' if practice and draw[4] < 0.1 else "[]",
                None,
                hours,
                None,
                hours and sources[-1],
                said[sources[0]],
                "{}",
                _TEXT_MOMENT,
            ),
            "categories": [(name, category, 0)],
            "identifiers": [(name, scheme, value) for scheme, value in identifiers],
            "records": [(source, key, name, _DATED, key, "{}", 1.0) for source in sources],
        }


def _hours(category: str, draw: float, number: int, pools: dict[str, list[str]]) -> str | None:
    shares = _SHARES.get(category, _OTHER)
    for share, hours in ((shares.unknown, None), (shares.always, ALWAYS)):
        if draw < share:
            return hours
        draw -= share
    pool = pools["night" if draw < shares.night else shares.pool]
    # The usual hours are usual: the first of a pool are taken more often than the last.
    return pool[int(len(pool) * ((number % 1_000_003) / 1_000_003) ** 2)]
