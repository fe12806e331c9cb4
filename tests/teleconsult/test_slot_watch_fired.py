"""For which watches a slot appeared, on both databases; and what two triggers at once make of it."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.people.device_actions import create_device, erase_device
from citizen_api.people.device_problems import WatchUnknown
from citizen_api.people.device_secrets import new_id
from citizen_api.people.wishes import DEFAULT_PROFILE
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult.models import Provider, Schedule
from citizen_api.teleconsult.watch_actions import (
    SlotWish,
    add_watch,
    end_watches,
    forget_ended,
    remove_watch,
)
from citizen_api.teleconsult.watch_models import SlotWatch
from citizen_api.teleconsult.watch_queries import fired
from tests.conftest import SUNDAY_NIGHT, fresh_database_url
from tests.people.makers import do_at_once
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

NOW = SUNDAY_NIGHT
EARLIER = NOW - timedelta(hours=1)
PARIS_4 = (48.8541, 2.3573)
VERSAILLES = (48.8049, 2.1204)
MARSEILLE = (43.2965, 5.3698)


def make_watching_device(session):
    return create_device(session, language="fr", profile=DEFAULT_PROFILE, now=NOW)[0]


def make_watch(session, device_id=None, **changed):
    """Make a watch around Paris 4e that was made an hour ago; give its id."""
    values = {
        "id": new_id(),
        "device_id": device_id or make_watching_device(session),
        "specialty": "general-practice",
        "modality": None,
        "commune_code": "75104",
        "within_km": 20,
        "created_at": EARLIER,
        "until": NOW + timedelta(days=30),
    } | changed
    session.add(SlotWatch(**values))
    session.flush()
    return values["id"]


def make_wish(**changed):
    values = {"specialty": "general-practice", "modality": None, "commune": "75104", "within_km": 20, "until": None}
    return SlotWish(**values | changed)


@pytest.fixture
def feed(session):
    """A feed, with calendars beside those under test: of another specialty, with nothing new, with nothing free."""
    feed = make_feed(session, make_provider(session))
    other = make_schedule(session, feed, "noise-1", specialties=("dentistry",), last_new_at=NOW)
    quiet = make_schedule(session, feed, "noise-2", last_new_at=NOW - timedelta(days=2))
    make_schedule(session, feed, "noise-3", last_new_at=NOW)
    make_slot(session, other)
    make_slot(session, quiet)
    return feed


def make_new(session, feed, source_id="10", *, modality="practice", at=PARIS_4, start=None, **changed):
    """Make a calendar in which a slot appeared just now."""
    schedule = make_schedule(session, feed, source_id, modality=modality, at=at, **{"last_new_at": NOW} | changed)
    make_slot(session, schedule, *([] if start is None else [start]))
    return schedule


def told(session, since=EARLIER, now=NOW):
    return [watch_id for watch_id, _ in fired(session, since=since, now=now)]


def test_a_watch_fires_with_its_device_when_a_slot_appears(session, feed):
    device_id = make_watching_device(session)
    watch_id = make_watch(session, device_id)
    make_watch(session, specialty="nursing")
    assert fired(session, since=EARLIER, now=NOW) == []
    make_new(session, feed)
    assert fired(session, since=EARLIER, now=NOW) == [(watch_id, device_id)]


def test_watches_that_fire_come_in_the_order_of_their_ids(session, feed):
    make_new(session, feed)
    made = [make_watch(session, commune_code=code) for code in ("75104", "75101", "75104", "75102")]
    assert told(session) == sorted(made)


@pytest.mark.parametrize(
    ("at", "within_km", "is_told"), [(VERSAILLES, 17, False), (VERSAILLES, 20, True), (MARSEILLE, 50, False)]
)
def test_distance_is_from_the_centre_of_the_commune(session, feed, at, within_km, is_told):
    make_new(session, feed, at=at)
    watch_id = make_watch(session, within_km=within_km)
    assert told(session) == [watch_id] * is_told


def test_a_video_counts_everywhere(session, feed):
    make_new(session, feed, modality="video", at=None)
    any_modality, video = make_watch(session, within_km=0), make_watch(session, within_km=0, modality="video")
    make_watch(session, modality="practice")
    assert told(session) == sorted([any_modality, video])


def test_nothing_fires_that_appeared_before_since(session, feed):
    make_new(session, feed, last_new_at=EARLIER)
    watch_id = make_watch(session, created_at=EARLIER - timedelta(days=1))
    assert told(session, since=EARLIER + timedelta(seconds=1)) == []
    assert told(session, since=EARLIER) == [watch_id]


def test_a_watch_made_after_the_slot_appeared_does_not_fire_beside_one_made_before(session, feed):
    make_new(session, feed)
    before = make_watch(session, created_at=NOW)
    make_watch(session, created_at=NOW + timedelta(seconds=1))
    assert told(session, now=NOW + timedelta(seconds=2)) == [before]


@pytest.mark.parametrize(("later", "is_told"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_the_slot_has_to_start_after_now(session, feed, later, is_told):
    make_new(session, feed, start=NOW + later)
    watch_id = make_watch(session)
    assert told(session) == [watch_id] * is_told


def test_a_calendar_with_a_slot_of_the_past_and_one_to_come_fires(session, feed):
    schedule = make_new(session, feed, start=NOW - timedelta(hours=1))
    watch_id = make_watch(session)
    assert told(session) == []
    make_slot(session, schedule, NOW + timedelta(days=1))
    assert told(session) == [watch_id]


def test_the_slot_has_to_start_before_the_end_of_the_watch(session, feed):
    make_new(session, feed, start=NOW + timedelta(days=10))
    make_watch(session, until=NOW + timedelta(days=10))
    longer = make_watch(session, until=NOW + timedelta(days=11))
    assert told(session) == [longer]


def test_a_watch_that_is_over_does_not_fire(session, feed):
    make_new(session, feed)
    make_watch(session, until=NOW)
    assert told(session) == []


def test_a_provider_that_is_retired_fires_nothing(session, feed):
    make_new(session, feed)
    make_watch(session)
    session.execute(update(Provider).values(retired_at=NOW))
    assert told(session) == []


def test_a_provider_fires_only_where_it_is_offered(session):
    local = make_provider(session, territory_kind="departement", territory_code="75")
    make_new(session, make_feed(session, local), modality="video", at=None)
    paris, _marseille = make_watch(session), make_watch(session, commune_code="13201")
    assert told(session) == [paris]


@pytest.mark.usefixtures("feed")
def test_when_no_slot_appeared_no_watch_is_read(session):
    make_watch(session)
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        assert told(session) == []
    finally:
        event.remove(bind, "before_cursor_execute", note)
    assert len(asked) == 1


def test_ten_thousand_watches_cost_a_few_statements(session, feed):
    for number in range(20):
        make_new(session, feed, f"new-{number}", at=(48.8 + number / 100, 2.35))
    device_id = make_watching_device(session)
    row = {
        "device_id": device_id,
        "specialty": "general-practice",
        "created_at": EARLIER,
        "until": NOW + timedelta(days=9),
    }
    rows = [
        row | {"id": f"{number:022}", "commune_code": f"751{1 + number % 20:02}", "within_km": number % 51}
        for number in range(10_000)
    ]
    session.execute(SlotWatch.__table__.insert(), rows)
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        found = told(session)
    finally:
        event.remove(bind, "before_cursor_execute", note)
    assert len(found) > 5_000
    assert len(asked) <= 4


def test_ending_watches_deletes_them_and_gives_those_it_ended(session):
    ended, kept = make_watch(session), make_watch(session)
    assert end_watches(session, [ended, "never-there"]) == {ended}
    assert end_watches(session, [ended]) == set()
    assert end_watches(session, []) == set()
    assert session.scalars(select(SlotWatch.id)).all() == [kept]


def test_watches_whose_time_is_over_are_forgotten(session):
    make_watch(session, until=NOW)
    kept = make_watch(session, until=NOW + timedelta(seconds=1))
    assert forget_ended(session, NOW) == 1
    assert session.scalars(select(SlotWatch.id)).all() == [kept]


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request, worker, tmp_path):
    """A database of real transactions, of several connections at once."""
    with fresh_database_url(request.param, f"alentours_watches_{worker}", tmp_path) as url:
        database = Database(make_engine(Settings(database_url=url)))
        prepare_database(database)
        yield database
        database.engine.dispose()


@pytest.fixture
def stored(own_database):
    """Twelve watches of four devices, for all of which a slot appeared: their ids."""
    with own_database.session() as session:
        make_new(session, make_feed(session, make_provider(session)))
        devices = [make_watching_device(session) for _ in range(4)]
        codes = ("75101", "75102", "75103")
        return {make_watch(session, device, commune_code=code): device for device in devices for code in codes}


def test_of_two_triggers_at_once_each_watch_is_ended_by_one(own_database, stored):
    def trigger(session):
        return end_watches(session, [watch_id for watch_id, _ in fired(session, since=EARLIER, now=NOW)])

    got = do_at_once(own_database, trigger, trigger, trigger)
    assert sorted(watch_id for ended in got for watch_id in ended) == sorted(stored)
    with own_database.session(write=False) as session:
        assert session.scalars(select(SlotWatch.id)).all() == []


def test_a_watch_that_fires_while_it_is_changed_or_removed_breaks_nothing(own_database, stored):
    (watch_id, device_id), *_ = stored.items()

    def change(session):
        return add_watch(session, device_id, make_wish(commune="75101", within_km=5), now=NOW).id

    def remove(session):
        remove_watch(session, device_id, watch_id)

    def end(session):
        return end_watches(session, list(stored))

    got = do_at_once(own_database, end, change, remove)
    assert len(got) == 3
    ended = next(each for each in got if isinstance(each, set))
    assert set(stored) - ended <= {watch_id}
    with own_database.session(write=False) as session:
        left = session.scalars(select(SlotWatch.id)).all()
    assert len(left) <= 1


def test_a_device_that_is_erased_while_its_watch_fires_leaves_none(own_database, stored):
    device_id = next(iter(stored.values()))
    do_at_once(
        own_database,
        lambda session: end_watches(session, list(stored)),
        lambda session: erase_device(session, device_id),
    )
    with own_database.session(write=False) as session:
        assert session.scalars(select(SlotWatch.id)).all() == []


def test_three_is_the_limit_for_requests_at_the_same_time_too(own_database):
    with own_database.session() as session:
        device_id = make_watching_device(session)

    def watch(commune):
        return lambda session: add_watch(session, device_id, make_wish(commune=commune), now=NOW).commune_code

    got = do_at_once(own_database, *(watch(f"7510{number}") for number in range(1, 7)))
    assert got.count("slot-watch-limit-reached") == 3
    with own_database.session(write=False) as session:
        assert len(session.scalars(select(SlotWatch.id)).all()) == 3


def test_a_watch_that_has_fired_is_unknown_to_whoever_removes_it(session):
    device_id = make_watching_device(session)
    watch_id = make_watch(session, device_id)
    end_watches(session, [watch_id])
    with pytest.raises(WatchUnknown):
        remove_watch(session, device_id, watch_id)


def test_a_slot_that_appears_later_in_the_same_calendar_fires_a_new_watch(session, feed):
    schedule = make_new(session, feed)
    end_watches(session, [make_watch(session)])
    later = NOW + timedelta(minutes=5)
    again = make_watch(session, created_at=NOW + timedelta(minutes=1))
    assert told(session, now=later) == []
    session.execute(update(Schedule).where(Schedule.id == schedule.id).values(last_new_at=later))
    assert told(session, since=NOW, now=later) == [again]
