"""The ATMO index of communes as a flat CSV: the fields of Atmo Data's index, with latitude and longitude."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from citizen_api.sources.air_records import AirIndexRecord
from citizen_api.sources.air_values import as_stream, rejected
from citizen_api.sources.atmo_fields import index_record
from citizen_api.sources.records import BadRowError, RejectedRow
from citizen_api.sources.tables import open_table

WHAT: Final = "a CSV of ATMO indices"
REQUIRED: Final = ("code_zone", "date_ech", "code_qual")


def read_index_csv(data: BinaryIO | bytes) -> Iterator[AirIndexRecord | RejectedRow]:
    """Each zone's ATMO index. Raises SourceFormatError when it is another file."""
    table = open_table(as_stream(data), what=WHAT, required=REQUIRED, any_case=True)
    for row in table.rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            yield index_record(row.cells)
        except BadRowError as error:
            yield rejected(row.row, error, row.raw)
