"""Centres of a département: their places, calendars and next slots, and the file as a publisher."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.availability_feed import (
    UNSAID_S,
    AvailabilityFeed,
    read_availabilities,
    records_of,
)
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import (
    RefusedPublisherError,
    SlotSourceError,
    TooLargeError,
    UnreadablePublisherError,
)
from tests.shared_data import shared_file
from tests.sources.air_makers import Answer, make_air_publisher
from tests.sources.fhir_makers import JSON_VALUES
from tests.sources.test_air_any_bytes import changed, damaged

UPDATED = "2021-04-09T15:30:28.574198+02:00"
NEXT = "2021-04-12T09:00:00.000+02:00"
LINK = "https://partners.synthetic-booking.example/centre/essai?pid=practice-1"
SNAPSHOTS = ("vitemadose_2021-04-09T1530", "vitemadose_2021-04-10T0121")


def make_centre(name="Centre d'essai", **changes):
    return {
        "departement": "75",
        "nom": name,
        "url": LINK,
        "location": {"longitude": 2.25827, "latitude": 48.8401},
        "metadata": {"address": "95  Rue de l'Essai, 75016 PARIS", "phone_number": "01 40 10 20 30"},
        "prochain_rdv": NEXT,
        "plateforme": "Doctolib",
        "type": "vaccination-center",
        "appointment_count": 16,
    } | changes


def make_file(*free, taken=(), **changes):
    lists = {"centres_disponibles": list(free), "centres_indisponibles": list(taken)}
    return json.dumps({"version": 1, "last_updated": UPDATED} | lists | changes).encode()


def items(body):
    return list(records_of(read_availabilities(body)))


def of(kind, body):
    return [item for item in items(body) if isinstance(item, kind)]


def read_one(kind, **changes):
    (item,) = of(kind, make_file(make_centre(**changes)))
    return item


def test_a_centre_is_a_place_a_calendar_and_its_next_slot():
    place, schedule, slot = items(make_file(make_centre()))
    assert place == PlaceRecord(
        source_id=place.source_id,
        name="Centre d'essai",
        address="95 Rue de l'Essai",
        postcode="75016",
        city="Paris",
        lat=48.8401,
        lon=2.25827,
        phone="+33140102030",
    )
    assert schedule == ScheduleRecord(
        source_id=place.source_id,
        modality="practice",
        specialties=("vaccination",),
        place_id=place.source_id,
        link=LINK,
        availability="some",
        synced_at=datetime.fromisoformat(UPDATED),
    )
    start_s = int(datetime.fromisoformat(NEXT).timestamp())
    assert slot == SlotRecord(
        source_id=f"{place.source_id}|{start_s}",
        schedule_id=place.source_id,
        is_free=True,
        start_s=start_s,
        end_s=start_s + UNSAID_S,
        capacity=None,
        link=None,
        phone=None,
    )


def test_a_centre_keeps_its_identity_when_its_link_changes():
    assert read_one(PlaceRecord).source_id == read_one(PlaceRecord, url="https://another.example").source_id


def test_centres_that_book_at_one_address_are_several():
    assert len({read_one(PlaceRecord, nom=name).source_id for name in ("Mairie du 9e", "Mairie du 13e")}) == 2


def test_a_centre_that_stands_twice_is_read_once():
    body = make_file(make_centre(), taken=[make_centre(prochain_rdv=None)])
    assert len(of(PlaceRecord, body)) == 1
    assert [item.code for item in of(RejectedRow, body)] == ["duplicate"]


@pytest.mark.parametrize(
    ("platform", "url", "availability"),
    [("Doctolib", LINK, "none"), ("Autre", LINK, "unknown"), (None, LINK, "unknown"), ("Doctolib", "", "unknown")],
)
def test_only_a_centre_that_is_watched_has_none(platform, url, availability):
    centre = make_centre(plateforme=platform, url=url, prochain_rdv=None, appointment_count=0)
    (schedule,) = of(ScheduleRecord, make_file(taken=[centre]))
    assert schedule.availability == availability


def test_a_centre_that_is_listed_as_free_has_some_though_nobody_knows_when():
    assert read_one(ScheduleRecord, prochain_rdv=None).availability == "some"


@pytest.mark.parametrize("start", ["2021-04-09T15:00:00+02:00", "2021-04-09T12:00:00.000000Z"])
def test_a_next_appointment_that_was_over_already_is_none(start):
    body = make_file(make_centre(prochain_rdv=start))
    assert [item.code for item in of(RejectedRow, body)] == ["past"]
    assert [item.availability for item in of(ScheduleRecord, body)] == ["unknown"]
    assert of(SlotRecord, body) == []


@pytest.mark.parametrize("start", ["2021-04-12T09:00:00", "demain", "", 5, [], {}, "9999-01-01T00:00:00Z"])
def test_a_next_appointment_that_cannot_be_read_leaves_the_centre(start):
    body = make_file(make_centre(prochain_rdv=start))
    assert [type(item) for item in items(body)] == [PlaceRecord, ScheduleRecord, RejectedRow]


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        ("2021-05-08T11:30:00+00:00", "2021-05-08T11:30:00+00:00"),
        ("2021-07-01T09:00:00.000000Z", "2021-07-01T09:00:00+00:00"),
        ("2021-04-12T09:00:00+02", "2021-04-12T07:00:00+00:00"),
    ],
)
def test_offsets_are_exact(start, utc):
    assert read_one(SlotRecord, prochain_rdv=start).start_s == datetime.fromisoformat(utc).timestamp()


def test_a_file_without_its_moment_is_read():
    body = make_file(make_centre(), last_updated=None)
    assert [item.synced_at for item in of(ScheduleRecord, body)] == [None]
    assert len(of(SlotRecord, body)) == 1


def test_the_number_of_appointments_of_all_days_is_not_that_of_the_next():
    assert read_one(SlotRecord, appointment_count=16).capacity is None


@pytest.mark.parametrize("url", ["", "  ", None, "http://synthetic.example/", "javascript:alert(1)", 5, "https://"])
def test_only_an_https_address_is_a_link(url):
    assert read_one(ScheduleRecord, url=url).link is None


@pytest.mark.parametrize(
    ("location", "position"),
    [
        ({"latitude": "48.8401", "longitude": "2.25827"}, (48.8401, 2.25827)),
        ({"latitude": "48,8401", "longitude": "2,25827"}, (48.8401, 2.25827)),
        ({"latitude": 2.25827, "longitude": 48.8401}, (48.8401, 2.25827)),
        ({"latitude": -21.1, "longitude": 55.5}, (-21.1, 55.5)),
        ({"latitude": None, "longitude": None}, (None, None)),
        ({"latitude": 0, "longitude": 0}, (None, None)),
        ({"latitude": 480, "longitude": 2}, (None, None)),
        ({"latitude": "north", "longitude": []}, (None, None)),
        ([48.8, 2.2], (None, None)),
        (None, (None, None)),
    ],
)
def test_a_position_is_read_put_right_or_left_out(location, position):
    place = read_one(PlaceRecord, location=location)
    assert (place.lat, place.lon) == position


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("06 32 10 20 30", "+33632102030"),
        ("+33625405522 ", "+33625405522"),
        ("0800 08 33 46", "+33800083346"),
        ("3975", None),
        ("39 75", None),
        ("", None),
        (5, None),
    ],
)
def test_a_telephone_is_one_that_can_be_dialled_from_anywhere(written, phone):
    assert read_one(PlaceRecord, metadata={"address": "", "phone_number": written}).phone == phone


@pytest.mark.parametrize("metadata", [None, [], "x", {}, {"address": None}])
def test_a_centre_without_an_address_is_a_place(metadata):
    place = read_one(PlaceRecord, metadata=metadata)
    assert (place.address, place.postcode, place.city) == (None, None, None)


def test_an_address_without_a_postcode_is_kept_as_it_is():
    place = read_one(PlaceRecord, metadata={"address": "Place d'Essai"})
    assert (place.address, place.postcode) == ("Place d'Essai", None)


@pytest.mark.parametrize("centre", [None, 5, "x", [], make_centre(name=""), make_centre(name="---")])
def test_what_is_no_centre_is_rejected_and_the_next_is_read(centre):
    body = make_file(centre, make_centre())
    assert [item.row for item in of(RejectedRow, body)] == [1]
    assert len(of(SlotRecord, body)) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"centres_disponibles": 5}', b"\xff", b"[" * 100_000 + b"]" * 100_000]
)
def test_another_file_is_unreadable(body):
    with pytest.raises(UnreadablePublisherError):
        read_availabilities(body)


@pytest.mark.parametrize("text", ["," * 1_000_000, "1 " * 500_000, "75016 " * 200_000])
def test_an_address_of_a_megabyte_is_cut(text):
    assert len(read_one(PlaceRecord, metadata={"address": text, "phone_number": text}).address or "") <= 300


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    assert all(map(can_be_kept, read_or_refused(body)))


@given(damaged(make_file(make_centre())))
def test_a_damaged_file_is_read_or_refused(body):
    assert all(map(can_be_kept, read_or_refused(body)))


@given(changed(make_file(make_centre(), taken=[make_centre("Autre")])))
def test_any_value_anywhere_is_read_or_refused(body):
    assert all(map(can_be_kept, read_or_refused(body)))


@given(st.dictionaries(st.sampled_from(sorted(make_centre())), JSON_VALUES))
def test_whatever_a_centre_says_the_next_one_is_read(changes):
    body = make_file(make_centre() | changes, make_centre("Le suivant"))
    assert "Le suivant" in {item.name for item in of(PlaceRecord, body)}


def read_or_refused(body):
    try:
        return items(body)
    except UnreadablePublisherError:
        return []


def can_be_kept(item):
    if isinstance(item, PlaceRecord):
        return bool(item.name) and (item.lat is None) == (item.lon is None)
    if isinstance(item, SlotRecord):
        return item.start_s < item.end_s
    return isinstance(item, ScheduleRecord) or item.code in {"bad_row", "no_name", "bad_time", "past", "duplicate"}


@pytest.mark.parametrize(("snapshot", "centres", "free"), [(SNAPSHOTS[0], 325, 29), (SNAPSHOTS[1], 338, 50)])
def test_the_real_files_are_read_whole(snapshot, centres, free):
    files = sorted(shared_file(f"vaccination/{snapshot}").glob("*.json"))
    read = [item for file in files for item in items(file.read_bytes())]
    assert [item for item in read if isinstance(item, RejectedRow)] == []
    places = [item for item in read if isinstance(item, PlaceRecord)]
    assert len({place.source_id for place in places}) == len(places) == centres
    assert all(place.lat and place.postcode and place.city for place in places)
    assert sum(isinstance(item, SlotRecord) for item in read) == free


def test_the_real_centres_are_the_same_in_both_snapshots():
    before, after = (
        {
            item.source_id
            for file in shared_file(f"vaccination/{snapshot}").glob("*.json")
            for item in items(file.read_bytes())
            if isinstance(item, PlaceRecord)
        }
        for snapshot in SNAPSHOTS
    )
    assert len(before & after) == 323


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers["/75.json"] = [Answer(make_file(make_centre()))]
        yield running


def feed(client, publisher, *, max_bytes=1_000_000):
    return AvailabilityFeed(client, f"{publisher.url}/75.json?key=s3cret", max_bytes=max_bytes)


def test_a_publication_is_its_one_file(client, publisher):
    publication = feed(client, publisher).look(None, since=None)
    (file,) = publication.files
    with file.read(None) as reading:
        assert [type(item) for item in reading] == [PlaceRecord, ScheduleRecord, SlotRecord]
    assert (publication.is_whole, publication.published_at) == (True, datetime.fromisoformat(UPDATED))
    assert (reading.state, reading.size) == (publication.state, len(publisher.answers["/75.json"][0].body))


def test_what_did_not_change_is_not_read_again(client, publisher):
    known = feed(client, publisher).look(None, since=None).state
    assert feed(client, publisher).look(known, since=None) is None


def test_what_the_publisher_says_did_not_change_is_not_sent_again(client, publisher):
    publisher.answers["/75.json"] = [Answer(make_file(), headers={"ETag": '"1"'}), Answer(b"", 304)]
    known = feed(client, publisher).look(None, since=None).state
    assert feed(client, publisher).look(known, since=None) is None
    assert publisher.calls[1].headers["If-None-Match"] == '"1"'


def test_what_changed_is_read(client, publisher):
    known = feed(client, publisher).look(None, since=None).state
    publisher.answers["/75.json"] = [Answer(make_file())]
    assert feed(client, publisher).look(known, since=None).state != known


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(b"<html>"), UnreadablePublisherError),
        (Answer(b"x" * 1_000_001), TooLargeError),
        (Answer(status=403), RefusedPublisherError),
        (Answer(status=500), SlotSourceError),
    ],
    ids=["another file", "too large", "forbidden", "failing"],
)
def test_what_goes_wrong_is_said_with_its_address_and_without_the_key(client, publisher, answer, expected):
    publisher.answers["/75.json"] = [answer]
    with pytest.raises(SlotSourceError, match=r"/75\.json") as raised:
        feed(client, publisher).look(None, since=None)
    assert type(raised.value) is expected
    assert "s3cret" not in str(raised.value)
