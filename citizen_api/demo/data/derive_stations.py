"""Derive the demo city's bike share stations from the shared data.

`derive_stations.py SHARED_DATA_DIR` writes stations.csv beside this file: facts only, in the project's own columns,
sorted by identifier; run twice, it writes the same bytes. What is left out, and why, is in SOURCES.md.
"""

import argparse
import csv
import io
import sys
from collections import Counter
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # run as a program, from anywhere
    sys.path.insert(0, str(ROOT))

from citizen_api.sources import gbfs  # noqa: E402
from citizen_api.sources.records import RejectedRow, SourceFormatError  # noqa: E402

TARGET: Final = Path(__file__).with_name("stations.csv")
COLUMNS: Final = ("code", "name", "lat", "lon", "capacity", "bikes", "ebikes", "docks")
SOUTH, WEST, NORTH, EAST = 48.845, 2.325, 48.88, 2.395
"""Around the bundled street network of central Paris."""
_FOLDER: Final = Path("gbfs") / "velib_2022-02"


def derive(shared: Path) -> tuple[str, Counter[str]]:
    """Give the text and how many stations of each kind there were. Raises OSError, SourceFormatError."""
    places = gbfs.read_information((shared / _FOLDER / "station_information.json").read_bytes())
    counts: Counter[str] = Counter()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    items = gbfs.read_stations((shared / _FOLDER / "station_status.json").read_bytes(), places)
    kept: list[gbfs.BikeStationRecord] = []
    for item in items:
        if isinstance(item, RejectedRow):
            counts[f"rejected, {item.code}"] += 1
        elif not (SOUTH <= item.lat <= NORTH and WEST <= item.lon <= EAST):
            counts["left out, elsewhere"] += 1
        elif not (item.is_installed and item.is_renting and item.is_returning and item.capacity):
            counts["left out, closed or without a dock"] += 1
        else:
            counts["kept"] += 1
            kept.append(item)
    for station in sorted(kept, key=lambda station: station.code):
        values = {name: getattr(station, name) for name in COLUMNS}
        values |= {"lat": f"{station.lat:.6f}", "lon": f"{station.lon:.6f}"}
        writer.writerow([values[name] for name in COLUMNS])
    return text.getvalue(), counts


def main() -> int:
    """Write the stations and say what went into them; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the demo city's bike share stations.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        text, counts = derive(shared)
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SourceFormatError) as error:
        print(f"derive_stations.py: {error}", file=sys.stderr)
        return 1
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{len(text.encode()):,} bytes in {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
