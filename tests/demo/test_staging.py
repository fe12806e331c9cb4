"""What is staged in the demo city: published in the sources' formats for its commune and its day, and nothing else."""

from datetime import date, timedelta
from io import BytesIO

import pytest

from citizen_api.demo import air as demo_air
from citizen_api.demo.air_rules import CITY_LEVELS, Staged, city_level
from citizen_api.demo.staging import FOLDER, Stage
from citizen_api.sources.air_files import KINDS
from tests.air.makers import PARIS_4

TODAY = date(2026, 11, 22)
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


@pytest.fixture
def published(database, clock, stage):
    """What the demo city publishes now: {(zone, day): record}."""
    publications = demo_air.publications(database, clock, stage)

    def read(kind):
        records = KINDS[kind].read(BytesIO(publications[demo_air._PATHS[kind]]()))
        return {(record.zone.code, record.day): record for record in records}

    return read


def make_calm(clock):
    """Move the clock to noon of a day that is not among the worst, nor is the next."""
    while max(CITY_LEVELS) in {city_level(clock().date() + timedelta(days=ahead)) for ahead in (0, 1)}:
        clock.moment += timedelta(days=1)
    clock.moment = clock.moment.replace(hour=11)
    return clock().date()


def test_what_is_staged_is_staged_until_it_is_removed(stage, tmp_path):
    today, tomorrow = Staged(PARIS_4, TODAY, 4), Staged(PARIS_4, TOMORROW, 6, "alert")
    stage.put(today)
    stage.put(tomorrow)
    assert Stage(tmp_path).staged() == [today, tomorrow]
    stage.remove(today)
    stage.remove(today)
    assert stage.staged() == [tomorrow]


def test_the_last_word_about_a_day_of_a_commune_holds(stage):
    for level in (4, 2):
        stage.put(Staged(PARIS_4, TODAY, level))
    assert stage.staged() == [Staged(PARIS_4, TODAY, 2)]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "null",
        '"synthetic"',
        '{"commune": "75104", "day": "2026-11-22"}',
        '{"commune": "75104", "day": "today", "level": 4, "tier": null}',
        '{"commune": "75104", "day": "2026-11-22", "level": 7, "tier": null}',
        '{"commune": "75104", "day": "2026-11-22", "level": "4", "tier": null}',
        '{"commune": "75104", "day": "2026-11-22", "level": 4, "tier": "synthetic"}',
        '{"commune": "75104", "day": "2026-11-22", "level": 4, "tier": []}',
        "[" * 100_000,
    ],
)
def test_a_file_that_cannot_be_read_stages_nothing_and_spoils_nothing(stage, tmp_path, content):
    stage.put(Staged("75103", TODAY, 5))
    (tmp_path / FOLDER / "spoilt.json").write_text(content, encoding="utf-8")
    assert stage.staged() == [Staged("75103", TODAY, 5)]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6])
def test_the_index_of_the_commune_is_as_staged_on_that_day_and_every_other_as_before(stage, published, level):
    before = published("atmo-data-index")
    stage.put(Staged(PARIS_4, TODAY, level))
    after = published("atmo-data-index")
    assert after[PARIS_4, TODAY].level == level
    assert max(after[PARIS_4, TODAY].levels.values()) == level
    assert {key for key in after if after[key].level != before[key].level} <= {(PARIS_4, TODAY)}


def test_an_episode_is_published_for_its_departement_on_its_day(stage, published, clock):
    today = make_calm(clock)
    stage.put(Staged(PARIS_4, today, 5, "alert"))
    tiers = {key: record.tier for key, record in published("atmo-data-episodes").items()}
    assert {key: tier for key, tier in tiers.items() if tier} == {("75", today): "alert"}
    assert not published("atmo-data-episodes")["75", today].persistence


def test_of_two_staged_episodes_of_a_departement_the_worse_is_published(stage, published, clock):
    today = make_calm(clock)
    stage.put(Staged(PARIS_4, today, 5, "alert"))
    stage.put(Staged("75103", today, 4, "information"))
    assert published("atmo-data-episodes")["75", today].tier == "alert"


def test_the_pollutant_of_a_staged_index_is_that_of_its_episode(stage, published):
    stage.put(Staged(PARIS_4, TODAY, 5, "alert"))
    levels = published("atmo-data-index")[PARIS_4, TODAY].levels
    assert max(levels, key=levels.get) == "pm10"


def test_what_was_staged_for_tomorrow_is_todays_after_midnight_and_over_the_day_after(stage, published, clock):
    usual = published("atmo-data-index")[PARIS_4, TOMORROW].level
    stage.put(Staged(PARIS_4, TOMORROW, 6))
    shown = []
    for hours in (0, 2, 22, 2):  # 22:40 in Paris, 00:40, 22:40, 00:40
        clock.moment += timedelta(hours=hours)
        found = published("atmo-data-index")
        shown.append([found[key].level for key in sorted(found) if key[0] == PARIS_4])
    assert usual != 6
    assert [levels.index(6) if 6 in levels else None for levels in shown] == [1, 0, 0, None]
