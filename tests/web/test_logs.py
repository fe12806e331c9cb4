"""The logs say what happened, never to whom or where."""

import io
import json
import logging

import pytest
from sqlalchemy import text

from app import create_app
from citizen_api import serving
from citizen_api.web.logs import configure_logs
from tests.web.makers import NOBODY_LISTENS, UNLIMITED, make_client

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TOKEN = "als_" + "s" * 43
SECRETS = (
    "48.8573",
    "2.3524",
    "48.85,2.35",
    "rue-de-la-paix",
    "rue de la paix",
    "q=",
    "lat=",
    "lang=",
    TOKEN,
    "s" * 43,
    "wrong number, my name is",
    "203.0.113.77",
    "Mozilla",
)
CHANGED_LOGGERS = ("", "httpx", "httpcore", "werkzeug", "alembic")


@pytest.fixture
def log():
    """Everything that the process would write to standard error, at the most talkative level."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in CHANGED_LOGGERS}
    configure_logs("DEBUG")
    written = io.StringIO()
    root.handlers[0].setStream(written)
    yield written
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def crash_with_position(**_):
    lat = 48.8573751
    try:
        float(f"cannot route from {lat}, 2.3524425 for {TOKEN}")
    except ValueError as error:
        raise RuntimeError(f"lat={lat}&lon=2.3524425") from error


def ask_much(client):
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "User-Agent": "Mozilla",
        "Cookie": f"key={TOKEN}",
        "X-Request-ID": "lat=48.8573751-lon=2.3524425",
        "Referer": "https://ville.example/?lat=48.8573751",
    }
    for method, path, options in (
        ("GET", "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=pharmacy", {}),
        ("GET", "/v1/care/nearest?lat=2.3524425&lon=48.8573751&category=pharmacy", {}),
        ("GET", "/v1/care/nearest?lat=48.8573751&category=pharmacy&lang=xx", {}),
        ("GET", "/v1/care/within?bbox=2.3524425,48.8573751,2.36,48.87&category=pharmacy", {}),
        ("GET", "/v1/communes/at?lat=48.8573751&lon=2.3524425", {}),
        ("GET", "/v1/communes?q=rue-de-la-paix", {}),
        ("GET", "/v1/communes?q=a%00rue-de-la-paix", {}),
        ("GET", "/v1/places?q=rue+de+la+paix&lat=48.8573751&lon=2.3524425", {}),
        ("GET", "/v1/care/48.8573751,2.3524425", {}),
        ("GET", "/v1/care/48.85,2.35", {}),
        ("GET", "/v1/care/near/48.8573751/2.3524425", {}),
        ("GET", "/48.8573751/2.3524425?lat=48.8573751", {}),
        ("GET", "/v1/communes/48.85,2.35", {}),
        ("GET", "/problems/48.8573751", {}),
        ("GET", "/v1/staff/me", {}),
        ("GET", f"/v1/staff/{TOKEN}", {}),
        ("POST", "/v1/care/48.85,2.35/reports", {"json": {"kind": "other", "comment": "wrong number, my name is"}}),
        ("POST", "/v1/care/48.85,2.35/reports", {"data": "lat=48.8573751", "content_type": "application/json"}),
        ("48.8573751", "/v1/care/nearest?lat=48.8573751", {}),
        ("GET", "/planted/48.8573751,2.3524425?lat=48.8573751", {}),
        ("POST", "/planted/48.8573751,2.3524425?lat=48.8573751", {"json": {"key": TOKEN}}),
        ("GET", "/planted-query/48.8573751?lat=2.3524425", {}),
        ("GET", "/planted-after/48.8573751?lat=48.8573751", {}),
    ):
        client.open(path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": "203.0.113.77"}, **options)


def crash_in_the_database(**_):
    from citizen_api.web.services import session  # noqa: PLC0415 - needs the request

    session().execute(text("SELECT no_such FROM no_such WHERE lat = :lat"), {"lat": 48.8573751})
    return ""


def leave(**_):
    return "left"


def crash_after(response):
    from flask import request  # noqa: PLC0415 - needs the request

    if request.path.startswith("/planted-after"):
        crash_with_position()
    return response


PLANTED = {
    "/planted/<where>": crash_with_position,
    "/planted-query/<where>": crash_in_the_database,
    "/planted-after/<where>": leave,
}


@pytest.mark.parametrize("changed", [{}, {"database_url": NOBODY_LISTENS}, {"rate_limit": "2 per minute"}])
def test_no_log_line_holds_a_position_a_token_a_body_or_a_query(tmp_path, log, changed):
    client = make_client(tmp_path, PLANTED, **changed)
    client.application.after_request(crash_after)
    ask_much(client)
    lines = log.getvalue().splitlines()
    assert len(lines) > 20
    assert [line for line in lines for secret in SECRETS if secret in line] == []


def test_no_log_line_holds_a_position_when_everything_works(client, log):
    ask_much(client)
    lines = log.getvalue().splitlines()
    assert [line for line in lines for secret in SECRETS if secret in line] == []
    assert {json.loads(line).get("status") for line in lines} >= {200, 422, 404, 401}


def test_a_request_is_one_line_of_json_with_its_route_status_and_id(tmp_path, log):
    make_client(tmp_path).get("/problems/not-found?lang=fr", headers={"X-Request-ID": UUID})
    (line,) = (json.loads(text) for text in log.getvalue().splitlines() if "alentours.access" in text)
    assert (line["route"], line["method"], line["status"], line["request_id"]) == (
        "/problems/<name>",
        "GET",
        200,
        UUID,
    )
    assert line["level"] == "INFO"
    assert line["time"].endswith("Z")


def test_a_crash_leaves_its_type_place_and_request_in_the_log(tmp_path, log):
    client = make_client(tmp_path, PLANTED)
    client.get("/planted/48.85,2.35", headers={"X-Request-ID": UUID})
    (line,) = (json.loads(text) for text in log.getvalue().splitlines() if '"crash"' in text)
    assert "RuntimeError at test_logs.py:" in line["exc_info"]
    assert "caused by ValueError at test_logs.py:" in line["exc_info"]
    assert (line["route"], line["request_id"], line["level"]) == ("/planted/<where>", UUID, "ERROR")


@pytest.mark.parametrize("name", ["werkzeug", "httpx", "httpcore"])
def test_libraries_that_log_addresses_are_told_not_to(log, name):
    logging.getLogger(name).info('"GET /v1/care/nearest?lat=48.8573751 HTTP/1.1" 200')
    assert log.getvalue() == ""


def test_the_servers_own_access_log_stays_off(monkeypatch, tmp_path):
    asked = {}

    class Server:
        def __init__(self, *_, **options):
            asked.update(options)

        def serve(self):
            pass

    monkeypatch.setattr(serving, "Server", Server)
    monkeypatch.setattr(serving, "configure_logs", lambda _level: None)
    monkeypatch.setenv("ALENTOURS_HOST", "127.0.0.1")
    monkeypatch.setenv("ALENTOURS_PORT", "0")
    from citizen_api.core.settings import Settings  # noqa: PLC0415

    serving.serve_app(Settings(data_dir=tmp_path, **UNLIMITED), host=None, port=None, workers=1, demo=False)
    assert asked["log_access"] is False
    assert asked["log_dictconfig"]["loggers"]["granian.access"]["handlers"] == []
    assert "Silent" in asked["log_dictconfig"]["formatters"]["json"]["()"]


def test_making_an_app_logs_nothing(tmp_path, log):
    create_app(services=make_client(tmp_path).application.extensions["alentours"])
    assert log.getvalue() == ""
