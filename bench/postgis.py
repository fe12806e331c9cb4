"""The same questions asked of PostGIS, as well as it can: an index of each category, prepared statements, warm.

In a database of its own, made and dropped here, its table partitioned by category, so that a question searches the
index (GiST) of its own. `geography <->` orders by the distance on a sphere, not quite ours (up to 0.5 % apart); so
the first 2 K are also ordered anew by the ellipsoid, and those are compared with our answers. Open-now is left out:
PostGIS knows no opening hours.
"""

# ruff: noqa: S608 - our own words and numbers

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from bench.inprocess import SPARE_SEED, K
from bench.synthetic import RARE, SERVICE, category_counts, read_communes, spread
from citizen_api.care.directory import Directory

SERVER = os.environ.get("ALENTOURS_TEST_POSTGRESQL_URL", "postgresql://127.0.0.1:5432/postgres").replace("+psycopg", "")
_COMPARED, _MILLIMETRE_M = 300, 0.0011
_HERE = "ST_MakePoint(%(lon)s, %(lat)s)::geography"
_PLAIN = f"SELECT id, place <-> {_HERE} AS metres FROM facility WHERE category = %(category)s ORDER BY 2 LIMIT {K}"
_OFFERING = _PLAIN.replace("ORDER", "AND offers ORDER")
_EXACT = (
    f"SELECT id, ST_Distance(place, {_HERE}) AS metres FROM "
    f"(SELECT id, place FROM facility WHERE category = %(category)s ORDER BY place <-> {_HERE} LIMIT {2 * K}) AS first "
    f"ORDER BY 2 LIMIT {K}"
)


def measure(data_dir: Path, directory: Directory, *, questions: int) -> dict[str, Any]:
    """Load the facilities of a data folder and ask; {"absent": why} where there is no PostGIS.

    Its answers are compared with those of `directory`, so that both did the same work.
    """
    try:
        with _database() as connection:
            return _measure(connection, data_dir, directory, questions)
    except psycopg.OperationalError:
        return {"absent": "no PostgreSQL answers"}
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile, psycopg.errors.InsufficientPrivilege):
        return {"absent": "this PostgreSQL has no PostGIS"}


@contextmanager
def _database() -> Iterator[psycopg.Connection[Any]]:
    name = sql.Identifier(f"alentours_bench_{os.getpid()}")
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=5) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
        try:
            # One process answers, as in the other rows.
            own = psycopg.conninfo.make_conninfo(SERVER, dbname=f"alentours_bench_{os.getpid()}")
            with psycopg.connect(own, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION postgis")
                connection.execute("SET max_parallel_workers_per_gather = 0")
                yield connection
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _measure(
    connection: psycopg.Connection[Any], data_dir: Path, directory: Directory, questions: int
) -> dict[str, Any]:
    started = time.perf_counter()
    connection.execute(
        "CREATE TABLE facility (id text, category text, offers boolean, place geography(Point)) "
        "PARTITION BY LIST (category)"
    )
    found = sqlite3.connect(f"file:{data_dir / 'alentours.db'}?mode=ro", uri=True)
    facilities = found.execute("SELECT count(*) FROM care_facility").fetchone()[0]
    categories = list(category_counts(facilities))
    for rank, category in enumerate(categories):
        part = sql.Identifier(f"facility_{rank}")
        connection.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF facility FOR VALUES IN ({})").format(part, sql.Literal(category))
        )
    rows = found.execute(
        "SELECT f.id, c.category, f.services LIKE ?, f.lon, f.lat FROM care_facility f "
        "JOIN care_facility_category c ON c.facility_id = f.id",
        (f'%"{SERVICE}"%',),
    )
    with connection.cursor() as cursor, cursor.copy("COPY facility FROM STDIN") as copy:
        for name, category, offers, lon, lat in rows:
            copy.write_row((name, category, "t" if offers else "f", f"SRID=4326;POINT({lon!r} {lat!r})"))
    found.close()
    connection.execute("CREATE INDEX ON facility USING gist (place)")
    connection.execute("CREATE INDEX ON facility USING gist (place) WHERE offers")
    connection.execute("VACUUM ANALYZE facility")
    loaded_s = time.perf_counter() - started
    every = [category for category in categories if category != RARE]
    return {
        "version": connection.execute("SELECT postgis_lib_version()").fetchone()[0],  # type: ignore[index]
        "postgresql": connection.info.server_version // 10000,
        "questions": questions,
        "load_s": round(loaded_s, 1),
        **_compare(connection, directory, every),
        "rows": {
            "plain, pharmacies": _ask(connection, _PLAIN, ["pharmacy"], questions),
            "plain, every category in turn": _ask(connection, _PLAIN, every, questions),
            "plain, pharmacies, ordered by the ellipsoid": _ask(connection, _EXACT, ["pharmacy"], questions),
            "a service that 5 % offer, pharmacies": _ask(connection, _OFFERING, ["pharmacy"], questions),
            "a category of 30 places in the country": _ask(connection, _PLAIN, [RARE], questions),
        },
    }


def _compare(connection: psycopg.Connection[Any], directory: Directory, categories: list[str]) -> dict[str, int]:
    """Count the questions to which PostGIS gives our places at our distances; equally distant ones in any order."""
    agree = 0
    _, positions = spread(read_communes(), _COMPARED, seed=SPARE_SEED)
    for (lat, lon), category in zip(positions.tolist(), cycle(categories), strict=False):
        rows = connection.execute(_EXACT, {"lat": lat, "lon": lon, "category": category}).fetchall()
        found = directory.nearest(lat=lat, lon=lon, categories=(category,), limit=2 * K)
        known = {directory.id_of(each.number): each.distance_m for each in found}
        last_m = found[min(K, len(found)) - 1].distance_m
        agree += (
            len(rows) == min(K, len(found))
            and all(abs(known.get(name, -1) - metres) < _MILLIMETRE_M for name, metres in rows)
            and rows[-1][1] < last_m + _MILLIMETRE_M
        )
    return {"agree": agree, "compared": _COMPARED}


def _ask(
    connection: psycopg.Connection[Any], statement: str, categories: Sequence[str], questions: int
) -> dict[str, float]:
    """Microseconds of a question, asked by this process over loopback; median and 99 %."""
    _, positions = spread(read_communes(), questions, seed=SPARE_SEED)
    took = []
    turn = cycle(categories)
    with connection.cursor() as cursor:
        for rank, (lat, lon) in enumerate([*positions[:200].tolist(), *positions.tolist()]):
            asked = {"lat": lat, "lon": lon, "category": next(turn)}
            started = time.perf_counter_ns()
            rows = cursor.execute(statement, asked, prepare=True).fetchall()
            if rank >= 200:  # noqa: PLR2004 - the first ones warm it up
                took.append((time.perf_counter_ns() - started) / 1000)
            assert rows
    p50, p99 = np.percentile(took, (50, 99))
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}
