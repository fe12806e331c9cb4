"""Derive the bundled streets from the shared data.

`derive.py SHARED_DATA_DIR` writes the tables beside this file (tables.py tells their form); run twice, it writes the
same bytes. Where they come from is in SOURCES.md.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # run as a program, from anywhere
    sys.path.insert(0, str(ROOT))

from citizen_api.mobility.sample.tables import write_tables  # noqa: E402
from citizen_api.sources.osm_streets import read_streets  # noqa: E402
from citizen_api.sources.records import SourceFormatError  # noqa: E402

FILE: Final = "osm/paris_bss.osm.pbf"
HERE: Final = Path(__file__).parent


def derive(shared: Path) -> dict[str, str]:
    """Give {file: text} of the tables. Raises OSError, SourceFormatError."""
    return write_tables(read_streets(shared / FILE))


def main() -> int:
    """Write the tables and say how large they are; 1 and one line on standard error when that cannot be."""
    parser = argparse.ArgumentParser(description="Derive the bundled streets of central Paris.")
    parser.add_argument("shared", type=Path, metavar="SHARED_DATA_DIR", help="the folder of the shared data")
    shared: Path = parser.parse_args().shared
    try:
        tables = derive(shared)
        for name, text in tables.items():
            (HERE / name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SourceFormatError) as error:
        print(f"derive.py: {error}", file=sys.stderr)
        return 1
    for name, text in tables.items():
        print(f"{len(text.encode()):,} bytes, {text.count(chr(10)) - 1} rows in {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
