"""The one table of settings: read once, frozen, refused when wrong, documented, and usable as it stands."""

import socket
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import cli, create_app
from citizen_api.core.settings import Settings, SettingsError, settings_page

ROOT = Path(__file__).parent.parent


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1


def test_without_an_environment_every_setting_has_its_default():
    assert Settings.from_environment({"PATH": "/bin"}) == Settings()


def test_a_setting_is_read_in_its_own_type():
    read = Settings.from_environment(
        {
            "ALENTOURS_PORT": " 8123 ",
            "ALENTOURS_HSTS": "Yes",
            "ALENTOURS_DIRECTORY_CHECK_S": "0.5",
            "ALENTOURS_DATA_DIR": "elsewhere",
            "ALENTOURS_CORS_ORIGINS": "https://a.example, https://b.example:8443,",
        }
    )
    assert read == replace(
        Settings(),
        port=8123,
        hsts=True,
        directory_check_s=0.5,
        data_dir=Path("elsewhere"),
        cors_origins=("https://a.example", "https://b.example:8443"),
    )


def test_a_process_of_our_own_reads_the_same_settings_from_the_environment_that_they_write():
    settings = replace(Settings(), port=0, hsts=True, data_dir=Path("a b"), cors_origins=("https://a.example",))
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROT", "8000"),
        ("port", "8000"),
        ("", "x"),
        ("PORT", "eight"),
        ("PORT", ""),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("WORKERS", "1.5"),
        ("HSTS", "maybe"),
        ("DIRECTORY_CHECK_S", "soon"),
        ("DIRECTORY_CHECK_S", "nan"),
        ("OUTGOING_TIMEOUT_S", "inf"),
        ("OUTGOING_TIMEOUT_S", "0"),
        ("MAX_BODY_BYTES", "0"),
        ("TRUSTED_PROXIES", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("DEFAULT_LANGUAGE", "de"),
        ("RATE_LIMIT", "many"),
        ("RATE_LIMIT_REPORTS", "10 per fortnight"),
        ("RATE_LIMIT_DEVICES", "often"),
        ("CORS_ORIGINS", "https://*.ville.example"),
        ("CORS_ORIGINS", "ville.example"),
        ("CORS_ORIGINS", "https://ville.example/path"),
        ("REDIS_URL", "memcached://somewhere"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("DATABASE_URL", "no address at all"),
        ("DATABASE_URL", "postgresql://host:port/name"),
        ("MOBILITY_STATION_SILENT_S", "86401"),
        ("MOBILITY_STATION_SILENT_S", "1e300"),
        *(
            ("MOBILITY_TRANSIT_LINKS", link)
            for link in (
                "11=http://planner.example/",
                "11=https://planner.example/?to={oops}",
                "11=https://planner.example/?to={to_lat",
                "11=https://user:word@planner.example/",
                "11=https://{to_lat}.planner.example/",
                "11=https://planner.example\\@elsewhere.example/",
                "11=https://localhost/",
                "11=https://planner.localhost/",
                "11=https://127.0.0.1/",
                "11=https://planner.example:65536/",
                "11=https://[::1]/",
                "11=https://2130706433/",
                "11=https://0x7f.1/",
                "10=https://planner.example/",
                "11=https://planner.example/,11=https://other.example/",
            )
        ),
    ],
)
def test_a_setting_that_is_unknown_or_wrong_refuses_to_start_in_one_line_that_names_it(name, value):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({f"ALENTOURS_{name}": value})
    assert "\n" not in str(caught.value)
    assert f"ALENTOURS_{name}" in str(caught.value)


def test_planners_of_public_transport_may_hold_the_places_that_are_known():
    links = "11=https://planner.example:8443?a={from_lat},94=https://Other.example/{to_lat};{to_lon}#{from_lon}"
    read = Settings.from_environment({"ALENTOURS_MOBILITY_TRANSIT_LINKS": links})
    assert read.mobility_transit_links == tuple(links.split(","))


def test_a_wrong_secret_is_not_shown():
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"ALENTOURS_DATABASE_URL": "mysql://user:hunter2@host/name"})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown_with_the_other_settings():
    shown = repr(Settings(database_url="postgresql://user:hunter2@host/name", redis_url="redis://:hunter3@host/0"))
    assert "hunter" not in shown
    assert "port=8000" in shown


def test_the_command_line_says_which_setting_is_wrong_without_a_traceback():
    result = CliRunner().invoke(cli, ["db", "upgrade"], env={"ALENTOURS_PORT": "eight"})
    assert result.exit_code == 2
    assert result.output.splitlines()[-1] == "Error: ALENTOURS_PORT must be a whole number, not 'eight'"


def test_the_page_of_settings_is_the_table():
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page()


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_is_explained_on_one_line(setting):
    said = setting.metadata["help"]
    assert len(said) > 20
    assert "\n" not in said
    assert "|" not in said


def test_every_default_works_offline_and_without_secrets(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a default asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.chdir(tmp_path)
    client = create_app(Settings()).test_client()
    paths = ("/healthz", "/docs", "/openapi.json", "/v1/emergency", "/problems/not-found", "/static/docs.js")
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
