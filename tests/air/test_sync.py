"""Recorded files and answers of feeds, as they end up in the tables."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from citizen_api.air import sync
from citizen_api.air.models import AirFact, HourlyForecast, Reading, Station
from citizen_api.air.sync import Answer
from citizen_api.sources.air_files import KINDS
from citizen_api.sources.air_records import EpisodeRecord, HourlyForecastRecord, Zone
from citizen_api.sources.air_sources import AIRPARIF_STATIONS, OPEN_METEO
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.air.makers import DAY, HOUR, NOON, SYNTHETIC, make_index_record, make_reading
from tests.shared_data import shared_file
from tests.sources.air_makers import (
    geojson,
    make_episode,
    make_index,
    make_map,
    make_phenomenon,
    make_place,
    make_pollen,
)

MIDNIGHT = datetime(2026, 1, 7, tzinfo=UTC)


@pytest.fixture
def load(database, tmp_path):
    """Write a file and load it as of a moment."""

    def run(body, *, as_of=NOON, commune=None):
        path = body
        if not isinstance(body, Path):
            path = tmp_path / "recorded"
            path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        return sync.load_file(database, path, as_of=as_of, commune=commune, reports_dir=tmp_path / "imports")

    return run


@pytest.fixture
def keep(database, tmp_path):
    """Store records as one answer of a source."""

    def run(*items, info=SYNTHETIC, at=NOON, **answer):
        return sync.store(database, info, Answer(items=items, **answer), known_at=at, reports_dir=tmp_path / "imports")

    return run


def everything(database, column):
    with database.session(write=False) as session:
        return session.scalars(select(column)).all()


def airparif(*days):
    return {"75104": [{"date": day, "pm25": word, "indice": word} for day, word in days]}


# --- As of a moment ----------------------------------------------------------------------------------------


def test_a_recorded_file_is_known_since_the_moment_as_of_which_it_is_loaded(load, database):
    kind, report = load(airparif(("2026-01-06", "Dégradé"), ("2026-01-07", "Moyen")), as_of=NOON)
    assert (kind, report.facts) == ("airparif-communes", {"new": 2})
    assert set(everything(database, AirFact.known_at)) == {NOON}


def test_loading_the_same_again_changes_nothing(load, database):
    load(airparif(("2026-01-06", "Dégradé")))
    assert load(airparif(("2026-01-06", "Dégradé")))[1].facts == {"unchanged": 1}
    assert load(airparif(("2026-01-06", "Dégradé")), as_of=NOON + HOUR)[1].facts == {"unchanged": 1}
    assert len(everything(database, AirFact.id)) == 1


def stations_csv(*rows):
    """Build Airparif's hourly file of synthetic stations: (name, {hour: value})."""
    codes = [f"S{rank}" for rank in range(len(rows))]
    lines = [
        ["", *(f"{code}:NOX" for code in codes)],
        ["", *(name for name, _ in rows)],
        ["", *codes],
        ["", *("oxydes d azote" for _ in rows)],
        ["", *("NOX" for _ in rows)],
        ["", *("microg/m3" for _ in rows)],
    ]
    moments = sorted({moment for _, values in rows for moment in values})
    lines += [[f"{moment}Z", *(values.get(moment, "") for _, values in rows)] for moment in moments]
    return "\n".join(",".join(map(str, line)) for line in lines).encode()


HOURS = {"2026-01-06 22:00:00": 40.0, "2026-01-06 23:00:00": 50.0, "2026-01-07 00:00:00": 60.0}


@pytest.mark.parametrize(
    ("as_of", "readings", "later"),
    [
        (MIDNIGHT - 90 * timedelta(minutes=1), 1, 2),
        (MIDNIGHT - timedelta(seconds=1), 3, 0),
        (MIDNIGHT, 3, 0),
        (MIDNIGHT - 3 * HOUR, 0, 3),
    ],
)
def test_hours_that_are_not_over_then_are_left_out(load, as_of, readings, later):
    report = load(stations_csv(("PARIS 18ème", HOURS)), as_of=as_of)[1]
    assert (report.readings, report.later, report.is_empty) == (readings, later, readings == 0)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("PARIS 18ème", "75118"),
        ("PARIS 1er Les Halles", "75101"),
        ("PARIS 7ème", "75107"),
        ("NEUILLY-SUR-SEINE", "92051"),
        ("SAINT-DENIS", "93066"),
        ("VITRY-SUR-SEINE", "94081"),
        ("Boulevard Soult", None),
        ("Zone rurale Sud-Est - Forêt de Fontainebleau", None),
        ("Autoroute A1 - Saint-Denis", None),
    ],
)
def test_a_station_of_airparif_stands_in_the_town_with_whose_name_its_own_begins(load, database, name, code):
    load(stations_csv((name, HOURS)), as_of=MIDNIGHT)
    with database.session(write=False) as session:
        assert session.get(Station, (AIRPARIF_STATIONS.id, "S0")).commune_code == code


# --- What cannot be used -----------------------------------------------------------------------------------


def test_rejected_rows_are_in_a_file_and_the_rest_is_kept(keep):
    report = keep(RejectedRow(7, "bad_day: No day.", "synthetic;row"), make_index_record())
    assert (report.facts, report.rejected) == ({"new": 1}, {"bad_day": 1})
    with report.rejected_file.open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["row", "reason", "raw"], ["7", "bad_day: No day.", "synthetic;row"]]


def test_of_two_files_loaded_as_of_one_moment_both_reports_are_kept(keep):
    reports = [keep(RejectedRow(1, "bad_day: No day.", raw)).rejected_file for raw in ("first", "second")]
    assert ["first" in report.read_text(encoding="utf-8") for report in reports] == [True, False]
    assert len(set(reports)) == 2


def test_of_a_name_of_a_producer_200_characters_are_kept(keep, database):
    for hours in (0, 1):
        report = keep(make_index_record(producer="a" * 201), at=NOON + hours * HOUR)
    assert report.facts == {"unchanged": 1}
    assert everything(database, AirFact.details) == [{"producer": "a" * 200}]


def test_an_answer_of_no_episode_leaves_no_row_and_is_not_empty(keep):
    record = EpisodeRecord(zone=Zone(kind="departement", code="75"), day=DAY, pollutant="pm10", tier=None)
    report = keep(record, RejectedRow(2, "state: Unknown.", "synthetic"))
    assert (report.facts, report.is_empty) == ({}, False)


def test_an_answer_without_a_rejected_row_leaves_no_file(keep):
    assert keep(make_index_record()).rejected_file is None


@pytest.mark.parametrize(("kind", "code"), [("epci", "999999999"), ("commune", "98412")])
def test_a_zone_that_nobody_knows_is_rejected(keep, kind, code):
    record = EpisodeRecord(zone=Zone(kind=kind, code=code), day=DAY, pollutant="pm10", tier="alert")
    report = keep(record, make_index_record())
    assert (report.facts, report.rejected) == ({"new": 1}, {"unknown_zone": 1})


@pytest.mark.parametrize(("kind", "code"), [("epci", "200054781"), ("epci", "249740101"), ("region", "11")])
def test_a_group_of_communes_and_a_region_are_known_zones(keep, kind, code):
    record = EpisodeRecord(zone=Zone(kind=kind, code=code), day=DAY, pollutant="pm10", tier="alert")
    assert keep(record).facts == {"new": 1}


def test_an_answer_that_breaks_in_the_middle_leaves_nothing(database):
    def broken():
        yield make_reading(10.0, NOON)
        yield make_index_record()
        raise SourceFormatError("It breaks.")

    with pytest.raises(SourceFormatError):
        sync.store(database, SYNTHETIC, Answer(items=broken()), known_at=NOON, reports_dir=Path("unused"))
    assert everything(database, AirFact.id) == everything(database, Reading.value_ug_m3) == []


# --- Forecasts ---------------------------------------------------------------------------------------------


def expected_day(value=30.0, hours=24):
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    return [
        HourlyForecastRecord(pollutant="pm25", ends_at=midnight + number * HOUR, value_ug_m3=value)
        for number in range(1, hours + 1)
    ]


def test_an_index_is_computed_from_a_forecast_and_says_so(keep, database):
    report = keep(info=OPEN_METEO, forecasts={"75104": expected_day()})
    assert (report.facts, report.forecast_hours) == ({"new": 1}, 24)
    with database.session(write=False) as session:
        fact = session.scalars(select(AirFact)).one()
    assert (fact.day, fact.level, fact.zone_code) == (DAY, 4, "75104")
    assert fact.details == {"levels": {"pm25": 4}, "values_ug_m3": {"pm25": 30.0}, "method": "modelled"}


@pytest.mark.parametrize(("hours", "facts"), [(18, {"new": 1}), (17, {})])
def test_a_day_of_which_too_few_hours_are_expected_has_no_index(keep, hours, facts):
    assert keep(info=OPEN_METEO, forecasts={"75104": expected_day(hours=hours)}).facts == facts


def test_a_published_index_is_not_replaced_by_one_that_is_computed_from_the_same_answer(keep, database):
    keep(make_index_record(2), forecasts={"75104": expected_day()})
    assert everything(database, AirFact.level) == [2]


def test_a_place_without_an_hour_keeps_its_last_good_forecast(keep, database):
    keep(info=OPEN_METEO, forecasts={"75104": expected_day()})
    keep(info=OPEN_METEO, at=NOON + HOUR, forecasts={"75104": []})
    assert len(everything(database, HourlyForecast.ends_at)) == 24


def test_an_old_forecast_loaded_as_of_its_day_leaves_the_hours_of_today(load, keep, database):
    keep(info=OPEN_METEO, forecasts={"75104": expected_day()})
    report = load(make_place(), commune="75104", as_of=NOON - 365 * timedelta(days=1))[1]
    assert report.forecast_hours == 9
    with database.session(write=False) as session:
        assert len(session.scalars(select(HourlyForecast).filter_by(known_at=NOON)).all()) == 24


def test_a_forecast_that_names_no_place_needs_one(load, database):
    with pytest.raises(SourceFormatError, match="--commune"):
        load(make_place())
    kind, report = load(make_place(), commune="75104")
    assert (kind, report.forecast_hours) == ("open-meteo", 9)
    assert set(everything(database, HourlyForecast.commune_code)) == {"75104"}


# --- Every kind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "hazard"),
    [
        ("atmo-data-index", geojson(make_index(), make_index(type_zone="EPCI", code_zone="200054781")), "air"),
        ("atmo-data-pollen", geojson(make_pollen()), "pollen"),
        ("atmo-data-episodes", geojson(make_episode()), "air"),
        ("vigilance", json.dumps(make_map({"75": [make_phenomenon("6", ("06:00", "12:00", 3))]})).encode(), "heat"),
        ("uv", b"insee;commune;date;UV_J0;UV_J1\n75104;PARIS;2026-01-06;1;2\n", "uv"),
    ],
)
def test_a_synthetic_file_of_each_kind_of_fact_is_loaded_whole(load, database, kind, body, hazard):
    loaded, report = load(body)
    assert (loaded, report.rejected) == (kind, {})
    assert set(everything(database, AirFact.hazard)) == {hazard}


def test_an_episode_that_a_newer_file_leaves_out_of_its_zone_is_closed(load):
    day = {"date_ech": "2026-10-05"}
    october = datetime(2026, 10, 5, 9, tzinfo=UTC)
    load(geojson(make_episode(**day), make_episode(lib_pol="Ozone", code_pol="7", **day)), as_of=october)
    report = load(geojson(make_episode(lib_pol="Ozone", code_pol="7", **day)), as_of=october + HOUR)[1]
    assert report.facts == {"unchanged": 1, "closed": 1}


@pytest.mark.parametrize(
    ("name", "kind", "as_of", "facts", "readings"),
    [
        ("air/airparif/airparif_raw_2026-01-06.json", "airparif-communes", "2026-01-06", 2, 0),
        ("air/airparif/airparif_realtime_paris_2026-01-01_09-21-51.json", "airparif-communes", "2026-01-01", 1, 0),
        (
            "air/atmo_index/atmo_indice_communes_idf_petite_couronne_2026-10-06.csv",
            "atmo-index-csv",
            "2026-10-06",
            77,
            0,
        ),
        (
            "air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv",
            "atmo-occitanie-stations",
            "2023-10-10",
            0,
            12_716,
        ),
        ("vigilance/dpvigilance_2026-08-22T0657Z.json", "vigilance", "2026-08-22", 384, 0),
    ],
)
def test_a_real_file_of_each_kind_is_loaded(load, name, kind, as_of, facts, readings):
    moment = datetime.combine(date.fromisoformat(as_of), datetime.min.time(), UTC) + timedelta(days=1)
    loaded, report = load(shared_file(name), as_of=moment)
    assert (loaded, report.facts.total(), report.readings) == (kind, facts, readings)
    assert loaded in KINDS


def test_a_real_file_of_carbon_monoxide_is_loaded_as_of_a_day_of_february(load, database):
    as_of = datetime(2023, 2, 10, tzinfo=UTC)
    kind, report = load(shared_file("air/airparif/2023_CO.csv"), as_of=as_of)
    assert (kind, report.rejected) == ("airparif-stations", {})
    assert report.later > report.readings > 0
    with database.session(write=False) as session:
        assert session.scalar(select(func.max(Reading.ends_at))) <= as_of


def test_the_real_file_of_uv_indices_is_loaded_and_its_broken_end_rejected(load):
    kind, report = load(shared_file("uv/indice_uv_communes_20240118.csv"), as_of=datetime(2024, 1, 18, 8, tzinfo=UTC))
    assert kind == "uv"
    assert report.facts["new"] > 60_000
    assert report.rejected.total() <= 1
