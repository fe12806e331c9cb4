"""Who speaks for a place: the nearest zone, the better source, what a model or an episode adds, what is too old."""

from datetime import timedelta

import pytest

from citizen_api.air import queries
from citizen_api.air.outlook import OF_A_PART, outlook, source_rank
from citizen_api.territory.models import Commune
from tests.air.makers import DAY, HOUR, NOON, make_row

COMMUNE, CITY, EPT, EPCI, DEPARTEMENT, REGION = (
    ("commune", "75104"),
    ("commune", "75056"),
    ("epci", "200057867"),
    ("epci", "200054781"),
    ("departement", "75"),
    ("region", "11"),
)
ZONES = {zone: rank for rank, zone in enumerate((COMMUNE, CITY, EPT, EPCI, DEPARTEMENT, REGION))}
PARTS = {CITY: 0, DEPARTEMENT: 4, ("commune", "75104"): OF_A_PART, ("commune", "75105"): OF_A_PART}


def seen(*rows, hazard="air", zones=None, at=NOON, day=DAY):
    return outlook(hazard, day, rows, zones or ZONES, at=at)


def row_of(zone, level, source_id="atmo-data", **facts):
    return make_row(source_id, zone_kind=zone[0], zone_code=zone[1], level=level, **facts)


def episode(tier="information", **facts):
    plain = {"kind": "episode", "zone_kind": "departement", "zone_code": "75", "subject": "pm10", "tier": tier}
    return make_row(**plain | facts)


def warning(level=3, *, published_at=NOON - HOUR, **facts):
    plain = {"hazard": "heat", "kind": "vigilance", "zone_kind": "departement", "zone_code": "75"}
    return make_row("meteo-france", level=level, published_at=published_at, **plain | facts)


def test_of_nothing_nothing_is_known():
    assert seen() is None


def test_facts_of_other_places_days_and_hazards_are_not_about_this_one():
    elsewhere = row_of(("commune", "13055"), 5)
    other_day = row_of(COMMUNE, 5, day=DAY + timedelta(days=1))
    assert seen(elsewhere, other_day, row_of(COMMUNE, 5, hazard="uv")) is None


@pytest.mark.parametrize("nearest", range(len(ZONES)))
def test_the_nearest_zone_speaks(nearest):
    rows = [row_of(zone, 1 + rank) for zone, rank in ZONES.items() if rank >= nearest]
    assert seen(*reversed(rows)).level == 1 + nearest


def test_of_the_same_zone_who_is_on_the_spot_speaks_first():
    found = seen(row_of(COMMUNE, 2, "demo"), row_of(COMMUNE, 3), row_of(COMMUNE, 4, "airparif"))
    assert (found.level, found.fact.source_id) == (4, "airparif")


@pytest.mark.parametrize("source_id", ["airparif", "atmo-data", "open-meteo", "synthetic"])
def test_made_up_facts_come_after_all_others(source_id):
    assert source_rank(source_id) < source_rank("demo")
    assert seen(row_of(COMMUNE, 5, "demo"), row_of(REGION, 2, source_id)).fact.source_id == source_id


def test_what_is_unavailable_gives_way_to_a_level_of_a_wider_zone():
    assert seen(row_of(COMMUNE, None, "airparif"), row_of(DEPARTEMENT, 3)).level == 3


def test_what_is_unavailable_everywhere_is_known_to_be_unknown():
    found = seen(row_of(COMMUNE, None))
    assert (found.level, found.fact.level) == (None, None)


def test_an_index_that_a_model_computed_gives_way_to_a_published_one_of_a_wider_zone():
    modelled = row_of(COMMUNE, 2, "open-meteo", details={"method": "modelled"})
    assert seen(modelled, row_of(EPCI, 4)).level == 4
    assert seen(modelled).level == 2


def test_an_index_of_a_model_that_is_not_read_any_more_is_not_believed():
    modelled = row_of(COMMUNE, 2, "open-meteo", details={"method": "modelled"}, published_at=NOON - 37 * HOUR)
    assert seen(modelled) is None


def test_a_published_index_holds_on_its_day_however_old_it_is():
    assert seen(row_of(COMMUNE, 2, published_at=NOON - 48 * HOUR)).level == 2


def test_a_city_without_an_index_is_as_its_worst_arrondissement():
    parts = [row_of(("commune", "75104"), 2), row_of(("commune", "75105"), 4), row_of(("commune", "75104"), None, "x")]
    assert seen(*parts, zones=PARTS).level == 4


def test_the_index_of_the_city_itself_goes_before_those_of_its_parts():
    parts = [row_of(("commune", "75105"), 4), row_of(CITY, 2)]
    assert seen(*parts, zones=PARTS).level == 2


# --- Episodes, alerts, warnings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "tier", "raised"),
    [(2, "information", 4), (2, "alert", 5), (6, "alert", 6), (None, "information", 4)],
)
def test_an_episode_raises_the_level_at_least(level, tier, raised):
    found = seen(row_of(COMMUNE, level), episode(tier))
    assert (found.level, found.tier) == (raised, tier)


def test_an_episode_alone_makes_a_level():
    found = seen(episode("alert"))
    assert (found.level, found.fact, [one.subject for one in found.episodes]) == (5, None, ["pm10"])


def test_of_several_episodes_the_worst_comes_first_and_decides():
    found = seen(episode(subject="o3"), episode("alert", subject="pm10"), episode(subject="no2"))
    assert ([one.subject for one in found.episodes], found.tier) == (["pm10", "no2", "o3"], "alert")


def test_an_episode_of_air_does_not_raise_pollen():
    assert seen(episode("alert"), row_of(COMMUNE, 2, hazard="pollen"), hazard="pollen").level == 2


def test_the_alert_of_a_pollen_producer_raises_the_level():
    assert seen(row_of(COMMUNE, 3, hazard="pollen", tier="alert"), hazard="pollen").level == 4


def test_the_level_stands_since_the_episode_was_closed():
    closed = episode(None, since=NOON - HOUR)
    found = seen(row_of(COMMUNE, 2, since=NOON - 20 * HOUR), closed)
    assert (found.level, found.tier, found.episodes, found.since) == (2, None, (), NOON - HOUR)


def test_an_index_that_does_not_speak_does_not_say_since_when():
    found = seen(row_of(COMMUNE, 2, since=NOON - 20 * HOUR), row_of(REGION, 4, since=NOON))
    assert found.since == NOON - 20 * HOUR


@pytest.mark.parametrize(("hours", "level"), [(30, 3), (31, None)])
def test_a_warning_that_was_not_published_for_long_is_left_out(hours, level):
    found = seen(warning(published_at=NOON - hours * HOUR), hazard="heat")
    assert (found and found.level) == level


def test_a_warning_holds_in_its_own_hours_and_not_all_day():
    found = seen(warning(starts_at=NOON, ends_at=NOON + 2 * HOUR), hazard="heat")
    assert (found.starts_at, found.ends_at) == (NOON, NOON + 2 * HOUR)


def test_a_day_that_is_over_is_still_told_as_such():
    assert seen(row_of(COMMUNE, 3), at=NOON + 24 * HOUR).level == 3


# --- The zones of a commune --------------------------------------------------------------------------------


def test_an_arrondissement_lies_in_its_city_its_groups_its_departement_and_its_region(session):
    zones = queries.zones_of(session, ["75104"])["75104"]
    assert zones == {COMMUNE: 0, CITY: 1, EPCI: 3, DEPARTEMENT: 4, REGION: 5}


def test_a_commune_around_paris_lies_in_its_territory_and_in_the_metropolis(session):
    zones = queries.zones_of(session, ["93066"])["93066"]
    groups = [code for kind, code in sorted(zones, key=zones.get) if kind == "epci"]
    assert len(groups) == 2
    assert all(len(code) == 9 for code in groups)
    assert groups[-1] == "200054781"


def test_the_parts_of_a_city_come_last(session):
    zones = queries.zones_of(session, ["75056"])["75056"]
    assert [zones["commune", f"751{number:02d}"] for number in (1, 20)] == [OF_A_PART] * 2
    assert max(rank for rank in zones.values() if rank < OF_A_PART) == 5


def test_zones_of_many_communes_are_those_of_each(session):
    codes = session.query(Commune.code).filter(Commune.departement_code.in_(["75", "77", "78"])).all()
    asked = {code for (code,) in codes}
    assert len(asked) > 500
    many = queries.zones_of(session, asked)
    assert set(many) == asked
    assert many["75104"] == queries.zones_of(session, ["75104"])["75104"]
