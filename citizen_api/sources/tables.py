"""Delimited text as it really comes: read line by line, in any encoding, a broken row losing only itself.

A last row that has no line end and lacks cells, or the end of a quotation, is rejected as `cut_off`: the rows after it
are missing, too. One that has all its cells is whole, whether or not its line ends; a file cut exactly between two rows
cannot be told from a whole one.
"""

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from citizen_api.sources.records import CUT_OFF, RAW_MAX_CHARS, RejectedRow, SourceFormatError

LINE_MAX_BYTES: Final = 65_536
ROW_MAX_LINES: Final = 20
"""A quoted cell may hold line ends; past this many lines, the quote was never closed."""

DELIMITERS: Final = ";,\t|"

_END_OF_FILE: Final = "\x1a"
"""What programs of old write after the last row."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its first line in the file (from 1), its text, its cells by column name."""

    row: int
    raw: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank: its number from 1, its text up to a line end, and whether the file has that."""

    number: int
    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its header is read, its rows are not yet."""

    columns: tuple[str, ...]
    rows: Iterator[TableRow | RejectedRow]


def open_table(
    stream: BinaryIO,
    *,
    what: str,
    required: Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    any_case: bool = False,
) -> Table:
    """Read the header of a delimited file whose rows are then read as they are asked for.

    `what` names the expected file in messages. Without `delimiter`, the header's most frequent one. Without
    `encoding`, each line is UTF-8, or windows-1252 where it is not: French files mix them. `any_case` makes
    column names lower-case. Raises SourceFormatError when there is no header or it lacks `required` columns.
    """
    lines = _lines(stream, what=what, encoding=encoding)
    try:
        header = next(lines).text
    except StopIteration:
        raise SourceFormatError(f"Not {what}: the file is empty.") from None
    delimiter = delimiter or max(DELIMITERS, key=header.count)
    columns = [column.strip().lstrip("\ufeff").strip() for column in _cells([header], delimiter)]
    if any_case:
        columns = [column.lower() for column in columns]
    if missing := [column for column in required if column not in columns]:
        raise SourceFormatError(f"Not {what}: missing columns {', '.join(missing)}.")
    if twice := sorted({column for column in columns if column and columns.count(column) > 1}):
        raise SourceFormatError(f"Not {what}: columns named twice: {', '.join(twice)}.")
    return Table(tuple(columns), _rows(lines, columns, delimiter))


def _lines(stream: BinaryIO, *, what: str, encoding: str | None) -> Iterator[_Line]:
    number = 0
    while line := stream.readline(LINE_MAX_BYTES + 1):
        number += 1
        if len(line) > LINE_MAX_BYTES:
            raise SourceFormatError(f"Not {what}: line {number} is longer than {LINE_MAX_BYTES} bytes.")
        if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"\x1f\x8b")):
            raise SourceFormatError(f"Not {what}: save it as text in UTF-8 (this is UTF-16, a workbook or an archive).")
        text = _decoded(line, encoding).rstrip("\r\n").replace("\r", " ")
        if number == 1:
            text = text.lstrip("\ufeff")  # some exports begin with two byte order marks
        if text.strip().strip(_END_OF_FILE):
            yield _Line(number, f"{text}\n", line.endswith(b"\n"))


def _decoded(line: bytes, encoding: str | None) -> str:
    if encoding is not None:
        return line.decode(encoding, errors="replace")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("windows-1252", errors="replace")


def _cells(lines: Sequence[str], delimiter: str) -> list[str]:
    """Split one row. What the csv module refuses, a cell of more than its limit, is an open quote's doing."""
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return ["\n"]


def _rows(lines: Iterator[_Line], columns: list[str], delimiter: str) -> Iterator[TableRow | RejectedRow]:
    ahead: deque[_Line] = deque()
    while True:
        try:
            line = ahead.popleft() if ahead else next(lines)
        except StopIteration:
            return
        taken = [line]
        cells = _cells([line.text], delimiter)
        # An open quote swallows the line's end; a closed row never holds it in its last cell.
        while cells and cells[-1].endswith("\n") and len(taken) < ROW_MAX_LINES:
            following = ahead.popleft() if ahead else next(lines, None)
            if following is None:
                break
            taken.append(following)
            cells = _cells([each.text for each in taken], delimiter)
        # Lines borrowed up to some other row's quote give a row of no right width: they are given back too.
        if cells and (cells[-1].endswith("\n") or (len(taken) > 1 and len(cells) != len(columns))):
            ahead.extendleft(reversed(taken[1:]))
            yield _rejected(line, "open_quote: A quotation mark is never closed.", line.text, cut=not line.ended)
            continue
        yield _row(taken, cells, columns)


def _row(lines: Sequence[_Line], cells: list[str], columns: list[str]) -> TableRow | RejectedRow:
    raw = "".join(line.text for line in lines).rstrip("\n")
    while len(cells) > len(columns) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(columns):
        sentence = f"columns: The row has {len(cells)} cells, the header {len(columns)}."
        return _rejected(lines[0], sentence, raw, cut=not lines[-1].ended and len(cells) < len(columns))
    return TableRow(lines[0].number, raw, dict(zip(columns, cells, strict=True)))


def _rejected(line: _Line, reason: str, raw: str, *, cut: bool) -> RejectedRow:
    if cut:
        reason = f"{CUT_OFF}: The file breaks off in this row."
    return RejectedRow(line.number, reason, raw.rstrip("\n")[:RAW_MAX_CHARS])
