"""What a source's record becomes: zone, day by the clock of its zone, validity, level."""

from datetime import UTC, date, datetime, timedelta

import pytest

from citizen_api.air.facts import clock_of, fact_of, hour_is_known, uv_level
from citizen_api.sources.air_records import (
    AirIndexRecord,
    EpisodeRecord,
    PollenRecord,
    UvRecord,
    VigilanceRecord,
    Zone,
)
from tests.air.makers import DAY, NOON, make_index_record

PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("kind", "code", "clock"),
    [
        ("commune", "75104", PARIS),
        ("commune", "2A004", PARIS),
        ("commune", "97411", "Indian/Reunion"),
        ("commune", "98718", "Pacific/Marquesas"),
        ("departement", "13", PARIS),
        ("departement", "976", "Indian/Mayotte"),
        ("region", "11", PARIS),
        ("region", "04", "Indian/Reunion"),
        ("epci", "200054781", PARIS),
        ("epci", "249740101", "Indian/Reunion"),
    ],
)
def test_a_zone_keeps_the_clock_of_its_land(kind, code, clock):
    groups = {"200054781": "75", "249740101": "974"}
    assert clock_of(Zone(kind=kind, code=code), groups) == clock


@pytest.mark.parametrize(
    ("kind", "code"), [("commune", "7510"), ("commune", "98412"), ("departement", "00"), ("epci", "123456789")]
)
def test_what_is_no_zone_has_no_clock(kind, code):
    assert clock_of(Zone(kind=kind, code=code), {}) is None


def test_an_index_holds_on_its_day_only():
    fact = fact_of(make_index_record(), PARIS)
    assert (fact.hazard, fact.kind, fact.zone_kind, fact.zone_code, fact.level) == (
        *("air", "index", "commune", "75104"),
        3,
    )
    assert (fact.starts_at, fact.ends_at) == (
        datetime(2026, 1, 5, 23, tzinfo=UTC),
        datetime(2026, 1, 6, 23, tzinfo=UTC),
    )


def test_a_day_of_la_reunion_begins_by_its_own_clock():
    fact = fact_of(make_index_record(code="97411"), "Indian/Reunion")
    assert fact.starts_at == datetime(2026, 1, 5, 20, tzinfo=UTC)


def test_an_index_that_is_unavailable_has_no_level_and_says_nothing_else():
    fact = fact_of(make_index_record(None), PARIS)
    assert (fact.level, fact.details) == (None, {})


def test_an_index_tells_its_sub_indices_its_event_and_its_producer():
    record = AirIndexRecord(
        zone=Zone(kind="commune", code="75104"), day=DAY, level=None, levels={"o3": 2}, event=True, producer="Airparif"
    )
    assert fact_of(record, PARIS).details == {"levels": {"o3": 2}, "event": True, "producer": "Airparif"}


@pytest.mark.parametrize("tier", ["information", "alert", None])
def test_an_episode_is_of_one_pollutant_and_has_a_tier_and_no_level(tier):
    record = EpisodeRecord(zone=Zone(kind="departement", code="75"), day=DAY, pollutant="pm10", tier=tier)
    fact = fact_of(record, PARIS)
    assert (fact.kind, fact.subject, fact.tier, fact.level) == ("episode", "pm10", tier, None)


def test_an_episode_by_persistence_says_so():
    zone = Zone(kind="departement", code="75")
    record = EpisodeRecord(zone=zone, day=DAY, pollutant="pm10", tier="alert", persistence=True)
    assert fact_of(record, PARIS).details == {"persistence": True}


@pytest.mark.parametrize(("alert", "tier"), [(True, "alert"), (False, None), (None, None)])
def test_the_alert_of_a_pollen_producer_is_a_tier(alert, tier):
    record = PollenRecord(
        zone=Zone(kind="commune", code="75104"),
        day=DAY,
        level=4,
        levels={"birch": 4},
        responsible=("birch",),
        alert=alert,
    )
    fact = fact_of(record, PARIS)
    assert (fact.hazard, fact.kind, fact.level, fact.tier) == ("pollen", "index", 4, tier)
    assert fact.details == {"levels": {"birch": 4}, "responsible": ["birch"]}


def test_a_weather_warning_holds_in_its_own_hours():
    record = VigilanceRecord(
        zone=Zone(kind="departement", code="75"),
        day=DAY,
        hazard="storms",
        level=3,
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=6),
        published_at=NOON - timedelta(hours=5),
    )
    fact = fact_of(record, PARIS)
    assert (fact.hazard, fact.kind, fact.level) == ("storms", "vigilance", 3)
    assert (fact.starts_at, fact.ends_at) == (record.starts_at, record.ends_at)


@pytest.mark.parametrize(("index", "level"), [(0.0, 0), (0.49, 0), (0.5, 1), (6.4, 6), (10.5, 11), (14.0, 11)])
def test_a_uv_index_is_rounded_and_eleven_stands_for_more(index, level):
    assert uv_level(index) == level


def test_a_uv_fact_keeps_the_value_beside_its_level():
    fact = fact_of(UvRecord(zone=Zone(kind="commune", code="75104"), day=date(2026, 7, 1), index=6.4), PARIS)
    assert (fact.hazard, fact.level, fact.details) == ("uv", 6, {"value": 6.4})


def test_a_uv_index_of_zero_is_a_value_not_a_gap():
    fact = fact_of(UvRecord(zone=Zone(kind="commune", code="75104"), day=DAY, index=0.0), PARIS)
    assert (fact.level, fact.details) == (0, {"value": 0.0})


@pytest.mark.parametrize(("seconds", "known"), [(-1, True), (0, True), (60, True), (61, False)])
def test_an_hour_is_known_when_it_is_over_or_within_a_minute(seconds, known):
    assert hour_is_known(NOON + timedelta(seconds=seconds), NOON) is known


def test_revisions_of_one_fact_share_its_identity():
    first, second = (fact_of(make_index_record(level), PARIS) for level in (2, 4))
    assert first.identity == second.identity
    assert first.identity != fact_of(make_index_record(2, day=date(2026, 1, 7)), PARIS).identity
