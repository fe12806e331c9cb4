"""Which feeds the settings switch on, and what each asks for."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.air.feeds import check_feeds, feeds_from
from citizen_api.air.keeping import AirKeeper
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings, SettingsError
from citizen_api.people.device_models import Device, Watch
from citizen_api.sources.airparif import COMMUNES_PATH
from citizen_api.sources.atmo_data import EPISODES_PATH, INDEX_PATH, LOGIN_PATH, POLLEN_PATH
from citizen_api.sources.open_meteo import FORECAST_PATH
from citizen_api.sources.vigilance import MAP_PATH
from tests.air.makers import NOON
from tests.sources.air_makers import (
    Answer,
    geojson,
    make_air_publisher,
    make_episode,
    make_index,
    make_map,
    make_phenomenon,
    make_place,
    make_pollen,
)

UV = b"insee;commune;date;UV_J0\n75104;PARIS;2026-01-06;1\n"


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        yield running


@pytest.fixture
def http(settings):
    with make_client(settings) as client:
        yield client


@pytest.fixture
def feeds(settings, database, http):
    def of(**changes):
        return {feed.info.id: feed for feed in feeds_from(replace(settings, **changes), database, http)}

    return of


@pytest.fixture
def turn(settings, database, http, clock, tmp_path):
    """Read once what settings switch on: {source: turn}."""
    clock.moment = NOON

    def run(**changes):
        read = feeds_from(replace(settings, **changes), database, http)
        keeper = AirKeeper(database, read, clock=clock, reports_dir=tmp_path, draw=lambda: 0.5)
        return {each.source_id: each for each in keeper.turn()}

    return run


def watch(database, *codes):
    today = NOON.date()
    with database.session() as session:
        session.add(Device(id="synthetic", token_hash="synthetic", created_on=today, seen_on=today))
        session.flush()
        for code in codes:
            wish = {"hazard": "air", "level": 3, "told_when": "today"}
            session.add(Watch(id=code, device_id="synthetic", commune_code=code, **wish))


# --- Switches ----------------------------------------------------------------------------------------------


def test_by_default_nobody_is_asked(feeds):
    assert feeds() == {}


@pytest.mark.parametrize(
    ("changes", "sources"),
    [
        ({"air_atmo_data_user": "city"}, {"atmo-data", "atmo-data-pollen", "atmo-data-episodes"}),
        ({"air_airparif_key": "key"}, {"airparif"}),
        ({"air_open_meteo_enabled": True}, {"open-meteo"}),
        ({"air_meteo_france_key": "key"}, {"meteo-france"}),
        ({"air_files": ("uv=https://files.example/{date}.csv",)}, {"uv"}),
        (
            {"air_files": ("airparif-stations=https://a.example/1", "vigilance=https://a.example/2")},
            {"airparif-stations", "meteo-france"},
        ),
    ],
)
def test_each_setting_switches_on_its_own_feeds(feeds, changes, sources):
    assert set(feeds(**changes)) == sources


@pytest.mark.parametrize("named", ["weather=https://files.example/1", "open-meteo=https://files.example/1?key=secret"])
def test_a_kind_of_file_that_is_not_read_is_refused_without_its_address(named):
    with pytest.raises(SettingsError, match="ALENTOURS_AIR_FILES") as refused:
        check_feeds(Settings(air_files=(named,)))
    assert "files.example" not in str(refused.value)


def test_warnings_are_read_more_often_than_indices(feeds):
    read = feeds(air_meteo_france_key="key", air_atmo_data_user="city", air_open_meteo_enabled=True)
    assert read["meteo-france"].every < read["atmo-data"].every < read["open-meteo"].every


# --- Atmo Data ---------------------------------------------------------------------------------------------


@pytest.fixture
def atmo_data(publisher):
    day = {"date_ech": "2026-01-06", "date_maj": "2026-01-06T09:00:00Z"}
    publisher.answers |= {
        LOGIN_PATH: [Answer(b'{"token": "synthetic"}')],
        INDEX_PATH: [Answer(geojson(make_index(**day)))],
        POLLEN_PATH: [Answer(geojson(make_pollen(**day)))],
        EPISODES_PATH: [Answer(geojson(make_episode(**day)))],
    }
    return {"air_atmo_data_user": "city", "air_atmo_data_password": "synthetic", "air_atmo_data_url": publisher.url}


def test_index_pollen_and_episodes_are_read_with_one_log_in(publisher, turn, atmo_data):
    turns = turn(**atmo_data)
    assert {source: each.report.facts["new"] for source, each in turns.items()} == {
        "atmo-data": 1,
        "atmo-data-pollen": 1,
        "atmo-data-episodes": 1,
    }
    assert publisher.paths() == [LOGIN_PATH, *[INDEX_PATH] * 2, *[POLLEN_PATH] * 2, EPISODES_PATH]


def test_today_and_tomorrow_are_asked_for_as_paris_counts_them(publisher, turn, atmo_data, clock):
    clock.moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    turn(**atmo_data)
    asked = [call.query["date"] for call in publisher.calls if call.path == INDEX_PATH]
    assert asked == [["2026-07-02"], ["2026-07-03"]]


def test_no_episode_at_all_is_an_answer_and_no_index_at_all_is_none(publisher, turn, atmo_data):
    publisher.answers |= {INDEX_PATH: [Answer(geojson())], EPISODES_PATH: [Answer(geojson())]}
    turns = turn(**atmo_data)
    assert (turns["atmo-data"].problem, turns["atmo-data-episodes"].problem) == ("empty", None)


def test_a_data_set_that_is_down_does_not_keep_the_others(publisher, turn, atmo_data):
    publisher.answers[INDEX_PATH] = [Answer(status=500)]
    turns = turn(**atmo_data)
    assert {source: each.problem for source, each in turns.items()} == {
        "atmo-data": "down",
        "atmo-data-pollen": None,
        "atmo-data-episodes": None,
    }


def test_a_day_after_that_is_answered_with_an_error_does_not_cost_today(publisher, turn, atmo_data, caplog):
    publisher.answers[INDEX_PATH] += [Answer(status=500)]
    publisher.answers[POLLEN_PATH] += [Answer(b"<html>Maintenance</html>")]
    with caplog.at_level("WARNING", logger="alentours.air"):
        turns = turn(**atmo_data)
    assert {source: each.report.facts.total() for source, each in turns.items()} == {
        "atmo-data": 1,
        "atmo-data-pollen": 1,
        "atmo-data-episodes": 1,
    }
    assert [(record.message, record.source) for record in caplog.records] == [
        ("day after not read", "atmo-data"),
        ("day after not read", "atmo-data-pollen"),
    ]


def test_an_error_about_the_day_after_is_told_where_today_has_nothing(publisher, turn, atmo_data):
    publisher.answers[INDEX_PATH] = [Answer(geojson()), Answer(status=500)]
    assert turn(**atmo_data)["atmo-data"].problem == "down"


def test_a_day_after_that_is_too_much_to_ask_leaves_the_source_alone(publisher, turn, atmo_data):
    publisher.answers[INDEX_PATH] += [Answer(b"", 429)]
    assert turn(**atmo_data)["atmo-data"].problem == "busy"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(Answer(b"", 500), "down"), (Answer(b"", 401), "credentials"), (Answer(b"<html>"), "unreadable")],
)
def test_a_log_in_that_failed_is_tried_once_in_a_turn(publisher, turn, atmo_data, answer, problem):
    publisher.answers[LOGIN_PATH] = [answer]
    assert {each.problem for each in turn(**atmo_data).values()} == {problem}
    assert publisher.paths() == [LOGIN_PATH]


# --- The others --------------------------------------------------------------------------------------------


def test_airparif_is_asked_for_what_is_watched_in_its_region_and_what_the_settings_name(publisher, turn, database):
    watch(database, "75104", "13055")
    body = b'{"75104": [{"date": "2026-01-06", "pm25": "Moyen", "indice": "Moyen"}]}'
    publisher.answers[COMMUNES_PATH] = [Answer(body)]
    turns = turn(air_airparif_key="synthetic", air_airparif_url=publisher.url, air_communes=("93066", "34172"))
    assert turns["airparif"].report.facts == {"new": 1}
    assert publisher.calls[0].query == {"insee": ["75104", "93066"]}


def test_of_an_answer_of_airparif_only_what_was_asked_for_is_kept(publisher, turn):
    days = [{"date": "2026-01-06", "pm25": "Moyen", "indice": "Moyen"}]
    publisher.answers[COMMUNES_PATH] = [Answer(json.dumps({"75104": days, "75105": days}).encode())]
    asked = {"air_airparif_key": "synthetic", "air_airparif_url": publisher.url, "air_communes": ("75104",)}
    report = turn(**asked)["airparif"].report
    assert (report.facts, report.rejected) == ({"new": 1}, {"not_asked": 1})


def test_where_nobody_watches_anything_airparif_is_not_asked(publisher, turn):
    turns = turn(air_airparif_key="synthetic", air_airparif_url=publisher.url)
    assert (turns["airparif"].problem, publisher.calls) == (None, [])


def test_open_meteo_learns_the_centres_of_communes_and_nothing_else(publisher, turn, database):
    watch(database, "13055")
    publisher.answers[FORECAST_PATH] = [Answer(json.dumps(make_place()).encode())]
    turns = turn(air_open_meteo_enabled=True, air_open_meteo_url=publisher.url)
    assert turns["open-meteo"].report.forecast_hours == 9
    (call,) = publisher.calls
    assert {name: len(values) for name, values in call.query.items()} == dict.fromkeys(
        ("latitude", "longitude", "hourly", "timezone", "forecast_days"), 1
    )


def test_a_warning_that_the_map_does_not_tell_any_more_is_closed(publisher, turn, clock):
    both = [make_phenomenon("6", ("06:00", "12:00", 3)), make_phenomenon("3", ("06:00", "12:00", 2))]
    publisher.answers[MAP_PATH] = [Answer(json.dumps(make_map({"75": both[:count]})).encode()) for count in (2, 1)]
    clock.moment = datetime(2026, 7, 1, 5, tzinfo=UTC)
    asked = {"air_meteo_france_key": "synthetic", "air_meteo_france_url": publisher.url}
    turn(**asked)
    clock.moment += timedelta(hours=1)
    assert turn(**asked)["meteo-france"].report.facts == {"unchanged": 1, "closed": 1}


# --- Files at addresses ------------------------------------------------------------------------------------


def files(publisher, *named):
    return {"air_files": tuple(f"{kind}={publisher.url}{path}" for kind, path in named)}


@pytest.fixture
def loopback_files(monkeypatch):
    """Let the setting take http too."""
    monkeypatch.setattr("citizen_api.core.settings.check_files", lambda _: None)


@pytest.mark.usefixtures("loopback_files")
def test_the_date_in_an_address_is_todays(publisher, turn):
    publisher.answers["/20260106.csv"] = [Answer(UV)]
    assert turn(**files(publisher, ("uv", "/{date}.csv")))["uv"].report.facts == {"new": 1}


@pytest.mark.usefixtures("loopback_files")
def test_two_files_of_one_source_are_read_in_the_same_turn(publisher, turn):
    publisher.answers |= {"/1.csv": [Answer(UV)], "/2.csv": [Answer(UV.replace(b"75104", b"75105"))]}
    turns = turn(**files(publisher, ("uv", "/1.csv"), ("uv", "/2.csv")))
    assert turns["uv"].report.facts == {"new": 2}


@pytest.mark.usefixtures("loopback_files")
def test_a_file_of_another_form_is_unreadable(publisher, turn):
    publisher.answers["/1.csv"] = [Answer(b"<html>Maintenance</html>")]
    assert turn(**files(publisher, ("uv", "/1.csv")))["uv"].problem == "unreadable"
