"""`GET /v1/teleconsultations/slots`: what a resident is told of slots, and what is left unsaid."""

from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.core.problems import Unavailable
from citizen_api.teleconsult import slot_views
from citizen_api.teleconsult.slot_schemas import SlotsView
from tests.care.makers import import_records, make_record
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.slot_answers import ANTONY, IN_ANTONY, IN_PARIS, NINE, PARIS, codes, modalities, text_of
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot


def test_a_slot_is_said_with_all_that_a_resident_needs_and_no_link(ask, offer):
    offer(at=IN_PARIS, modality="practice", commune_code="75104", slot={"capacity": 3})
    (item,) = ask(specialty="general-practice", **PARIS).json["items"]
    assert item.pop("id").startswith("sl_")
    assert item == {
        "start": "2026-11-23T09:00:00+01:00",
        "end": "2026-11-23T09:15:00+01:00",
        "duration_s": 900,
        "specialty": {"code": "general-practice", "text": "general practice"},
        "modality": {"code": "practice", "text": "at the practice"},
        "provider": {"id": "synthetic-clinic", "name": "Cabinet d'essai", "kind": "practice"},
        "place": {
            "name": "Lieu d'essai",
            "address": "1 rue d'Essai",
            "city": "Paris",
            "commune": "75104",
            "lat": IN_PARIS[0],
            "lon": IN_PARIS[1],
            "distance_m": 0.0,
        },
        "languages": ["fr"],
        "payment": {"sector": "1", "third_party": None, "text": "Fees: sector 1 (no extra fees)."},
        "audience": {"code": "everybody", "text": "for everybody"},
        "capacity": 3,
        "granularity": {"code": "slot", "text": "The link opens the slot you chose."},
        "phone": None,
        "freshness": {
            "confirmed_at": "2026-11-22T21:40:00+00:00",
            "age_s": 0,
            "state": "fresh",
            "text": "Confirmed just now.",
        },
        "is_demo": False,
        "why": {"code": "soonest", "text": "No. 1 by start time. Neutral ranking: nobody pays for a place."},
    }


def test_no_address_of_a_booking_service_stands_in_an_answer(ask, offer):
    offer()
    assert "synthetic-clinic.example" not in ask().text


def test_an_answer_keeps_to_its_schema_and_is_not_stored(ask, offer):
    offer(at=IN_PARIS, modality="practice")
    answer = ask(**PARIS)
    assert not SlotsView().validate(answer.json)
    assert answer.headers["Cache-Control"] == "no-store"


def test_both_languages_give_the_same_slots_and_numbers(ask, offer):
    offer(at=IN_PARIS, modality="assisted")
    english, french = ask(**PARIS).json["items"], ask(**PARIS, lang="fr").json["items"]
    assert french[0]["modality"]["text"] == "en vidéo, avec de l'aide sur place (cabine en pharmacie)"
    for one, other in zip(english, french, strict=True):
        assert [one[name] for name in ("id", "start", "place", "duration_s")] == [
            other[name] for name in ("id", "start", "place", "duration_s")
        ]


def test_a_slot_overseas_is_said_by_the_clock_of_its_place(ask, offer):
    offer(at=(-20.88, 55.45), modality="practice", commune_code="97411")
    (item,) = ask(specialty="general-practice").json["items"]
    assert item["start"] == "2026-11-23T12:00:00+04:00"


def test_the_specialty_asked_for_is_the_one_that_is_said(ask, offer):
    offer(specialties=("general-practice", "dietetics"))
    assert ask(specialty="dietetics").json["items"][0]["specialty"]["code"] == "dietetics"


def test_where_none_is_asked_for_the_first_specialty_of_the_calendar_is_said(ask, offer):
    offer(specialties=("dietetics", "general-practice"), start=NINE - timedelta(hours=1))
    assert ask(limit=1).json["items"][0]["specialty"]["code"] == "general-practice"


def test_a_phone_is_said_only_where_it_is_published_for_booking(ask, offer):
    offer(slot={"phone": "+33144000000"})
    assert ask(specialty="general-practice").json["items"][0]["phone"] == "+33144000000"


def test_what_has_no_link_says_no_granularity(ask, offer):
    offer(slot={"link": None})
    assert ask(specialty="general-practice").json["items"][0]["granularity"] is None


def test_unknown_fees_are_said_to_be_unknown(ask, session):
    feed = make_feed(session, make_provider(session, sector=None))
    make_slot(session, make_schedule(session, feed), NINE)
    assert ask().json["items"][0]["payment"] == {
        "sector": None,
        "third_party": None,
        "text": "Fees are not known here: ask before you book.",
    }


def test_payment_wishes_must_all_hold(ask, offer):
    offer("both", third_party=True)
    offer("sector", third_party=False)
    offer("third", third_party=True, sector="2")
    answer = ask(payment="sector_1,third_party", specialty="general-practice")
    assert len(answer.json["items"]) == 1
    assert "slots_known_wishes" in codes(answer)


def test_sector_1_or_optam_takes_both(ask, offer):
    for sector in ("1", "2_optam", "2", "none"):
        offer(sector, sector=sector)
    found = ask(payment="sector_1_or_optam", specialty="general-practice").json["items"]
    assert {item["payment"]["sector"] for item in found} == {"1", "2_optam"}


def test_a_language_is_asked_for_in_any_case(ask, offer):
    offer(languages=["ar"])
    answer = ask(language="AR")
    assert [item["languages"] for item in answer.json["items"]] == [["ar"]]


def test_a_slot_of_the_demo_city_is_marked_and_said(ask, session):
    feed = make_feed(session, make_provider(session, origin="demo"))
    make_slot(session, make_schedule(session, feed), NINE)
    answer = ask()
    assert answer.json["items"][0]["is_demo"] is True
    assert "demo_slots" in codes(answer)


def test_without_a_demo_slot_nothing_is_said_of_the_demo(ask, offer):
    offer()
    assert "demo_slots" not in codes(ask())


def test_an_old_confirmation_is_marked(ask, session):
    feed = make_feed(session, make_provider(session), checked_at=SUNDAY_NIGHT - timedelta(hours=2))
    make_slot(session, make_schedule(session, feed), NINE)
    answer = ask()
    assert answer.json["items"][0]["freshness"] == {
        "confirmed_at": "2026-11-22T19:40:00+00:00",
        "age_s": 7200,
        "state": "stale",
        "text": "Confirmed 2 h ago: it may be taken already.",
    }
    assert "slots_stale" in codes(answer)


def test_a_feed_whose_slots_are_often_gone_says_so(ask, session):
    checked_at = SUNDAY_NIGHT - timedelta(minutes=5)
    feed = make_feed(session, make_provider(session), checked_at=checked_at, gone_rate=0.5)
    make_slot(session, make_schedule(session, feed), NINE)
    text = ask().json["items"][0]["freshness"]["text"]
    assert text == "Confirmed 5 min ago, but this service's slots are often gone on arrival."


def test_publishers_that_are_too_old_are_counted(ask, session):
    feed = make_feed(session, make_provider(session), checked_at=SUNDAY_NIGHT - timedelta(hours=7))
    make_slot(session, make_schedule(session, feed), NINE)
    answer = ask()
    assert answer.json["items"] == []
    assert text_of(answer, "slots_hidden").endswith("for more than 6 h: 1.")


def test_nothing_found_is_an_empty_list_with_what_to_do(ask):
    answer = ask()
    assert answer.status_code == 200
    assert answer.json["items"] == []
    assert "116 117" in text_of(answer, "slots_none")
    assert answer.json["beside"] is None


def test_what_is_found_is_checked_again_at_most_once_a_minute_and_that_is_said(ask, offer):
    offer()
    assert text_of(ask(), "slots_may_be_gone").endswith(
        "when you open its link, at most once a minute for each service."
    )


def test_nothing_found_near_says_within_which_distance(ask):
    assert "within 12.5 km" in text_of(ask(**PARIS, within_km=12.5), "slots_none_near")


def test_emergency_numbers_stand_beside_every_answer(ask, client):
    emergency = client.get("/v1/care/nearest", query_string={**PARIS, "category": "pharmacy", "lang": "en"})
    assert ask().json["emergency"] == emergency.json["emergency"]


def test_in_a_commune_short_of_doctors_a_later_booth_stands_first_and_the_answer_says_why(ask, offer):
    offer("practice", at=IN_ANTONY, modality="practice")
    offer("booth", at=IN_ANTONY, modality="assisted", start=NINE + timedelta(hours=5))
    answer = ask(**ANTONY, specialty="general-practice")
    assert modalities(answer) == ["assisted", "practice"]
    assert text_of(answer, "slots_few_doctors").startswith(
        "Few general practitioners here (Antony): 2.45 consultations a year and inhabitant in 2023, that is below 2.5."
    )
    why = answer.json["items"][0]["why"]
    assert why["code"] == "few_doctors"
    assert "2.45 consultations a year and inhabitant in 2023" in why["text"]


def test_in_french_the_figure_has_a_comma(ask, offer):
    offer()
    assert "2,45 consultations" in text_of(ask(**ANTONY, lang="fr"), "slots_few_doctors")


def test_a_position_in_a_commune_short_of_doctors_counts_as_its_commune(ask, offer):
    offer()
    assert "slots_few_doctors" in codes(ask(lat=IN_ANTONY[0], lon=IN_ANTONY[1]))


@pytest.mark.parametrize(
    "question",
    [
        {"commune": "75104"},
        {"commune": "34172"},
        {**ANTONY, "specialty": "cardiology"},
        {**ANTONY, "modality": "practice,video"},
        {**ANTONY, "order": "nearest"},
        {},
    ],
    ids=str,
)
def test_nothing_is_claimed_where_it_is_not_known_or_not_what_is_sought(ask, offer, question):
    offer()
    answer = ask(**question)
    assert "slots_few_doctors" not in codes(answer)
    assert {item["why"]["code"] for item in answer.json["items"]} <= {"soonest", "nearest"}


def test_by_distance_the_order_is_said(ask, offer):
    offer(at=IN_PARIS, modality="practice")
    assert ask(**PARIS, order="nearest", modality="practice").json["items"][0]["why"]["code"] == "nearest"


def test_distances_from_the_centre_of_a_commune_are_said_to_be_approximate(ask, offer):
    offer()
    assert "approximate_centroid" in codes(ask(**ANTONY))


def test_places_of_care_stand_beside_with_where_to_ask_for_more(ask, database, tmp_path):
    centre = make_record("a", category_codes=(("alentours", "health_centre"),), phone="+33144000000")
    import_records(database, tmp_path, [centre, make_record("pharmacy")])
    beside = ask(**PARIS).json["beside"]
    (place,) = beside["items"]
    assert (place["name"], place["category"], place["distance_m"]) == ("Synthetic a", "health_centre", 0.0)
    assert place["place"] == f"/v1/care/{place['id']}"
    assert place["opening"]["state"] == "unknown"


def test_places_beside_are_of_the_kind_that_is_sought(ask, database, tmp_path):
    records = [make_record("a", category_codes=(("alentours", "dentist"),)), make_record("pharmacy")]
    import_records(database, tmp_path, records)
    beside = ask(**PARIS, specialty="dentistry").json["beside"]
    assert [place["category"] for place in beside["items"]] == ["dentist"]


def test_no_more_than_three_places_stand_beside(ask, database, tmp_path):
    records = [make_record(key, category_codes=(("alentours", "health_centre"),)) for key in "abcd"]
    import_records(database, tmp_path, records)
    assert len(ask(**PARIS).json["beside"]["items"]) == 3


def test_where_no_place_of_care_is_near_that_is_said(ask, database, tmp_path):
    import_records(database, tmp_path, [make_record("pharmacy")])
    assert ask(**PARIS).json["beside"] == {
        "text": "No place to be seen in person is known within 30 km for this request.",
        "items": [],
    }


def test_where_the_directory_does_not_answer_nothing_is_said_of_places(ask, monkeypatch):
    def fails():
        raise Unavailable

    monkeypatch.setattr(slot_views, "current_directory", fails)
    answer = ask(**PARIS)
    assert (answer.status_code, answer.json["beside"]) == (200, None)


def test_what_is_past_is_not_looked_at(ask, offer):
    offer("past", start=SUNDAY_NIGHT - timedelta(hours=1))
    offer("ahead")
    answer = ask(specialty="general-practice", **{"from": "2026-11-20T00:00:00Z"})
    assert [item["start"] for item in answer.json["items"]] == ["2026-11-23T09:00:00+01:00"]


def test_without_an_end_seven_days_are_looked_at(ask, offer):
    offer("near", start=SUNDAY_NIGHT + timedelta(days=7, seconds=-1))
    offer("far", start=SUNDAY_NIGHT + timedelta(days=7))
    assert len(ask(specialty="general-practice").json["items"]) == 1


def test_what_is_asked_beyond_31_days_is_cut_and_said(ask, offer):
    offer("far", start=SUNDAY_NIGHT + timedelta(days=31))
    answer = ask(until="2027-01-30T00:00:00+01:00", specialty="general-practice")
    assert answer.json["items"] == []
    assert "slots_cut" in codes(answer)


def test_a_position_is_not_logged(ask, offer, caplog):
    offer()
    with caplog.at_level("DEBUG"):
        ask(**PARIS)
    assert "48.85" not in caplog.text


def test_a_slot_that_began_within_this_second_is_past(ask, offer, clock):
    offer(start=SUNDAY_NIGHT)
    clock.moment = datetime(2026, 11, 22, 21, 40, 0, 1, tzinfo=UTC)
    assert ask(specialty="general-practice").json["items"] == []
