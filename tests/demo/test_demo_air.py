"""The demo city's air: read by the same readers as the sources, dated now, said to be made up, gone without --demo."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from citizen_api.air.keeping import AirKeeper
from citizen_api.air.models import AirFact, AirSource, HourlyForecast, Reading
from citizen_api.core.outgoing import make_client
from citizen_api.demo import air as demo_air
from citizen_api.demo.air_rules import CITY_LEVELS, city_level, commune_level
from citizen_api.demo.staging import Stage
from citizen_api.serving import forget_demo
from citizen_api.sources.air_files import KINDS, recognise
from citizen_api.sources.records import RejectedRow

KIND_OF = {path: kind for kind, path in demo_air._PATHS.items()} | {demo_air._FORECAST: "open-meteo"}
HAZARDS = {"air", "pollen", "uv", "heat", "cold", "storms"}
MOMENTS = {
    "winter": datetime(2026, 11, 22, 21, 40, tzinfo=UTC),
    "midnight in Paris": datetime(2026, 7, 1, 22, 0, tzinfo=UTC),
    "the night that has 25 hours": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    "the night that has 23 hours": datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 29, 12, tzinfo=UTC),
}


@pytest.fixture
def read(settings, database, clock):
    """Publish and read once, as a start does."""

    def run():
        demo_air.read_demo_air(settings, database, clock)

    return run


def rows(database, table):
    with database.session(write=False) as session:
        return session.scalars(select(table)).all()


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_every_publication_is_read_whole_by_the_reader_of_its_form(database, tmp_path, moment):
    for path, publish in demo_air.publications(database, lambda: moment, Stage(tmp_path)).items():
        body = publish()
        assert recognise(body) == KIND_OF[path]
        items = list(KINDS[KIND_OF[path]].read(BytesIO(body)))
        assert items
        assert [item for item in items if isinstance(item, RejectedRow)] == []


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_nothing_is_rejected_and_all_hazards_are_known_today_and_tomorrow(read, settings, clock, client, moment):
    clock.moment = moment
    read()
    assert not list((settings.data_dir / "imports").glob("air-demo-*"))
    answer = client.get("/v1/air?commune=75104").json
    assert answer["today"]["level"] in CITY_LEVELS
    for hazard in HAZARDS - {"air"}:
        assert answer[hazard]["today"] is not None
        assert answer[hazard]["tomorrow"] is not None
    assert answer["now"]["basis"] == "measured"


def test_everything_has_the_source_demo_and_is_dated_now(read, database, clock):
    read()
    assert {row.id for row in rows(database, AirSource)} == {"demo"}
    facts = rows(database, AirFact)
    assert {fact.hazard for fact in facts} == HAZARDS
    assert {fact.source_id for fact in facts} == {"demo"}
    assert clock().date() in {fact.day for fact in facts}
    assert max(reading.ends_at for reading in rows(database, Reading)) > clock() - timedelta(hours=1)
    assert max(hour.ends_at for hour in rows(database, HourlyForecast)) > clock() + timedelta(days=1)


@pytest.mark.parametrize("commune", ["75104", "93066", "95018"])
def test_every_answer_with_a_made_up_fact_says_so(read, client, commune):
    read()
    answer = client.get(f"/v1/air?commune={commune}&lang=en").json
    notices = {notice["code"]: notice["text"] for notice in answer["notices"]}
    assert "made-up" in notices["demo_air"]
    assert {source["id"] for source in answer["sources"]} == {"demo"}


def test_far_from_the_demo_city_nothing_is_made_up(read, client):
    read()
    answer = client.get("/v1/air?commune=13055").json
    assert (answer["now"], answer["sources"]) == (None, [])
    assert "demo_air" not in {notice["code"] for notice in answer["notices"]}


def test_a_start_without_demo_leaves_nothing_of_it(read, database, client):
    read()
    forget_demo(database)
    for table in (AirSource, AirFact, Reading, HourlyForecast):
        assert rows(database, table) == []
    assert client.get("/v1/air?commune=75104").json["now"] is None


def test_the_keeper_reads_it_in_its_turns_and_closes_what_is_over(settings, database, clock, tmp_path):
    with make_client(settings) as client, demo_air.serving_demo_air(settings, database, client, clock) as feed:
        keeper = AirKeeper(database, [feed], clock=clock, reports_dir=tmp_path, draw=lambda: 0.5)
        (first,) = keeper.turn()
        clock.moment += timedelta(days=1)
        (second,) = keeper.turn()
    assert (first.problem, second.problem) == (None, None)
    assert first.report.rejected == second.report.rejected == {}
    assert second.report.facts["new"] > 0
    assert rows(database, AirSource)[0].fetched_at == clock()


def test_the_same_day_is_made_up_alike_at_every_start(read, database):
    read()
    before = len(rows(database, AirFact))
    read()
    assert len(rows(database, AirFact)) == before


def test_within_five_days_there_is_something_to_be_told_of():
    day = datetime(2026, 11, 22, tzinfo=UTC).date()
    levels = [city_level(day + timedelta(days=number)) for number in range(5)]
    assert sorted(levels) == sorted(CITY_LEVELS)
    assert max(levels) - min(levels) == 2


def test_communes_are_as_the_city_or_a_level_better():
    day = datetime(2026, 11, 22, tzinfo=UTC).date()
    differences = {city_level(day) - commune_level(f"93{number:03d}", day) for number in range(40)}
    assert differences == {0, 1}
