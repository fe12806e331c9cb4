"""What a device sees of its own messages, and what it reports of them."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete, select, update

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from notifications import ledger, queries
from notifications.models import Message, Part, Wave
from notifications.wave_actions import count_receipt
from tests.conftest import fresh_database_url
from tests.notifications.makers import at
from tests.notifications.wave_makers import OPENED_AT, make_attempt, make_message, make_part, make_wave
from tests.people.makers import do_at_once, make_device
from tests.web.makers import read_problem

IN_FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def device(client):
    return make_device(client, language="en")


def messages(client, headers, **query):
    answer = client.get("/v1/me/messages", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def receipts(session, wave_id):
    session.expire_all()
    return tuple(session.execute(select(Wave.shown, Wave.opened).where(Wave.id == wave_id)).one())


def report(client, headers, made, kind):
    return client.post(f"/v1/me/messages/{made.wave.code}/receipts", json={"kind": kind}, headers=headers)


def test_a_message_says_what_why_and_what_came_of_it(client, session, device):
    device_id, headers = device
    made = make_wave(session)
    make_message(session, made, device_id)
    session.commit()
    (said,) = messages(client, headers)["items"]
    assert said["title"] == "Poor air quality tomorrow"
    assert said["body"].startswith("Paris 4e Arrondissement: poor air quality tomorrow (4 of 6)")
    assert said["reason"] == {
        "code": "above_wish",
        "text": "It is at least the level from which you wanted to be told.",
    }
    assert said["outcome"]["code"] == "accepted"
    assert (said["id"], said["kind"], said["day"]) == (made.wave.code, "alert", "2026-11-26")
    assert said["opened_at"] == OPENED_AT.isoformat()
    assert said["expires_at"] == (OPENED_AT + timedelta(hours=30)).isoformat()


def test_a_message_keeps_the_words_with_which_it_was_said(client, session, device, clock):
    device_id, headers = device
    made = make_wave(session)
    make_message(session, made, device_id)
    session.commit()
    clock.moment = at("26 12:00")
    assert "tomorrow" in messages(client, headers)["items"][0]["body"]


@pytest.mark.parametrize(
    ("asked", "query", "begins"),
    [({}, {}, "Poor air"), (IN_FRENCH, {}, "Air mauvais"), (IN_FRENCH, {"lang": "en"}, "Poor air")],
)
def test_messages_speak_the_language_of_the_request_or_else_of_the_device(
    client, session, device, asked, query, begins
):
    device_id, headers = device
    make_message(session, make_wave(session), device_id)
    session.commit()
    (said,) = messages(client, headers | asked, **query)["items"]
    assert said["title"].startswith(begins)


@pytest.mark.parametrize("state", ledger.STATES)
def test_a_device_sees_every_message_of_its_own_whatever_came_of_it(client, session, device, state):
    device_id, headers = device
    make_message(session, make_wave(session), device_id, state=state)
    session.commit()
    (said,) = messages(client, headers)["items"]
    assert said["outcome"]["code"] == state
    assert said["outcome"]["text"].endswith(".")


def test_nothing_of_another_device_is_shown(client, session, device):
    make_wave(session, {"accepted": 3})
    session.commit()
    assert messages(client, device[1]) == {"items": [], "next": None, "notices": []}


def test_messages_come_in_pages_newest_first_each_once(client, session, device):
    device_id, headers = device
    codes = []
    for _ in range(5):
        made = make_wave(session)
        make_message(session, made, device_id)
        codes.append(made.wave.code)
    session.commit()
    seen, cursor = [], {}
    while True:
        page = messages(client, headers, limit=2, **cursor)
        seen += [said["id"] for said in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == codes[::-1]


def test_a_made_up_cursor_is_refused(client, device):
    answer = client.get("/v1/me/messages", query_string={"cursor": "made-up"}, headers=device[1])
    assert read_problem(answer)["type"] == "/problems/cursor-invalid"


def test_a_message_of_several_hazards_and_an_old_commune_has_words_too(client, session, device):
    device_id, headers = device
    parts = {"air": make_part(session, level=5).id, "heat": make_part(session, "99999", "heat", 3).id}
    make_message(session, make_wave(session), device_id, **parts)
    session.commit()
    body = messages(client, headers)["items"][0]["body"]
    assert "99999" in body
    assert "Paris 4e" in body


def test_a_demo_message_says_so(client, session, device):
    device_id, headers = device
    make_message(session, make_wave(session), device_id)
    session.execute(update(Part).values(is_demo=True))
    session.commit()
    assert messages(client, headers)["items"][0]["title"].startswith("Demo · ")


@pytest.mark.parametrize(
    ("reported", "counted"),
    [
        (["shown"], (1, 0)),
        (["opened"], (1, 1)),
        (["shown", "opened"], (1, 1)),
        (["opened", "shown", "opened", "shown"], (1, 1)),
        (["shown", "shown"], (1, 0)),
    ],
)
def test_each_kind_of_report_counts_once_and_what_was_opened_was_shown(client, session, device, reported, counted):
    device_id, headers = device
    made = make_wave(session)
    make_message(session, made, device_id)
    session.commit()
    for kind in reported:
        answer = report(client, headers, made, kind)
        assert (answer.status_code, answer.data) == (204, b"")
    assert receipts(session, made.wave.id) == counted


def test_a_report_on_a_message_that_is_not_the_devices_own_is_refused(client, session, device):
    made = make_wave(session)
    session.commit()
    problem = read_problem(report(client, device[1], made, "shown"))
    assert (problem["status"], problem["type"]) == (404, "/problems/message-unknown")
    assert receipts(session, made.wave.id) == (0, 0)
    unknown = client.post("/v1/me/messages/nothing/receipts", json={"kind": "shown"}, headers=device[1])
    assert read_problem(unknown)["type"] == "/problems/message-unknown"


def test_another_kind_of_report_is_refused(client, session, device):
    made = make_wave(session)
    session.commit()
    assert report(client, device[1], made, "read").status_code == 422


def test_an_export_holds_the_messages_and_attempts_of_the_device_and_of_nobody_else(client, session, device):
    device_id, headers = device
    made = make_wave(session, {"accepted": 1})
    make_message(session, made, device_id)
    make_attempt(session, made, device_id, 7)
    make_attempt(session, made, made.devices["accepted"][0], 8)
    session.commit()
    tables = client.get("/v1/me/export", headers=headers).get_json()["tables"]
    assert [row["state"] for row in tables["notifications_message"]] == ["accepted"]
    assert [row["registration_id"] for row in tables["notifications_attempt"]] == [7]
    assert {row["device_id"] for name in tables for row in tables[name] if "device_id" in row} == {device_id}


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request, worker, tmp_path):
    with fresh_database_url(request.param, f"alentours_messages_{worker}", tmp_path) as url:
        database = Database(make_engine(Settings(database_url=url)))
        prepare_database(database)
        yield database
        database.engine.dispose()


def test_reports_that_come_at_once_count_once_and_none_is_lost(own_database):
    with own_database.session() as session:
        made = make_wave(session, {"accepted": 3})
    first, second, third = made.devices["accepted"]
    reported = [(first, "shown")] * 4 + [(first, "opened")] * 4 + [(second, "opened")] * 3 + [(third, "shown")] * 3
    count = partial(count_receipt, wave_id=made.wave.id)
    given = do_at_once(own_database, *(partial(count, device_id=device, kind=kind) for device, kind in reported))
    assert given == [None] * len(reported)
    with own_database.session(write=False) as session:
        assert receipts(session, made.wave.id) == (3, 2)
        bits = dict(session.execute(select(Message.device_id, Message.receipts)).all())
    assert bits == {first: 3, second: 3, third: 1}


def test_what_the_demo_city_made_up_is_said_to_be_so_to_residents_and_to_staff(client, session, device):
    device_id, headers = device
    made = make_wave(session)
    make_message(session, made, device_id)
    session.commit()
    shown = queries.show(session, made.wave, now=at("26 12:00"))
    assert (messages(client, headers)["notices"], shown.is_demo) == ([], False)
    session.execute(update(Part).values(is_demo=True))
    # The wave's other messages say nothing of their own: its first that does tells.
    session.execute(delete(Message).where(Message.device_id != device_id))
    session.commit()
    assert [one["code"] for one in messages(client, headers)["notices"]] == ["demo_air"]
    assert queries.show(session, made.wave, now=at("26 12:00")).is_demo
