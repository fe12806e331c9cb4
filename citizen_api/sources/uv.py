"""The UV index by commune: one CSV a day, columns for that day and the three that follow (UV_J0 to UV_J3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO, Final

from citizen_api.sources.air_records import UvRecord, Zone
from citizen_api.sources.air_values import as_stream, day_of, number, rejected
from citizen_api.sources.records import BadRowError, RejectedRow, parse_commune_code
from citizen_api.sources.tables import TableRow, open_table

WHAT: Final = "a CSV of UV indices"
REQUIRED: Final = ("insee", "date", "uv_j0")
IMPOSSIBLE: Final = 25.0
"""At noon under a tropical sun the index is about 16; mountains of the Andes reach more, no commune of France does."""

_COLUMN: Final = re.compile(r"uv_j([0-9])")


def read_uv(data: BinaryIO | bytes) -> Iterator[UvRecord | RejectedRow]:
    """Each commune's highest index of each day. A blank cell is a day without a value.

    Raises SourceFormatError when it is another file.
    """
    table = open_table(as_stream(data), what=WHAT, required=REQUIRED, any_case=True)
    days_ahead = {column: int(found[1]) for column in table.columns if (found := _COLUMN.fullmatch(column))}
    for row in table.rows:
        if isinstance(row, RejectedRow):
            yield row
        else:
            yield from _records(row, days_ahead)


def _records(row: TableRow, days_ahead: dict[str, int]) -> Iterator[UvRecord | RejectedRow]:
    try:
        code = parse_commune_code(row.cells["insee"])
        if code is None:
            raise BadRowError("bad_zone", f"{row.cells['insee'][:20]!r} is not the code of a commune.")  # noqa: TRY301
        first = day_of(row.cells["date"])
    except BadRowError as error:
        yield rejected(row.row, error, row.raw)
        return
    zone = Zone(kind="commune", code=code)
    for column, ahead in days_ahead.items():
        try:
            index = number(row.cells[column])
            if index is not None and not 0 <= index < IMPOSSIBLE:
                raise BadRowError("absurd_value", f"A UV index of {index:g} cannot be.")  # noqa: TRY301
        except BadRowError as error:
            yield rejected(row.row, error, row.raw)
            continue
        if index is not None:
            yield UvRecord(zone=zone, day=first + timedelta(days=ahead), index=index)
