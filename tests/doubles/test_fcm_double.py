import json
import ssl
import stat
import time
from contextlib import contextmanager

import httpx
import jwt
import pytest

from tests.doubles.fcm import FcmDouble, begins, describe
from tests.doubles.fcm_faults import BAD_REQUEST, FCM_ERROR

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


@pytest.fixture
def double():
    with FcmDouble() as running:
        yield running


@contextmanager
def opened(double, *, http2=True, timeout_s=5.0):
    context = ssl.create_default_context(cafile=str(double.ca_file))
    with httpx.Client(verify=context, http2=http2, base_url=double.origin, timeout=timeout_s) as client:
        yield client


@pytest.fixture(params=[True, False], ids=["http2", "http1"])
def client(request, double):
    with opened(double, http2=request.param) as connected:
        yield connected


def note(address="a-synthetic-token", tag="air:75104", **parts):
    android = {"notification": {"tag": tag}, "ttl": "3600s"}
    return {"message": {"token": address, "notification": {"title": "Air", "body": "b"}, "android": android, **parts}}


def post(client, double, body=None, *, bearer=None, project="synthetic-project"):
    bearer = double.issue_token() if bearer is None else bearer
    content = body if isinstance(body, bytes) else json.dumps(body or note()).encode()
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return client.post(f"/v1/projects/{project}/messages:send", content=content, headers=headers)


def error_of(answer):
    error = answer.json()["error"]
    details = {detail["@type"]: detail for detail in error.get("details", [])}
    return {
        "http": answer.status_code,
        "code": error["code"],
        "status": error["status"],
        "fcm": details.get(FCM_ERROR, {}).get("errorCode"),
        "fields": [item["field"] for item in details.get(BAD_REQUEST, {}).get("fieldViolations", [])],
    }


def test_a_message_is_accepted_named_and_shown(double, client):
    answers = [post(client, double) for _ in range(2)]
    names = {answer.json()["name"] for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(names) == 2
    assert all(name.startswith("projects/synthetic-project/messages/0:") for name in names)
    assert (double.count, double.accepted) == (2, 2)
    assert double.screens == {"a-synthetic-token": {"air:75104": note()["message"]}}
    assert double.shown == {("a-synthetic-token", "air:75104"): 2}
    assert list(double.received) == [note()["message"]] * 2


def test_both_versions_of_http_are_spoken(double):
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        with opened(double, http2=http2) as client:
            assert post(client, double).http_version == version
            post(client, double)
    assert double.connections == 2


def test_validate_only_reaches_no_screen(double, client):
    answer = post(client, double, {**note(), "validate_only": True})
    assert answer.json() == {"name": "projects/synthetic-project/messages/fake_message_id"}
    assert (double.count, double.accepted, double.screens) == (1, 0, {})


def test_a_message_that_google_would_refuse_is_refused_and_remembered(double, client):
    answer = post(client, double, note(colour="red"))
    assert error_of(answer) == {
        "http": 400,
        "code": 400,
        "status": "INVALID_ARGUMENT",
        "fcm": None,
        "fields": ["message"],
    }
    assert error_of(post(client, double, note(data={"from": "x"})))["fcm"] == "INVALID_ARGUMENT"
    assert error_of(post(client, double, b"{"))["status"] == "INVALID_ARGUMENT"
    assert error_of(post(client, double, b"[]"))["http"] == 400
    assert [violation.field for violation in double.invalid] == ["message", "message.data", ""]
    assert double.accepted == 0


def test_unchecked_messages_are_counted_without_being_read():
    with FcmDouble(validate_every=3, track=False) as double, opened(double) as client:
        codes = [post(client, double, note(colour="red")).status_code for _ in range(6)]
        assert codes == [200, 200, 400] * 2
        assert (double.count, double.accepted, double.service.counts.validated) == (6, 4, 2)
        assert double.screens == {}


@pytest.mark.parametrize(
    ("kind", "http", "status", "fcm", "fields"),
    [
        ("quota", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", []),
        ("quota_silent", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", []),
        ("internal", 500, "INTERNAL", "INTERNAL", []),
        ("unavailable", 503, "UNAVAILABLE", "UNAVAILABLE", []),
        ("unregistered", 404, "NOT_FOUND", "UNREGISTERED", []),
        ("wrong_sender", 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", []),
        ("bad_token", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", ["message.token"]),
        ("bad_token_bare", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", []),
        ("bad_argument", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", ["message.android.ttl"]),
        ("bad_credentials", 401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", []),
        ("unauthenticated", 401, "UNAUTHENTICATED", None, []),
    ],
)
def test_each_fault_has_googles_shape(double, client, kind, http, status, fcm, fields):
    double.fail(kind, times=1)
    assert error_of(post(client, double)) == {
        "http": http,
        "code": http,
        "status": status,
        "fcm": fcm,
        "fields": fields,
    }
    assert post(client, double).status_code == 200
    assert double.refused == {kind: 1}
    assert (double.count, double.accepted) == (2, 1)


def test_an_installation_that_never_was_is_named_as_such(double, client):
    double.fail("bad_token")
    answer = post(client, double, {"message": {"fid": "an-installation"}})
    assert error_of(answer)["fields"] == ["message.fid"]


def test_only_the_quota_that_speaks_says_when_to_come_back(double, client):
    double.fail("quota", times=1, retry_after=7)
    double.fail("quota_silent", times=1)
    double.fail("unavailable", times=1, retry_after=2)
    headers = [post(client, double).headers.get("retry-after") for _ in range(4)]
    assert headers == ["7", None, "2", None]


def test_a_proxys_page_is_no_json(double, client):
    double.fail("html")
    answer = post(client, double)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_fault_may_be_for_one_token_or_for_a_share(double, client):
    double.fail("unregistered", token="gone")
    assert post(client, double, note("gone")).status_code == 404
    assert post(client, double, note("here")).status_code == 200
    double.heal()
    assert post(client, double, note("gone")).status_code == 200
    double.fail("internal", share=0.5)
    codes = [post(client, double).status_code for _ in range(40)]
    assert {200, 500} == set(codes)


def test_a_fault_of_an_unknown_kind_is_refused(double):
    with pytest.raises(ValueError, match="unavailable"):
        double.fail("unavailble")


def test_a_message_may_be_delivered_although_its_answer_is_lost(double, client):
    double.fail("cut", times=1, delivered=True)
    with pytest.raises(httpx.TransportError):
        post(client, double)
    assert double.shown == {("a-synthetic-token", "air:75104"): 1}
    assert post(client, double).status_code == 200
    assert double.shown == {("a-synthetic-token", "air:75104"): 2}


def test_a_connection_may_be_cut_or_never_answer(double):
    for http2 in (True, False):
        with opened(double, http2=http2, timeout_s=0.2) as client:
            double.fail("hang", times=1)
            with pytest.raises(httpx.ReadTimeout):
                post(client, double)
            double.fail("cut", times=1)
            with pytest.raises(httpx.TransportError):
                post(client, double)
            assert post(client, double).status_code == 200
    assert double.refused == {"hang": 2, "cut": 2}


def test_above_its_rate_it_answers_429(double, client):
    double.rate_per_s = 2
    double.service.rate_retry_after_s = 30
    bearer = double.issue_token()
    answers = [post(client, double, bearer=bearer) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.headers["retry-after"] for answer in refused} == {"30"}
    assert double.refused["rate"] == len(refused)


def test_latency_holds_no_answer_of_another_kind(double, client):
    double.latency_s = 0.02
    assert post(client, double).status_code == 200
    double.latency_s = 3_600
    assert client.get("/count").json()["accepted"] == 1


def test_without_a_current_access_token_nothing_is_taken(double, client):
    for bearer in ("", "another", double.issue_token(lifetime_s=-1)):
        answer = post(client, double, bearer=bearer)
        assert error_of(answer)["status"] == "UNAUTHENTICATED"
        assert "invalid_token" in answer.headers["www-authenticate"]
    known = double.issue_token()
    double.revoke_tokens()
    assert post(client, double, bearer=known).status_code == 401
    assert double.accepted == 0


def test_another_project_is_not_ours_and_another_path_does_not_exist(double, client):
    assert error_of(post(client, double, project="another"))["status"] == "PERMISSION_DENIED"
    assert post(client, double, project="another", bearer="x").status_code == 401
    assert client.post("/v2/projects/x/messages:send").status_code == 404
    assert client.get("/v1/projects/synthetic-project/messages:send").status_code == 404


def claims(double, **changes):
    now = int(time.time())
    usual = {"iss": double.service.account.email, "scope": SCOPE, "iat": now, "exp": now + 3_600}
    return {**usual, "aud": f"{double.origin}/token", **changes}


def ask_token(client, double, **changes):
    assertion = jwt.encode(claims(double, **changes), double.service.account.key, "RS256")
    return client.post("/token", data={"grant_type": GRANT, "assertion": assertion})


def test_a_signed_assertion_buys_an_access_token(double, client):
    for audience in (f"{double.origin}/token", "https://oauth2.googleapis.com/token"):
        granted = ask_token(client, double, aud=audience).json()
        assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3_599)
        assert post(client, double, bearer=granted["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"iss": "somebody@else.example"}, "invalid_grant"),
        ({"exp": 1_000_000_000}, "invalid_grant"),
        ({"exp": 4_000_000_000}, "invalid_grant"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
    ],
)
def test_an_assertion_that_google_would_refuse_buys_nothing(double, client, changes, error):
    answer = ask_token(client, double, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_forged_assertion_buys_nothing(double, client):
    forged = jwt.encode(claims(double), "a secret of thirty-two bytes, or so", "HS256")
    answer = client.post("/token", data={"grant_type": GRANT, "assertion": forged})
    assert answer.json()["error"] == "invalid_grant"
    assert client.post("/token", data={"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_the_token_endpoint_fails_on_demand_by_itself(double):
    with opened(double, timeout_s=0.2) as client:
        double.fail("token_invalid_grant", times=1)
        double.fail("token_internal", times=1)
        double.fail("token_hang", times=1)
        assert post(client, double).status_code == 200
        assert ask_token(client, double).json()["error"] == "invalid_grant"
        assert ask_token(client, double).status_code == 500
        with pytest.raises(httpx.ReadTimeout):
            ask_token(client, double)
        assert ask_token(client, double).status_code == 200


def test_after_a_restart_it_has_the_same_address_and_memory(double):
    bearer, origin = double.issue_token(), double.origin
    with opened(double) as client:
        post(client, double, bearer=bearer)
        double.stop()
        with pytest.raises(httpx.TransportError):
            post(client, double, bearer=bearer)
    double.start()
    with opened(double) as client:
        assert post(client, double, bearer=bearer).status_code == 200
    assert (double.origin, double.count) == (origin, 2)


def test_a_port_that_is_taken_is_said(double):
    port = int(double.origin.rsplit(":", 1)[1])
    other = FcmDouble(port=port)
    with pytest.raises(OSError, match="in use"):
        other.start()
    other.close()


def test_counts_and_screens_are_served_and_forgotten_on_request(double, client):
    post(client, double)
    post(client, double, note(tag="heat"))
    assert client.get("/count").json()["accepted"] == 2
    assert set(client.get("/screens").json()["a-synthetic-token"]) == {"air:75104", "heat"}
    assert client.post("/reset").json()["count"] == 0
    assert client.get("/screens").json() == {}
    assert (double.count, double.screens, list(double.received)) == (0, {}, [])


def test_the_credentials_are_for_their_owner_only_and_outlive_the_double(tmp_path):
    for _ in range(2):
        with FcmDouble(folder=tmp_path) as double:
            settings = double.settings()
            path = double.write_credentials(tmp_path)
            written = json.loads(path.read_bytes())
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert written["token_uri"] == f"{double.origin}/token"
            assert settings["ALENTOURS_PUSH_FCM_URL"] == double.origin
            seen = written["private_key_id"], double.ca_file.read_bytes()
    assert seen == (double.service.account.key_id, (tmp_path / "ca.pem").read_bytes())


def test_a_line_for_people_shows_the_words_and_hides_the_token():
    line = describe(note("a-very-long-synthetic-token", tag="heat")["message"])
    assert "Air: b  [heat]" in line
    assert "a-very-long-synthetic-token" not in line


def test_the_arrival_of_marked_messages_is_noted(client, double):
    double.service.mark = begins("marked-")
    for address in ("marked-1", "another", "marked-2"):
        body = json.dumps(note(address), separators=(",", ":")).encode()
        assert post(client, double, body).status_code == 200
    assert len(client.get("/marked").json()) == 2
    double.fail("unavailable", times=1)
    assert post(client, double, json.dumps(note("marked-3"), separators=(",", ":")).encode()).status_code == 503
    assert len(double.service.marked) == 2
    client.post("/reset")
    assert client.get("/marked").json() == []
