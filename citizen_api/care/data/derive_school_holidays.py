"""Derive `school_holidays_fr.csv` from a day-by-day calendar of the French school holidays.

    python citizen_api/care/data/derive_school_holidays.py SOURCE_CSV

SOURCE_CSV has a row a day and the columns `date, vacances_zone_a, vacances_zone_b, vacances_zone_c,
nom_vacances` (see SOURCES.md). Written: `zone,start,end,name`, both days included, ordered by zone and start.
The same source gives the same bytes.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

TARGET = Path(__file__).with_name("school_holidays_fr.csv")
ZONES = "ABC"
# The present make-up of the three zones began with this school year: earlier rows name other zones.
FIRST_DAY = date(2015, 9, 1)


def read_days(source: Path) -> list[dict[str, str]]:
    """Rows from FIRST_DAY on, in order; SystemExit when a day is missing, doubled or misnamed."""
    with source.open(encoding="utf-8", newline="") as lines:
        days = [row for row in csv.DictReader(lines) if date.fromisoformat(row["date"]) >= FIRST_DAY]
    dates = [date.fromisoformat(row["date"]) for row in days]
    if not dates or dates[0] != FIRST_DAY:
        sys.exit(f"{source.name}: does not begin on or before {FIRST_DAY}")
    for before, after in pairwise(dates):
        if after - before != timedelta(days=1):
            sys.exit(f"{source.name}: {after} follows {before}")
    return days


def holidays_of(zone: str, days: list[dict[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    """Yield each run of days of the same holiday: (zone, first day, last day, name)."""
    column = f"vacances_zone_{zone.lower()}"
    start = last = name = ""
    for row in [*days, {"date": "", column: "False", "nom_vacances": ""}]:
        on = {"True": True, "False": False}[row[column]]
        if name and (not on or row["nom_vacances"] != name):
            yield zone, start, last, name
            name = ""
        if on and not name:
            start, name = row["date"], row["nom_vacances"]
        last = row["date"]


def main() -> None:
    """Write TARGET and print what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path, metavar="SOURCE_CSV")
    days = read_days(parser.parse_args().source)
    rows = [row for zone in ZONES for row in holidays_of(zone, days)]
    with TARGET.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("zone", "start", "end", "name"))
        writer.writerows(rows)
    print(f"{TARGET.name}: {len(rows)} holidays, {rows[0][1]} to {max(row[2] for row in rows)}")


if __name__ == "__main__":
    main()
