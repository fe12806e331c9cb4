"""Synthetic vigilance maps in the documented form, a recorded one, and the API on loopback."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.sources import air_values
from citizen_api.sources.air_fetch import BusyError, CredentialsError, UnreadableError
from citizen_api.sources.air_records import VigilanceRecord, Zone
from citizen_api.sources.records import SourceFormatError
from citizen_api.sources.vigilance import MAP_PATH, Vigilance, read_vigilance
from tests.shared_data import shared_file
from tests.sources.air_makers import Answer, make_air_publisher, make_map, make_phenomenon

KEY = "synthetic-key"
REAL = "vigilance/dpvigilance_2026-08-22T0657Z.json"


def read(document):
    return list(read_vigilance(json.dumps(document).encode()))


def at(hour):
    return datetime(2026, 7, 1, hour, tzinfo=UTC)


def test_a_warning_has_the_worst_level_of_its_day_and_its_hours():
    heat = make_phenomenon(
        "6", ("04:00", "10:00", 1), ("10:00", "12:00", 3), ("12:00", "14:00", 2), ("14:00", "18:00", 3)
    )
    assert read(make_map({"75": [heat]})) == [
        VigilanceRecord(
            zone=Zone(kind="departement", code="75"),
            day=date(2026, 7, 1),
            hazard="heat",
            level=3,
            starts_at=at(10),
            ends_at=at(18),
            published_at=datetime(2026, 7, 1, 4, 0, 12, tzinfo=UTC),
        )
    ]


def test_what_is_listed_green_is_level_1_and_what_is_not_listed_is_unknown():
    assert [
        (item.hazard, item.level) for item in read(make_map({"75": [make_phenomenon("6", ("04:00", "22:00", 1))]}))
    ] == [("heat", 1)]


def test_storms_heat_and_cold_are_read_and_others_left_out():
    items = [make_phenomenon(number, ("04:00", "22:00", 2)) for number in "123456789"]
    assert [item.hazard for item in read(make_map({"75": items}))] == ["storms", "heat", "cold"]


def test_a_warning_without_hours_holds_for_its_period():
    [item] = read(make_map({"75": [make_phenomenon("6", worst=2)]}))
    assert (item.level, item.starts_at, item.ends_at) == (2, at(4), at(22))


@pytest.mark.parametrize("code", ["FRA", "7610", "99", "20", "", "VIGI971"])
def test_coasts_the_whole_and_abroad_are_left_out(code):
    assert read(make_map({code: [make_phenomenon("6", ("04:00", "22:00", 2))]})) == []


@pytest.mark.parametrize("code", ["01", "2A", "75", "95", "974"])
def test_departements_are_read_overseas_too(code):
    assert read(make_map({code: [make_phenomenon("6", ("04:00", "22:00", 2))]}))[0].zone.code == code


def test_tomorrow_begins_at_midnight_in_france():
    period = {
        "echeance": "J1",
        "begin_validity_time": "2026-07-01T22:00:00Z",
        "end_validity_time": "2026-07-02T22:00:00Z",
    }
    [item] = read(make_map({"75": [make_phenomenon("6", worst=2)]}, **period))
    assert item.day == date(2026, 7, 2)


def test_another_period_is_left_out():
    assert read(make_map({"75": [make_phenomenon("6", worst=2)]}, echeance="J2")) == []


def test_a_map_may_be_wrapped_and_its_numbers_may_be_text():
    heat = make_phenomenon("6", worst="2") | {"phenomenon_id": 6}
    assert read({"carte": make_map({"75": [heat]})})[0].level == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (make_phenomenon("6", worst=5), "bad_level"),
        (make_phenomenon("6", worst="red"), "bad_number"),
        (make_phenomenon("6", ("10:00", "09:00", 2)), "bad_time"),
        (make_phenomenon("6", ("10:00", "soon", 2)), "bad_time"),
        ({"phenomenon_id": "6"}, "bad_level"),
    ],
    ids=["violet", "word", "backwards", "unreadable", "no colour"],
)
def test_a_bad_warning_costs_only_itself(bad, code):
    items = read(make_map({"75": [bad, make_phenomenon("3", worst=1)]}))
    assert [getattr(item, "code", None) for item in items] == [code, None]


def test_a_warning_that_is_listed_twice_counts_once():
    items = read(make_map({"75": [make_phenomenon("6", worst=2)] * 2}))
    assert [getattr(item, "code", None) for item in items] == ["duplicate", None]


@pytest.mark.parametrize("levels", [(1, 4), (4, 1)])
def test_of_a_warning_that_is_listed_twice_the_worse_counts(levels):
    items = read(make_map({"75": [make_phenomenon("6", worst=level) for level in levels]}))
    assert [getattr(item, "level", "rejected") for item in items] == ["rejected", 4]


def test_a_period_without_its_bounds_costs_only_itself():
    assert [item.code for item in read(make_map({"75": []}, begin_validity_time=None))] == ["bad_time"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"product": {}},
        {"product": {"update_time": "2026-07-01T04:00:12Z", "periods": []}},
        {"product": {"periods": [1]}},
        {"carte": 3},
    ],
    ids=repr,
)
def test_another_file_is_refused(document):
    with pytest.raises(SourceFormatError):
        read(document)


def test_a_file_that_is_too_large_for_a_map_is_refused(monkeypatch):
    monkeypatch.setattr(air_values, "JSON_MAX_BYTES", 10)
    with pytest.raises(SourceFormatError, match="larger than 10 bytes"):
        read(make_map({}))


def test_the_recorded_map_has_storms_and_heat_for_96_departements_on_two_days():
    items = list(read_vigilance(shared_file(REAL).read_bytes()))
    assert Counter((str(item.day), item.hazard) for item in items) == {
        ("2026-08-22", "storms"): 96,
        ("2026-08-22", "heat"): 96,
        ("2026-08-23", "storms"): 96,
        ("2026-08-23", "heat"): 96,
    }
    assert len({item.zone.code for item in items}) == 96


def test_the_recorded_map_has_yellow_storms_only():
    yellow = {
        (item.zone.code, item.day.day, item.starts_at.hour, item.ends_at.hour): item.hazard
        for item in read_vigilance(shared_file(REAL).read_bytes())
        if item.level > 1
    }
    today = [("40", 22, 20, 22), ("59", 22, 4, 10), ("62", 22, 4, 10), ("64", 22, 16, 22), ("65", 22, 16, 22)]
    tomorrow = [("17", 23, 9, 14), ("33", 23, 22, 11), ("40", 23, 22, 8)]
    assert yellow == dict.fromkeys([*today, *tomorrow], "storms")


# --- The API ------------------------------------------------------------------------------------------------


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        document = make_map({"75": [make_phenomenon("6", ("04:00", "22:00", 2))]})
        running.answers[MAP_PATH] = [Answer(json.dumps(document).encode())]
        yield running


@pytest.fixture
def vigilance(publisher):
    with make_client(Settings()) as client:
        yield Vigilance(client, key=KEY, url=publisher.url)


def test_the_map_in_force_is_asked_for_with_the_key_in_a_header(publisher, vigilance):
    assert [item.level for item in vigilance.current()] == [2]
    assert publisher.calls[0].headers["apikey"] == KEY


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(b"", 401), CredentialsError), (Answer(b"", 429), BusyError), (Answer(b"<html>"), UnreadableError)],
    ids=["refused", "busy", "page"],
)
def test_what_goes_wrong_is_told_without_the_key(publisher, vigilance, answer, error):
    publisher.answers[MAP_PATH] = [answer]
    with pytest.raises(error) as raised:
        vigilance.current()
    assert KEY not in str(raised.value) + repr(vigilance)
