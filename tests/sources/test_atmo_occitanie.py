"""Atmo Occitanie's hourly file: synthetic rows in its form, and the recorded month of Montpellier."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.sources.air_records import ReadingRecord, StationRecord
from citizen_api.sources.atmo_occitanie import read_stations
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.shared_data import shared_file

HEADER = (
    "X,Y,nom_dept,nom_com,insee_com,nom_station,code_station,typologie,influence,nom_poll,id_poll_ue,valeur,unite,"
    "metrique,date_debut,date_fin,statut_valid,x_l93,y_l93,ObjectId"
)
REAL = "air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv"


def make_row(**cells):
    row = dict.fromkeys(HEADER.split(","), "") | {
        "X": "3.88689",
        "Y": "43.5915",
        "insee_com": "34172",
        "nom_station": "Montpellier - Prés d Arènes Urbain",
        "code_station": "FR50200",
        "influence": "Fond",
        "nom_poll": "PM2.5",
        "valeur": "16.9",
        "unite": "ug.m-3",
        "metrique": "horaire",
        "date_debut": "2023/09/29 11:00:00+00",
        "date_fin": "2023/09/29 12:00:00+00",
        "statut_valid": "t",
    }
    return row | cells


def read(*rows):
    lines = [HEADER, *(",".join(row.values()) for row in rows)]
    return list(read_stations(b"\xef\xbb\xbf" + "\n".join([*lines, ""]).encode()))


def one(**cells):
    [item] = read(make_row(**cells))
    return item


@pytest.fixture(scope="module")
def montpellier():
    with shared_file(REAL).open("rb") as file:
        return list(read_stations(file))


def test_a_row_is_an_hour_at_a_station_with_position_and_influence():
    assert one() == ReadingRecord(
        station=StationRecord(
            code="FR50200",
            name="Montpellier - Prés d Arènes Urbain",
            influence="background",
            lat=43.5915,
            lon=3.88689,
            commune_code="34172",
        ),
        pollutant="pm25",
        ends_at=datetime(2023, 9, 29, 12, tzinfo=UTC),
        value_ug_m3=16.9,
    )


@pytest.mark.parametrize(
    ("written", "influence"), [("Trafic", "traffic"), ("Industrielle", "industrial"), ("Observation", None), ("", None)]
)
def test_influences_are_known_or_unknown(written, influence):
    assert one(influence=written).station.influence == influence


@pytest.mark.parametrize("position", [{"X": ""}, {"X": "181"}, {"X": "0", "Y": "0"}, {"Y": "nord"}], ids=repr)
def test_a_position_that_cannot_be_costs_no_reading(position):
    station = one(**position).station
    assert (station.lat, station.lon) == (None, None)


def test_an_hour_without_an_end_is_one_hour():
    assert one(date_fin="").ends_at == datetime(2023, 9, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"valeur": "-20"}, "absurd_value"),
        ({"valeur": "10000"}, "absurd_value"),
        ({"valeur": "n/d"}, "bad_number"),
        ({"nom_poll": "Benzène"}, "pollutant"),
        ({"unite": "ppb"}, "unit"),
        ({"metrique": "journalière"}, "not_hourly"),
        ({"date_fin": "2023/09/30 11:00:00+00"}, "not_hourly"),
        ({"date_debut": "hier"}, "bad_time"),
        ({"statut_valid": "f"}, "not_valid"),
        ({"code_station": ""}, "no_identifier"),
    ],
    ids=repr,
)
def test_a_bad_row_costs_only_itself(cells, code):
    items = read(make_row(**cells), make_row())
    assert [getattr(item, "code", None) for item in items] == [code, None]


def test_a_blank_value_is_a_missing_hour():
    assert read(make_row(valeur="")) == []


def test_noise_below_zero_is_zero():
    assert one(valeur="-0.6").value_ug_m3 == 0.0


def test_milligrams_are_not_taken_for_micrograms():
    assert one(nom_poll="CO", valeur="0.3", unite="mg.m-3").value_ug_m3 == pytest.approx(300.0)


@pytest.mark.parametrize(("value", "words"), [("16.9", "the same value"), ("17", "another value")])
def test_one_analyser_under_two_names_is_one_station(value, words):
    first, second = read(make_row(), make_row(nom_station="Autre nom", valeur=value))
    assert (first.station.name, second.code) == ("Montpellier - Prés d Arènes Urbain", "duplicate")
    assert words in second.reason


def test_a_repeated_zero_is_a_repetition_too():
    assert [getattr(item, "code", None) for item in read(*[make_row(valeur="-0.1")] * 2)] == [None, "duplicate"]


@pytest.mark.parametrize("content", [b"", b"X,Y\n1,2\n", b"{}"], ids=repr)
def test_another_file_is_refused(content):
    with pytest.raises(SourceFormatError):
        list(read_stations(content))


def test_montpellier_has_13625_rows_of_which_909_repeat_one_analyser(montpellier):
    rejected = [item for item in montpellier if isinstance(item, RejectedRow)]
    assert (len(montpellier), Counter(item.code for item in rejected)) == (13_625, {"duplicate": 909})
    assert all("FR50227 has the same value" in item.reason for item in rejected)


def test_montpellier_has_six_stations_and_no_negative_reading(montpellier):
    readings = [item for item in montpellier if isinstance(item, ReadingRecord)]
    assert len({reading.station for reading in readings}) == 6
    assert min(reading.value_ug_m3 for reading in readings) == 0.0
    assert max(reading.value_ug_m3 for reading in readings if reading.pollutant == "o3") == 129.6


def test_montpelliers_background_pm10_of_18_september_is_42(montpellier):
    midnight = datetime(2023, 9, 18, tzinfo=UTC)
    values = [
        item.value_ug_m3
        for item in montpellier
        if isinstance(item, ReadingRecord)
        and (item.station.code, item.pollutant) == ("FR50200", "pm10")
        and midnight < item.ends_at <= midnight + timedelta(days=1)
    ]
    assert (len(values), round(sum(values) / len(values), 2)) == (24, 42.14)
