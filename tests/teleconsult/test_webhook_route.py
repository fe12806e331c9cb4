"""A provider tells what became of a booking, and a handoff moves; nobody else makes one move."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from citizen_api.teleconsult.handoff_actions import move
from citizen_api.teleconsult.handoff_models import Handoff, WebhookSeen
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.watch_models import Reminder
from citizen_api.teleconsult.webhooks import MOST_BYTES
from tests.conftest import SUNDAY_NIGHT
from tests.people.makers import store_device
from tests.teleconsult.handoff_makers import moves_of
from tests.teleconsult.webhook_makers import (
    NOISE_REFERRAL,
    OLDER_SECRET,
    REFERRAL,
    STRANGERS_SECRET,
    make_message,
    make_opened,
    seen,
    send,
    sign,
    state_of,
    tell,
)
from tests.web.makers import read_problem

START = "2026-11-24T10:00:00+01:00"
LATER = "2026-11-24T11:00:00+01:00"
LATER_S = int(datetime(2026, 11, 24, 10, tzinfo=UTC).timestamp())


@pytest.fixture
def handoff(session):
    return make_opened(session)


def problem_of(response) -> tuple[int, str]:
    return response.status_code, read_problem(response)["type"].removeprefix("/problems/")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["booking.confirmed"], "booked"),
        (["booking.confirmed", "booking.cancelled"], "cancelled"),
        (["booking.confirmed", "booking.completed"], "completed"),
    ],
)
def test_what_a_provider_tells_moves_the_handoff_and_no_other(client, session, handoff, told, state):
    handoff.starts_s = int(SUNDAY_NIGHT.timestamp())  # it begins now
    session.commit()
    answers = [tell(client, kind) for kind in told]
    assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * len(told)
    assert state_of(session) == state
    assert moves_of(session, handoff)[-1][2] == "provider"
    assert state_of(session, NOISE_REFERRAL) == "opened"


def test_a_confirmation_says_when(client, session, handoff):
    assert tell(client, start=START, end=LATER).status_code == 204
    session.refresh(handoff)
    assert (handoff.starts_s, handoff.ends_s) == (LATER_S - 3600, LATER_S)


def test_a_move_moves_the_appointment_and_its_reminders(client, session, database):
    device_id = store_device(database)
    handoff = make_opened(session, device_id=device_id)
    tell(client, start=START)
    sequence = session.get_one(Handoff, handoff.id, populate_existing=True).sequence
    assert tell(client, "booking.moved", start=LATER).status_code == 204
    session.refresh(handoff)
    assert (handoff.starts_s, handoff.sequence) == (LATER_S, sequence + 1)
    assert {row.starts_s for row in session.scalars(select(Reminder))} == {LATER_S}


def test_a_confirmation_that_comes_after_the_move_does_not_move_back(client, session, handoff):
    tell(client, "booking.moved", start=LATER)
    assert tell(client, start=START).status_code == 204
    session.refresh(handoff)
    assert handoff.starts_s == LATER_S


def test_a_provider_confirms_other_times_than_the_resident_told(client, session, handoff):
    move(session, handoff, "booked", by="resident", now=SUNDAY_NIGHT, starts_s=LATER_S - 3600)
    session.commit()
    assert tell(client, start=LATER).status_code == 204
    session.refresh(handoff)
    assert handoff.starts_s == LATER_S


@pytest.mark.usefixtures("handoff")
def test_nothing_is_completed_before_it_begins(client, session):
    tell(client)
    assert problem_of(tell(client, "booking.completed")) == (409, "handoff-move-illegal")
    assert state_of(session) == "booked"


@pytest.mark.parametrize("kind", ["booking.cancelled", "booking.completed"])
@pytest.mark.usefixtures("handoff")
def test_a_move_that_the_state_does_not_allow_is_a_conflict(client, session, kind):
    assert problem_of(tell(client, kind)) == (409, "handoff-move-illegal")
    assert state_of(session) == "opened"


@pytest.mark.usefixtures("handoff")
def test_a_message_that_failed_may_come_again(client, session):
    body = make_message("booking.cancelled")
    headers = sign(body)
    assert send(client, body, headers).status_code == 409
    assert seen(session) == 0
    tell(client)
    assert send(client, body, headers).status_code == 204
    assert state_of(session) == "cancelled"


def test_the_same_message_again_changes_nothing(client, session, handoff, clock):
    body = make_message("booking.moved", start=START)
    headers = sign(body)
    assert send(client, body, headers).status_code == 204
    tell(client, "booking.moved", start=LATER)
    clock.moment += timedelta(minutes=2)
    assert send(client, body, headers).status_code == 204
    session.refresh(handoff)
    assert handoff.starts_s == LATER_S


@pytest.mark.usefixtures("handoff")
def test_a_message_is_the_same_by_its_name_when_it_is_signed_anew(client, session):
    body = make_message()
    send(client, body, sign(body, message_id="msg_same"))
    other = make_message("booking.cancelled")
    assert send(client, other, sign(other, message_id="msg_same")).status_code == 204
    assert state_of(session) == "booked"


@pytest.mark.usefixtures("handoff")
def test_two_providers_may_name_messages_alike(client, session):
    ours, theirs = make_message(), make_message(referral=NOISE_REFERRAL)
    assert send(client, ours, sign(ours, message_id="msg_same")).status_code == 204
    signed = sign(theirs, STRANGERS_SECRET, message_id="msg_same")
    assert send(client, theirs, signed, "other-clinic").status_code == 204
    assert (state_of(session), state_of(session, NOISE_REFERRAL)) == ("booked", "booked")


@pytest.mark.usefixtures("handoff")
def test_of_a_message_only_a_digest_of_its_name_is_kept(client, session):
    body = make_message()
    send(client, body, sign(body, message_id="msg_same"))
    (row,) = session.scalars(select(WebhookSeen))
    assert len(row.digest) == 64
    assert (row.provider_id, row.received_at) == ("synthetic-clinic", SUNDAY_NIGHT)


@pytest.mark.usefixtures("handoff")
def test_the_older_of_two_secrets_still_signs(client, session):
    body = make_message()
    assert send(client, body, sign(body, OLDER_SECRET)).status_code == 204
    assert state_of(session) == "booked"


@pytest.mark.usefixtures("handoff")
def test_a_provider_that_is_offered_no_more_still_tells_what_became_of_handoffs(client, session):
    session.get_one(Provider, "synthetic-clinic").retired_at = SUNDAY_NIGHT
    session.commit()
    assert tell(client).status_code == 204


@pytest.mark.usefixtures("handoff")
def test_whatever_is_wrong_with_who_sends_gets_one_and_the_same_answer(client, session):
    session.get_one(Provider, "other-clinic").webhook_secrets = []
    session.commit()
    body = make_message()
    good = sign(body)
    refused = [
        send(client, body, good, "unknown-clinic"),
        send(client, body, good, "other-clinic"),
        send(client, body, sign(body, STRANGERS_SECRET)),
        send(client, body, sign(body, at=SUNDAY_NIGHT - timedelta(minutes=6))),
        send(client, body, sign(body, at=SUNDAY_NIGHT + timedelta(minutes=6))),
        send(client, body, {}),
        send(client, body, good | {"webhook-id": "a.b"}),
        send(client, b"no JSON", good),
        send(client, b"", good),
    ]
    answers = {json.dumps(answer.get_json() | {"request_id": ""}) for answer in refused}
    assert len(answers) == 1
    assert {problem_of(answer) for answer in refused} == {(401, "webhook-refused")}
    assert state_of(session) == "opened"


@pytest.mark.usefixtures("handoff")
def test_a_referral_of_another_provider_is_unknown(client, session):
    assert problem_of(tell(client, referral=NOISE_REFERRAL)) == (404, "referral-unknown")
    assert state_of(session, NOISE_REFERRAL) == "opened"


@pytest.mark.usefixtures("handoff")
def test_a_referral_that_nobody_has_is_unknown(client):
    unknown = "00000000-0000-4000-8000-000000000000"
    assert problem_of(tell(client, referral=unknown)) == (404, "referral-unknown")


@pytest.mark.parametrize("data", [{}, [], None, {"booking_referral": "none"}, "text"])
@pytest.mark.usefixtures("handoff")
def test_a_type_that_is_not_known_is_accepted_and_passed_over(client, session, data):
    body = json.dumps({"type": "booking.rated", "data": data, "more": 1}).encode()
    assert send(client, body).status_code == 204
    assert state_of(session) == "opened"


def test_what_else_comes_along_is_neither_stored_nor_logged(client, session, handoff, caplog):
    with caplog.at_level(logging.DEBUG):
        assert tell(client, reason="SyntheticDiagnosis", patient={"name": "SyntheticName"}).status_code == 204
    session.refresh(handoff)
    stored = [str(vars(row)) for row in (handoff, *session.scalars(select(WebhookSeen)))]
    assert "Synthetic" not in " ".join((*stored, caplog.text))


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("booking.moved", {}, "data.start"),
        ("booking.confirmed", {"start": "tomorrow"}, "data.start"),
        ("booking.confirmed", {"start": "now"}, "data.start"),
        ("booking.confirmed", {"start": "2026-11-24T10:00:00"}, "data.start"),
        ("booking.confirmed", {"start": "2029-11-24T10:00:00Z"}, "data.start"),
        ("booking.confirmed", {"start": "2020-11-24T10:00:00Z"}, "data.start"),
        ("booking.confirmed", {"end": LATER}, "data.end"),
        ("booking.confirmed", {"start": LATER, "end": START}, "data.end"),
        ("booking.confirmed", {"start": START, "end": START}, "data.end"),
        ("booking.confirmed", {"booking_referral": "1"}, "data.booking_referral"),
        ("booking.confirmed", {"booking_referral": None}, "data.booking_referral"),
    ],
)
@pytest.mark.usefixtures("handoff")
def test_what_is_wrong_with_a_message_is_said(client, session, kind, data, field):
    body = json.dumps({"type": kind, "data": {"booking_referral": REFERRAL} | data}).encode()
    response = send(client, body)
    assert problem_of(response) == (422, "invalid-arguments")
    assert [error["field"] for error in response.get_json()["errors"]] == [field]
    assert (state_of(session), seen(session)) == ("opened", 0)


@pytest.mark.parametrize("body", [b'{"type": "booking.confirmed"}', b'{"data": {}}', b'{"type": 1}', b'{"type": null}'])
@pytest.mark.usefixtures("handoff")
def test_a_message_without_its_parts_is_refused(client, body):
    assert problem_of(send(client, body)) == (422, "invalid-arguments")


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"type": NaN}', b"[" * 9000, b'{"type": "a", "type": "b"}'])
@pytest.mark.usefixtures("handoff")
def test_what_is_signed_but_cannot_be_read_is_refused(client, body):
    assert problem_of(send(client, body)) == (400, "bad-request")


@pytest.mark.usefixtures("handoff")
def test_a_message_of_the_largest_size_is_read_and_a_byte_more_is_not(client):
    body = make_message()
    fits = body + b" " * (MOST_BYTES - len(body))
    assert send(client, fits).status_code == 204
    response = send(client, fits + b" ")
    assert problem_of(response) == (413, "body-too-large")
    assert str(MOST_BYTES) in response.get_json()["detail"]


@pytest.mark.parametrize("size", [MOST_BYTES + 1, MOST_BYTES + 2, 5 * MOST_BYTES])
@pytest.mark.usefixtures("handoff")
def test_a_large_message_that_comes_in_pieces_is_cut_before_it_is_read(client, size):
    response = client.post(
        "/v1/teleconsultations/webhooks/synthetic-clinic",
        input_stream=io.BytesIO(b" " * size),
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert problem_of(response) == (413, "body-too-large")
