"""Places and calendars of a feed, and the rows by which their slots are searched."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from citizen_api.care.models import Facility, FacilityIdentifier
from citizen_api.teleconsult import schedule_store as store
from citizen_api.teleconsult.models import Schedule, Service, SlotPlace
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot
from tests.teleconsult.source_makers import NOW, make_place_record, make_schedule_record


@pytest.fixture
def provider(session):
    return make_provider(session, languages=["fr", "en"], sector="2", third_party=True, audience="adults")


@pytest.fixture
def feed(session, provider):
    noise = make_feed(session, provider, "noise")
    make_schedule(session, noise, "s1", specialties=("dermatology",), at=(43.6, 1.44))
    make_slot(session, make_schedule(session, noise, "s2"))
    return make_feed(session, provider)


@pytest.fixture
def describe(session, database, provider, feed):
    """Store places and calendars; give the rejected rows."""

    def run(*items):
        places = [item for item in items if not hasattr(item, "modality")]
        communes = store.communes_of(database, feed.id, places)
        store.store_places(session, feed.id, places, communes)
        return store.store_schedules(session, feed.id, provider, [item for item in items if hasattr(item, "modality")])

    return run


def services(session, feed):
    rows = session.execute(select(Service.__table__).where(Service.feed_id == feed.id).order_by(Service.specialty))
    return rows.all()


def place(session, feed):
    return session.execute(select(SlotPlace.__table__).where(SlotPlace.feed_id == feed.id)).one()


def test_a_calendar_is_searched_under_each_of_its_specialties(describe, session, feed):
    describe(make_schedule_record(specialties=("dermatology", "allergology", "dermatology")))
    assert [row.specialty for row in services(session, feed)] == ["allergology", "dermatology"]


def test_what_a_calendar_does_not_say_is_its_providers(describe, session, feed):
    describe(make_schedule_record())
    (row,) = services(session, feed)
    assert (row.languages, row.sector, row.third_party, row.audience) == (",fr,en,", "2", True, "adults")
    assert (row.modality, row.lat, row.lon, row.provider_id) == ("video", None, None, "synthetic-clinic")


def test_what_a_calendar_says_goes_before_its_provider(describe, session, feed):
    said = {"languages": ("br",), "sector": "1", "third_party": False, "audience": "children"}
    describe(make_schedule_record(**said))
    (row,) = services(session, feed)
    assert (row.languages, row.sector, row.third_party, row.audience) == (",br,", "1", False, "children")


def test_a_calendar_that_changes_its_specialties_is_searched_under_the_new_ones_only(describe, session, feed):
    describe(make_schedule_record(specialties=("dermatology", "allergology")))
    describe(make_schedule_record(specialties=("allergology", "nursing")))
    assert [row.specialty for row in services(session, feed)] == ["allergology", "nursing"]


def test_a_calendar_is_searched_where_its_place_is_and_moves_with_it(describe, session, feed):
    describe(make_place_record(), make_schedule_record(modality="practice", place_id="p1"))
    describe(make_place_record(lat=48.9, lon=2.4))
    (row,) = services(session, feed)
    assert (row.lat, row.lon) == (48.9, 2.4)


def test_a_place_of_another_feed_that_bears_the_same_id_does_not_move(describe, session):
    describe(make_place_record("place-s1"), make_schedule_record(modality="practice", place_id="place-s1"))
    describe(make_place_record("place-s1", lat=48.9))
    assert session.scalar(select(Service.lat).where(Service.specialty == "dermatology")) == 43.6


@pytest.mark.parametrize("place_id", ["nobody", None])
def test_a_calendar_of_a_practice_without_a_place_is_rejected(describe, session, feed, place_id):
    rejected = describe(make_schedule_record(modality="practice", place_id=place_id))
    assert [(row.code, row.raw) for row in rejected] == [("place_unknown", "s1")]
    assert services(session, feed) == []


def test_languages_that_find_no_room_are_left_out(describe, session, feed):
    describe(make_schedule_record(languages=tuple(f"l{number:02}" for number in range(60))))
    (row,) = services(session, feed)
    assert (len(row.languages), row.languages[-5:]) == (97, ",l23,")


def test_what_watches_look_for_outlives_a_change_of_the_calendar(describe, session, feed):
    describe(make_schedule_record())
    schedule = session.scalars(select(Schedule).where(Schedule.feed_id == feed.id)).one()
    schedule.last_new_at = NOW
    session.flush()
    describe(make_schedule_record(link="https://synthetic-clinic.example/other"))
    session.refresh(schedule)
    assert (schedule.link, schedule.last_new_at) == ("https://synthetic-clinic.example/other", NOW)


def test_when_an_aggregator_read_its_source_is_kept(describe, session, feed):
    describe(make_schedule_record(synced_at=NOW, availability="some"))
    describe(make_schedule_record(synced_at=NOW + timedelta(hours=1), availability="none"))
    row = session.execute(select(Schedule.synced_at, Schedule.availability).where(Schedule.feed_id == feed.id)).one()
    assert tuple(row) == (NOW + timedelta(hours=1), "none")


# --- Places -------------------------------------------------------------------------------------------------


def test_the_commune_of_a_place_is_found_by_its_position(describe, session, feed):
    describe(make_place_record(commune_code=None, lat=48.8566, lon=2.3522))
    assert place(session, feed).commune_code == "75104"


def test_a_place_far_from_all_communes_has_none(describe, session, feed):
    describe(make_place_record(commune_code=None, lat=0.5, lon=-30.0))
    assert place(session, feed).commune_code is None


def test_a_commune_is_looked_for_only_where_a_place_is_new_or_has_moved(describe, monkeypatch):
    asked = []
    looked_up = store.nearest_centre

    def counting(session, *, lat, lon):
        asked.append(lat)
        return looked_up(session, lat=lat, lon=lon)

    monkeypatch.setattr(store, "nearest_centre", counting)
    for lat in (48.8566, 48.8566, 48.86):
        describe(make_place_record("a", commune_code=None, lat=lat), make_place_record("b", lat=lat))
    assert asked == [48.8566, 48.86]


def test_a_place_is_tied_to_the_place_of_care_of_its_number(describe, session, feed):
    for facility_id in ("fac-noise", "fac-own"):
        session.add(Facility(id=facility_id, name="Synthetic", position_approximate=False, updated_at=NOW))
    session.flush()
    session.add(FacilityIdentifier(facility_id="fac-noise", scheme="siret", value="750010597"))
    session.add(FacilityIdentifier(facility_id="fac-own", scheme="finess", value="750010597"))
    session.flush()
    describe(make_place_record(finess="750010597"))
    assert place(session, feed).facility_id == "fac-own"


def test_texts_that_find_no_room_are_cut_and_a_phone_is_left_out(describe, session, feed):
    describe(make_place_record(name="n" * 999, address="a" * 999, city="c" * 999, postcode="7" * 99, phone="0" * 99))
    row = place(session, feed)
    assert [len(text) for text in (row.name, row.address, row.city, row.postcode)] == [200, 300, 100, 10]
    assert row.phone is None


# --- What is said no more -----------------------------------------------------------------------------------


def test_calendars_and_places_that_are_said_no_more_go_once_they_have_no_slot(describe, session, feed):
    for number in "123":
        describe(
            make_place_record(f"p{number}"),
            make_schedule_record(f"s{number}", modality="practice", place_id=f"p{number}"),
        )
    with_slot = session.scalars(select(Schedule).where(Schedule.feed_id == feed.id, Schedule.source_id == "s2")).one()
    make_slot(session, with_slot)
    store.forget_unsaid(session, feed.id, places=["p1"], schedules=["s1"])
    of_feed = select(Schedule.source_id).where(Schedule.feed_id == feed.id)
    places = select(SlotPlace.source_id).where(SlotPlace.feed_id == feed.id)
    assert (set(session.scalars(of_feed)), set(session.scalars(places))) == ({"s1", "s2"}, {"p1", "p2"})


def test_another_feeds_calendars_are_not_forgotten(session, feed):
    store.forget_unsaid(session, feed.id, places=[], schedules=[])
    assert set(session.scalars(select(Schedule.source_id))) == {"s1", "s2"}


# --- Virtual places -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "modality", "has_place"),
    [
        ({"modality": "practice", "is_modality_said": False}, "video", False),
        ({"modality": "video"}, "video", False),
        ({"modality": "practice"}, "practice", True),
        ({"modality": "assisted"}, "assisted", True),
    ],
    ids=str,
)
def test_at_a_virtual_place_one_meets_by_video_unless_another_way_is_said(
    describe, session, feed, said, modality, has_place
):
    describe(make_place_record(is_virtual=True), make_schedule_record(place_id="p1", **said))
    (row,) = services(session, feed)
    schedule = session.get(Schedule, row.schedule_id)
    assert (row.modality, schedule.modality) == (modality, modality)
    assert (row.lat is not None, schedule.place_id is not None) == (has_place, has_place)


def test_at_another_place_one_meets_as_is_usual_there(describe, session, feed):
    describe(make_place_record(), make_schedule_record(place_id="p1", modality="practice", is_modality_said=False))
    assert [(row.modality, row.lat) for row in services(session, feed)] == [("practice", 48.8566)]


def test_a_calendar_that_comes_without_its_virtual_place_is_by_video_too(describe, session, feed):
    describe(make_place_record(is_virtual=True))
    describe(make_schedule_record(place_id="p1", modality="practice", is_modality_said=False))
    assert [row.modality for row in services(session, feed)] == ["video"]
