"""`alentours air load` and `alentours air sync`, as an operator runs them."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from citizen_api.air.cli import air
from citizen_api.air.models import AirFact
from citizen_api.core.settings import Settings
from citizen_api.sources.vigilance import MAP_PATH
from citizen_api.territory.queries import knows_territory
from citizen_api.web.command import Context
from tests.air.makers import NOON
from tests.shared_data import shared_file
from tests.sources.air_makers import (
    Answer,
    geojson,
    make_air_publisher,
    make_index,
    make_map,
    make_phenomenon,
    make_place,
)

DAY = {"date": "2026-01-06", "pm25": "Dégradé", "indice": "Dégradé"}


@pytest.fixture
def run(database, settings, clock):
    clock.moment = NOON

    def do(*arguments, **changes):
        context = Context(
            Settings(**{"data_dir": settings.data_dir} | changes),
            prepare=lambda _: None,
            knows_territory=knows_territory,
            clock=clock,
        )
        context.__dict__["database"] = database
        return CliRunner().invoke(air, list(map(str, arguments)), obj=context)

    return do


@pytest.fixture
def recorded(tmp_path):
    def write(content, name="recorded.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def known_at(database):
    with database.session(write=False) as session:
        return session.scalars(select(AirFact.known_at)).all()


def test_loading_says_what_it_did(run, recorded):
    path = recorded({"75104": [DAY]})
    assert run("load", path).output == "airparif-communes: 1 facts new.\n"
    assert run("load", path).output == "airparif-communes: 1 facts unchanged.\n"


def test_an_older_publication_and_a_contradicting_row_are_said_to_have_changed_nothing(run, recorded):
    newer = make_index(code_zone="75104", type_zone="commune", date_maj="2023/12/18 14:00:00+01")
    older = newer | {"date_maj": "2023/12/18 08:00:00+01"}
    assert "1 facts new, 1 facts duplicate" in run("load", recorded(geojson(newer, older).decode())).output
    assert "1 facts older" in run("load", recorded(geojson(older).decode())).output


def test_the_recorded_files_of_paris_and_montpellier_are_loaded_as_of_their_days(run):
    paris = run("load", shared_file("air/airparif/airparif_raw_2026-01-06.json"), "--as-of", "2026-01-06")
    assert (paris.exit_code, paris.output) == (0, "airparif-communes: 2 facts new.\n")
    path = shared_file("air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv")
    montpellier = run("load", path, "--as-of", "2023-09-18")
    assert montpellier.stdout == "atmo-occitanie-stations: 3902 readings, 8814 later hours left out.\n"
    assert montpellier.stderr.startswith("Rejected 909 rows (duplicate 909): ")
    assert montpellier.exit_code == 3


@pytest.mark.parametrize(
    ("as_of", "moment"),
    [
        ("2026-01-06T18:00+01:00", datetime(2026, 1, 6, 17, tzinfo=UTC)),
        ("2026-01-06 18:00:30z", datetime(2026, 1, 6, 18, 0, 30, tzinfo=UTC)),
        ("2026-01-06", datetime(2026, 1, 7, tzinfo=UTC)),
    ],
)
def test_a_moment_or_the_end_of_a_day_may_be_said(run, recorded, database, as_of, moment):
    assert run("load", recorded({"75104": [DAY]}), "--as-of", as_of).exit_code == 0
    assert known_at(database) == [moment]


def test_without_a_moment_a_file_is_known_from_now_on(run, recorded, database):
    run("load", recorded({"75104": [DAY]}))
    assert known_at(database) == [NOON]


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("yesterday", "is no moment such as"),
        ("2026-02-30", "is no moment such as"),
        ("2026-01-06T18:00", "lacks its offset"),
        ("20260106", "lacks its offset"),
        ("9999-12-31", "is not of the years 1990 to 2100"),
        ("0001-01-01T00:00Z", "is not of the years 1990 to 2100"),
    ],
)
def test_a_moment_that_cannot_be_meant_is_wrong_usage(run, recorded, as_of, said):
    refused = run("load", recorded({"75104": [DAY]}), "--as-of", as_of)
    assert refused.exit_code == 2
    assert said in refused.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Error: Not a file of air facts: it is empty.\n"),
        ("some;thing;else\n1;2;3\n", "Error: Not a file of air facts: known are "),
        ('{"75104": [{"date": "2026-01-06", "indice": ', "Error: Not an answer of Airparif about communes: "),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(run, recorded, database, content, said):
    refused = run("load", recorded(content))
    assert refused.exit_code == 1
    assert refused.stderr.startswith(said)
    assert refused.stderr.count("\n") == 1
    assert known_at(database) == []


def test_a_file_that_is_not_there_is_wrong_usage(run, tmp_path):
    assert run("load", tmp_path / "nothing.json").exit_code == 2


def test_rejected_rows_have_an_exit_code_and_a_file(run, recorded, database):
    done = run("load", recorded({"75104": [DAY, DAY | {"date": "someday"}]}))
    assert (done.exit_code, len(known_at(database))) == (3, 1)
    assert done.stdout == "airparif-communes: 1 facts new.\n"
    assert done.stderr.startswith("Rejected 1 rows (bad_day 1): ")


def test_a_forecast_needs_its_place(run, recorded):
    path = recorded(make_place())
    refused = run("load", path)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: A forecast of Open-Meteo names no place: say --commune.\n",
    )
    assert run("load", path, "--commune", "99999").exit_code == 2
    assert run("load", path, "--commune", "75104").output == "open-meteo: 9 hours of forecast.\n"


def test_where_no_source_is_switched_on_sync_says_so(run):
    refused = run("sync")
    assert refused.exit_code == 1
    assert "no source of air facts is switched on" in refused.stderr


def test_sync_reads_what_is_due_once_and_fails_where_a_source_does(run):
    body = json.dumps(make_map({"75": [make_phenomenon("6", ("06:00", "12:00", 3))]})).encode()
    with make_air_publisher() as publisher:
        publisher.answers[MAP_PATH] = [Answer(body)]
        asked = {"air_meteo_france_key": "synthetic", "air_meteo_france_url": publisher.url}
        assert run("sync", **asked).output == "meteo-france: 1 facts new\n"
        assert run("sync", **asked).output == "Nothing is due.\n"
        other = {"air_airparif_key": "synthetic", "air_airparif_url": publisher.url, "air_communes": ("75104",)}
        failed = run("sync", **other)
    assert failed.exit_code == 1
    assert failed.output.startswith(f"airparif: down: {publisher.url}/")
    assert "synthetic" not in failed.output
