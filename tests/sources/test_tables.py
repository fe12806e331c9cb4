import io

import pytest

from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.tables import LINE_MAX_BYTES, ROW_MAX_LINES, TableRow, open_table


def read(content, **options):
    if isinstance(content, str):
        content = content.encode()
    return list(open_table(io.BytesIO(content), what="a test file", **options).rows)


def cells(content, **options):
    return [None if isinstance(row, RejectedRow) else dict(row.cells) for row in read(content, **options)]


def test_the_delimiter_is_the_most_frequent_one_of_the_header():
    assert cells("a;b\n1;2,3\n") == [{"a": "1", "b": "2,3"}]


def test_byte_order_marks_carriage_returns_and_blank_lines_do_not_count():
    rows = read(b"\xef\xbb\xbf\xef\xbb\xbfa;b\r\n\r\n1;2\r\n")
    assert [(row.row, row.raw, row.cells) for row in rows] == [(3, "1;2", {"a": "1", "b": "2"})]


def test_lines_of_windows_1252_are_read_among_utf_8():
    content = "nom;ville\nGîte;Évry\n".encode() + "Château;Sèvres\n".encode("windows-1252")
    assert [row["nom"] for row in cells(content)] == ["Gîte", "Château"]


def test_an_encoding_that_is_given_is_used():
    assert cells("nom;n\nGîte;1\n".encode("cp850"), encoding="cp850")[0]["nom"] == "Gîte"


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends():
    rows = read('a;b\n"x;""y""\nz";2\n3;4\n')
    assert [(row.row, row.cells["a"]) for row in rows] == [(2, 'x;"y"\nz'), (4, "3")]


def test_an_open_quote_costs_only_its_own_row():
    rows = read('a;b\n1;"open\n3;4\n')
    assert rows[0] == RejectedRow(2, "open_quote: A quotation mark is never closed.", '1;"open')
    assert rows[1].cells == {"a": "3", "b": "4"}


def test_an_open_quote_does_not_swallow_a_long_file():
    rows = read('a;b\n1;"open\n' + "3;4\n" * (3 * ROW_MAX_LINES))
    assert [row.row for row in rows] == list(range(2, 3 * ROW_MAX_LINES + 3))


def test_an_open_quote_before_enormous_lines_costs_only_its_own_row():
    rows = read('a;b\n1;"open\n' + f"{'x' * 60_000};4\n" * 5)
    assert [type(row) is RejectedRow for row in rows] == [True, False, False, False, False, False]


def test_an_open_quote_does_not_borrow_the_rows_up_to_the_next_quote():
    rows = read('a;b\n"1;2\n3;4\n5;"6"\n')
    assert [isinstance(row, RejectedRow) for row in rows] == [True, False, False]
    assert [row.row for row in rows] == [2, 3, 4]


def test_a_stray_carriage_return_is_white_space():
    assert cells("a;b\n1;x\ry\n") == [{"a": "1", "b": "x y"}]


def test_a_row_with_another_number_of_cells_is_rejected():
    assert [row.code for row in read("a;b\n1\n1;2;3\n")] == ["columns", "columns"]


@pytest.mark.parametrize("last", ["1", '1;"open', '1;2\n3;"x\ny', "3\x00\x00", "1;2\n3"])
def test_a_last_row_in_which_the_file_breaks_off_is_rejected_as_cut_off(last):
    assert read(f"a;b;c\n1;2;3\n{last}")[-1].reason == "cut_off: The file breaks off in this row."


@pytest.mark.parametrize("last", ["1;2;3", '1;2;"3"', '1;2;"x\ny"', "1;2;3;;", "1;2;"])
def test_a_last_row_that_has_all_its_cells_needs_no_line_end(last):
    assert [type(row) for row in read(f"a;b;c\n0;0;0\n{last}")] == [TableRow, TableRow]


@pytest.mark.parametrize("last", ["  ", "\x1a", " \x1a\x1a"])
def test_a_last_line_of_nothing_is_no_row(last):
    assert [row.row for row in read(f"a;b\n1;2\n{last}")] == [2]


@pytest.mark.parametrize("content", ["a;b\n1;2;3", "a;b\n1\n", "a;b\n1\n2;3", 'a;b\n1;"open\n', "a;b\n1\r\n"])
def test_a_broken_row_in_which_no_file_breaks_off_is_not_cut_off(content):
    assert next(row.code for row in read(content) if isinstance(row, RejectedRow)) in {"columns", "open_quote"}


def test_empty_cells_after_the_last_column_are_forgiven():
    assert cells("a;b\n1;2;;\n") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a;c\n1;2\n", "missing columns b"),
        (b"a;b;a\n", "columns named twice: a"),
        (b"PK\x03\x04\x00", "save it as text"),
        ("a;b\n".encode("utf-16"), "save it as text"),
        (b"x" * (LINE_MAX_BYTES + 1), "longer than"),
    ],
)
def test_another_file_is_refused_at_once_in_one_line(content, message):
    with pytest.raises(SourceFormatError, match=message) as raised:
        open_table(io.BytesIO(content), what="a test file", required=("a", "b"))
    assert "\n" not in str(raised.value)


def test_rows_are_read_only_as_they_are_asked_for():
    class Endless(io.RawIOBase):
        def __init__(self):
            self.lines = 0

        def readline(self, size=-1):  # noqa: ARG002 - the signature of a stream
            self.lines += 1
            return b"a;b\n"

    stream = Endless()
    rows = open_table(stream, what="a test file").rows
    next(rows)
    assert stream.lines == 2
