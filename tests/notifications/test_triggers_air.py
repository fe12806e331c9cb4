"""From what sources say to what each device is told."""

from datetime import UTC, date, datetime, timedelta

from citizen_api.air import actions
from citizen_api.air.facts import NewFact
from citizen_api.people.wishes import DEFAULT_PROFILE, day_bounds
from citizen_api.sources.air_sources import ATMO_DATA, ATMO_EPISODES, METEO_FRANCE
from notifications import rules
from notifications.triggers.air import alert_days, preview, standings, watched_communes
from tests.notifications.makers import DAY, PARIS, at
from tests.notifications.test_audience import make_device


def make_fact(level=4, *, hazard="air", kind="index", zone=("commune", PARIS), day=DAY, **said):
    starts_at, ends_at = day_bounds(day, zone="Europe/Paris")
    return NewFact(
        hazard=hazard,
        kind=kind,
        zone_kind=zone[0],
        zone_code=zone[1],
        day=day,
        level=level,
        starts_at=starts_at,
        ends_at=ends_at,
        **said,
    )


def store(session, *facts, info=ATMO_DATA, known_at=None):
    actions.keep_source(session, info)
    actions.store_facts(session, info.id, facts, known_at=known_at or at("25 12:00"))
    session.flush()


def standing(session, *, now="25 18:00", commune=PARIS, hazard="air"):
    return standings(session, {commune}, day=DAY, now=at(now)).get((commune, hazard))


def test_the_index_of_a_commune_stands_for_its_day(session):
    store(session, make_fact(4))
    found = standing(session)
    assert (found.level, found.tier) == (4, None)
    assert (found.starts_at, found.ends_at) == day_bounds(DAY, zone="Europe/Paris")
    assert found.since == at("25 12:00")


def test_an_index_of_the_group_of_communes_stands_for_each_of_them(session):
    store(session, make_fact(3, zone=("epci", "200054781")))
    assert standing(session).level == 3


def test_an_episode_of_the_departement_raises_the_level_of_its_communes(session):
    store(session, make_fact(2))
    episode = make_fact(None, kind="episode", zone=("departement", "75"), subject="pm10", tier="alert")
    store(session, episode, info=ATMO_EPISODES, known_at=at("25 13:00"))
    found = standing(session)
    assert (found.level, found.tier, found.since) == (5, "alert", at("25 13:00"))


def test_what_is_over_or_not_known_has_no_standing(session):
    store(session, make_fact(4))
    assert standing(session, now="27 00:00") is None
    assert standing(session, commune="69383") is None
    assert standing(session, hazard="pollen") is None


def test_what_came_in_later_is_not_known_before(session):
    store(session, make_fact(4), known_at=at("25 19:00"))
    assert standing(session, now="25 18:00") is None
    assert standing(session, now="25 19:00").level == 4


def test_a_warning_too_old_to_be_believed_is_unknown(session):
    old = make_fact(3, hazard="heat", kind="vigilance", zone=("departement", "75"), published_at=at("24 12:00"))
    store(session, old, info=METEO_FRANCE, known_at=at("24 12:00"))
    assert standing(session, now="25 17:00", hazard="heat").level == 3
    assert standing(session, now="26 10:00", hazard="heat") is None


def test_an_index_published_as_unavailable_is_unknown(session):
    store(session, make_fact(None))
    assert standing(session) is None


def test_the_days_that_somebody_may_be_told_of_are_those_around_now():
    assert alert_days(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)) == [date(2026, 11, day) for day in (24, 25, 26, 27)]


def test_a_preview_counts_whom_we_would_tell_and_why_and_writes_nothing(session):
    store(session, make_fact(4))
    for number, level in enumerate((3, 4, 5)):
        watch = rules.Watch(commune=PARIS, hazard="air", level=level, when="evening_before")
        make_device(session, f"synthetic-{number}", DEFAULT_PROFILE, [watch], at("20 12:00"), consents=number != 1)
    session.flush()
    assert watched_communes(session) == {PARIS}
    counts = preview(session, now=at("25 18:00"))
    assert counts[DAY] == {
        ("tell", "alert", "above_wish"): 1,
        ("none", None, "no_consent"): 1,
        ("none", None, "below_wish"): 1,
    }
    assert counts[DAY + timedelta(days=1)] == {("none", None, "unknown"): 2, ("none", None, "no_consent"): 1}
