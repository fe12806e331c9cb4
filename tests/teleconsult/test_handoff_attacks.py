"""Handoffs attacked: open redirects, guessing, taking every link, injections."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from citizen_api.core.settings import Settings
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.models import Slot
from citizen_api.web.logs import SilentFormatter
from tests.teleconsult.handoff_makers import HANDOFFS, ask, code_of, follow, hand_over, make_app, make_offer, take
from tests.teleconsult.test_links import TRICKS

OPEN_REDIRECTS = [link for link in TRICKS if link and "\ud800" not in link and "\x00" not in link]


@pytest.fixture
def app(services):
    return make_app(services)


@pytest.fixture
def slot(session):
    return make_offer(session)


def publish(session, slot, link):
    """Have the publisher say another link of the slot."""
    session.get_one(Slot, (slot.feed_id, slot.key)).link = link
    session.commit()


def test_no_trick_of_a_publisher_leads_elsewhere(client, session, settings, slot):
    object.__setattr__(settings, "rate_limit_handoffs", "")
    token = hand_over(client, slot)
    for link in OPEN_REDIRECTS:
        # As if the provider were known by the host that the tricks pretend to be.
        publish(session, slot, link.replace("rdv.example", "synthetic-clinic.example"))

        response = follow(client, token)

        assert (response.status_code, "Location" in response.headers) == (410, False), link


def offer_by_template(session, source_id):
    """Make a slot whose link its provider's template makes out of the publisher's id."""
    slot = make_offer(session, link_template="https://synthetic-clinic.example/book?slot={slot}", link=None)
    session.get_one(Slot, (slot.feed_id, slot.key)).source_id = source_id
    session.commit()
    return slot


def test_an_id_of_a_publisher_does_not_leave_its_place_in_a_template(client, session):
    slot = offer_by_template(session, "/../@evil.example&source=evil#")

    link = urlsplit(follow(client, hand_over(client, slot)).headers["Location"])

    assert (link.netloc, link.path, link.fragment) == ("synthetic-clinic.example", "/book", "")
    assert [value for name, value in parse_qsl(link.query) if name == "source"] == ["alentours"]


@pytest.mark.parametrize("source_id", ["a\r\nSet-Cookie: a=b", "//evil.example", "https://evil.example"])
def test_an_id_of_a_publisher_that_is_none_makes_no_link(client, session, source_id):
    assert ask(client, offer_by_template(session, source_id)).status_code == 409


def test_a_client_cannot_say_where_it_is_led(client, slot):
    token = hand_over(client, slot)

    response = client.get(f"/h/{token}?url=https://evil.example&lang=en")

    assert urlsplit(response.headers["Location"]).netloc == "synthetic-clinic.example"
    assert "evil" not in response.headers["Location"]


def test_the_host_header_does_not_lead_a_resident_elsewhere(client, session, slot):
    token = hand_over(client, slot)
    other = make_offer(session, "other")
    take(session, slot)
    follow(client, token)

    response = client.post(f"/h/{token}/instead", data={"slot": code_of(other)}, headers={"Host": "evil.example"})

    assert response.headers["Location"].startswith("/h/")


@pytest.fixture
def limited(services, settings):
    """A client of an app that counts three handoffs an hour."""
    services.settings = Settings(
        data_dir=settings.data_dir, directory_check_s=0, rate_limit="", rate_limit_handoffs="3 per hour"
    )
    return make_app(services).test_client()


def test_nobody_takes_every_link(limited, session, slot):
    assert [ask(limited, slot).status_code for _ in range(5)] == [201, 201, 201, 429, 429]
    assert session.query(Handoff).count() == 3


def test_guessing_tokens_is_counted_wherever_they_are_tried(limited, slot):
    tries = [follow(limited, "a" * 32), limited.get(f"{HANDOFFS}/{'a' * 32}"), limited.delete(f"{HANDOFFS}/{'b' * 32}")]
    assert {answer.status_code for answer in tries} == {404}

    after = [
        follow(limited, "c" * 32),
        limited.get(f"{HANDOFFS}/{'c' * 32}"),
        limited.post(f"{HANDOFFS}/{'c' * 32}/feedback", json={"outcome": "booked"}),
        limited.post(f"/h/{'c' * 32}/instead"),
        ask(limited, slot),
    ]
    assert {answer.status_code for answer in after} == {429}


def test_whoever_holds_a_token_may_look_as_often_as_they_like(limited, slot):
    token = hand_over(limited, slot)

    assert {limited.get(f"{HANDOFFS}/{token}").status_code for _ in range(6)} == {200}


def test_a_link_that_somebody_has_opens_as_often_as_they_like(limited, slot):
    token = hand_over(limited, slot)

    assert {follow(limited, token).status_code for _ in range(6)} == {303}


def test_an_ended_handoff_keeps_nothing_by_which_its_question_could_be_tried(client, session, slot):
    key = {"Idempotency-Key": "synthetic-key-ended"}
    token = hand_over(client, slot, key)
    client.delete(f"{HANDOFFS}/{token}")

    row = session.query(Handoff).one()
    assert (row.asked, row.key_salt, row.slot_key) == ("", "", None)
    assert hand_over(client, slot, key) != token


def test_a_key_gives_its_link_again_for_ten_minutes_only(client, clock, slot):
    key = {"Idempotency-Key": "synthetic-key-again"}
    ask(client, slot, key)
    clock.moment += timedelta(minutes=10, seconds=1)

    response = ask(client, slot, key)

    assert (response.status_code, response.get_json()["type"]) == (409, "/problems/handoff-made-already")


def test_who_asked_too_often_is_told_on_a_page(limited):
    for _ in range(3):
        follow(limited, "a" * 32)

    response = follow(limited, "a" * 32)

    assert (response.status_code, response.mimetype) == (429, "text/html")
    assert int(response.headers["Retry-After"]) > 0
    assert "60 minutes" in response.text
    assert '<a href="tel:15">15</a>' in response.text


def test_tokens_do_not_follow_from_each_other_or_from_the_key(client, slot):
    tokens = {hand_over(client, slot) for _ in range(5)}
    same_key = {"Idempotency-Key": "kabcdefg" * 2}
    first = hand_over(client, slot, same_key)

    assert len(tokens | {first}) == 6
    assert not {"k", first[:8]} & {token[:8] for token in tokens}


def test_neither_id_nor_referral_opens_anything(client, slot):
    said = ask(client, slot).get_json()

    for name in ("id", "referral"):
        assert follow(client, said[name]).status_code == 404
        assert client.get(f"{HANDOFFS}/{said[name]}").status_code == 404


EVIL_NAMES = [
    "{{ 7777 * 7777 }}",
    "{% raw %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{name}",
    "%s",
]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_name_is_only_a_name(client, session, slot, name):
    token = hand_over(client, slot)
    make_offer(session, "other", name=name, at=(48.85, 2.35), modality="practice")
    take(session, slot)

    page = follow(client, token).text

    assert "60481729" not in page
    assert "<script" not in page
    assert "<img" not in page


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: evil=1", "a\nLocation: https://evil.example"])
def test_no_text_of_a_publisher_becomes_a_header(client, session, name):
    slot = make_offer(session, name=name, phone="+33100000001", link=None)

    for response in (ask(client, slot), follow(client, hand_over(client, slot))):
        assert "Set-Cookie" not in response.headers
        assert "Location" not in response.headers


def test_the_log_holds_the_route_and_no_token(client, slot, caplog):
    caplog.set_level(logging.INFO)
    token = hand_over(client, slot)
    follow(client, token)
    client.get(f"{HANDOFFS}/{token}")
    client.post(f"/h/{token}/instead", data={"slot": code_of(slot)})

    lines = [SilentFormatter().format(record) for record in caplog.records]

    assert not [line for line in lines if token in line or "evil" in line]
    routes = {json.loads(line).get("route") for line in lines}
    assert {"/h/<token>", "/h/<token>/instead"} <= routes
