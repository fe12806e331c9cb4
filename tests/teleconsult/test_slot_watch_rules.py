"""Until when a slot watch lasts, and for which calendars it fires."""

from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.sources.specialties import OTHER
from citizen_api.teleconsult.watch_rules import LASTS, LONGEST, WATCHED, Aim, Calendar, Lookout, until_of

NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PARIS = (48.8566, 2.3522)
VERSAILLES = (48.8049, 2.1204)  # 18 km away
NO_TERRITORY = frozenset()


def make_calendar(
    modality="practice", at=PARIS, *, appeared_at=NOW, starts_s=2_000_000_000, territory=("country", None)
):
    lat, lon = at or (None, None)
    return Calendar(modality, lat, lon, appeared_at, starts_s, territory)


def make_aim(modality=None, within_km=20, centre=PARIS):
    return Aim(modality, "75104", within_km, centre)


def fires(calendar, aim, *, created_at=NOW, until=NOW + timedelta(days=5_000), around=NO_TERRITORY):
    return Lookout([calendar]).seen_from(aim, lambda _: around).fires(created_at, until)


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        (None, NOW + LASTS),
        (NOW + LONGEST, NOW + LONGEST),
        (NOW + LONGEST + SECOND, None),
        (NOW + SECOND, NOW + SECOND),
        (NOW, None),
        ("now", None),
    ],
)
def test_a_watch_lasts_as_asked_within_60_days_and_else_30(asked, until):
    assert until_of(asked, NOW) == until


def test_what_nobody_could_name_is_not_watched():
    assert OTHER not in WATCHED
    assert "general-practice" in WATCHED


@pytest.mark.parametrize(("within_km", "told"), [(17, False), (19, True)])
def test_a_place_counts_within_the_distance(within_km, told):
    assert fires(make_calendar(at=VERSAILLES), make_aim(within_km=within_km)) is told


def test_a_place_in_the_corner_of_the_box_but_outside_the_circle_does_not_count():
    corner = (PARIS[0] + 0.15, PARIS[1] + 0.22)  # 16.7 km north and 16 km east
    assert not fires(make_calendar(at=corner), make_aim())


def test_distances_cross_the_antimeridian():
    assert fires(make_calendar(at=(-14.3, 179.95)), make_aim(centre=(-14.3, -179.95)))


@pytest.mark.parametrize(("modality", "told"), [("video", True), ("assisted", False), ("home", False)])
def test_only_a_video_counts_everywhere(modality, told):
    assert fires(make_calendar(modality, at=(43.3, 5.4)), make_aim()) is told
    assert fires(make_calendar(modality, at=None), make_aim()) is told


def test_where_the_centre_is_not_known_only_a_video_counts():
    assert not fires(make_calendar(), make_aim(centre=None))
    assert fires(make_calendar("video"), make_aim(centre=None))


@pytest.mark.parametrize(("wished", "told"), [(None, True), ("practice", True), ("home", False)])
def test_a_modality_that_is_wished_must_fit(wished, told):
    assert fires(make_calendar(), make_aim(wished)) is told


@pytest.mark.parametrize(("around", "told"), [({("departement", "75")}, True), ({("departement", "92")}, False)])
def test_a_provider_that_is_offered_elsewhere_only_does_not_count(around, told):
    assert fires(make_calendar("video", territory=("departement", "75")), make_aim(), around=around) is told


def test_what_a_commune_lies_in_is_looked_up_only_where_it_decides():
    def refuse(_):
        raise AssertionError

    far_and_local = make_calendar(at=(43.3, 5.4), territory=("departement", "13"))
    seen = Lookout([make_calendar(), far_and_local]).seen_from(make_aim(), refuse)
    assert seen.starts_s.size == 1


@pytest.mark.parametrize(("later", "told"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
def test_a_watch_made_after_the_slot_appeared_does_not_fire(later, told):
    assert fires(make_calendar(), make_aim(), created_at=NOW + later) is told


@pytest.mark.parametrize(("later", "told"), [(timedelta(0), False), (SECOND, True)])
def test_a_slot_must_start_before_the_end_of_the_watch(later, told):
    starts_s = int((NOW + timedelta(days=1)).timestamp())
    assert fires(make_calendar(starts_s=starts_s), make_aim(), until=NOW + timedelta(days=1) + later) is told


def test_when_it_appeared_and_when_it_starts_must_be_of_one_calendar():
    old = make_calendar(appeared_at=NOW - timedelta(days=1), starts_s=int(NOW.timestamp()) + 3_600)
    late = make_calendar(starts_s=int(NOW.timestamp()) + 90 * 86_400)
    seen = Lookout([old, late]).seen_from(make_aim(), lambda _: NO_TERRITORY)
    assert not seen.fires(NOW, NOW + timedelta(days=30))
