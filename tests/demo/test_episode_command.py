"""`alentours demo episode`: what the air of the demo city is shown to be, at once, and not any longer than asked."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from citizen_api.air.keeping import AirKeeper
from citizen_api.air.models import AirFact, AirSource
from citizen_api.core.outgoing import make_client
from citizen_api.demo import air as demo_air
from citizen_api.demo import cli
from citizen_api.demo.air_rules import Staged, commune_level
from citizen_api.demo.staging import Stage
from citizen_api.serving import forget_demo
from citizen_api.territory.queries import knows_territory
from citizen_api.web.command import Context
from notifications.rules import SETTLES_AFTER
from tests.air.makers import PARIS_4, make_fact, say

PARIS, PARIS_3 = "75056", "75103"


@pytest.fixture
def run(database, settings, clock, monkeypatch):
    """Run the command, with whom it waits for: nobody, unless `city` runs."""

    def do(*arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=knows_territory, clock=clock)
        context.__dict__["database"] = database
        clock.moment += timedelta(seconds=1)
        return CliRunner().invoke(cli.demo, ["episode", *map(str, arguments)], obj=context)

    monkeypatch.setattr(cli, "PATIENCE_S", 0)
    monkeypatch.setattr(cli, "_pause", lambda _: None)
    return do


@pytest.fixture
def city(database, settings, clock, tmp_path, monkeypatch, run):
    """A running demo city, that has its turn whenever the command waits."""
    with make_client(settings) as client, demo_air.serving_demo_air(settings, database, client, clock) as feed:
        keeper = AirKeeper(database, [feed], clock=clock, reports_dir=tmp_path)
        keeper.turn()
        monkeypatch.setattr(cli, "PATIENCE_S", 60)
        monkeypatch.setattr(cli, "_pause", lambda _: keeper.turn())
        assert run
        yield keeper


@pytest.fixture
def level(client):
    """The level that a resident is shown."""

    def shown(commune=PARIS_4, day="today"):
        return client.get(f"/v1/air?commune={commune}").json[day]["level"]

    return shown


@pytest.mark.usefixtures("city")
def test_the_air_is_shown_at_the_level_at_once_and_as_it_was_after_the_end(run, level):
    before = level()
    raised = run("--commune", PARIS_4, "--level", 6)
    assert (raised.exit_code, level()) == (0, 6)
    assert run("--commune", PARIS_4, "--end").exit_code == 0
    assert level() == before


@pytest.mark.usefixtures("city")
def test_neither_the_city_nor_any_other_arrondissement_changes(run, level):
    others = [PARIS, PARIS_3, "92002"]
    before = [level(code) for code in others]
    run("--commune", PARIS_4, "--level", 6)
    assert [level(code) for code in others] == before


@pytest.mark.usefixtures("city")
def test_the_city_as_a_whole_may_be_raised_without_its_arrondissements(run, level):
    before = level()
    run("--commune", PARIS, "--level", 6)
    assert (level(PARIS), level()) == (6, before)


@pytest.mark.usefixtures("city")
def test_tomorrow_may_be_raised_and_today_stays(run, level):
    before = level()
    run("--commune", PARIS_4, "--level", 6, "--day", "tomorrow")
    assert (level(), level(day="tomorrow")) == (before, 6)
    run("--commune", PARIS_4, "--end")
    assert level(day="tomorrow") < 6


@pytest.mark.usefixtures("city")
def test_an_episode_is_opened_and_closed_with_the_level(run, client):
    run("--commune", PARIS_4, "--level", 5, "--tier", "alert")
    today = client.get(f"/v1/air?commune={PARIS_3}").json["today"]
    assert (today["raised_by"], today["level"], today["source"]) == ("alert", 5, "demo")
    run("--commune", PARIS_4, "--end")
    assert client.get(f"/v1/air?commune={PARIS_3}").json["today"]["raised_by"] != "alert"


@pytest.mark.usefixtures("city")
def test_it_says_what_it_did_that_it_is_made_up_and_where_to_look(run, level):
    before = level()
    said = run("--commune", PARIS_4, "--level", 6).output
    assert len(said.splitlines()) == 2
    assert "MADE UP (source “demo”): Paris 4e Arrondissement has air index 6 on 2026-11-22; read after " in said
    assert f"See GET /v1/air?commune=75104: today is level 6 (it was {before})." in said


@pytest.mark.usefixtures("city")
def test_the_end_says_that_residents_are_told_after_an_hour(run):
    assert timedelta(hours=1) == SETTLES_AFTER
    assert "once that has stood for an hour" in run("--commune", PARIS_4, "--end").output


@pytest.mark.usefixtures("city")
def test_where_a_real_source_speaks_what_is_shown_is_told_not_what_was_asked(run, database, clock):
    say(database, make_fact(day=clock().date(), level=2), source_id="atmo-data", at=clock())
    assert "today is level 2 (it was 2)" in run("--commune", PARIS_4, "--level", 6).output


@pytest.mark.usefixtures("city")
def test_every_fact_of_it_has_the_source_demo(run, database):
    run("--commune", PARIS_4, "--level", 6)
    with database.session(write=False) as session:
        assert set(session.scalars(select(AirFact.source_id).where(AirFact.level == 6))) == {"demo"}


def test_it_outlives_the_demo_city_and_ends_with_its_day(run, city, settings, database, clock, level):
    run("--commune", PARIS_4, "--level", 6)
    forget_demo(database)
    demo_air.read_demo_air(settings, database, clock)  # as a start does
    assert level() == 6
    clock.moment += timedelta(hours=2)  # 00:40 in Paris
    city.turn()
    assert level() == commune_level(PARIS_4, clock().date() + timedelta(days=1))


@pytest.mark.usefixtures("city")
def test_what_was_staged_for_a_day_that_is_past_is_removed(run, settings, clock):
    stage = Stage(settings.data_dir)
    stage.put(Staged(PARIS_3, clock().date() - timedelta(days=1), 5))
    run("--commune", PARIS_4, "--level", 6)
    assert stage.staged() == [Staged(PARIS_4, clock().date(), 6)]


def test_a_server_without_the_demo_city_clears_it_away(settings, clock):
    stage = Stage(settings.data_dir)
    stage.clear()  # nothing is there
    stage.put(Staged(PARIS_4, clock().date(), 5))
    stage.clear()
    assert stage.staged() == []


@pytest.mark.parametrize("last_read", [False, True], ids=["never", "not any more"])
def test_without_a_running_demo_city_that_is_said_and_nothing_is_staged(run, settings, database, clock, last_read):
    if last_read:
        demo_air.read_demo_air(settings, database, clock)
    refused = run("--commune", PARIS_4, "--level", 6)
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: no demo city runs on this database")
    assert len(refused.output.splitlines()) == 1
    assert Stage(settings.data_dir).staged() == []


def test_without_a_running_demo_city_what_was_staged_before_stays(run, settings, clock):
    before = Staged(PARIS_4, clock().date(), 4)
    Stage(settings.data_dir).put(before)
    run("--commune", PARIS_4, "--level", 6)
    assert Stage(settings.data_dir).staged() == [before]


def test_without_a_running_demo_city_no_source_of_that_name_is_made(run, database):
    run("--commune", PARIS_4, "--end")
    with database.session(write=False) as session:
        assert session.scalars(select(AirSource.id)).all() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--commune", "99999", "--level", 4), "99999 is no commune"),
        (("--commune", "13055", "--level", 4), "13055 is outside the demo city (départements 75, 92, 93, 94)"),
        (("--commune", "13055", "--end"), "13055 is outside the demo city (départements 75, 92, 93, 94)"),
        (("--commune", PARIS_4, "--level", 0), "say --end, or a --level from 1 to 6 (ATMO)"),
        (("--commune", PARIS_4, "--level", 7), "say --end, or a --level from 1 to 6 (ATMO)"),
        (("--commune", PARIS_4), "say --end, or a --level from 1 to 6 (ATMO)"),
        (("--commune", PARIS_4, "--level", 4, "--end"), "--end stands alone with --commune"),
        (("--commune", PARIS_4, "--day", "today", "--end"), "--end stands alone with --commune"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(run, arguments, said):
    refused = run(*arguments)
    assert (refused.exit_code, refused.output) == (2, f"Error: {said}\n")
