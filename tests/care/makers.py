"""Makes synthetic places for the tests of care."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from citizen_api.care import sync
from citizen_api.core.db import Database
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.sources.records import FacilityRecord, RejectedRow

NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
SYNTHETIC = SourceInfo(
    id="synthetic",
    title="Synthetic list",
    producer="The tests",
    licence="none, synthetic",
    date=date(2026, 11, 1),
)


def make_record(key: str, **facts) -> FacilityRecord:
    """Make a synthetic pharmacy in Paris 4e, unless told otherwise."""
    given = {
        "name": f"Synthetic {key}",
        "name_verbatim": f"SYNTHETIC {key}",
        "category_codes": (("alentours", "pharmacy"),),
        "street": "1 rue du Test",
        "postcode": "75004",
        "city": "Paris",
        "commune_code": "75104",
        "lat": 48.8573751,
        "lon": 2.3524425,
    } | facts
    return FacilityRecord(key=key, **given)


def make_stock(
    folder: Path,
    records: Iterable[FacilityRecord | RejectedRow],
    *,
    source: SourceInfo = SYNTHETIC,
    complete: bool = True,
) -> sync.Stock:
    """Make a stock whose reader gives these records; the file's content stands for them."""
    items = list(records)
    path = folder / f"{source.id}.synthetic"
    path.write_text("\n".join(map(repr, items)), encoding="utf-8")

    def read(stream: io.BufferedIOBase):
        stream.read()
        yield from items

    return sync.Stock(path=path, sources=(source,), reader=read, complete=complete)


def import_records(
    database: Database,
    folder: Path,
    records: Iterable[FacilityRecord | RejectedRow],
    *,
    source: SourceInfo = SYNTHETIC,
    complete: bool = True,
    **options,
) -> sync.ImportReport:
    """Import synthetic records as one stock."""
    return sync.run_import(
        database,
        make_stock(folder, records, source=source, complete=complete),
        **{"now": NOW, "reports_dir": folder / "imports"} | options,
    )


def make_records(number, **facts):
    return [make_record(f"k{rank}", **facts) for rank in range(number)]
