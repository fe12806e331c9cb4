"""The bench measures what it says: on a small country of its own, without any clock in the assertions."""

import json
from datetime import UTC, datetime

import pytest

from bench import inprocess, nearest, postgis, report, synthetic, targets
from bench.synthetic_hours import night_hours, practice_hours, shop_hours
from citizen_api.care import reading
from citizen_api.care.hours import parse_hours

FACILITIES = 2_000


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return synthetic.synthetic_database(tmp_path_factory.mktemp("bench"), facilities=FACILITIES)


@pytest.fixture(scope="module")
def directory(data_dir):
    return nearest.open_directory(data_dir)


@pytest.fixture(scope="module")
def places(data_dir):
    database = synthetic.open_database(data_dir)
    with database.session(write=False) as session:
        yield list(reading.places(session))
    database.engine.dispose()


def test_the_product_reads_every_synthetic_facility_and_each_says_what_it_is(places, directory):
    assert len(places) == len(directory) == FACILITIES
    assert all(place.name.startswith("Synthetic ") for place in places)
    assert all(source.title.startswith("Synthetic") for place in places for source in place.sources)
    assert all(place.phone.startswith("+3319900") for place in places)


def test_there_are_twenty_categories_and_one_of_thirty_places(directory):
    counts = directory.counts()
    assert len(counts) == 20
    assert counts[synthetic.RARE] == 30
    assert counts == synthetic.category_counts(FACILITIES)


def test_one_place_of_twenty_offers_the_service_and_many_tell_no_hours(places):
    offering = sum(synthetic.SERVICE in place.services for place in places) / FACILITIES
    silent = sum(place.opening_hours is None for place in places) / FACILITIES
    assert 0.03 < offering < 0.07
    assert 0.4 < silent < 0.9


def test_places_lie_in_the_real_communes_as_the_people_do(places):
    communes = synthetic.read_communes()
    population = dict(zip(communes.codes, communes.population, strict=True))
    living = sum(population[place.commune_code] for place in places) / FACILITIES
    expected = (communes.population**2).sum() / communes.population.sum()
    assert 0.8 * expected < living < 1.2 * expected


def test_the_same_seed_gives_the_same_facilities(tmp_path, data_dir):
    again = synthetic.synthetic_database(tmp_path, facilities=FACILITIES)
    assert again.name == data_dir.name
    rows = []
    for folder in (again, data_dir):
        database = synthetic.open_database(folder)
        with database.session(write=False) as session:
            rows.append(list(reading.places(session)))
        database.engine.dispose()
    assert rows[0] == rows[1]


def test_all_synthetic_hours_can_be_read_and_there_are_some_thousand():
    made = {*shop_hours(1, distinct=1500), *practice_hours(1, distinct=1200), *night_hours(1, distinct=100)}
    assert len(made) == 2_800
    assert all(parse_hours(expression, insee_code="75056") for expression in made)


def test_every_kind_of_question_is_measured_and_agrees_with_brute_force(data_dir):
    found = nearest.measure_in_process(data_dir, questions=50, agree_on=200)
    assert len(found["in_process"]) >= 8
    assert all(each["p50_us"] <= each["p99_us"] <= each["p999_us"] for each in found["in_process"])
    assert found["agreement"]["agree"] == found["agreement"]["queries"] == 200
    assert found["agreement"]["places_compared"] > 1_000


def test_brute_force_would_notice_a_wrong_answer(data_dir, directory, monkeypatch):
    database = synthetic.open_database(data_dir)
    right = type(directory).nearest

    def without_the_first(self, **asked):
        return right(self, **asked)[1:]

    monkeypatch.setattr(type(directory), "nearest", without_the_first)
    found = inprocess.agreement(directory, database, queries=30, now=directory.built_at)
    database.engine.dispose()
    assert found["agree"] < 15  # where nothing fits there is no first
    assert found["differing"]


def test_moments_are_told_by_the_clock_of_paris():
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    sunday, monday = inprocess.next_moment(friday, 6, 3), inprocess.next_moment(friday, 0, 10)
    assert sunday.isoformat() == "2026-11-29T03:00:00+01:00"
    assert monday.isoformat() == "2026-11-30T10:00:00+01:00"


def test_without_postgis_the_table_says_absent(data_dir, directory, monkeypatch):
    monkeypatch.setattr(postgis, "SERVER", "postgresql://127.0.0.1:1/nobody")
    assert postgis.measure(data_dir, directory, questions=1) == {"absent": "no PostgreSQL answers"}


def test_the_page_is_what_the_raw_outputs_give():
    assert report.page(report.RAW) == report.PAGE.read_text(encoding="utf-8")


def test_a_missed_target_is_said_to_be_missed_and_why():
    results = json.loads((report.RAW / "nearest.json").read_text(encoding="utf-8"))
    results["rebuild"]["cold_s"] = 10 * targets.REBUILD_S
    results["agreement"]["agree"] = results["agreement"]["queries"] - 1
    missed = {each.id for each in targets.targets(results) if not each.met}
    assert {"rebuild", "agreement"} <= missed
    assert f"| ≤ {targets.REBUILD_S} s | {10 * targets.REBUILD_S:.1f} s | **no** |" in report.nearest_section(results)
