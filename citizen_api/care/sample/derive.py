"""Derive the bundled sample from the shared data.

`derive.py SHARED_DATA_DIR` writes facilities.csv beside this file: facts only, in the project's own columns,
sorted by FINESS number; run twice, it writes the same bytes. What is left out, and why, is in SOURCES.md.
"""

import argparse
import csv
import io
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # run as a program, from anywhere
    sys.path.insert(0, str(ROOT))

from citizen_api.care.categories import LEFT_OUT  # noqa: E402
from citizen_api.sources import finess_idf, paris_pharmacies  # noqa: E402
from citizen_api.sources.generic_csv import IDENTIFIER_FIELDS  # noqa: E402
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError  # noqa: E402

TARGET: Final = Path(__file__).with_name("facilities.csv")
COMMUNES: Final = "communes/etalab_decoupage_6.0.0/communes.json"
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
    communes = Communes.load(shared / COMMUNES)
    counts: Counter[str] = Counter()
    rows: dict[str, dict[str, str]] = {}
    for source in SOURCES:
        for record in _records(shared / source.path, source, counts):
            if record.key in rows:
                counts[f"{source.id}: already in another file"] += 1
                continue
            rows[record.key] = _row(record, source, communes)
            counts[f"{source.id}: kept"] += 1
            counts["commune known" if rows[record.key]["commune_code"] else "commune unknown"] += 1
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


def _row(record: FacilityRecord, source: Source, communes: "Communes") -> dict[str, str]:
    given = {field.name: getattr(record, field.name) for field in fields(record)}
    schemes: Mapping[str, str] = dict(record.identifiers)
    given |= {scheme: schemes.get(scheme) for scheme in IDENTIFIER_FIELDS}
    given["category_codes"] = " ".join(f"{scheme}:{code}" for scheme, code in record.category_codes)
    given |= {"source_id": source.id, "source_date": source.as_of}
    if record.commune_code is None and (found := communes.find(record.postcode, record.city)):
        given["commune_code"], given["city"] = found
    return {column: "" if given[column] is None else str(given[column]) for column in COLUMNS}


class Communes:
    """INSEE codes by name and département; an address of a CEDEX has no other way to its commune."""

    def __init__(self, communes: list[dict[str, Any]]) -> None:
        """Of several communes that a name may mean in a département, none is chosen."""
        self._found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        self._at_postcode: dict[str, list[tuple[str, str]]] = defaultdict(list)
        current = {commune["code"]: commune for commune in communes if commune["type"] == "commune-actuelle"}
        for commune in current.values():
            self._found[commune["departement"], folded(commune["nom"])].add((commune["code"], commune["nom"]))
            for postcode in commune.get("codesPostaux", ()):
                self._at_postcode[postcode].append((commune["code"], commune["nom"]))
        for commune in communes:
            home = current.get(commune.get("chefLieu", ""))
            if home and commune["type"] in {"commune-deleguee", "commune-associee"}:
                place = (home["departement"], folded(commune["nom"]))
                if place not in self._found:
                    self._found[place].add((home["code"], home["nom"]))

    @classmethod
    def load(cls, path: Path) -> "Communes":
        """Those of Etalab's administrative divisions."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def find(self, postcode: str | None, city: str | None) -> tuple[str, str] | None:
        """Find its (code, name): the one commune of that name in the postcode's département.

        Else the postcode's one commune, if one name begins the other (Evry, Évry-Courcouronnes), or None.
        """
        name = folded(city or "")
        found = self._found.get(((postcode or "")[:2], name), set())
        if len(found) == 1:
            return next(iter(found))
        there = self._at_postcode.get(postcode or "", [])
        if name and len(there) == 1:
            shorter, longer = sorted((f"{name} ", f"{folded(there[0][1])} "), key=len)
            return there[0] if longer.startswith(shorter) else None
        return None


def folded(name: str) -> str:
    """Write the name without accents, case, hyphens or apostrophes, "st" written out."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "oe"))
    words = re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)).lower())
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def main() -> int:
    """Write the sample and say what went into it; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the bundled sample of facilities.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        text, counts = derive(shared)
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SourceFormatError, json.JSONDecodeError) as error:
        print(f"derive.py: {error}", file=sys.stderr)
        return 1
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{len(text.encode()):,} bytes in {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
