"""Derive the bundled territory files from the shared open data.

    python citizen_api/territory/data/derive.py SHARED_DATA_DIR [TARGET_DIR]

Facts only, in our own columns, sorted and with no clock in the bytes: the same data give the same files.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ETALAB = "communes/etalab_decoupage_6.0.0"
CENTRES = "communes/communes-france_centres_geoapi_2026-08-16.json"
PARIS = "population/paris_population_arrondissement_2022.geojson"

COORDINATE_DECIMALS = 4  # about 10 m: the sources give no more

Row = dict[str, Any]


class Centre(NamedTuple):
    """A commune's centre; `approximate` when it was borrowed from its parent or its neighbours."""

    lat: float
    lon: float
    approximate: bool = False


def derive(shared: Path, target: Path) -> dict[str, int]:
    """Write every bundled file into `target` and return how many rows each holds."""
    listed = _read(shared / ETALAB / "communes.json")
    epci = _read(shared / ETALAB / "epci.json")
    ept = _read(shared / ETALAB / "ept.json")
    communes = [row for row in listed if row["type"] in {"commune-actuelle", "arrondissement-municipal"}]
    centres = _known_centres(shared)
    centres |= borrowed_centres(communes, centres)
    return {
        "communes.csv.gz": _write_gzip(
            target / "communes.csv.gz",
            ("code", "name", "departement", "epci", "ept", "parent", "population", "postcodes", "lat", "lon",
             "centre"),
            _commune_rows(communes, centres, _members(epci), _members(ept)),
        ),
        "former.csv.gz": _write_gzip(
            target / "former.csv.gz", ("code", "name", "commune"), sorted(former_communes(listed))
        ),
        "epci.csv.gz": _write_gzip(
            target / "epci.csv.gz",
            ("code", "kind", "name"),
            sorted((row["code"], _epci_kind(row["type"]), row["nom"]) for row in epci + ept),
        ),
        "departements.csv": _write(
            target / "departements.csv",
            ("code", "region", "name"),
            sorted((row["code"], row["region"], row["nom"])
                   for row in _read(shared / ETALAB / "departements.json")),
        ),
        "regions.csv": _write(
            target / "regions.csv",
            ("code", "name"),
            sorted((row["code"], row["nom"]) for row in _read(shared / ETALAB / "regions.json")),
        ),
    }  # fmt: skip


def borrowed_centres(communes: Sequence[Row], known: dict[str, Centre]) -> dict[str, Centre]:
    """Centres for communes that have none: their parent's, else the mean of their postcodes' neighbours."""
    by_postcode: dict[str, list[Centre]] = defaultdict(list)
    for row in communes:
        if row["code"] in known:
            for postcode in row.get("codesPostaux", ()):
                by_postcode[postcode].append(known[row["code"]])
    borrowed = {}
    for row in communes:
        if row["code"] in known:
            continue
        if parent := known.get(row.get("commune", "")):
            borrowed[row["code"]] = parent._replace(approximate=True)
        elif near := [centre for code in row.get("codesPostaux", ()) for centre in by_postcode[code]]:
            borrowed[row["code"]] = Centre(
                sum(centre.lat for centre in near) / len(near),
                sum(centre.lon for centre in near) / len(near),
                approximate=True,
            )
    return borrowed


def former_communes(listed: Iterable[Row]) -> list[tuple[str, str, str]]:
    """(code, name, present commune) of codes and names that went into another commune.

    A delegated or associated commune names its present commune itself and wins over the list of old codes.
    One that kept the code of its present commune is listed only when its name differs.
    """
    names = {row["code"]: row["nom"] for row in listed if row["type"] == "commune-actuelle"}
    former: dict[str, tuple[str, str, str]] = {}
    for row in listed:
        if row["type"] == "commune-actuelle":
            for code in row.get("anciensCodes", ()):
                former.setdefault(code, (code, "", row["code"]))
    for row in listed:
        if row["type"] in {"commune-deleguee", "commune-associee"}:
            present = row["chefLieu"]
            if row["code"] != present or row["nom"] != names[present]:
                former[row["code"]] = (row["code"], row["nom"], present)
    return list(former.values())


def _known_centres(shared: Path) -> dict[str, Centre]:
    listing = _read(shared / CENTRES)
    column = {name: index for index, name in enumerate(listing["columns"]["communes"])}
    code, lat, lon = column["code_insee"], column["latitude"], column["longitude"]
    centres = {row[code]: Centre(row[lat], row[lon]) for row in listing["communes"]}
    for feature in _read(shared / PARIS)["features"]:
        properties = feature["properties"]
        point = properties["geom_x_y"]
        centres[properties["code_commune"]] = Centre(point["lat"], point["lon"])
    return centres


def _members(groups: Iterable[Row]) -> dict[str, str]:
    return {member["code"]: group["code"] for group in groups for member in group["membres"]}


def _epci_kind(kind: str) -> str:
    # The Métropole de Lyon is a collectivity of its own kind; the source numbers it.
    return "METRO" if kind == "MET69" else kind


def _commune_rows(
    communes: Iterable[Row], centres: dict[str, Centre], epci: dict[str, str], ept: dict[str, str]
) -> list[tuple[Any, ...]]:
    rows = []
    for row in communes:
        code, parent = row["code"], row.get("commune", "")
        member = parent or code
        centre = centres.get(code)
        rows.append((
            code, row["nom"], row["departement"], epci.get(member, ""), ept.get(member, ""), parent,
            row.get("population", ""), " ".join(row.get("codesPostaux", ())),
            _coordinate(centre.lat) if centre else "", _coordinate(centre.lon) if centre else "",
            "" if centre is None else "approximate" if centre.approximate else "exact",
        ))  # fmt: skip
    return sorted(rows)


def _coordinate(degrees: float) -> str:
    return f"{degrees:.{COORDINATE_DECIMALS}f}"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    path.write_bytes(_csv(header, rows))
    return len(rows)


def _write_gzip(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    path.write_bytes(gzip.compress(_csv(header, rows), compresslevel=9, mtime=0))
    return len(rows)


def main(arguments: Sequence[str]) -> None:
    """Derive from the folder given into the folder given, or beside this script."""
    shared = Path(arguments[0])
    target = Path(arguments[1]) if len(arguments) > 1 else Path(__file__).parent
    for name, rows in derive(shared, target).items():
        print(f"{name}: {rows} rows, {(target / name).stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
