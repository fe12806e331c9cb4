"""Derive the bundled week from the shared data.

`derive.py SHARED_DATA_DIR` writes week.csv beside this file: for each hour its end (UTC), the median and the mean over
the stations, and how many they were; run twice, it writes the same bytes.
"""

import argparse
import csv
import io
import sys
from datetime import UTC, date
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # run as a program, from anywhere
    sys.path.insert(0, str(ROOT))

from citizen_api.people.wishes import day_bounds  # noqa: E402
from citizen_api.sources.records import SourceFormatError  # noqa: E402
from notifications.measurements import WEEK_COLUMNS, WEEK_FILE, read_city_hours  # noqa: E402

SOURCE: Final = "air/airparif/2023_NOX.csv"
FIRST, LAST = date(2023, 2, 6), date(2023, 2, 12)
ZONE: Final = "Europe/Paris"
TARGET: Final = Path(__file__).with_name(WEEK_FILE)


def derive(shared: Path) -> str:
    """Give the text of the week. Raises OSError, SourceFormatError."""
    with (shared / SOURCE).open("rb") as stream:
        _, hours = read_city_hours(stream)
    start, end = day_bounds(FIRST, zone=ZONE)[0], day_bounds(LAST, zone=ZONE)[1]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(WEEK_COLUMNS)
    for hour in hours:
        if start < hour.ends_at <= end:
            ends_at = hour.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
            writer.writerow((ends_at, f"{hour.median_ug_m3:.2f}", f"{hour.mean_ug_m3:.2f}", hour.stations))
    return text.getvalue()


def main() -> int:
    """Write the week and say how large it is; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the bundled week of measurements.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        text = derive(shared)
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SourceFormatError) as error:
        sys.stderr.write(f"derive.py: {error}\n")
        return 1
    sys.stdout.write(f"{len(text.splitlines()) - 1} hours, {len(text.encode()):,} bytes in {TARGET.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
