"""How a device is reached: checked, replaced as a whole, and never another device's too."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from app import create_app
from citizen_api.people import webpush, wish_actions
from citizen_api.people.wish_actions import Reach
from tests.people.makers import NOW, POINT, SECRET, do_at_once, make_device, make_webpush, store_device
from tests.web.makers import read_problem

TOKEN = {"kind": "fcm_token", "value": "synthetic-token:APA91b-made-up_123456"}
FID = {"kind": "fcm_fid", "value": "c1Synthetic_fid-made-u"}
LOG = {"kind": "log"}


def put(client, headers, *items):
    return client.put("/v1/me/registrations", json={"items": items}, headers=headers)


def listed(client, headers):
    return [
        (item["kind"], item["ends_with"]) for item in client.get("/v1/me/registrations", headers=headers).json["items"]
    ]


def refused(response):
    assert response.status_code == 422
    return {error["field"]: error["message"] for error in read_problem(response)["errors"]}


def test_a_device_is_reached_in_several_ways_shown_shortened(client):
    _, headers = make_device(client)
    assert put(client, headers, TOKEN, FID, make_webpush(), LOG).status_code == 200
    assert listed(client, headers) == [
        ("fcm_fid", "…made-u"),
        ("fcm_token", "…123456"),
        ("log", ""),
        ("webpush", "…iption"),
    ]


def test_a_registration_is_stored_as_sending_needs_it(client, session):
    device_id, headers = make_device(client)
    put(client, headers, make_webpush(keys={"p256dh": POINT + "=", "auth": SECRET + "=="}))
    (row,) = session.execute(text("SELECT * FROM people_registration")).all()
    assert (row.device_id, row.kind, row.value) == (device_id, "webpush", make_webpush()["endpoint"])
    assert (row.p256dh, row.auth, row.state) == (POINT, SECRET, "alive")


def test_the_whole_list_is_replaced(client):
    _, headers = make_device(client)
    put(client, headers, TOKEN, LOG)
    put(client, headers, FID, LOG)
    assert [kind for kind, _ in listed(client, headers)] == ["fcm_fid", "log"]
    put(client, headers)
    assert listed(client, headers) == []


def test_of_a_list_with_one_wrong_item_nothing_is_taken(client):
    _, headers = make_device(client)
    put(client, headers, TOKEN)
    assert set(refused(put(client, headers, FID, {"kind": "webpush"}))) == {"items.1.endpoint"}
    assert [kind for kind, _ in listed(client, headers)] == ["fcm_token"]


def test_the_same_registration_twice_is_one(client):
    _, headers = make_device(client)
    put(client, headers, TOKEN, TOKEN, LOG, LOG)
    assert len(listed(client, headers)) == 2


def test_a_sixth_registration_is_refused(client):
    _, headers = make_device(client)
    items = [TOKEN | {"value": f"synthetic-{number}"} for number in range(6)]
    assert set(refused(put(client, headers, *items))) == {"items"}
    assert put(client, headers, *items[:5]).status_code == 200


def test_an_app_that_was_installed_again_takes_its_registration_along(client):
    _, before = make_device(client)
    _, after = make_device(client)
    put(client, before, TOKEN, FID)
    put(client, after, TOKEN)
    assert [kind for kind, _ in listed(client, before)] == ["fcm_fid"]
    assert [kind for kind, _ in listed(client, after)] == ["fcm_token"]


def test_a_registration_that_two_devices_give_at_once_is_one_of_theirs(own_database):
    devices = [store_device(own_database) for _ in range(4)]

    def take(device_id):
        way = Reach(kind="fcm_token", value="synthetic")
        return lambda session: wish_actions.replace_registrations(session, device_id, [way], log_allowed=True, now=NOW)

    assert do_at_once(own_database, *map(take, devices)) == [None] * 4
    with own_database.session(write=False) as session:
        assert session.scalars(text("SELECT device_id FROM people_registration")).one() in devices


def test_every_device_may_have_a_log(client):
    devices = [make_device(client)[1] for _ in range(2)]
    for headers in devices:
        put(client, headers, LOG)
    assert [listed(client, headers) for headers in devices] == [[("log", "")]] * 2


def test_a_registration_given_again_is_alive_again(client, session):
    _, headers = make_device(client)
    put(client, headers, TOKEN)
    session.execute(text("UPDATE people_registration SET state = 'gone'"))
    session.commit()
    put(client, headers, TOKEN)
    assert client.get("/v1/me/registrations", headers=headers).json["items"][0]["state"] == "alive"


def test_where_the_log_transport_is_off_no_device_registers_for_it(services, settings):
    services.settings = replace(settings, push_log_enabled=False)
    client = create_app(services=services).test_client()
    _, headers = make_device(client)
    (said,) = refused(put(client, headers, TOKEN, LOG)).items()
    assert said[0] == "items.1.kind"
    assert "désactivé" in said[1]
    assert listed(client, headers) == []


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({}, "kind"),
        ({"kind": "sms", "value": "0600000000"}, "kind"),
        ({"kind": "fcm_token"}, "value"),
        ({"kind": "fcm_token", "value": ""}, "value"),
        ({"kind": "fcm_token", "value": "two words"}, "value"),
        ({"kind": "fcm_token", "value": "a-line\n"}, "value"),
        ({"kind": "fcm_fid", "value": "x" * 4097}, "value"),
        ({"kind": "log", "value": "x"}, "value"),
        (make_webpush(value="x"), "value"),
        (make_webpush(endpoint="http://push.example/x"), "endpoint"),
        (TOKEN | {"endpoint": "https://push.example/x"}, "endpoint"),
        (make_webpush(keys={"p256dh": POINT}), "keys.auth"),
        (make_webpush(keys={"p256dh": POINT[:-1], "auth": SECRET}), "keys.p256dh"),
        (make_webpush(keys={"p256dh": POINT, "auth": "*" * 22}), "keys.auth"),
    ],
)
def test_a_registration_that_does_not_fit_its_kind_is_refused(client, item, field):
    _, headers = make_device(client)
    assert set(refused(put(client, headers, item))) == {f"items.0.{field}"}


@pytest.mark.parametrize(
    "url",
    [
        "https://push.example:22/x",
        "https://push.example:0/x",
        "https://push.example:8091/x",
        "http://push.example/x",
        "https://user:word@push.example/x",
        "https://push.example@evil.example/x",
        "https://localhost/x",
        "https://LOCALHOST./x",
        "https://printer.local/x",
        "https://10.0.0.1/x",
        "https://127.0.0.1:8000/x",
        "https://[::1]/x",
        "https://[fd00::1]/x",
        "https://169.254.169.254/latest",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://127.1/x",
        "https://push.example:port/x",
        "https://push.example/x#part",
        "https://push.example\\@evil.example/",
        "https://push exámple/x",
        "https:///x",
        "ftp://push.example/x",
        "push.example/x",
        "https://[/x",
    ],
)
def test_an_endpoint_that_is_no_public_https_address_is_refused(url):
    assert not webpush.is_endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/made-up:APA91b",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QMade-Up",
        "https://push.example:8443/x?y=z",
        "https://1.1.1.1/x",
    ],
)
def test_the_endpoints_of_push_services_are_taken(url):
    assert webpush.is_endpoint(url)


def test_a_public_key_lies_on_its_curve():
    assert webpush.is_point(POINT)
    assert not webpush.is_point("BA" + "A" * 85)
    assert not webpush.is_point("A" + POINT[1:])
    assert not webpush.is_point(POINT[:-1] + "V")
    assert not webpush.is_point("A")
    assert not webpush.is_point("")


def test_a_secret_is_16_bytes_written_in_one_way():
    assert webpush.is_auth(SECRET)
    assert not webpush.is_auth(SECRET[:-2])
    assert not webpush.is_auth(SECRET[:-1] + "R")
