"""Derive the bundled sample from the shared data.

`derive.py SHARED_DATA_DIR` writes facilities.csv beside this file: facts only, in the project's own columns,
sorted by FINESS number; run twice, it writes the same bytes. What is left out, and why, is in SOURCES.md.
"""

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # run as a program, from anywhere
    sys.path.insert(0, str(ROOT))

from citizen_api.care.categories import LEFT_OUT  # noqa: E402
from citizen_api.sources import finess_idf, paris_pharmacies  # noqa: E402
from citizen_api.sources.generic_csv import IDENTIFIER_FIELDS  # noqa: E402
from citizen_api.sources.phones import lost_its_zero  # noqa: E402
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError  # noqa: E402

TARGET: Final = Path(__file__).with_name("facilities.csv")
COLUMNS: Final = (
    "finess",
    "finess_ej",
    "siret",
    "category_codes",
    "name",
    "street",
    "postcode",
    "city",
    "commune_code",
    "phone",
    "phone_verbatim",
    "lat",
    "lon",
    "opened_on",
    "updated_on",
    "source_id",
    "source_date",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One shared file; `as_of` is the newest date that the file itself holds, for none of them is dated."""

    id: str
    path: str
    as_of: date


SOURCES: Final = (
    Source("paris-pharmacies-2013", "pharmacies/pharmacies_paris_finess.csv", date(2013, 10, 24)),
    Source("finess-idf-hospitals-2012", "finess/etablissements_hospitaliers_idf.csv", date(2012, 11, 19)),
    Source("finess-idf-disability-2013", "finess/etab_adultes_handicapes_idf.csv", date(2013, 2, 1)),
)


def derive(shared: Path) -> tuple[str, Counter[str]]:
    """Give the sample's text and how many rows of each kind there were. Raises OSError, SourceFormatError."""
    counts: Counter[str] = Counter()
    rows: dict[str, dict[str, str]] = {}
    for source in SOURCES:
        for record in _records(shared / source.path, source, counts):
            if record.key in rows:
                counts[f"{source.id}: already in another file"] += 1
                continue
            rows[record.key] = _row(record, source)
            counts[f"{source.id}: kept"] += 1
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in sorted(rows))
    return text.getvalue(), counts


def _records(path: Path, source: Source, counts: Counter[str]) -> Iterator[FacilityRecord]:
    reader = paris_pharmacies if source.id.startswith("paris") else finess_idf
    with path.open("rb") as stream:
        for record in reader.read(stream):
            if isinstance(record, RejectedRow):
                counts[f"{source.id}: rejected, {record.code}"] += 1
            elif reason := next((LEFT_OUT[code] for _, code in record.category_codes if code in LEFT_OUT), None):
                counts[f"{source.id}: left out, {reason.en}"] += 1
            else:
                yield record


def _row(record: FacilityRecord, source: Source) -> dict[str, str]:
    given = {field.name: getattr(record, field.name) for field in fields(record)}
    schemes: Mapping[str, str] = dict(record.identifiers)
    given |= {scheme: schemes.get(scheme) for scheme in IDENTIFIER_FIELDS}
    given["category_codes"] = " ".join(f"{scheme}:{code}" for scheme, code in record.category_codes)
    if record.phone is not None and not lost_its_zero(record.phone_verbatim):
        given["phone_verbatim"] = None  # only what `care doctor` would tell: 40 kB of spaces otherwise
    given |= {"source_id": source.id, "source_date": source.as_of}
    return {column: "" if given[column] is None else str(given[column]) for column in COLUMNS}


def main() -> int:
    """Write the sample and say what went into it; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the bundled sample of facilities.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        text, counts = derive(shared)
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SourceFormatError) as error:
        print(f"derive.py: {error}", file=sys.stderr)
        return 1
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{len(text.encode()):,} bytes in {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
