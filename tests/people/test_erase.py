"""What a device may take along, and that nothing of it is left when it goes."""

import io
import json
import logging
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, text

from app import cli, create_app
from citizen_api.core.db import Base, Database
from citizen_api.core.problems import Unauthorised
from citizen_api.core.settings import Settings
from citizen_api.people.device_actions import rotate_token
from citizen_api.people.device_models import Device
from citizen_api.people.device_secrets import digest
from citizen_api.preparing import prepare_database
from citizen_api.web.logs import configure_logs
from tests.people.makers import SECRET, bearer, make_device, make_watch, make_webpush
from tests.web.makers import make_services

TOKEN = {"kind": "fcm_token", "value": "synthetic-fcm-token-of-one-phone"}
NAMING = sorted(
    (table.name, column.name)
    for table in Base.metadata.tables.values()
    for column in table.columns
    if column.name == "device_id" or any(key.column is Device.__table__.c.id for key in column.foreign_keys)
)


def make_full_device(client):
    """Make a device with everything it can have, and give its token's header and whatever names it."""
    device_id, headers = make_device(client)
    registrations = {"items": [TOKEN, make_webpush(), {"kind": "log"}]}
    watch = client.post("/v1/me/watches", json=make_watch(), headers=headers).get_json()
    for method, path, body in (
        ("PUT", "/v1/me/registrations", registrations),
        ("PUT", "/v1/me/preferences", {"zone": "Indian/Reunion"}),
        ("PUT", "/v1/me/consents/alerts", {"version": "2026-11"}),
        ("PUT", "/v1/me/consents/campaigns", {"version": "2026-11"}),
        ("DELETE", "/v1/me/consents/campaigns", None),
        ("GET", "/v1/me/export", None),
    ):
        assert client.open(path, method=method, json=body, headers=headers).status_code == 200
    token = client.post("/v1/me/token", headers=headers).get_json()["token"]
    code = client.post("/v1/me/transfer", headers=bearer(token)).get_json()["code"]
    names = {device_id, token, code, watch["id"], TOKEN["value"], make_webpush()["endpoint"], SECRET}
    hashes = {digest(token), digest(code.replace("-", "")), digest(TOKEN["kind"], TOKEN["value"])}
    return bearer(token), names | hashes


def everything(session):
    """Every row of every table, as text."""
    return {
        table: [repr(row) for row in session.execute(text(f'SELECT * FROM "{table}"'))]  # noqa: S608 - names of ours
        for table in inspect(session.connection()).get_table_names()
        if not table.startswith("territory_")
    }


def found(session, names):
    return {table for table, rows in everything(session).items() for row in rows if any(name in row for name in names)}


@pytest.mark.parametrize(("table", "column"), NAMING)
def test_whatever_names_a_device_goes_with_it_by_its_foreign_key(session, table, column):
    session.execute(text("SELECT id FROM people_device"))  # SQLite's pragmas may know an older schema until a read
    there = inspect(session.connection()).get_foreign_keys(table)
    keys = [key for key in there if column in key["constrained_columns"]]
    # To the device itself, or to a row that goes with it.
    ((referred, ondelete),) = [(key["referred_table"], key["options"].get("ondelete")) for key in keys]
    assert referred in {"people_device"} | {name for name, _ in NAMING}
    assert ondelete == "CASCADE"
    (declared,) = Base.metadata.tables[table].columns[column].foreign_keys
    assert declared.ondelete == "CASCADE"


def test_the_tables_of_wishes_and_messages_are_among_those_that_name_a_device():
    assert {table for table, _ in NAMING} >= {
        "people_registration",
        "people_watch",
        "people_preferences",
        "people_consent",
        "people_transfer",
        "notifications_message",
        "notifications_attempt",
    }


def test_of_an_erased_device_no_row_of_any_table_holds_anything(client, session):
    headers, names = make_full_device(client)
    assert len(found(session, names)) >= 6
    session.commit()
    response = client.delete("/v1/me", headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert found(session, names) == set()
    assert client.get("/v1/me", headers=headers).status_code == 401


def test_erasing_a_device_leaves_the_others(client):
    _, theirs = make_device(client)
    client.post("/v1/me/watches", json=make_watch(), headers=theirs)
    headers, _ = make_full_device(client)
    client.delete("/v1/me", headers=headers)
    assert client.get("/v1/me", headers=theirs).get_json()["counts"]["watches"] == 1


def test_what_comes_while_a_device_is_erased_finds_none(session):
    with pytest.raises(Unauthorised):
        rotate_token(session, "erased")


def test_the_files_of_sqlite_hold_nothing_of_an_erased_device(tmp_path):
    services = make_services(tmp_path)
    prepare_database(services.database)
    client = create_app(services=services).test_client()
    headers, names = make_full_device(client)
    files = list(tmp_path.glob("alentours.db*"))
    stored = {name for name in names for file in files if name.encode() in file.read_bytes()}
    assert len(stored) >= 6
    client.delete("/v1/me", headers=headers)
    left = {name for name in names for file in tmp_path.glob("alentours.db*") if name.encode() in file.read_bytes()}
    services.database.engine.dispose()
    assert left == set()


def test_an_export_holds_every_table_that_names_the_device(client):
    headers, _ = make_full_device(client)
    tables = client.get("/v1/me/export", headers=headers).get_json()["tables"]
    assert set(tables) == {"people_device"} | {table for table, _ in NAMING}
    assert [row["purpose"] for row in tables["people_consent"]] == ["alerts", "campaigns"]
    assert tables["people_preferences"][0]["profile_key"].startswith("Indian/Reunion ")
    assert tables["people_watch"][0]["commune_code"] == "75104"
    assert tables["people_device"][0]["created_on"] == "2026-11-22"


def test_an_export_shows_secrets_only_so_far_that_they_can_be_told_apart(client):
    headers, _ = make_full_device(client)
    whole = json.dumps(client.get("/v1/me/export", headers=headers).get_json(), ensure_ascii=False)
    token = headers["Authorization"].removeprefix("Bearer ")
    assert not any(secret in whole for secret in (token, digest(token), TOKEN["value"], SECRET))
    assert f"…{TOKEN['value'][-6:]}" in whole


def test_an_export_holds_nothing_of_another_device(client):
    ours, _ = make_full_device(client)
    theirs, headers = make_device(client)
    client.post("/v1/me/watches", json=make_watch(commune="75118"), headers=headers)
    whole = client.get("/v1/me/export", headers=ours).get_data(as_text=True)
    assert theirs not in whole
    assert "75118" not in whole


def test_no_log_line_names_a_device(client):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs("DEBUG")
    written = io.StringIO()
    root.handlers[0].setStream(written)
    try:
        headers, names = make_full_device(client)
        client.put("/v1/me/registrations", json={"items": [TOKEN | {"kind": "sms"}]}, headers=headers)
        client.delete(f"/v1/me/watches/{next(iter(names))}", headers=headers)
        client.delete("/v1/me", headers=headers)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = written.getvalue()
    assert lines.count('"route"') >= 10
    assert [name for name in names if name in lines] == []


def test_the_command_erases_silent_devices_and_says_how_many(tmp_path):
    database = Database.from_settings(Settings(data_dir=tmp_path))
    prepare_database(database)
    with database.session() as session:
        session.add(
            Device(
                id="x" * 22,
                token_hash="y",
                created_on=date.fromisoformat("2020-01-01"),
                seen_on=date.fromisoformat("2020-01-01"),
            )
        )
        session.add(
            Device(
                id="z" * 22,
                token_hash="z",
                created_on=date.fromisoformat("2020-01-01"),
                seen_on=date.fromisoformat("2999-01-01"),
            )
        )
    result = CliRunner().invoke(cli, ["people", "retire"], env={"ALENTOURS_DATA_DIR": str(tmp_path)})
    assert (result.exit_code, result.output) == (0, "Erased for their long silence: 1 devices.\n")
    with database.session(write=False) as session:
        assert session.scalars(text("SELECT id FROM people_device")).all() == ["z" * 22]
    database.engine.dispose()
