"""The calendar file of a handoff, under its short link."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import vobject

from citizen_api.teleconsult.calendar_views import pages
from citizen_api.teleconsult.handoff_actions import move
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.handoff_tokens import digest
from citizen_api.teleconsult.models import Feed, Slot
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.handoff_makers import (
    BROWSER,
    follow,
    hand_over,
    make_app,
    make_offer,
    moves_of,
    open_and_book,
    store_handoff,
)
from tests.teleconsult.slot_makers import make_schedule

TOKEN = "bXktc3ludGhldGljLXRva2VuLTAwMDE_"
PLACE = {"modality": "practice", "at": (48.857, 2.352), "commune_code": "75104"}
LATER_S = int(datetime(2026, 11, 24, 10, tzinfo=UTC).timestamp())


@pytest.fixture
def app(services):
    made = make_app(services)
    if pages.name not in made.blueprints:
        made.register_blueprint(pages)
    return made


def make_handoff(session, *, place=True, **changed) -> Handoff:
    """Make a handoff to a practice whose token is known, and another as noise."""
    slot = make_offer(session, **PLACE if place else {})
    store_handoff(session, make_offer(session, "other-clinic"))
    modality = "practice" if place else "video"
    handoff = store_handoff(session, slot, **({"token_hash": digest(TOKEN), "modality": modality} | changed))
    session.commit()
    return handoff


def fetch(client, token=TOKEN, language="en"):
    return client.get(f"/h/{token}.ics", headers=BROWSER | {"Accept-Language": language})


def event_of(client):
    response = fetch(client)
    assert response.status_code == 200, response.get_data(as_text=True)
    return vobject.readOne(response.get_data(as_text=True)).vevent


def test_a_booked_appointment_opens_in_a_calendar(client, session):
    handoff = make_handoff(session)
    open_and_book(session, handoff)
    session.commit()
    response = fetch(client)
    assert response.content_type == "text/calendar; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == 'attachment; filename="alentours.ics"'
    event = vobject.readOne(response.get_data(as_text=True)).vevent
    assert (event.uid.value, event.status.value) == (handoff.id, "CONFIRMED")
    assert event.dtstart.value == SUNDAY_NIGHT + timedelta(hours=11)
    assert event.location.value == "1 rue d'Essai, 75004 Paris"


@pytest.mark.parametrize(("lang", "summary"), [("fr", "Rendez-vous"), ("en", "Appointment")])
def test_its_title_is_neutral_in_both_languages(client, session, lang, summary):
    make_handoff(session, state="booked", expires_at=SUNDAY_NIGHT + timedelta(days=2))
    assert f"\r\nSUMMARY:{summary}\r\n" in fetch(client, language=lang).get_data(as_text=True)


@pytest.mark.parametrize(
    ("lang", "summary"), [("fr", "Rendez-vous à confirmer"), ("en", "Appointment to be confirmed")]
)
def test_what_is_not_booked_yet_is_called_so(client, session, lang, summary):
    make_handoff(session)
    assert f"\r\nSUMMARY:{summary}\r\n" in fetch(client, language=lang).get_data(as_text=True)


def test_it_names_neither_the_token_nor_the_provider_nor_the_place(client, session):
    handoff = make_handoff(session)
    text = fetch(client).get_data(as_text=True)
    hidden = [TOKEN, handoff.referral, handoff.token_hash, "synthetic-clinic", "Cabinet", "Lieu", "general", "practice"]
    assert [word for word in hidden if word in text] == []


def test_what_is_not_booked_yet_is_tentative_and_looking_moves_nothing(client, session):
    handoff = make_handoff(session)
    assert event_of(client).status.value == "TENTATIVE"
    session.refresh(handoff)
    assert (handoff.state, moves_of(session, handoff)) == ("made", [])


def test_a_moved_appointment_has_the_same_name_and_a_higher_number(client, session):
    handoff = make_handoff(session)
    open_and_book(session, handoff)
    session.commit()
    before = event_of(client)
    move(session, handoff, "booked", by="provider", now=SUNDAY_NIGHT, starts_s=LATER_S)
    session.commit()
    after = event_of(client)
    assert after.uid.value == before.uid.value
    assert int(after.sequence.value) > int(before.sequence.value)
    assert int(after.dtstart.value.timestamp()) == LATER_S


def test_a_cancelled_appointment_goes_from_the_calendar(client, session):
    handoff = make_handoff(session)
    open_and_book(session, handoff)
    session.commit()
    before = event_of(client)
    move(session, handoff, "cancelled", by="provider", now=SUNDAY_NIGHT)
    session.commit()
    after = event_of(client)
    assert (after.uid.value, after.status.value) == (before.uid.value, "CANCELLED")
    assert int(after.sequence.value) > int(before.sequence.value)


def test_an_appointment_by_video_is_nowhere(client, session):
    make_handoff(session, place=False)
    assert not hasattr(event_of(client), "location")


def test_a_slot_that_left_its_feed_is_still_at_the_only_place_in_its_commune(client, session):
    handoff = make_handoff(session)
    session.delete(session.get_one(Slot, (handoff.feed_id, handoff.slot_key)))
    session.commit()
    assert event_of(client).location.value == "1 rue d'Essai, 75004 Paris"


def test_no_place_is_guessed_where_there_are_two(client, session):
    handoff = make_handoff(session)
    slot = session.get_one(Slot, (handoff.feed_id, handoff.slot_key))
    feed = session.get_one(Feed, slot.feed_id)
    make_schedule(session, feed, "11", at=(48.86, 2.35), commune_code="75104")
    session.delete(slot)
    session.commit()
    assert not hasattr(event_of(client), "location")


@pytest.mark.parametrize(
    ("kind", "modalities", "is_said"),
    [
        ("practice", ["practice"], True),
        ("booth", ["assisted"], True),
        ("platform", ["practice"], False),
        ("practice", ["practice", "video"], False),
        ("practice", [], False),
    ],
)
def test_without_a_slot_it_is_at_the_providers_own_address(client, session, kind, modalities, is_said):
    make_offer(session, kind=kind, modalities=modalities, address="2 rue d'Essai, Paris")
    store_handoff(session, token_hash=digest(TOKEN), modality=None, starts_s=LATER_S)
    session.commit()
    assert hasattr(event_of(client), "location") == is_said


@pytest.mark.parametrize("state", ["completed", "too_late", "failed", "expired"])
def test_an_ended_handoff_answers_as_its_page_does(client, session, state):
    make_handoff(session, state=state)
    page, file = follow(client, TOKEN), fetch(client)
    assert (file.status_code, file.data) == (page.status_code, page.data) == (404, page.data)


def test_a_handoff_over_its_time_answers_as_its_page_does(client, session, clock):
    make_handoff(session)
    clock.moment += timedelta(hours=3)
    page, file = follow(client, TOKEN), fetch(client)
    assert (file.status_code, file.data) == (page.status_code, page.data) == (404, page.data)


@pytest.mark.parametrize("token", [TOKEN, "unknown", "é", "x" * 500])
def test_an_unknown_link_answers_as_its_page_does(client, token):
    page, file = follow(client, token), fetch(client, token)
    assert (file.status_code, file.data) == (page.status_code, page.data)
    assert file.status_code == 404


def test_without_a_known_start_there_is_no_file(client, session):
    make_handoff(session, starts_s=None, ends_s=None)
    assert fetch(client).status_code == 404


def test_a_link_given_by_the_api_leads_to_the_file(client, session):
    token = hand_over(client, make_offer(session))
    said = client.get(f"/v1/teleconsultations/handoffs/{token}").get_json()
    assert client.get(said["calendar"]).status_code == 200


def test_who_guesses_is_slowed_down(client, services):
    services.settings = replace(services.settings, rate_limit_handoffs="2 per minute")
    assert [fetch(client, f"unknown{number}").status_code for number in range(3)] == [404, 404, 429]
