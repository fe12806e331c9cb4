"""Consent: one purpose at a time, with the version that was shown, and withdrawn at once."""

import pytest
from sqlalchemy import text

from tests.people.makers import make_device
from tests.web.makers import read_problem

AT = "2026-11-22T21:40:00+00:00"
NOTHING = {"given": False, "version": None, "given_at": None, "withdrawn_at": None}


def give(client, headers, purpose="alerts", version="2026-11"):
    return client.put(f"/v1/me/consents/{purpose}", json={"version": version}, headers=headers)


def shown(client, headers):
    return {item.pop("purpose"): item for item in client.get("/v1/me/consents", headers=headers).get_json()["items"]}


def test_a_new_device_consents_to_nothing(client):
    _, headers = make_device(client)
    assert shown(client, headers) == dict.fromkeys(("alerts", "campaigns", "reminders"), NOTHING)


def test_a_consent_is_kept_with_its_version_and_its_time(client):
    _, headers = make_device(client)
    given = {"given": True, "version": "2026-11", "given_at": AT, "withdrawn_at": None}
    assert give(client, headers).get_json() == {"purpose": "alerts"} | given
    assert shown(client, headers) == {"alerts": given, "campaigns": NOTHING, "reminders": NOTHING}


def test_a_consent_that_is_withdrawn_stands_no_more_but_says_from_when_to_when_it_did(client, clock):
    _, headers = make_device(client)
    give(client, headers)
    clock.moment = clock.moment.replace(minute=50)
    response = client.delete("/v1/me/consents/alerts", headers=headers)
    withdrawn = {"given": False, "version": "2026-11", "given_at": AT, "withdrawn_at": "2026-11-22T21:50:00+00:00"}
    assert (response.status_code, response.get_json()) == (200, {"purpose": "alerts"} | withdrawn)
    assert shown(client, headers)["alerts"] == withdrawn


def test_withdrawing_twice_keeps_the_first_time(client, clock):
    _, headers = make_device(client)
    give(client, headers)
    client.delete("/v1/me/consents/alerts", headers=headers)
    clock.moment = clock.moment.replace(minute=50)
    assert client.delete("/v1/me/consents/alerts", headers=headers).get_json()["withdrawn_at"] == AT


def test_withdrawing_what_was_never_given_writes_nothing(client, session):
    _, headers = make_device(client)
    assert client.delete("/v1/me/consents/alerts", headers=headers).get_json() == {"purpose": "alerts"} | NOTHING
    assert session.scalar(text("SELECT count(*) FROM people_consent")) == 0


def test_a_consent_may_be_given_again_to_newer_words(client):
    _, headers = make_device(client)
    give(client, headers)
    client.delete("/v1/me/consents/alerts", headers=headers)
    give(client, headers, version="2027-01")
    found = shown(client, headers)["alerts"]
    assert (found["given"], found["version"], found["withdrawn_at"]) == (True, "2027-01", None)


def test_consents_of_one_device_say_nothing_of_another(client):
    _, ours = make_device(client)
    _, theirs = make_device(client)
    give(client, ours)
    give(client, theirs)
    client.delete("/v1/me/consents/alerts", headers=ours)
    assert shown(client, theirs)["alerts"]["given"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_there_is_no_other_purpose(client, method):
    _, headers = make_device(client)
    body = {"version": "1"} if method == "PUT" else None
    response = client.open("/v1/me/consents/everything", method=method, json=body, headers=headers)
    assert (response.status_code, read_problem(response)["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("version", ["", "x" * 21, "two words", "1\n", None, 1])
def test_a_version_is_a_short_name(client, version):
    _, headers = make_device(client)
    assert give(client, headers, version=version).status_code == 422
