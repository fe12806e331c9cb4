"""What is asked of the tables stays quick when all communes of France have facts: an index serves each question."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from citizen_api.air import queries
from tests.air.makers import NOON, make_reading, measure


@pytest.fixture
def plan_of(session):
    """How the database would look for what a question asks of a table."""
    seen = []

    def remember(_connection, _cursor, statement, parameters, *_):
        seen.append((statement, parameters))

    def run(question, table):
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", remember)
        question()
        event.remove(connection, "before_cursor_execute", remember)
        statement, parameters = next(asked for asked in seen if f"FROM {table}" in asked[0])
        if session.get_bind().dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        else:
            # Of a table that is nearly empty everything is read, whatever its indexes.
            session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row[-1]) for row in rows)

    return run


def scans(plan):
    """Whether all of a table is read."""
    return "SCAN air_fact" in plan or "Seq Scan" in plan


def test_facts_of_a_commune_are_found_by_their_zones(session, plan_of):
    zones = queries.zones_of(session, ["75104"])["75104"]
    window = {"ends_after": NOON - timedelta(days=1), "starts_before": NOON + timedelta(days=2)}
    plan = plan_of(lambda: queries.facts(session, zones, at=NOON, **window), "air_fact")
    assert "ix_air_fact_zone" in plan
    assert not scans(plan)


def test_facts_of_a_day_everywhere_are_found_by_their_day(session, plan_of):
    window = {"ends_after": NOON - timedelta(days=1), "starts_before": NOON + timedelta(days=2)}
    plan = plan_of(lambda: queries.facts(session, None, at=NOON, **window), "air_fact")
    assert "ix_air_fact_day" in plan
    assert not scans(plan)


def test_hours_of_a_station_are_found_by_their_name(database, session, plan_of):
    measure(database, [make_reading(1.0, NOON)])
    near = {"lat": 48.85, "lon": 2.35, "towns": ["75104"]}
    plan = plan_of(
        lambda: queries.stations_near(session, **near, since=NOON - timedelta(days=2), at=NOON), "air_reading"
    )
    assert "pk_air_reading" in plan or "sqlite_autoindex_air_reading" in plan


def test_of_no_zone_nothing_is_known(session):
    assert queries.facts(session, [], at=NOON, ends_after=NOON, starts_before=NOON + timedelta(days=1)) == []
