"""Synthetic answers in the documented form of Open-Meteo, and its API on loopback."""

import json
from datetime import UTC, datetime

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.sources.air_fetch import DownError, UnreadableError
from citizen_api.sources.air_records import HourlyForecastRecord
from citizen_api.sources.open_meteo import FORECAST_PATH, Centre, OpenMeteo, read_open_meteo
from citizen_api.sources.records import SourceFormatError
from tests.sources.air_makers import Answer, make_air_publisher, make_place

MIDNIGHT = datetime(2026, 10, 6, tzinfo=UTC)
PARIS = Centre(lat=48.8566, lon=2.3522)
LYON = Centre(lat=45.7578, lon=4.8320)


def read(answer):
    return list(read_open_meteo(json.dumps(answer).encode()))


def hourly(**changes):
    return make_place(hourly=make_place()["hourly"] | changes)


def test_each_value_is_that_of_the_hour_that_ends_at_its_label():
    assert read(make_place())[0] == HourlyForecastRecord(
        pollutant="pm25", ends_at=MIDNIGHT, value_ug_m3=8.5, lat=48.85, lon=2.35
    )


def test_nulls_are_missing_and_the_producers_index_is_not_read():
    assert [item.pollutant for item in read(make_place())] == [
        "pm25",
        "pm10",
        "no2",
        "o3",
        "so2",
        "pm10",
        "no2",
        "o3",
        "so2",
    ]


def test_local_times_are_moved_by_their_offset():
    assert read(make_place(utc_offset_seconds=7200))[0].ends_at == datetime(2026, 10, 5, 22, tzinfo=UTC)


def test_several_places_come_as_a_list():
    assert {item.lat for item in read([make_place(), make_place(latitude=45.75)])} == {48.85, 45.75}


@pytest.mark.parametrize("unit", ["\u00b5g/m\u00b3", "\u03bcg/m\u00b3"], ids=["micro sign", "Greek letter"])
def test_either_character_for_micro_will_do(unit):
    place = make_place()
    place["hourly_units"]["pm2_5"] = unit
    assert len(read(place)) == 9


@pytest.mark.parametrize("unit", ["mg/m³", "ppb", None], ids=repr)
def test_another_unit_is_refused(unit):
    place = make_place()
    place["hourly_units"]["pm2_5"] = unit
    with pytest.raises(SourceFormatError, match="`pm2_5` is not in ug/m3"):
        read(place)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], None, 5], ids=repr)
def test_arrays_of_another_length_are_refused(values):
    with pytest.raises(SourceFormatError, match="one value for each time"):
        read(hourly(ozone=values))


@pytest.mark.parametrize(
    ("value", "code"), [(-30, "absurd_value"), (10_000, "absurd_value"), ("much", "bad_number"), (True, "bad_number")]
)
def test_an_absurd_value_costs_only_itself(value, code):
    items = read(hourly(ozone=[value, 41.0]))
    assert [item.code for item in items if hasattr(item, "code")] == [code]
    assert len(items) == 9


@pytest.mark.parametrize("time", ["soon", 1_700_000_000, None], ids=repr)
def test_an_unreadable_time_costs_only_its_hour(time):
    items = read(hourly(time=[time, "2026-10-06T01:00"]))
    assert [getattr(item, "code", None) for item in items] == ["bad_time", None, None, None, None]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        3,
        {"error": True, "reason": "Value of latitude must be given"},
        make_place(hourly={"time": []}),
        make_place(hourly={"pm10": []}),
        make_place(latitude="north"),
        make_place(utc_offset_seconds=90_000),
        make_place(hourly_units=None),
    ],
    ids=["object", "list", "number", "error", "no fields", "no time", "no position", "offset", "no units"],
)
def test_another_answer_is_refused(answer):
    with pytest.raises(SourceFormatError):
        read(answer)


# --- The API ------------------------------------------------------------------------------------------------


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers[FORECAST_PATH] = [Answer(json.dumps([make_place(), make_place(latitude=45.75)]).encode())]
        yield running


@pytest.fixture
def open_meteo(publisher):
    with make_client(Settings()) as client:
        yield OpenMeteo(client, url=publisher.url)


def test_several_communes_are_asked_in_one_call(publisher, open_meteo):
    found = open_meteo.forecast({"75056": PARIS, "69123": LYON})
    assert {code: items[0].lat for code, items in found.items()} == {"75056": 48.85, "69123": 45.75}
    [call] = publisher.calls
    assert (call.query["latitude"], call.query["longitude"]) == (["48.8566,45.7578"], ["2.3522,4.8320"])
    assert call.query["timezone"] == ["GMT"]


def test_no_commune_is_no_call(publisher, open_meteo):
    assert (open_meteo.forecast({}), publisher.calls) == ({}, [])


def test_one_commune_is_answered_without_a_list(publisher, open_meteo):
    publisher.answers[FORECAST_PATH] = [Answer(json.dumps(make_place()).encode())]
    assert len(open_meteo.forecast({"75056": PARIS})["75056"]) == 9


def test_an_answer_for_fewer_places_is_unreadable(open_meteo):
    with pytest.raises(UnreadableError, match="for 2 places of 1"):
        open_meteo.forecast({"75056": PARIS})


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(b'{"error": true}', 400), DownError), (Answer(b"<html>"), UnreadableError)],
    ids=["refused", "page"],
)
def test_what_goes_wrong_is_told_without_positions(publisher, open_meteo, answer, error):
    publisher.answers[FORECAST_PATH] = [answer]
    with pytest.raises(error) as raised:
        open_meteo.forecast({"75056": PARIS})
    assert "48.8" not in str(raised.value)
