"""A device: made without an account, known by its token, seen by days, forgotten after a long silence."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from citizen_api.people import device_actions
from citizen_api.people.device_models import Device
from citizen_api.web.services import Services
from tests.people.makers import bearer, make_device, make_key, make_watch
from tests.web.makers import make_services, read_problem


def seen_on(session):
    return session.execute(text("SELECT seen_on FROM people_device")).scalar_one()


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"json": {"language": "en", "zone": "Indian/Reunion"}}])
def test_a_device_is_made_without_telling_anything(client, options):
    response = client.post("/v1/devices", **options)
    made = response.get_json()
    assert response.status_code == 201
    assert re.fullmatch(r"[A-Za-z0-9]{22}", made["id"])
    assert re.fullmatch(r"ald_[A-Za-z0-9_-]{43}", made["token"])


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "language=fr"}, 415),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"json": {"email": "somebody@ville.example"}}, 422),
        ({"json": {"zone": "Europe/Nowhere"}}, 422),
        ({"json": {"zone": "../../etc/passwd"}}, 422),
        ({"json": {"language": "de"}}, 422),
    ],
)
def test_what_a_new_device_tells_is_read_strictly(client, options, status):
    assert client.post("/v1/devices", **options).status_code == status


def test_a_device_shows_its_days_and_how_much_it_holds(client):
    device_id, headers = make_device(client)
    client.post("/v1/me/watches", json=make_watch(), headers=headers)
    client.put("/v1/me/consents/alerts", json={"version": "1"}, headers=headers)
    assert client.get("/v1/me", headers=headers).get_json() == {
        "id": device_id,
        "created_on": "2026-11-22",
        "seen_on": "2026-11-22",
        "counts": {"registrations": 0, "watches": 1, "consents": 1},
    }


def test_the_token_is_stored_nowhere_and_its_hash_is_a_sha_256(client, session):
    _, headers = make_device(client)
    token = headers["Authorization"].removeprefix("Bearer ald_")
    (row,) = session.execute(text("SELECT * FROM people_device")).all()
    assert token not in repr(row)
    assert re.fullmatch("[0-9a-f]{64}", row.token_hash)


def test_no_two_devices_are_alike(client):
    made = [client.post("/v1/devices").get_json() for _ in range(5)]
    assert len({one["id"] for one in made} | {one["token"] for one in made}) == 10


def test_a_device_sees_only_itself(client):
    ours, headers = make_device(client)
    make_device(client)
    assert client.get("/v1/me", headers=headers).get_json()["id"] == ours


@pytest.mark.parametrize("token", ["ald_unknown", "als_unknown", "unknown", "ald_", "x" * 5000])
def test_an_unknown_token_opens_nothing(client, token):
    make_device(client)
    response = client.get("/v1/me", headers=bearer(token))
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert read_problem(response)["type"] == "/problems/unauthorised"


def test_a_staff_key_is_no_device_and_a_device_is_no_staff(client, session):
    _, key = make_key(session, "administrator")
    session.commit()
    _, headers = make_device(client)
    assert client.get("/v1/me", headers=bearer(key)).status_code == 401
    assert client.get("/v1/staff/me", headers=headers).status_code == 401


def test_the_token_is_looked_at_before_the_body(client):
    assert client.put("/v1/me/watches", data="{", content_type="application/json").status_code == 401


def test_a_rotated_token_opens_and_the_one_before_does_not(client):
    device_id, old = make_device(client)
    made = client.post("/v1/me/token", headers=old).get_json()
    assert made["id"] == device_id
    assert client.get("/v1/me", headers=old).status_code == 401
    assert client.get("/v1/me", headers=bearer(made["token"])).get_json()["id"] == device_id


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_request_on_another_day_moves_the_day_on_which_a_device_was_seen(client, clock, session, method):
    _, headers = make_device(client)
    clock.moment += timedelta(hours=3)
    client.open("/v1/me/preferences", method=method, json={} if method == "PUT" else None, headers=headers)
    assert client.get("/v1/me", headers=headers).get_json()["seen_on"] == "2026-11-23"
    assert str(seen_on(session)) == "2026-11-23"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_day_is_noted_in_a_transaction_beside_that_of_the_request(own_database, settings, clock, method):
    client = create_app(services=Services(settings=settings, database=own_database, clock=clock)).test_client()
    _, headers = make_device(client)
    clock.moment += timedelta(days=1)
    body = {} if method == "PUT" else None
    assert client.open("/v1/me/preferences", method=method, json=body, headers=headers).status_code == 200
    with own_database.session(write=False) as session:
        assert str(seen_on(session)) == "2026-11-23"


def test_a_refused_request_moves_the_day_too(client, clock):
    _, headers = make_device(client)
    clock.moment += timedelta(days=2)
    assert client.put("/v1/me/watches", json={}, headers=headers).status_code == 422
    assert client.get("/v1/me", headers=headers).get_json()["seen_on"] == "2026-11-24"


def test_the_day_is_written_once_a_day(client, clock, monkeypatch):
    _, headers = make_device(client)
    written = []
    monkeypatch.setattr(device_actions.StoredDevices, "mark_seen", lambda *_, today: written.append(today))
    client.get("/v1/me", headers=headers)
    assert written == []
    clock.moment += timedelta(days=1)
    client.get("/v1/me", headers=headers)
    assert written == [clock.moment.date()]


def test_a_database_that_takes_no_writes_still_answers(client, clock, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("", {}, Exception("database is locked"))

    _, headers = make_device(client)
    clock.moment += timedelta(days=1)
    monkeypatch.setattr(device_actions.StoredDevices, "mark_seen", refuse)
    assert client.get("/v1/me", headers=headers).get_json()["seen_on"] == "2026-11-22"


def test_what_is_stored_of_a_device_has_no_time_of_day():
    columns = {column.name: str(column.type) for column in Device.__table__.columns}
    assert columns == {"id": "VARCHAR(22)", "token_hash": "VARCHAR(64)", "created_on": "DATE", "seen_on": "DATE"}


@pytest.mark.parametrize(("days", "status", "left"), [(270, 200, 1), (271, 401, 0)])
def test_a_device_silent_for_more_than_270_days_is_erased(client, clock, session, days, status, left):
    _, headers = make_device(client)
    client.post("/v1/me/watches", json=make_watch(), headers=headers)
    clock.moment += timedelta(days=days)
    erased = device_actions.retire_silent(session, clock.moment)
    session.commit()
    assert erased == 1 - left
    assert session.scalar(text("SELECT count(*) FROM people_watch")) == left
    assert client.get("/v1/me", headers=headers).status_code == status


def test_a_token_of_a_device_to_be_retired_opens_nothing_even_before_it_is_erased(client, clock):
    _, headers = make_device(client)
    clock.moment += timedelta(days=271)
    assert client.get("/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("setting", "body"), [("rate_limit_devices", {}), ("rate_limit_transfers", {"transfer_code": "00000-00000"})]
)
def test_new_devices_and_tries_of_a_code_have_limits_of_their_own(tmp_path, database, setting, body):
    services = make_services(tmp_path, **{setting: "1 per hour"})
    services.database = database
    client = create_app(services=services).test_client()
    first = client.post("/v1/devices", json=body)
    assert first.status_code == (201 if not body else 422)
    assert client.post("/v1/devices", json=body).status_code == 429
