"""The move to a new phone: the same device, by a code that works once and not for long."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from citizen_api.people import device_actions, device_secrets
from tests.people.makers import NOW, bearer, do_at_once, make_device, make_watch, store_device
from tests.web.makers import read_problem


def ask_code(client, headers):
    return client.post("/v1/me/transfer", headers=headers).get_json()["code"]


def move(client, code):
    return client.post("/v1/devices", json={"transfer_code": code})


def refused(response):
    return response.status_code, read_problem(response)["type"]


REFUSED = (422, "/problems/transfer-code-invalid")


def test_a_code_is_easy_to_read_hard_to_guess_and_lasts_ten_minutes(client):
    _, headers = make_device(client)
    response = client.post("/v1/me/transfer", headers=headers)
    code, expires_at = response.get_json().values()
    assert response.status_code == 201
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code)
    assert expires_at == "2026-11-22T21:50:00+00:00"
    assert len(device_secrets.CODE_LETTERS) ** device_secrets.CODE_LENGTH >= 2**40


def test_the_new_phone_is_the_same_device_with_its_wishes_and_consents(client):
    device_id, old = make_device(client, language="en", zone="Indian/Reunion")
    client.post("/v1/me/watches", json=make_watch(), headers=old)
    client.put("/v1/me/consents/alerts", json={"version": "2026-11"}, headers=old)
    paths = ("/v1/me/watches", "/v1/me/consents", "/v1/me/preferences")
    before = [client.get(path, headers=old).get_json() for path in paths]
    response = move(client, ask_code(client, old))
    new = bearer(response.get_json()["token"])
    assert (response.status_code, response.get_json()["id"]) == (201, device_id)
    assert [client.get(path, headers=new).get_json() for path in paths] == before


def test_the_old_phone_is_let_in_and_reached_no_more(client):
    _, old = make_device(client)
    client.put("/v1/me/registrations", json={"items": [{"kind": "log"}]}, headers=old)
    new = bearer(move(client, ask_code(client, old)).get_json()["token"])
    assert client.get("/v1/me", headers=old).status_code == 401
    assert client.get("/v1/me/registrations", headers=new).get_json()["items"] == []


@pytest.mark.parametrize("between", ["", "-", " ", " - "])
def test_how_a_code_is_typed_does_not_matter(client, between):
    _, headers = make_device(client)
    assert move(client, f" {ask_code(client, headers).lower().replace('-', between)} ").status_code == 201


def test_letters_that_look_like_digits_are_read_as_these():
    assert device_secrets.read_code("oil0-lIO1x") == "0110110" + "1X"


def test_wrong_expired_and_used_codes_are_refused_alike(client, clock):
    _, headers = make_device(client)
    make_device(client)
    expired = ask_code(client, headers)
    clock.moment += timedelta(minutes=10)
    used = ask_code(client, headers)
    assert move(client, used).status_code == 201
    answers = [move(client, code) for code in ("00000-00000", "x", expired, used)]
    assert [refused(answer) for answer in answers] == [REFUSED] * 4
    assert len({answer.get_json()["detail"] for answer in answers}) == 1


def test_a_new_code_makes_the_one_before_void(client):
    _, headers = make_device(client)
    first, second = ask_code(client, headers), ask_code(client, headers)
    assert refused(move(client, first)) == REFUSED
    assert move(client, second).status_code == 201


def test_the_code_is_stored_as_a_hash_only_until_it_is_used(client, session):
    _, headers = make_device(client)
    code = ask_code(client, headers)
    (row,) = session.execute(text("SELECT * FROM people_transfer")).all()
    assert not {code, code.replace("-", "")} & set(map(str, row))
    move(client, code)
    assert session.scalar(text("SELECT count(*) FROM people_transfer")) == 0


def test_codes_that_have_expired_are_swept_with_silent_devices(client, session, clock):
    _, headers = make_device(client)
    ask_code(client, headers)
    clock.moment += timedelta(minutes=11)
    assert device_actions.retire_silent(session, clock.moment) == 0
    assert session.scalar(text("SELECT count(*) FROM people_transfer")) == 0


def test_of_two_phones_that_use_one_code_at_once_one_gets_the_device(own_database):
    device_id = store_device(own_database)
    with own_database.session() as session:
        code, _ = device_actions.start_transfer(session, device_id, now=NOW)
    got = do_at_once(
        own_database, *[lambda session: device_actions.finish_transfer(session, code, now=NOW)[0] for _ in range(4)]
    )
    assert sorted(got) == sorted([device_id] + ["transfer-code-invalid"] * 3)
