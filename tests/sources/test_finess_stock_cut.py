"""Stocks of FINESS that break off, on small synthetic files."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources import finess_stock
from citizen_api.sources.records import SourceFormatError
from citizen_api.sources.tables import LINE_MAX_BYTES
from tests.sources.test_finess_stock import FIRST, make_place, make_position, read


@pytest.mark.parametrize(
    "last",
    [
        make_place(),
        make_place().rstrip(";"),
        make_position(),
        "equipementsocial;990000017",
        ";;;",
        "\x1a",
        make_place()[:-40] + "\r",
    ],
)
def test_a_last_line_that_is_whole_needs_no_line_end(last):
    content = f"{FIRST}\n{make_place()}\n{last}".encode()
    assert next(finess_stock.read(io.BytesIO(content))).key == "990000017"


@pytest.mark.parametrize(
    "last",
    [
        make_place()[:40],
        make_place().rstrip(";")[:-1],
        make_place(datemaj="").rstrip(";"),
        make_position()[:-1],
        make_position()[:40],
        "geolocalisation;990000017",
        "geoloc",
        "x" * (2 * LINE_MAX_BYTES),
    ],
)
def test_a_file_that_breaks_off_in_its_last_line_is_refused_at_once(last):
    content = f"{FIRST}\n{make_place()}\n{make_position()}\n{last}".encode()
    with pytest.raises(SourceFormatError, match=r"^Not a whole FINESS stock: it breaks off in its last line\.$"):
        finess_stock.read(io.BytesIO(content))


def test_a_last_line_that_is_too_long_but_ends_is_only_rejected():
    assert read(make_place(), "x" * (2 * LINE_MAX_BYTES))[1].code == "too_long"


def make_stock(places, positions):
    numbers = [f"99{number:07}" for number in range(places)]
    lines = [make_place(nofinesset=number) for number in numbers]
    return [*lines, *(make_position(finess=number) for number in numbers[:positions])]


@pytest.mark.parametrize(("places", "positions"), [(3, 1), (8, 3)])
def test_a_file_cut_before_half_of_its_places_have_a_position_is_refused_at_once(places, positions):
    said = f"^Not a whole FINESS stock: it has {places} places and only {positions} positions\\.$"
    with pytest.raises(SourceFormatError, match=said):
        read(*make_stock(places, positions))


@pytest.mark.parametrize(("places", "positions"), [(2, 1), (8, 4), (8, 0)])
def test_a_stock_may_lack_half_of_its_positions_or_all(places, positions):
    assert [record.lat is not None for record in read(*make_stock(places, positions))].count(True) == positions


@given(st.integers(1, 5_000))
def test_cut_anywhere_a_stock_is_refused_or_has_lost_no_more_than_half_of_its_positions(left):
    content = "\n".join([FIRST, *make_stock(8, 8), ""]).encode()
    cut = content[: max(0, len(content) - left)]
    with suppress(SourceFormatError):
        located = [item.lat is not None for item in finess_stock.read(io.BytesIO(cut))].count(True)
        assert located >= 4 or b"geolocalisation" not in cut
