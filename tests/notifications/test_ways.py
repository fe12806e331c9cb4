"""Which ways to reach a device an installation has."""

from dataclasses import replace

import pytest

from app import create_app
from citizen_api.core.settings import SettingsError
from notifications.transports.ways import ways_from
from notifications.transports.webpush_keys import make_vapid_key


def test_without_settings_there_is_the_log_only(client):
    answer = client.get("/v1/push")
    assert answer.json == {"kinds": ["log"], "webpush_public_key": None}
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_page_finds_the_key_that_it_subscribes_with(services, tmp_path):
    key = make_vapid_key(tmp_path / "vapid.pem")
    services.settings = replace(
        services.settings,
        push_vapid_key_file=str(tmp_path / "vapid.pem"),
        push_vapid_subject="mailto:push@ville.example",
        push_fcm_credentials="synthetic.json",
    )
    answer = create_app(services=services).test_client().get("/v1/push")
    assert answer.json == {"kinds": ["fcm_token", "fcm_fid", "webpush", "log"], "webpush_public_key": key}


def test_a_key_that_cannot_be_read_is_said_at_the_start(settings, tmp_path):
    lost = replace(
        settings, push_vapid_key_file=str(tmp_path / "lost.pem"), push_vapid_subject="mailto:push@ville.example"
    )
    with pytest.raises(SettingsError, match=r"PUSH_VAPID_KEY_FILE.*cannot be read"):
        ways_from(lost)
