"""What staff see of waves, and how they stop one."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from citizen_api.people.models import AuditEntry
from notifications import ledger, wave_actions
from notifications.models import Chunk, Message, Slice, Wave
from tests.notifications.wave_makers import OPENED_AT, make_attempt, make_wave
from tests.people.makers import bearer, make_key
from tests.web.makers import read_problem

COUNTRY = {"name": "Pays", "territory": ("country", None)}


@pytest.fixture
def key(session):
    headers = bearer(make_key(session, "communication", **COUNTRY)[1])
    session.commit()
    return headers


@pytest.fixture
def reader(session):
    headers = bearer(make_key(session, "reader")[1])
    session.commit()
    return headers


@pytest.fixture(autouse=True)
def an_hour_later(clock):
    clock.moment = OPENED_AT + timedelta(hours=1)


def listed(client, headers, **query):
    answer = client.get("/v1/waves", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def states(session, made):
    query = select(Message.state, func.count()).where(Message.wave_id == made.wave.id).group_by(Message.state)
    return dict(session.execute(query).all())


def stop(client, headers, made, **body):
    return client.post(f"/v1/waves/{made.wave.code}/stop", json=body, headers=headers)


def test_a_list_shows_each_wave_with_its_key_facts_newest_first(client, session, reader):
    old = make_wave(session, {"accepted": 2}, no_consent=1, settled_at=OPENED_AT + timedelta(minutes=3), shown=2)
    new = make_wave(session, {"pending": 1})
    session.commit()
    page = listed(client, reader)
    assert [item["code"] for item in page["items"]] == [new.wave.code, old.wave.code]
    assert (page["next"], page["notices"]) == (None, [])
    assert page["items"][1] == {
        "code": old.wave.code,
        "number": old.wave.id,
        "lane": "alerts",
        "state": "settled",
        "day": "2026-11-26",
        "tag": "alert-2026-11-26",
        "opened_at": OPENED_AT.isoformat(),
        "planned_at": OPENED_AT.isoformat(),
        "settled_at": (OPENED_AT + timedelta(minutes=3)).isoformat(),
        "stopped_at": None,
        "stop_reason": None,
        "eligible": 3,
        "erased": 0,
        "receipts": {"shown": 2, "opened": 0},
        "ailing": None,
    }


def test_a_list_comes_in_pages(client, session, reader):
    codes = [make_wave(session, {}).wave.code for _ in range(5)]
    session.commit()
    first = listed(client, reader, limit=2)
    second = listed(client, reader, limit=2, cursor=first["next"])
    third = listed(client, reader, limit=2, cursor=second["next"])
    assert [item["code"] for page in (first, second, third) for item in page["items"]] == codes[::-1]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "open"}, ["open", "campaign"]),
        ({"state": "settled"}, ["settled"]),
        ({"state": "stopped"}, ["stopped"]),
        ({"lane": "campaigns"}, ["campaign"]),
        ({"lane": "campaigns", "state": "settled"}, []),
    ],
)
def test_a_list_may_be_narrowed(client, session, reader, query, found):
    make_wave(session, {}, code="campaign", lane="campaigns")
    make_wave(session, {}, code="open")
    make_wave(session, {}, code="settled", settled_at=OPENED_AT)
    make_wave(session, {}, code="stopped", settled_at=OPENED_AT, stopped_at=OPENED_AT)
    session.commit()
    assert {item["code"] for item in listed(client, reader, **query)["items"]} == set(found)


def test_a_cursor_of_another_search_is_refused(client, session, reader):
    for _ in range(2):
        make_wave(session, {})
    session.commit()
    cursor = listed(client, reader, limit=1)["next"]
    answer = client.get("/v1/waves", query_string={"cursor": cursor, "lane": "alerts"}, headers=reader)
    assert read_problem(answer)["type"] == "/problems/cursor-invalid"


def test_a_wave_is_shown_with_its_balance_its_speed_and_its_attempts(client, session, reader):
    made = make_wave(session, {"accepted": 36, "dead": 1, "pending": 2}, no_consent=5)
    for device in made.devices["accepted"][:3]:
        make_attempt(session, made, device)
    make_attempt(session, made, made.devices["dead"][0], verdict="retire", code="UNREGISTERED")
    session.commit()
    shown = client.get(f"/v1/waves/{made.wave.code}", headers=reader).get_json()
    counts = dict.fromkeys(ledger.CATEGORIES, 0) | {"accepted": 36, "dead": 1, "pending": 2, "no_consent": 5}
    assert shown["balance"] == counts | {"eligible": 44, "missing": 0, "balanced": True}
    assert (shown["open_chunks"], shown["accepted_per_s"]) == (1, 0.01)
    assert shown["attempts"] == [
        {"platform": "fcm", "verdict": "accepted", "code": "ok", "count": 3},
        {"platform": "fcm", "verdict": "retire", "code": "UNREGISTERED", "count": 1},
    ]


def test_no_answer_about_waves_names_a_device(client, session, reader):
    made = make_wave(session, {"accepted": 2, "dead": 1})
    make_attempt(session, made, made.devices["dead"][0])
    session.commit()
    told = "".join(client.get(path, headers=reader).text for path in ("/v1/waves", f"/v1/waves/{made.wave.code}"))
    assert not any(device in told for devices in made.devices.values() for device in devices)


def test_an_unknown_wave_is_said_to_be_unknown(client, reader):
    assert read_problem(client.get("/v1/waves/nothing", headers=reader))["type"] == "/problems/wave-unknown"


def test_a_wave_that_does_not_balance_is_told_in_readiness_and_keeps_the_process_ready(client, session):
    assert client.get("/readyz").get_json()["checks"]["waves"] == {"ok": True, "ailing": []}
    made = make_wave(session, ailing="2 of 3 eligible devices are in no category")
    session.commit()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["checks"]["waves"] == {"ok": False, "ailing": [made.wave.id]}


def test_a_wave_that_is_stopped_sends_nothing_more_and_keeps_what_went_out(client, session, key):
    made = make_wave(session, {"accepted": 2, "pending": 3, "held": 4, "dead": 1})
    other = make_wave(session, {"pending": 1})
    session.execute(update(Message).where(Message.device_id == made.devices["pending"][0]).values(maybe_delivered=True))
    session.commit()
    answer = stop(client, key, made, reason="The index was withdrawn.")
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["state"], body["stop_reason"], body["balance"]["balanced"]) == (
        "stopped",
        "The index was withdrawn.",
        True,
    )
    session.expire_all()
    # What may have reached a phone before is not said to be stopped.
    assert states(session, made) == {"accepted": 2, "stopped": 6, "uncertain": 1, "dead": 1}
    assert states(session, other) == {"pending": 1}
    assert session.scalar(select(Chunk.next_at).where(Chunk.wave_id == made.wave.id)) is None


@pytest.mark.parametrize("being_sent", [{"unsettled": True}, {"lease_until": OPENED_AT + timedelta(hours=2)}])
def test_what_is_being_sent_is_left_to_its_sender(client, session, key, being_sent):
    made = make_wave(session, {"pending": 2, "held": 1})
    session.execute(update(Chunk).values(**being_sent))
    session.commit()
    assert stop(client, key, made).get_json()["open_chunks"] == 1
    session.expire_all()
    assert states(session, made) == {"pending": 2, "stopped": 1}


def test_many_chunks_are_stopped_in_portions(client, session, key, monkeypatch):
    monkeypatch.setattr(wave_actions, "_CHUNKS_AT_ONCE", 2)
    made = make_wave(session, {"pending": 7})
    session.execute(update(Chunk).values(last_device=made.devices["pending"][0]))
    for device in made.devices["pending"][1:]:
        session.add(
            Chunk(
                wave_id=made.wave.id,
                lane="alerts",
                first_device=device,
                last_device=device,
                next_at=made.wave.opened_at,
            )
        )
    session.commit()
    stop(client, key, made)
    assert states(session, made) == {"stopped": 7}


def test_stopping_twice_is_stopping_once_in_the_audit_log_too(client, session, key, clock):
    made = make_wave(session, {"pending": 1})
    session.commit()
    stop(client, key, made, reason="First.")
    clock.moment += timedelta(minutes=1)
    again = stop(client, key, made, reason="Second.").get_json()
    assert (again["stop_reason"], again["stopped_at"]) == ("First.", (OPENED_AT + timedelta(hours=1)).isoformat())
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "wave.stop")).all()
    assert [(entry.organisation, entry.subject, entry.details) for entry in entries] == [
        ("Pays", f"wave {made.wave.id}", {"code": made.wave.code, "reason": "First."})
    ]


def test_a_settled_wave_has_nothing_left_to_stop(client, session, key):
    made = make_wave(session, settled_at=OPENED_AT)
    session.commit()
    assert read_problem(stop(client, key, made))["type"] == "/problems/wave-settled"
    assert session.scalar(select(Wave.stopped_at)) is None


def test_only_who_acts_in_the_whole_country_stops_a_wave(client, session, reader):
    made = make_wave(session, {"pending": 1})
    _, narrow = make_key(session, "administrator", name="Ville")
    session.commit()
    assert read_problem(stop(client, bearer(narrow), made))["type"] == "/problems/outside-territory"
    assert read_problem(stop(client, reader, made))["type"] == "/problems/forbidden"
    assert states(session, made) == {"pending": 1}


def test_a_list_tells_how_many_are_eligible_without_counting_messages(client, session, reader):
    made = make_wave(session, {"accepted": 1})
    session.execute(update(Slice).values(eligible=1_000_000))
    session.commit()
    assert listed(client, reader)["items"][0]["eligible"] == 1_000_000
    shown = client.get(f"/v1/waves/{made.wave.code}", headers=reader).get_json()["balance"]
    assert (shown["missing"], shown["balanced"]) == (999_999, False)


@pytest.mark.parametrize("reason", ["It is over.\n", "red \x1b[31m", "one\nIt balances.", "\u2028"])
def test_a_reason_is_one_line_that_no_report_mistakes_for_its_own(client, session, key, reason):
    made = make_wave(session, {"pending": 1})
    session.commit()
    assert stop(client, key, made, reason=reason).status_code == 422
