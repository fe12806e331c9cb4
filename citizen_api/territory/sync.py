"""Bundled files -> tables. Does nothing when the tables already hold this edition."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import ARRAY, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import Base
from citizen_api.territory import data, rules
from citizen_api.territory.models import (
    Commune,
    CommuneKey,
    CommunePostcode,
    Departement,
    Edition,
    Epci,
    FormerCommune,
    Region,
)

_FILES = ("regions.csv", "departements.csv", "epci.csv.gz", "communes.csv.gz", "former.csv.gz")
_ROWS_AT_ONCE = 5_000
_EDITION_ID = 1
_LOCK = 7_411_203
"""PostgreSQL advisory lock of a load. SQLite has one writer anyway."""

Row = dict[str, Any]


def load(session: Session, *, now: datetime) -> bool:
    """Bring the tables to the bundled edition; the caller commits. Return whether anything had to be done.

    Rows are changed in place, so that what refers to a commune keeps referring to it.
    """
    digest = edition_digest()
    if _loaded_digest(session) == digest:
        return False
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if _loaded_digest(session) == digest:  # another process was faster
            return False
    communes = list(read_rows("communes.csv.gz"))
    former = [
        {"code": row["code"], "name": row["name"] or None, "commune_code": row["commune"]}
        for row in read_rows("former.csv.gz")
    ]
    # Nothing refers to these: they are written afresh.
    for fresh in (CommunePostcode, CommuneKey, FormerCommune, Edition):
        session.execute(delete(fresh))
    vanished = [(model, _merge(session, model, rows)) for model, rows in _merged_tables(communes)]
    for model, codes in reversed(vanished):
        _delete(session, model, codes)
    _insert(session, CommunePostcode, _postcode_rows(communes))
    _insert(session, CommuneKey, key_rows(communes, former))
    _insert(session, FormerCommune, former)
    _insert(session, Edition, [{"id": _EDITION_ID, "digest": digest, "loaded_at": now}])
    session.expire_all()
    return True


@cache
def edition_digest() -> str:
    """Name what the tables are made of: the bundled files, and the rules that make search keys of them."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update(_file(name))
    digest.update((files("citizen_api.territory") / "rules.py").read_bytes())
    return digest.hexdigest()


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of a bundled file."""
    content = _file(name)
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    return csv.DictReader(io.StringIO(content.decode()))


def key_rows(communes: Iterable[dict[str, str]], former: Iterable[Row]) -> list[Row]:
    """Search keys of present and former names; of two ways to the same commune the better one stays."""
    ranks: dict[tuple[str, str], int] = {}
    for commune in communes:
        for key, rank in rules.name_keys(commune["name"]):
            ranks[key, commune["code"]] = rank
    for row in former:
        if row["name"]:
            ranks.setdefault((rules.search_key(row["name"]), row["commune_code"]), rules.KeyRank.FORMER)
    return [{"key": key, "commune_code": code, "rank": int(rank)} for (key, code), rank in ranks.items()]


def _file(name: str) -> bytes:
    return (files(data) / name).read_bytes()


def _loaded_digest(session: Session) -> str | None:
    return session.scalar(select(Edition.digest).where(Edition.id == _EDITION_ID))


def _merged_tables(communes: Iterable[dict[str, str]]) -> list[tuple[type[Base], list[Row]]]:
    """Tables and their rows, each after those it refers to."""
    departements = list(read_rows("departements.csv"))
    region_of = {row["code"]: row["region"] for row in departements}
    rows = [_commune_row(row, region_of[row["departement"]]) for row in communes]
    return [
        (Region, list(read_rows("regions.csv"))),
        (
            Departement,
            [{"code": row["code"], "name": row["name"], "region_code": row["region"]} for row in departements],
        ),
        (Epci, list(read_rows("epci.csv.gz"))),
        # The communes of arrondissements before these.
        (Commune, sorted(rows, key=lambda row: row["parent_code"] is not None)),
    ]


def _commune_row(row: dict[str, str], region: str) -> Row:
    return {
        "code": row["code"],
        "name": row["name"],
        "departement_code": row["departement"],
        "region_code": region,
        "epci_code": row["epci"] or None,
        "ept_code": row["ept"] or None,
        "parent_code": row["parent"] or None,
        "population": int(row["population"]) if row["population"] else None,
        "lat": float(row["lat"]) if row["lat"] else None,
        "lon": float(row["lon"]) if row["lon"] else None,
        "centre_approximate": row["centre"] == "approximate",
    }


def _postcode_rows(communes: Iterable[dict[str, str]]) -> list[Row]:
    return [
        {"postcode": postcode, "commune_code": row["code"]} for row in communes for postcode in row["postcodes"].split()
    ]


def _merge(session: Session, model: type[Base], rows: Sequence[Row]) -> list[str]:
    """Insert what is new, update what differs, and return the codes that are no longer listed."""
    table = _table(model)
    present = {row["code"]: dict(row) for row in session.execute(select(table)).mappings()}
    _insert(session, model, [row for row in rows if row["code"] not in present])
    changed = [row for row in rows if row["code"] in present and row != present[row["code"]]]
    if changed:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in changed[0] if name != "code"}
        statement = update(table).where(table.c.code == bindparam("new_code")).values(values)
        session.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in changed])
    return sorted(present.keys() - {row["code"] for row in rows})


def _insert(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    if not rows:
        return
    table = _table(model)
    if session.get_bind().dialect.name != "postgresql":
        session.execute(insert(table), list(rows))
        return
    # One statement with an array per column: twice as fast there as a row at a time.
    arrays = {name: bindparam(f"all_{name}", type_=ARRAY(table.c[name].type)) for name in rows[0]}
    session.execute(
        insert(table).from_select(list(arrays), select(*(func.unnest(array) for array in arrays.values()))),
        {f"all_{name}": [row[name] for row in rows] for name in arrays},
    )


def _delete(session: Session, model: type[Base], codes: Sequence[str]) -> None:
    table = _table(model)
    for start in range(0, len(codes), _ROWS_AT_ONCE):
        session.execute(delete(table).where(table.c.code.in_(codes[start : start + _ROWS_AT_ONCE])))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return table
