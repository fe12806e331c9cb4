"""When a device may be told: defaults that exist at once, and wishes that are read strictly."""

import pytest
from sqlalchemy import text

from citizen_api.people.wishes import DEFAULT_PROFILE
from tests.people.makers import make_device
from tests.web.makers import read_problem

DEFAULTS = {
    "language": "fr",
    "zone": "Europe/Paris",
    "quiet_hours": {"start": "22:00", "end": "07:00", "zone": "Europe/Paris"},
    "brief_at": "07:15",
    "cap_per_day": 3,
    "cap_per_week": 10,
    "alerts_pass_quiet_hours": False,
}


def put(client, headers, **body):
    return client.put("/v1/me/preferences", json=body, headers=headers)


def shown(client, headers):
    return client.get("/v1/me/preferences", headers=headers).get_json()


def test_a_new_device_has_the_defaults(client):
    _, headers = make_device(client)
    assert shown(client, headers) == DEFAULTS


def test_a_new_device_has_the_row_that_planning_joins(client, session):
    device_id, _ = make_device(client)
    rows = session.execute(text("SELECT device_id, language, profile_key FROM people_preferences")).all()
    assert rows == [(device_id, "fr", DEFAULT_PROFILE.key)]


@pytest.mark.parametrize(
    ("body", "headers", "language"),
    [({"language": "en"}, {}, "en"), ({}, {"Accept-Language": "en"}, "en"), ({}, {}, "fr")],
)
def test_the_language_is_what_the_device_says_else_that_of_its_request(client, body, headers, language):
    made = client.post("/v1/devices", json=body, headers=headers).get_json()
    assert shown(client, {"Authorization": f"Bearer {made['token']}"})["language"] == language


def test_the_zone_of_a_new_device_is_its_clock(client):
    _, headers = make_device(client, zone="Indian/Reunion")
    found = shown(client, headers)
    assert (found["zone"], found["quiet_hours"]["zone"]) == ("Indian/Reunion", "Indian/Reunion")


def test_everything_can_be_wished(client):
    _, headers = make_device(client)
    wishes = {
        "language": "en",
        "zone": "America/Martinique",
        "quiet_hours": {"start": "21:30", "end": "06:45", "zone": "America/Martinique"},
        "brief_at": "06:50",
        "cap_per_day": 1,
        "cap_per_week": 50,
        "alerts_pass_quiet_hours": True,
    }
    assert put(client, headers, **wishes).get_json() == wishes
    assert shown(client, headers) == wishes


def test_what_is_left_out_takes_its_default_again_but_language_and_clock_stay_what_they_are(client):
    _, headers = make_device(client)
    put(client, headers, zone="Indian/Reunion", quiet_hours=None, cap_per_day=1, language="en")
    reunion = DEFAULTS["quiet_hours"] | {"zone": "Indian/Reunion"}
    stays = {"language": "en", "zone": "Indian/Reunion", "quiet_hours": reunion}
    assert put(client, headers).get_json() == DEFAULTS | stays


def test_quiet_hours_may_be_none(client):
    _, headers = make_device(client)
    assert put(client, headers, quiet_hours=None).get_json() == DEFAULTS | {"quiet_hours": None}
    assert shown(client, headers)["quiet_hours"] is None


def test_the_zone_of_the_quiet_hours_is_that_of_the_device(client):
    _, headers = make_device(client)
    put(client, headers, quiet_hours={"start": "22:00", "end": "07:00", "zone": "Indian/Reunion"})
    assert shown(client, headers)["zone"] == "Indian/Reunion"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"zone": "Europe/Paris", "quiet_hours": {"start": "22:00", "end": "07:00", "zone": "Indian/Reunion"}}, "zone"),
        ({"zone": "Europe/Lutetia"}, "zone"),
        ({"zone": "localtime"}, "zone"),
        ({"zone": None}, "zone"),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "24:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00\n", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": "22:00-07:00"}, "quiet_hours"),
        ({"brief_at": "7:15"}, "brief_at"),
        ({"brief_at": "07:15:30"}, "brief_at"),
        ({"cap_per_day": 0}, "cap_per_day"),
        ({"cap_per_day": 11}, "cap_per_day"),
        ({"cap_per_day": True}, "cap_per_day"),
        ({"cap_per_week": 51}, "cap_per_week"),
        ({"alerts_pass_quiet_hours": "yes"}, "alerts_pass_quiet_hours"),
        ({"alerts_pass_quiet_hours": 1}, "alerts_pass_quiet_hours"),
        ({"language": "de"}, "language"),
        ({"age": 80}, "age"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_kept_is_refused_and_changes_nothing(client, body, field):
    _, headers = make_device(client)
    response = put(client, headers, **body)
    assert response.status_code == 422
    assert [error["field"] for error in read_problem(response)["errors"]] == [field]
    assert shown(client, headers) == DEFAULTS
