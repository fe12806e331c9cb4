"""The two flat files by commune: UV indices and ATMO indices."""

from collections import Counter
from datetime import date

import pytest

from citizen_api.sources.air_records import AirIndexRecord, UvRecord, Zone
from citizen_api.sources.atmo_index_csv import read_index_csv
from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.uv import read_uv
from tests.shared_data import shared_file

UV_COLUMNS = "insee;commune;date;UV_J0;UV_J1;UV_J2;UV_J3"
INDEX_COLUMNS = "code_zone;lib_zone;lat;lon;date_ech;code_no2;code_o3;code_pm10;code_pm25;code_so2;code_qual"


def uv(*rows):
    return list(read_uv("\n".join([UV_COLUMNS, *rows, ""]).encode()))


def indices(*rows):
    return list(read_index_csv("\n".join([INDEX_COLUMNS, *rows, ""]).encode()))


def test_each_column_is_a_day_and_a_blank_one_is_missing():
    zone = Zone(kind="commune", code="01001")
    assert uv("01001;LABERGEMENT-CLEMENCIAT;2024-12-30;1;2,5;;0;") == [
        UvRecord(zone=zone, day=date(2024, 12, 30), index=1.0),
        UvRecord(zone=zone, day=date(2024, 12, 31), index=2.5),
        UvRecord(zone=zone, day=date(2025, 1, 2), index=0.0),
    ]


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        ("x;A;2024-01-18;1;1;1;", ["bad_zone"]),
        ("01001;A;demain;1;1;1;", ["bad_day"]),
        ("01001;A;2024-01-18;-1;99;fort;3", ["absurd_value", "absurd_value", "bad_number", None]),
    ],
)
def test_a_bad_cell_costs_only_itself(row, codes):
    items = uv(row, "01002;B;2024-01-18;1;;;")
    assert [getattr(item, "code", None) for item in items] == [*codes, None]


@pytest.mark.parametrize("content", [b"", b"a;b\n1;2\n", b"insee;date\n"], ids=repr)
def test_another_file_is_no_uv_file(content):
    with pytest.raises(SourceFormatError):
        list(read_uv(content))


def test_the_recorded_uv_file_breaks_off_in_its_last_row():
    items = list(read_uv(shared_file("uv/indice_uv_communes_20240118.csv").read_bytes()))
    assert Counter(getattr(item, "code", None) for item in items) == {None: 70_353, "cut_off": 1}
    assert len({item.zone for item in items if isinstance(item, UvRecord)}) == 23_451
    assert {item.day for item in items if isinstance(item, UvRecord)} == {date(2024, 1, day) for day in (18, 19, 20)}


def test_a_row_is_the_index_of_a_commune():
    assert indices("92019;Châtenay-Malabry;48.7;2.2;2026-10-06;2;3;3;2;0;3") == [
        AirIndexRecord(
            zone=Zone(kind="commune", code="92019"),
            day=date(2026, 10, 6),
            level=3,
            levels={"no2": 2, "o3": 3, "pm10": 3, "pm25": 2},
        )
    ]


def test_a_bad_row_costs_only_itself():
    items = indices("92019;A;;;2026-10-06;2;3;3;2;1;2", "92020;B;;;2026-10-06;2;2;2;2;1;2", "92021;C")
    assert [getattr(item, "code", None) for item in items] == ["inconsistent", None, "columns"]


@pytest.mark.parametrize("content", [b"", b"code_zone;lib_zone\n"], ids=repr)
def test_another_file_holds_no_indices(content):
    with pytest.raises(SourceFormatError):
        list(read_index_csv(content))


def test_the_recorded_indices_are_those_of_77_communes():
    name = "air/atmo_index/atmo_indice_communes_idf_petite_couronne_2026-10-06.csv"
    items = list(read_index_csv(shared_file(name).read_bytes()))
    assert not [item for item in items if isinstance(item, RejectedRow)]
    assert (len({item.zone.code for item in items}), {item.level for item in items}) == (77, {2, 3})
