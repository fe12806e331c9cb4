"""What is stored of what sources say: revisions, what they close, readings, forecasts, and what is forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from citizen_api.air import actions, queries
from citizen_api.air.models import AirFact, AirSource, HourlyForecast, Reading, Station
from tests.air.makers import (
    DAY,
    HOUR,
    NOON,
    expect,
    make_episode,
    make_fact,
    make_reading,
    make_source,
    measure,
    say,
)

DAY_LONG = timedelta(days=1)
EPISODES = (("air", "episode"),)


def rows(database, **wanted):
    with database.session(write=False) as session:
        return session.scalars(select(AirFact).filter_by(**wanted).order_by(AirFact.known_at, AirFact.id)).all()


def current(database, at):
    with database.session(write=False) as session:
        return queries.facts(session, None, at=at, ends_after=at - DAY_LONG, starts_before=at + 2 * DAY_LONG)


def test_a_first_reading_is_new_and_the_same_again_is_unchanged(database):
    assert say(database, make_fact()) == {"new": 1}
    assert say(database, make_fact(), at=NOON + HOUR) == {"unchanged": 1}
    assert len(rows(database)) == 1


def test_a_change_is_a_further_row_with_its_own_moment(database):
    say(database, make_fact(level=3))
    assert say(database, make_fact(level=4), at=NOON + HOUR) == {"revised": 1}
    assert [(row.level, row.known_at, row.since) for row in rows(database)] == [
        (3, NOON, NOON),
        (4, NOON + HOUR, NOON + HOUR),
    ]


def test_since_stays_while_only_the_details_change(database):
    say(database, make_fact())
    say(database, make_fact(details={"levels": {"no2": 3}}), at=NOON + HOUR)
    assert [row.since for row in rows(database)] == [NOON, NOON]


def test_said_again_only_the_moment_of_publication_moves(database):
    say(database, make_fact(published_at=NOON - HOUR))
    say(database, make_fact(published_at=NOON), at=NOON + HOUR)
    (row,) = rows(database)
    assert (row.published_at, row.known_at, row.since) == (NOON, NOON, NOON)


def test_what_tells_no_moment_is_as_old_as_its_last_reading(database):
    published = []
    for hours in (0, 1):
        say(database, make_fact(), at=NOON + hours * HOUR)
        published += [row.published_at for row in rows(database)]
    assert published == [NOON, NOON + HOUR]


def test_a_moment_of_publication_that_is_yet_to_come_is_that_of_the_reading(database):
    say(database, make_fact(level=3, published_at=NOON + 9 * HOUR))
    assert say(database, make_fact(level=4, published_at=NOON + HOUR), at=NOON + HOUR) == {"revised": 1}
    assert [row.published_at for row in rows(database)] == [NOON, NOON + HOUR]


@pytest.mark.parametrize("level", [2, 3])
def test_an_older_publication_changes_nothing(database, level):
    say(database, make_fact(level=3, published_at=NOON))
    assert say(database, make_fact(level=level, published_at=NOON - HOUR), at=NOON + HOUR) == {"older": 1}
    assert [(row.level, row.published_at) for row in rows(database)] == [(3, NOON)]


def test_a_publication_of_the_same_moment_may_change_something(database):
    say(database, make_fact(level=3, published_at=NOON))
    assert say(database, make_fact(level=4, published_at=NOON), at=NOON + HOUR) == {"revised": 1}


def test_an_older_publication_closes_nothing(database):
    newer = [make_episode(subject=subject, published_at=NOON) for subject in ("pm10", "no2")]
    say(database, *newer, complete=EPISODES)
    old = make_episode(None, subject="no2", published_at=NOON - HOUR)
    assert say(database, old, at=NOON + HOUR, complete=EPISODES) == {"older": 1}
    assert [row.tier for row in rows(database)] == ["information", "information"]


def test_what_is_newer_than_all_that_is_said_of_its_zone_is_not_closed(database):
    before = [make_episode(subject="no2", published_at=NOON - HOUR), make_episode(published_at=NOON)]
    say(database, *before, complete=EPISODES)
    assert say(database, before[0], at=NOON + HOUR, complete=EPISODES) == {"unchanged": 1}


def test_what_was_closed_opens_again_by_a_publication_from_before_the_reading(database):
    both = [make_episode(subject=subject, published_at=NOON - HOUR) for subject in ("pm10", "no2")]
    say(database, *both, complete=EPISODES)
    left = make_episode(subject="no2", published_at=NOON)
    assert say(database, left, at=NOON + 2 * HOUR, complete=EPISODES) == {"unchanged": 1, "closed": 1}
    again = make_episode("alert", published_at=NOON + HOUR)
    assert say(database, again, at=NOON + 3 * HOUR) == {"revised": 1}


def test_an_episode_that_a_complete_answer_leaves_out_is_closed(database):
    say(database, make_episode(), make_episode(subject="no2"), complete=EPISODES)
    counts = say(database, make_episode(subject="no2"), at=NOON + HOUR, complete=EPISODES)
    assert counts == {"unchanged": 1, "closed": 1}
    closed = rows(database, subject="pm10")[-1]
    assert (closed.tier, closed.level, closed.since) == (None, None, NOON + HOUR)


def test_nothing_is_closed_in_a_zone_of_which_nothing_is_said(database):
    say(database, make_episode(), complete=EPISODES)
    assert say(database, make_episode(None, zone_code="92"), at=NOON + HOUR, complete=EPISODES) == {}
    assert [row.tier for row in rows(database)] == ["information"]


def test_an_empty_answer_closes_nothing(database):
    say(database, make_episode(), complete=EPISODES)
    assert say(database, at=NOON + HOUR, complete=EPISODES) == {}
    assert [fact.tier for fact in current(database, NOON + HOUR)] == ["information"]


def test_what_is_not_complete_closes_nothing(database):
    say(database, make_episode(), make_episode(subject="no2"))
    assert say(database, make_episode(subject="no2"), at=NOON + HOUR) == {"unchanged": 1}


def test_only_facts_of_the_complete_kind_are_closed(database):
    say(database, make_episode(), make_fact(zone_kind="departement", zone_code="75"))
    say(database, make_episode(subject="o3"), at=NOON + HOUR, complete=EPISODES)
    assert {(fact.kind, fact.subject): fact.level or fact.tier for fact in current(database, NOON + HOUR)} == {
        ("episode", "pm10"): None,
        ("episode", "o3"): "information",
        ("index", ""): 3,
    }


def test_a_day_that_is_over_is_not_closed(database):
    say(database, make_episode(day=DAY - DAY_LONG), at=NOON - DAY_LONG, complete=EPISODES)
    assert say(database, make_episode(subject="o3"), complete=EPISODES) == {"new": 1}


def test_what_is_closed_is_closed_once(database):
    say(database, make_episode(), complete=EPISODES)
    for hours in (1, 2):
        say(database, make_episode(subject="o3"), at=NOON + hours * HOUR, complete=EPISODES)
    assert [row.tier for row in rows(database, subject="pm10")] == ["information", None]


def test_an_episode_said_to_be_none_leaves_no_row_where_there_was_none(database):
    assert say(database, make_episode(None)) == {}
    assert rows(database) == []


def test_an_episode_said_to_be_none_closes_the_one_there_was(database):
    say(database, make_episode("alert"))
    assert say(database, make_episode(None), at=NOON + HOUR) == {"revised": 1}
    assert [row.tier for row in rows(database)] == ["alert", None]


def test_an_episode_that_opens_again_is_since_then(database):
    for hours, tier in enumerate(("alert", None, "alert")):
        say(database, make_episode(tier), at=NOON + hours * HOUR)
    assert [row.since for row in rows(database)] == [NOON, NOON + HOUR, NOON + 2 * HOUR]


def test_a_second_reading_in_the_same_instant_replaces_the_first(database):
    say(database, make_fact(level=3))
    say(database, make_fact(level=4))
    assert [row.level for row in rows(database)] == [4]


@pytest.mark.parametrize("levels", [(5, 2), (2, 5), (None, 5), (5, None)])
def test_of_a_fact_said_twice_in_one_answer_the_worst_counts(database, levels):
    assert say(database, *(make_fact(level=level) for level in levels)) == {"new": 1, "duplicate": 1}
    assert [row.level for row in rows(database)] == [5]


@pytest.mark.parametrize("tiers", [("alert", "information"), ("information", "alert"), (None, "alert")])
def test_of_an_episode_said_twice_in_one_answer_the_worse_tier_counts(database, tiers):
    assert say(database, *map(make_episode, tiers)) == {"new": 1, "duplicate": 1}
    assert [row.tier for row in rows(database)] == ["alert"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_fact_said_twice_in_one_answer_the_newest_counts_before_the_worst(database, order):
    twice = [make_fact(level=5, published_at=NOON - HOUR), make_fact(level=2, published_at=NOON)]
    assert say(database, *twice[::order]) == {"new": 1, "duplicate": 1}
    assert [row.level for row in rows(database)] == [2]


def test_two_sources_do_not_revise_each_other(database):
    say(database, make_fact(level=3), source_id="synthetic-one")
    assert say(database, make_fact(level=4), at=NOON + HOUR, source_id="synthetic-two") == {"new": 1}


def test_what_was_known_then_is_not_what_is_known_now(database):
    say(database, make_fact(level=3))
    say(database, make_fact(level=5), at=NOON + 2 * HOUR)
    assert [[fact.level for fact in current(database, NOON + hours * HOUR)] for hours in (-1, 1, 2)] == [[], [3], [5]]


def test_a_warning_that_was_shortened_does_not_come_back_as_it_was(database):
    warning = {"hazard": "heat", "kind": "vigilance", "zone_kind": "departement", "zone_code": "75"}
    say(database, make_fact(**warning, ends_at=NOON + 6 * HOUR))
    say(database, make_fact(**warning, ends_at=NOON + 2 * HOUR), at=NOON + HOUR)
    now = NOON + 3 * HOUR
    with database.session(write=False) as session:
        assert queries.facts(session, None, at=now, ends_after=now, starts_before=now + DAY_LONG) == []


def test_more_facts_than_a_batch_holds_are_all_stored(database):
    facts = [make_fact(zone_code=f"{number:05d}") for number in range(actions.BATCH_ROWS + 1)]
    assert say(database, *facts) == {"new": len(facts)}
    assert say(database, *facts, at=NOON + HOUR) == {"unchanged": len(facts)}


# --- Readings and forecasts --------------------------------------------------------------------------------


def test_a_reading_that_is_known_is_replaced(database):
    measure(database, [make_reading(10.0, NOON)])
    assert measure(database, [make_reading(12.0, NOON), make_reading(13.0, NOON)]) == 1
    with database.session(write=False) as session:
        assert session.scalars(select(Reading.value_ug_m3)).all() == [13.0]


def test_a_station_that_tells_no_town_gets_the_one_that_is_found(database):
    unplaced = {"lat": None, "lon": None, "influence": None}
    readings = [make_reading(1.0, NOON, code="A", **unplaced), make_reading(1.0, NOON, code="B", commune_code="34172")]
    measure(database, readings, towns={"A": "75118", "B": "75118"})
    with database.session(write=False) as session:
        found = dict(session.execute(select(Station.code, Station.commune_code)).all())
    assert found == {"A": "75118", "B": "34172"}


def forecast_values(database, code="75104"):
    with database.session(write=False) as session:
        query = select(HourlyForecast.value_ug_m3).filter_by(commune_code=code).order_by(HourlyForecast.ends_at)
        return session.scalars(query).all()


def test_a_new_run_replaces_the_hours_that_it_has_of_its_commune_only(database):
    expect(database, 10.0, hours=(1, 2, 3))
    expect(database, 20.0, code="75105", hours=(2,))
    expect(database, 30.0, at=NOON + HOUR, hours=(2,))
    assert (forecast_values(database), forecast_values(database, "75105")) == ([10.0, 30.0, 10.0], [20.0])


def test_a_run_read_before_the_one_that_is_known_replaces_nothing(database):
    expect(database, 10.0, hours=(1, 2))
    expect(database, 30.0, at=NOON - HOUR, hours=(0, 1))
    assert forecast_values(database) == [30.0, 10.0, 10.0]


def test_a_run_read_in_the_same_instant_replaces_the_first(database):
    expect(database, 10.0)
    expect(database, 30.0)
    assert forecast_values(database) == [30.0]


def test_a_run_without_an_hour_leaves_the_last_good_one(database):
    expect(database, 10.0)
    expect(database, 0.0, at=NOON + HOUR, hours=())
    assert forecast_values(database) == [10.0]


@pytest.mark.parametrize(("hours", "known"), [(0, 1), (36, 1), (37, 0)])
def test_a_run_that_is_too_old_is_not_believed(database, hours, known):
    expect(database, 10.0)
    with database.session(write=False) as session:
        found = queries.forecast(session, "75104", at=NOON + hours * HOUR, since=NOON)
    assert len(found) == known


# --- What is forgotten -------------------------------------------------------------------------------------


def said_by(session):
    return {
        table.__tablename__: session.execute(select(table.source_id, func.count()).group_by(table.source_id)).all()
        for table in (AirFact, Reading, HourlyForecast)
    }


def test_days_long_past_are_forgotten_of_this_source_only(database):
    for source_id in ("synthetic-one", "synthetic-two"):
        say(database, make_fact(), make_fact(day=DAY + 9 * DAY_LONG), source_id=source_id)
        measure(database, [make_reading(1.0, NOON), make_reading(1.0, NOON + 9 * DAY_LONG)], source_id)
    with database.session() as session:
        actions.forget_old(session, "synthetic-one", now=NOON + 9 * DAY_LONG)
        found = said_by(session)
    assert {name: dict(counts) for name, counts in found.items() if counts} == {
        "air_fact": {"synthetic-one": 1, "synthetic-two": 2},
        "air_reading": {"synthetic-one": 1, "synthetic-two": 2},
    }


def test_a_source_goes_with_all_that_it_said(database):
    for source_id in ("synthetic-one", "synthetic-two"):
        say(database, make_fact(), source_id=source_id)
        measure(database, [make_reading(1.0, NOON)], source_id)
    with database.session() as session:
        actions.remove_source(session, "synthetic-one")
        assert session.scalars(select(AirSource.id)).all() == ["synthetic-two"]
        assert {source for counts in said_by(session).values() for source, _ in counts} == {"synthetic-two"}


def test_what_a_source_says_of_itself_is_that_of_today(database):
    with database.session() as session:
        actions.keep_source(session, make_source("airparif")).failures = 2
        row = actions.keep_source(session, make_source("airparif"))
    assert (row.producer, row.failures) == ("Airparif", 2)
