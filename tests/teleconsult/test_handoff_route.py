"""A handoff over HTTP: made, read, answered, ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from citizen_api.teleconsult.card_rules import card_version
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.models import Provider, Slot
from citizen_api.teleconsult.watch_models import Reminder
from tests.conftest import SUNDAY_NIGHT
from tests.people.makers import make_device
from tests.teleconsult.handoff_makers import (
    HANDOFFS,
    ask,
    code_of,
    follow,
    fresh_key,
    hand_over,
    make_app,
    make_offer,
    state_of,
    store_handoff,
    token_in,
)
from tests.web.makers import read_problem


@pytest.fixture
def app(services):
    return make_app(services)


@pytest.fixture
def slot(session):
    return make_offer(session)


def consenting_device(client):
    """A device that agreed to reminders: its headers."""
    device_id, headers = make_device(client)
    made = client.put("/v1/me/consents/reminders", json={"version": "2026-11"}, headers=headers)
    assert made.status_code < 300
    return device_id, headers


def test_a_handoff_says_all_that_its_holder_needs(client, slot):
    said = ask(client, slot, {"Accept-Language": "en"}).get_json()

    token = token_in(said["link"])
    assert said["link"].endswith(f"/h/{token}?lang=en")
    assert said["calendar"].endswith(f"/h/{token}.ics?lang=en")
    assert len(token) == 32
    assert said["state"] == {"code": "made", "text": "link ready, not opened yet"}
    assert [(move["became"], move["by"]) for move in said["history"]] == [("made", "resident")]
    assert said["provider"] == {"id": "synthetic-clinic", "name": "Cabinet d'essai", "kind": "practice"}
    assert said["granularity"]["code"] == "slot"
    assert (said["start"], said["end"]) == ("2026-11-23T09:40:00+01:00", "2026-11-23T09:55:00+01:00")
    assert said["expires_at"] == "2026-11-22T23:40:00+00:00"
    assert said["has_link"]
    assert said["phone"] is None
    assert not said["remind"]
    assert said["notices"] == []
    assert {entry["number"] for entry in said["emergency"]} >= {"15", "112"}


def test_a_handoff_is_nobody_elses_and_is_kept_nowhere(client, slot):
    assert ask(client, slot).headers["Cache-Control"] == "no-store"


def test_the_token_is_not_in_the_tables(client, session, slot):
    store_handoff(session, slot)
    token = hand_over(client, slot)

    (row,) = session.query(Handoff).filter(Handoff.key_salt != "salt")
    assert token not in {str(getattr(row, column.key)) for column in Handoff.__table__.columns}


def test_a_provider_without_a_slot_is_handed_over_to_at_its_own_page(client, session):
    make_offer(session, link_template="https://synthetic-clinic.example/home", granularity="slot")

    said = client.post(
        HANDOFFS,
        json={"provider": "synthetic-clinic", "card_shown": card_version()},
        headers=fresh_key() | {"Accept-Language": "en"},
    ).get_json()

    assert (said["start"], said["calendar"], said["has_link"]) == (None, None, True)
    assert said["granularity"] == {
        "code": "practice",
        "text": "The link opens the page of the place: choose the slot there.",
    }


def test_a_provider_that_is_not_offered_is_unknown(client, session):
    make_offer(session)
    session.get_one(Provider, "synthetic-clinic").retired_at = SUNDAY_NIGHT
    session.commit()

    response = client.post(
        HANDOFFS, json={"provider": "synthetic-clinic", "card_shown": card_version()}, headers=fresh_key()
    )

    assert (response.status_code, read_problem(response)["type"]) == (404, "/problems/provider-unknown")


@pytest.mark.parametrize("shown", ["0", "old-version", "x" * 40])
def test_the_card_is_shown_first(client, slot, shown):
    response = ask(client, slot, card_shown=shown)

    assert (response.status_code, read_problem(response)["type"]) == (422, "/problems/card-not-shown")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"card_shown": None}, "card_shown"),
        ({"symptom": "cough"}, "symptom"),
        ({"reason": "x"}, "reason"),
        ({"provider": "synthetic-clinic"}, "slot"),
        ({"remind": "yes"}, "remind"),
        ({"slot": 1}, "slot"),
    ],
)
def test_what_is_asked_is_exact_and_nothing_about_symptoms(client, slot, changed, field):
    response = ask(client, slot, **changed)

    assert response.status_code == 422
    assert [error["field"] for error in read_problem(response)["errors"]] == [field]


@pytest.mark.parametrize("key", [None, "short", "x" * 201, "é" * 20, "a b" * 10, "0" * 16])
def test_a_question_has_an_idempotency_key(client, slot, key):
    headers = {} if key is None else {"Idempotency-Key": key}

    response = client.post(HANDOFFS, json={"slot": code_of(slot), "card_shown": card_version()}, headers=headers)

    assert response.status_code == 422
    assert {error["field"] for error in read_problem(response)["errors"]} == {"Idempotency-Key"}


def test_the_same_question_twice_is_one_handoff(client, session, slot):
    key = fresh_key()

    first, second = ask(client, slot, key), ask(client, slot, key)

    assert first.get_json() == second.get_json()
    assert session.query(Handoff).count() == 1


def test_the_same_key_for_another_question_is_refused(client, session, slot):
    key = fresh_key()
    ask(client, slot, key)

    response = ask(client, slot, key, remind=True)

    assert (response.status_code, read_problem(response)["type"]) == (422, "/problems/idempotency-key-reused")
    assert session.query(Handoff).count() == 1


def test_the_same_key_of_another_device_is_another_question(client, slot):
    key = fresh_key()
    _, headers = make_device(client)

    assert hand_over(client, slot, key) != hand_over(client, slot, key | headers)


def test_a_token_that_no_device_has_is_refused(client, slot):
    response = ask(client, slot, {"Authorization": "Bearer ald_nobody"})

    assert response.status_code == 401


@pytest.mark.parametrize("code", ["sl_AAAAAQAAAAAAAAAB", "sl_nothing", "nothing"])
def test_a_slot_that_is_gone_gives_others_instead(client, session, code):
    slot = make_offer(session)

    response = ask(client, code)
    body = response.get_json()

    assert (response.status_code, body["type"]) == (410, "/problems/slot-gone")
    assert [other["id"] for other in body["alternatives"]] == [code_of(slot)]


def test_a_slot_that_began_is_gone(client, clock, slot):
    clock.moment = SUNDAY_NIGHT + timedelta(hours=11)

    assert ask(client, slot).status_code == 410


def test_a_slot_without_a_safe_link_is_booked_by_phone(client, session):
    slot = make_offer(session, link="https://evil.example/", phone="+33100000001")

    said = ask(client, slot, {"Accept-Language": "en"}).get_json()

    assert (said["has_link"], said["phone"]) == (False, "+33100000001")
    assert [notice["code"] for notice in said["notices"]] == ["handoff_by_phone"]


def test_without_a_safe_link_and_a_phone_there_is_nowhere_to_book(client, session):
    response = ask(client, make_offer(session, link="https://evil.example/"))

    assert (response.status_code, read_problem(response)["type"]) == (409, "/problems/nowhere-to-book")
    assert session.query(Handoff).count() == 0


def test_a_demo_appointment_says_so(client, session):
    assert [n["code"] for n in ask(client, make_offer(session, origin="demo")).get_json()["notices"]] == [
        "handoff_demo"
    ]


def test_reminders_need_a_device(client, slot):
    said = ask(client, slot, remind=True).get_json()

    assert (said["remind"], [n["code"] for n in said["notices"]]) == (False, ["handoff_no_device"])


def test_reminders_need_a_consent(client, slot):
    _, headers = make_device(client)

    said = ask(client, slot, headers, remind=True).get_json()

    assert (said["remind"], [n["code"] for n in said["notices"]]) == (False, ["handoff_no_reminders"])


def test_who_agreed_is_reminded_of_what_is_booked(client, session, slot):
    device_id, headers = consenting_device(client)
    token = hand_over(client, slot, headers, remind=True)
    assert session.query(Reminder).count() == 0

    follow(client, token)
    said = client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked"}).get_json()

    assert said["remind"]
    # Monday 9:40 is less than 24 hours away.
    rows = [(row.kind, row.device_id, row.due_at) for row in session.query(Reminder)]
    assert rows == [("hour", device_id, SUNDAY_NIGHT + timedelta(hours=10))]


def test_a_resident_may_tell_the_time_of_what_was_booked(client, session):
    slot = make_offer(session, granularity="home")
    token = hand_over(client, slot)
    follow(client, token)

    said = client.post(
        f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked", "start": "2026-11-25T15:00:00+01:00"}
    ).get_json()

    assert (said["start"], said["end"], said["state"]["code"]) == ("2026-11-25T15:00:00+01:00", None, "booked")


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "too_late", "start": "2026-11-25T15:00:00+01:00"},
        {"outcome": "booked", "start": "2026-11-22T15:00:00+01:00"},
        {"outcome": "booked", "start": "2028-11-25T15:00:00+01:00"},
    ],
)
def test_a_time_is_told_only_of_what_is_booked_and_to_come(client, slot, body):
    token = hand_over(client, slot)
    follow(client, token)

    response = client.post(f"{HANDOFFS}/{token}/feedback", json=body, headers={"Accept-Language": "fr"})

    assert response.status_code == 422
    assert read_problem(response)["errors"] == [
        {"field": "start", "message": "Seulement pour un rendez-vous pris, dans l'année qui vient."}
    ]


@pytest.mark.parametrize(("outcome", "state"), [("too_late", "too_late"), ("did_not_work", "failed")])
def test_what_did_not_come_of_it_ends_it(client, slot, outcome, state):
    token = hand_over(client, slot)
    follow(client, token)

    client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": outcome})

    assert state_of(client, token) == state


def test_feedback_before_the_link_was_followed_is_a_clear_problem(client, slot):
    token = hand_over(client, slot)

    response = client.post(
        f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked"}, headers={"Accept-Language": "en"}
    )

    problem = read_problem(response)
    assert (response.status_code, problem["type"]) == (409, "/problems/handoff-move-illegal")
    assert "“made”" in problem["detail"]
    assert "“booked”" in problem["detail"]


def test_feedback_sent_twice_changes_nothing_more(client, slot):
    token = hand_over(client, slot)
    follow(client, token)

    answers = [client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json() == answers[1].get_json()


def test_feedback_holds_no_free_text(client, slot):
    token = hand_over(client, slot)

    response = client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked", "comment": "cough"})

    assert [error["field"] for error in read_problem(response)["errors"]] == ["comment"]


def test_a_cancelled_handoff_forgets_what_it_was_for(client, session, slot):
    device_id, headers = consenting_device(client)
    other = store_handoff(session, slot, device_id)
    token = hand_over(client, slot, headers, remind=True)

    assert client.delete(f"{HANDOFFS}/{token}").status_code == 204

    session.expire_all()
    row = session.query(Handoff).filter(Handoff.id != other.id).one()
    forgotten = ("device_id", "feed_id", "slot_key", "specialty", "modality", "link", "starts_s", "ends_s")
    assert {name: getattr(row, name) for name in forgotten} == dict.fromkeys(forgotten)
    assert (row.state, row.remind, other.device_id) == ("cancelled", False, device_id)


def test_cancelling_twice_is_no_error(client, slot):
    token = hand_over(client, slot)

    assert [client.delete(f"{HANDOFFS}/{token}").status_code for _ in range(2)] == [204, 204]


def test_what_has_ended_cannot_be_booked(client, slot):
    token = hand_over(client, slot)
    client.delete(f"{HANDOFFS}/{token}")

    assert client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": "booked"}).status_code == 409


def test_an_ended_handoff_says_that_it_is_forgotten(client, slot):
    token = hand_over(client, slot)
    client.delete(f"{HANDOFFS}/{token}")

    said = client.get(f"{HANDOFFS}/{token}").get_json()

    assert (said["state"]["code"], said["expires_at"], said["start"]) == ("cancelled", None, None)
    assert [notice["code"] for notice in said["notices"]] == ["handoff_ended"]


def test_what_is_over_its_time_is_told_as_expired(client, clock, slot):
    token = hand_over(client, slot)
    clock.moment = SUNDAY_NIGHT + timedelta(hours=2)

    assert state_of(client, token) == "expired"
    assert client.delete(f"{HANDOFFS}/{token}").status_code == 409


@pytest.mark.parametrize("token", ["a" * 32, "-" * 32, "é" * 32])
def test_an_unknown_token_is_a_clear_problem(client, session, slot, token):
    store_handoff(session, slot)

    response = client.get(f"{HANDOFFS}/{token}")

    assert (response.status_code, read_problem(response)["type"]) == (404, "/problems/handoff-unknown")


def test_the_history_names_who_moved_it(client, slot):
    token = hand_over(client, slot)
    follow(client, token)
    client.post(f"{HANDOFFS}/{token}/feedback", json={"outcome": "too_late"})

    history = client.get(f"{HANDOFFS}/{token}").get_json()["history"]

    assert [(move["became"], move["by"]) for move in history] == [
        ("made", "resident"),
        ("opened", "system"),
        ("too_late", "resident"),
    ]


def test_a_slot_that_is_sold_again_is_free_for_others(client, session, slot):
    # Nothing of ours takes a slot: a handoff is no booking.
    hand_over(client, slot)
    hand_over(client, slot)

    assert session.query(Slot).count() == 1
