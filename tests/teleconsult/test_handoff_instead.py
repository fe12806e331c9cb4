"""From the page of a slot that is gone to another slot, by one press."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from citizen_api.teleconsult.handoff_models import Handoff
from tests.teleconsult.handoff_makers import (
    BROWSER,
    HANDOFFS,
    code_of,
    counts_of,
    follow,
    hand_over,
    make_app,
    make_offer,
    take,
)


@pytest.fixture
def app(services):
    return make_app(services)


@pytest.fixture
def slot(session):
    return make_offer(session)


def test_one_press_hands_over_to_another_slot(client, session, slot):
    token = hand_over(client, slot)
    other = make_offer(session, "other")
    take(session, slot)
    follow(client, token)

    made = client.post(f"/h/{token}/instead", data={"slot": code_of(other)}, headers=BROWSER)

    assert made.status_code == 303
    path = made.headers["Location"]
    assert path.startswith("/h/")
    sent = client.get(path, headers=BROWSER)
    assert (sent.status_code, urlsplit(sent.headers["Location"]).netloc) == (303, "synthetic-clinic.example")
    assert counts_of(session, "other") == {"made": 1, "opened": 1}


def test_pressing_twice_hands_over_once(client, session, slot):
    token = hand_over(client, slot)
    other = make_offer(session, "other")
    take(session, slot)
    follow(client, token)

    pressed = [client.post(f"/h/{token}/instead", data={"slot": code_of(other)}) for _ in range(2)]

    assert pressed[0].headers["Location"] == pressed[1].headers["Location"]
    assert session.query(Handoff).filter(Handoff.provider_id == "other").count() == 1


def test_another_slot_that_is_gone_too_gives_others(client, session, slot):
    token = hand_over(client, slot)
    other, third = make_offer(session, "other"), make_offer(session, "third")
    take(session, slot)
    follow(client, token)
    take(session, other)

    response = client.post(f"/h/{token}/instead", data={"slot": code_of(other)})

    assert response.status_code == 410
    assert code_of(third) in response.text


@pytest.mark.parametrize("state", ["made", "opened", "cancelled"])
def test_nothing_is_handed_over_instead_of_what_is_not_gone(client, session, slot, state):
    token = hand_over(client, slot)
    if state == "opened":
        follow(client, token)
    if state == "cancelled":
        client.delete(f"{HANDOFFS}/{token}")

    response = client.post(f"/h/{token}/instead", data={"slot": code_of(slot)})

    assert response.status_code == 404
    assert session.query(Handoff).count() == 1


def test_the_page_of_what_is_gone_serves_two_hours(client, session, clock, slot):
    token = hand_over(client, slot)
    other = make_offer(session, "other")
    take(session, slot)
    follow(client, token)
    clock.moment += timedelta(hours=2)

    assert client.post(f"/h/{token}/instead", data={"slot": code_of(other)}).status_code == 404
