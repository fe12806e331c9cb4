"""`alentours push check`: a line for whatever stands in the way."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from citizen_api.core.settings import Settings
from citizen_api.web.command import Context
from notifications.push_cli import _WHY, push
from notifications.transports import fcm_credentials
from notifications.transports.fcm_credentials import CREDENTIAL_CODES
from tests.doubles.certificates import make_certificate
from tests.doubles.fcm import FcmDouble
from tests.notifications.transports.makers import NOW
from tests.notifications.transports.scripted import ScriptedServer


@pytest.fixture
def double(tmp_path):
    with FcmDouble(folder=tmp_path / "double") as running:
        yield running


def check(settings: Settings) -> Result:
    context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True)
    return CliRunner().invoke(push, ["check"], obj=context)


def make_settings(double: FcmDouble, **changed) -> Settings:
    plain = {
        "push_fcm_credentials": str(double.write_credentials(double.folder)),
        "push_fcm_url": double.origin,
        "push_fcm_ca_file": str(double.ca_file),
        "push_timeout_s": 2.0,
    }
    return Settings(**(plain | changed))


def test_with_good_credentials_it_is_ready_and_nothing_is_delivered(double):
    said = check(make_settings(double))
    assert (said.exit_code, said.output) == (
        0,
        f"FCM: ready; it would take messages of the project {double.project_id}.\n",
    )
    assert not double.screens


@pytest.mark.parametrize("kind", ["unregistered", "bad_token", "bad_token_bare", "wrong_sender"])
def test_a_refusal_of_the_made_up_device_means_that_all_else_is_right(double, kind):
    double.fail(kind)
    assert check(make_settings(double)).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("quota", "quota"),
        ("internal", "out of order"),
        ("html", "out of order"),
        ("hang", "in time"),
        ("cut", "cut"),
        ("bad_argument", "please report"),
        ("bad_credentials", "APNs key"),
        ("unauthenticated", "access token"),
        ("token_invalid_grant", "make a new key"),
        ("token_internal", "token endpoint is out of order"),
        ("token_hang", "cannot be reached"),
    ],
)
def test_each_failure_is_explained_in_one_line(double, kind, word):
    double.fail(kind)
    said = check(make_settings(double, push_timeout_s=0.5))
    assert said.exit_code == 1
    assert word in said.output
    assert said.output.count("\n") == 1


def test_nothing_configured_is_said():
    said = check(Settings())
    assert said.exit_code == 1
    assert "not configured" in said.output
    assert "No push service is configured" in said.output


def test_web_push_alone_is_enough(tmp_path):
    said = check(Settings(push_vapid_key_file=str(tmp_path / "key"), push_vapid_subject="mailto:a@example.org"))
    assert said.exit_code == 0
    assert "Web Push: configured" in said.output


def test_a_missing_file_is_said(double, tmp_path):
    said = check(make_settings(double, push_fcm_credentials=str(tmp_path / "missing.json")))
    assert (said.exit_code, "no such file" in said.output) == (1, True)


def test_a_file_of_another_kind_is_said_and_not_shown(double, tmp_path):
    file = tmp_path / "google-services.json"
    file.write_text('{"client": "synthetic-secret"}')
    said = check(make_settings(double, push_fcm_credentials=str(file)))
    assert (said.exit_code, "not the JSON key of a service account" in said.output) == (1, True)
    assert "synthetic-secret" not in said.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(double):
    settings = make_settings(double)
    Path(settings.push_fcm_credentials).chmod(0)
    assert "cannot be read" in check(settings).output


def test_a_key_of_another_project_is_said(double, tmp_path):
    document = json.loads(Path(make_settings(double).push_fcm_credentials).read_bytes())
    file = tmp_path / "other.json"
    file.write_text(json.dumps(document | {"project_id": "another-project"}))
    said = check(make_settings(double, push_fcm_credentials=str(file)))
    assert (said.exit_code, "may not send in this project" in said.output) == (1, True)


@pytest.mark.parametrize(
    ("date", "skewed"),
    [
        ("Wed, 25 Nov 2026 12:04:59 GMT", False),
        ("Wed, 25 Nov 2026 12:05:01 GMT", True),
        ("Wed, 25 Nov 2026 11:00:00 -0000", True),
        (None, False),
        ("yesterday", False),
    ],
)
def test_a_clock_is_wrong_if_google_would_not_take_its_time(date, skewed):
    assert fcm_credentials._is_skewed(date, NOW) is skewed


def test_a_wrong_clock_is_told_apart_from_a_refused_key(double, monkeypatch):
    monkeypatch.setattr(fcm_credentials, "_is_skewed", lambda _date, _now: True)
    double.fail("token_invalid_grant")
    said = check(make_settings(double))
    assert (said.exit_code, "the clock of this machine" in said.output) == (1, True)


def test_a_certificate_that_is_not_trusted_is_said(double, tmp_path):
    make_certificate(tmp_path / "other")
    said = check(make_settings(double, push_fcm_ca_file=str(tmp_path / "other" / "ca.pem")))
    assert (said.exit_code, "certificate" in said.output) == (1, True)


def test_a_missing_authority_file_is_said(double, tmp_path):
    said = check(make_settings(double, push_fcm_ca_file=str(tmp_path / "missing.pem")))
    assert (said.exit_code, "PUSH_FCM_CA_FILE" in said.output) == (1, True)


def test_an_address_that_is_no_origin_is_said(double):
    assert "PUSH_FCM_URL" in check(make_settings(double, push_fcm_url=f"{double.origin}/v1")).output


def test_nobody_listening_is_said(double):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = check(make_settings(double, push_fcm_url=f"https://127.0.0.1:{port}"))
    assert (said.exit_code, "nobody listens" in said.output) == (1, True)


def test_a_server_that_is_not_fcm_is_said(double):
    def script(peer) -> None:
        peer.answer(peer.requests()[0], 200, b"<!DOCTYPE html>")
        peer.wait_for_end()

    with ScriptedServer(double.folder, script) as server:
        said = check(make_settings(double, push_fcm_url=f"https://127.0.0.1:{server.port}"))
    assert (said.exit_code, "not FCM" in said.output) == (1, True)


def test_every_trouble_with_credentials_has_its_line():
    assert set(CREDENTIAL_CODES) <= set(_WHY)
    assert all("\n" not in why for why in _WHY.values())
