"""Derive `apl.csv` from the published access to general practitioners of the communes in and around Paris.

`python -m citizen_api.teleconsult.data.derive SHARED_DATA_DIR` writes `commune,consultations`, sorted by INSEE code, to
three decimals as the source has them for most; run twice, it writes the same bytes. What it means is in SOURCES.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).with_name("apl.csv")
SOURCE: Final = "population/apl_generalistes_2023_paris_petite_couronne.csv"
COLUMNS: Final = ("commune", "consultations")


def derive(text: str) -> str:
    """Give the table out of the text of the source. Raises KeyError, ValueError for what is not in its form."""
    rows = sorted((row["code_insee"], float(row["apl_generaliste"])) for row in csv.DictReader(io.StringIO(text)))
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for code, consultations in rows:
        if not math.isfinite(consultations) or consultations < 0:
            raise ValueError(f"no number of consultations for {code}")
        writer.writerow([code, f"{consultations:.3f}"])
    return written.getvalue()


def main() -> int:
    """Write the table and say how long it is; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the access to general practitioners by commune.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        text = derive((shared / SOURCE).read_text(encoding="utf-8-sig"))
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, KeyError, ValueError) as error:
        print(f"derive.py: {error}", file=sys.stderr)
        return 1
    print(f"{text.count(chr(10)) - 1} communes in {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
