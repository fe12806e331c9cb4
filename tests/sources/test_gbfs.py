"""Bike share feeds of every version: what they say of stations, and what is refused of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.sources import gbfs
from citizen_api.sources import gbfs_values as values
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.shared_data import shared_file
from tests.sources.gbfs_makers import (
    REPORTED_S,
    TYPES,
    URL,
    feed,
    information,
    make_discovery,
    make_place,
    make_status,
    make_status_2,
    make_status_3,
    make_type,
    make_velib_status,
    status,
    system,
    vehicle_types,
)

REPORTED_AT = datetime.fromtimestamp(REPORTED_S, UTC)


def read(*stations, places=None, types=()):
    places = [make_place()] if places is None else places
    kinds = gbfs.read_vehicle_types(vehicle_types(*types)) if types else None
    return list(gbfs.read_stations(status(*stations), gbfs.read_information(information(*places)), kinds))


def read_one(station, **given):
    (found,) = read(station, **given)
    assert isinstance(found, gbfs.BikeStationRecord), found
    return found


def refusal_of(station, **given):
    (found,) = read(station, **given)
    assert isinstance(found, RejectedRow), found
    return found.code


# --- Versions ----------------------------------------------------------------------------------------------


VERSIONS = {
    "1.0": (make_status(), (), None),
    "Vélib'": (make_velib_status(), (), 3),
    "Lyft": (make_status(num_ebikes_available=3), (), 3),
    "2.3": (make_status_2(), TYPES, 3),
    "3.0": (make_status_3(), TYPES, 3),
}


@pytest.mark.parametrize(("station", "types", "ebikes"), VERSIONS.values(), ids=VERSIONS)
def test_each_version_says_the_same_of_a_station(station, types, ebikes):
    found = read_one(station, types=types)
    assert (found.bikes, found.ebikes, found.docks, found.capacity) == (5, ebikes, 15, 20)
    assert (found.is_installed, found.is_renting, found.is_returning) == (True, True, True)
    assert (found.code, found.name, found.lat, found.lon) == ("1", "Synthetic", 48.86, 2.35)
    assert found.last_reported == REPORTED_AT


@pytest.mark.parametrize(("told", "ttl_s"), [(60, 60), (1e300, 86_400), (10**400, 0), (-5, 0), (None, 0), ("x", 0)])
def test_a_feed_may_ask_to_be_left_alone_for_a_day_at_most(told, ttl_s):
    assert values.ttl_s({"ttl": told}) == ttl_s


@pytest.mark.parametrize("language", ["fr", "en", None])
def test_feeds_are_found_under_a_language_and_without(language):
    assert gbfs.read_discovery(make_discovery(language=language))["station_status"] == f"{URL}/station_status.json"


def test_french_feeds_go_before_english_before_others():
    def under(*codes):
        found = feed({code: {"feeds": gbfs_feeds(code)} for code in codes})
        return gbfs.read_discovery(found)["station_status"]

    def gbfs_feeds(code):
        return [{"name": name, "url": f"{URL}/{code}/{name}"} for name in gbfs.NEEDED]

    assert under("de", "en", "fr") == f"{URL}/fr/station_status"
    assert under("de", "en") == f"{URL}/en/station_status"
    assert under("de", "nl") == f"{URL}/de/station_status"


@pytest.mark.parametrize(
    "body",
    [
        make_discovery("system_information", "station_information"),
        feed({}),
        feed({"fr": {"feeds": "none"}}),
        feed([]),
        b"",
        b"<html>",
        b"[]",
        b'{"data": ' + b"[" * 100_000,
        feed({"fr": {"feeds": [{"name": "a", "url": "b"}] * (gbfs.MAX_FEEDS + 1)}}),
    ],
)
def test_what_names_no_stations_is_no_discovery(body):
    with pytest.raises(SourceFormatError) as raised:
        gbfs.read_discovery(body)
    assert str(raised.value).startswith("Not a GBFS auto-discovery file: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "read_name"),
    [
        ("Rivoli", "Rivoli"),
        ([{"text": "Rivoli EN", "language": "en"}, {"text": "Rivoli", "language": "fr-FR"}], "Rivoli"),
        ([{"text": "Rivoli", "language": "en"}, {"text": "Rivoli DE", "language": "de"}], "Rivoli"),
        ([{"text": "Rivoli", "language": "de"}], "Rivoli"),
        ([7, {"language": "fr"}, {"text": "Rivoli"}], "Rivoli"),
        (" Rivo\x00li\n", "Rivo li"),
        ("R" * 300, "R" * gbfs.NAME_LENGTH),
    ],
)
def test_names_are_texts_or_texts_by_language(name, read_name):
    assert read_one(make_status(), places=[make_place(name=name)]).name == read_name


@pytest.mark.parametrize(("place", "station"), [(7, 7), ("7", 7), (7, "7"), (7.0, "7"), (" 7", 7)], ids=repr)
def test_identifiers_are_numbers_or_texts(place, station):
    assert read_one(make_status(station), places=[make_place(place)]).code == "7"


@pytest.mark.parametrize(
    ("written", "meant"),
    [(True, True), (1, True), ("1", True), ("true", True), (False, False), (0, False), ("False", False)],
    ids=repr,
)
def test_states_are_written_in_many_ways(written, meant):
    found = read_one(make_status(is_installed=written, is_renting=written, is_returning=written))
    assert (found.is_installed, found.is_renting, found.is_returning) == (meant, meant, meant)


@pytest.mark.parametrize(
    "moment",
    [
        REPORTED_S,
        float(REPORTED_S),
        str(REPORTED_S),
        REPORTED_S * 1000,
        "2025-11-24T21:33:20Z",
        "2025-11-24T22:33:20+01",
    ],
    ids=repr,
)
def test_moments_are_seconds_milliseconds_or_rfc_3339(moment):
    assert read_one(make_status(last_reported=moment)).last_reported == REPORTED_AT


def test_who_runs_a_system_is_said_in_its_words():
    said = gbfs.read_system(
        system(
            name=[{"text": "Vélos", "language": "fr"}],
            attribution_organization_name=[{"text": "Ville", "language": "fr"}],
            license_id="etalab-2.0",
            url="https://bikes.example",
        )
    )
    assert said == gbfs.BikeSystemRecord(
        title="Vélos", producer="Ville", licence="etalab-2.0", url="https://bikes.example"
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", 7, None, ["https://a.example"]], ids=repr)
def test_only_an_address_of_the_web_is_kept_of_a_system(url):
    assert gbfs.read_system(system(url=url)).url is None


# --- Kinds of vehicles -------------------------------------------------------------------------------------


def test_scooters_at_a_station_are_no_bicycles():
    types = [{"vehicle_type_id": "plain", "count": 2}, {"vehicle_type_id": "kick", "count": 9}]
    found = read_one(make_status_3(vehicle_types_available=types, num_vehicles_available=11), types=TYPES)
    assert (found.bikes, found.ebikes) == (2, 0)


@pytest.mark.parametrize(
    ("types", "ebikes"),
    [
        ([make_type("a")], 0),
        ([make_type("a", propulsion="electric_assist")], 5),
        ([make_type("a"), make_type("b", propulsion="electric")], None),
    ],
)
def test_a_station_that_tells_no_types_has_the_kind_of_its_system_or_an_unknown_one(types, ebikes):
    assert read_one(make_status(), types=types).ebikes == ebikes


def test_a_count_of_bicycles_and_scooters_together_is_not_taken_for_bicycles():
    assert refusal_of(make_status(), types=TYPES) == "kind_unknown"


@pytest.mark.parametrize(
    ("form", "propulsion", "kind"),
    [
        ("bicycle", "human", "bike"),
        ("cargo_bicycle", "electric_assist", "ebike"),
        ("bicycle", "combustion", "other"),
        ("scooter", "electric", "other"),
        (None, None, "other"),
        (7, ["human"], "other"),
    ],
)
def test_a_type_is_a_bicycle_an_electric_one_or_something_else(form, propulsion, kind):
    assert gbfs.read_vehicle_types(vehicle_types(make_type("a", form, propulsion))) == {"a": kind}


# --- What is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station_id": None}, "no_identifier"),
        ({"station_id": ["1"]}, "no_identifier"),
        ({"station_id": "x" * 101}, "no_identifier"),
        ({"num_bikes_available": None}, "no_count"),
        ({"num_bikes_available": "many"}, "bad_number"),
        ({"num_bikes_available": 1.5}, "bad_number"),
        ({"num_bikes_available": -1}, "absurd_value"),
        ({"num_bikes_available": 10**400}, "bad_number"),
        ({"num_docks_available": 99_999}, "absurd_value"),
        ({"num_docks_available": {"a": 1}}, "bad_number"),
        ({"num_ebikes_available": 6}, "absurd_value"),
        ({"num_bikes_available_types": [{"ebike": "x"}]}, "bad_number"),
        ({"is_installed": None}, "bad_state"),
        ({"is_renting": 2}, "bad_state"),
        ({"is_returning": "maybe"}, "bad_state"),
        ({"last_reported": None}, "bad_time"),
        ({"last_reported": "yesterday"}, "bad_number"),
        ({"last_reported": -5}, "bad_time"),
        ({"last_reported": 4e18}, "bad_time"),
        ({"last_reported": "2025-11-24T22:33:20"}, "bad_time"),
        ({"last_reported": True}, "bad_number"),
    ],
)
def test_a_row_of_the_wrong_form_is_rejected_with_a_reason_and_the_rest_kept(change, code):
    first, second = (
        item
        for item in read(make_status() | change, make_status("2"), places=[make_place(), make_place("2")])
        if not (isinstance(item, RejectedRow) and item.code == "no_status")
    )
    assert first.code == code
    assert second.code == "2"


@pytest.mark.parametrize("given", [None, "7", 7, [], {"a": 1}], ids=repr)
def test_a_row_that_is_no_station_is_rejected(given):
    rejected = [item for item in read(given) if item.code != "no_status"]
    assert [item.code for item in rejected] == ["no_identifier" if isinstance(given, dict) else "not_a_station"]


@pytest.mark.parametrize(
    "types",
    ["2", [7], [{"count": 2}], [{"vehicle_type_id": "spaceship", "count": 2}], [{"vehicle_type_id": ["plain"]}]],
)
def test_types_that_the_system_does_not_have_reject_the_row(types):
    assert refusal_of(make_status_2(vehicle_types_available=types), types=TYPES) in {"bad_types", "kind_unknown"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "no_name"),
        ({"name": {"fr": "Rivoli"}}, "no_name"),
        ({"lat": None}, "bad_position"),
        ({"lat": 91}, "bad_position"),
        ({"lat": 0, "lon": 0}, "bad_position"),
        ({"lat": "north"}, "bad_number"),
        ({"lon": float("nan")}, "bad_number"),
        ({"capacity": -3}, "absurd_value"),
    ],
)
def test_a_station_that_stands_nowhere_is_rejected_twice_as_place_and_as_status(change, code):
    assert [item.code for item in read(make_status(), places=[make_place(**change)])] == [code, "no_station"]


def test_a_station_without_a_status_and_a_status_without_a_station_are_rejected():
    found = read(make_status("2"), places=[make_place("1")])
    assert [item.code for item in found] == ["no_station", "no_status"]


def test_of_a_station_that_stands_twice_the_first_counts():
    first, second, third = read(
        make_status(num_bikes_available=1),
        make_status(num_bikes_available=2),
        places=[make_place(), make_place(name="Again")],
    )
    assert (first.code, third.code) == ("duplicate", "duplicate")
    assert (second.name, second.bikes) == ("Synthetic", 1)


def test_a_broken_row_does_not_hide_the_good_one_of_the_same_station():
    broken, good = read(make_status(is_renting="maybe"), make_status())
    assert (broken.code, good.bikes) == ("bad_state", 5)


def test_a_feed_that_nests_deep_is_refused_whole():
    deep = json.loads("[" * 60 + "]" * 60)
    with pytest.raises(SourceFormatError, match="nests deeper"):
        read(make_status(num_docks_available=deep))


def test_a_feed_of_too_many_stations_is_refused_whole():
    with pytest.raises(SourceFormatError, match="more than 20000 stations"):
        gbfs.read_information(feed({"stations": [0] * 20_001}))


def test_docks_and_capacity_that_are_not_told_are_unknown():
    found = read_one(make_status(num_docks_available=None), places=[make_place(capacity=None)])
    assert (found.docks, found.capacity) == (None, None)


# --- The real feed -----------------------------------------------------------------------------------------


def test_every_station_of_velib_in_2022_is_read_with_its_kinds():
    places = gbfs.read_information(shared_file("gbfs/velib_2022-02/station_information.json").read_bytes())
    body = shared_file("gbfs/velib_2022-02/station_status.json").read_bytes()
    found = list(gbfs.read_stations(body, places))
    assert len(found) == 1_439
    assert {type(item) for item in found} == {gbfs.BikeStationRecord}
    victor_hugo = found[0]
    assert (victor_hugo.name, victor_hugo.capacity) == ("Benjamin Godard - Victor Hugo", 35)
    assert (victor_hugo.bikes, victor_hugo.ebikes, victor_hugo.docks) == (1, 1, 33)
    assert victor_hugo.last_reported == datetime(2022, 2, 23, 18, 8, 54, tzinfo=UTC)
    assert sum(not station.is_installed for station in found) == 8
    assert all(station.ebikes is not None for station in found)
    document, _ = values.read_document(body, what="a feed")
    by_its_own_clock = values.updated_at(document)
    assert min(by_its_own_clock - station.last_reported for station in found) > timedelta(minutes=10)


def test_the_discovery_of_velib_in_2022_names_its_feeds():
    found = gbfs.read_discovery(shared_file("gbfs/velib_2022-02/gbfs.json").read_bytes())
    assert set(gbfs.NEEDED) < set(found)
    said = gbfs.read_system(shared_file("gbfs/velib_2022-02/system_information.json").read_bytes())
    assert said == gbfs.BikeSystemRecord(title="Paris")
