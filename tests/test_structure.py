"""The structure holds: imports go down, routes are guarded, writes are audited, files stay small."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from citizen_api.care.models import Facility
from citizen_api.web.system import OpenApi
from tests.notifications.wave_makers import make_wave
from tests.people.makers import bearer, make_key
from tests.teleconsult.provider_writes import PROVIDER_WRITES
from tests.web.makers import make_client, read_problem

ROOT = Path(__file__).parent.parent
PACKAGES = ("citizen_api", "notifications", "content")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
VIOLATIONS = {
    "ladder": ("content/catalogue.py", "import citizen_api.core.clock", "The ladder"),
    "top": ("citizen_api/core/clock.py", "import app", "Nothing imports app.py"),
    "rooms": ("citizen_api/territory/rules.py", "import citizen_api.care.rules", "Inside citizen_api"),
    "kernel": ("citizen_api/core/clock.py", "import flask", "The kernel"),
    "sources": ("citizen_api/sources/tables.py", "import sqlalchemy", "A source reads bytes"),
}
WRITES_PURE = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "citizen_api").rglob("*.py")
    if path.name in {"rules.py", "wishes.py", "hours.py", "hours_syntax.py"} or path.parent.name == "core"
)
MAX_LINES = 400
PUBLIC = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/v1/advice"),
    ("get", "/v1/air"),
    ("get", "/v1/care/categories"),
    ("get", "/v1/care/services"),
    ("get", "/v1/care/nearest"),
    ("get", "/v1/care/within"),
    ("get", "/v1/care/nearest.svg"),
    ("get", "/v1/care/reachable"),
    ("get", "/v1/care/reachable.svg"),
    ("get", "/v1/mobility/departures"),
    ("get", "/v1/mobility/departures.svg"),
    ("get", "/v1/mobility/isochrone"),
    ("get", "/v1/mobility/isochrone.svg"),
    ("get", "/v1/mobility/stations/nearest"),
    ("get", "/v1/mobility/stations/nearest.svg"),
    ("get", "/v1/mobility/suggestions"),
    ("get", "/v1/mobility/suggestions.svg"),
    ("get", "/v1/mobility/trips"),
    ("get", "/v1/mobility/trips.svg"),
    ("get", "/v1/care/{facility_id}"),
    ("post", "/v1/care/{facility_id}/reports"),
    ("get", "/v1/communes"),
    ("get", "/v1/communes/at"),
    ("get", "/v1/communes/{code}"),
    ("get", "/v1/emergency"),
    ("get", "/v1/push"),
    ("get", "/v1/teleconsultations/card"),
    ("get", "/v1/teleconsultations/providers"),
    ("get", "/v1/teleconsultations/providers/{provider_id}"),
    ("get", "/v1/places"),
    ("post", "/v1/devices"),
    ("get", "/v1/teleconsultations/slots"),
    ("post", "/v1/teleconsultations/handoffs"),
    ("get", "/v1/teleconsultations/handoffs/{token}"),
    ("delete", "/v1/teleconsultations/handoffs/{token}"),
    ("post", "/v1/teleconsultations/handoffs/{token}/feedback"),
    ("post", "/v1/teleconsultations/webhooks/{provider_id}"),
}


@pytest.fixture
def copied(tmp_path):
    """A copy of the packages, in which a violation may be planted."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for name in ("pyproject.toml", "app.py"):
        shutil.copy(ROOT / name, tmp_path)
    for package in ("territory", "care"):
        (tmp_path / "citizen_api" / package / "data").mkdir(exist_ok=True)
        (tmp_path / "citizen_api" / package / "data" / "__init__.py").touch()
    return tmp_path


def lint(folder, *options):
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", *options]
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def asks_for(operation, scheme):
    return operation.get("security") == [{scheme: []}]


def operations(client):
    paths = client.application.extensions["alentours"].port(OpenApi).document()["paths"]
    return {
        (method, path): operation
        for path, item in paths.items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_no_import_goes_up_as_things_are(copied):
    result = lint(copied)
    assert result.returncode == 0, result.stdout


def test_there_is_a_planted_violation_for_each_contract():
    assert {contract["id"] for contract in CONTRACTS} == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(copied, contract):
    file, line, name = VIOLATIONS[contract]
    with (copied / file).open("a", encoding="utf-8") as planted:
        planted.write(f"\n{line}\n")
    result = lint(copied, "--contract", contract)
    assert result.returncode == 1
    assert f"{name}" in result.stdout
    assert "BROKEN" in result.stdout


def test_every_part_of_citizen_api_has_its_place_on_the_ladder():
    (rooms,) = (contract for contract in CONTRACTS if contract["id"] == "rooms")
    placed = {name.strip(" ()") for layer in rooms["layers"] for name in layer.split("|")}
    parts = {
        path.stem
        for path in (ROOT / "citizen_api").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert parts - {"__init__"} <= placed


@pytest.mark.parametrize("file", WRITES_PURE, ids=str)
def test_rules_hours_and_the_kernel_know_no_flask_not_even_through_others(file):
    module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    program = f"import sys, {module}; print(*sorted({{'flask', 'marshmallow', 'flask_smorest'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.parametrize("file", [file for file in WRITES_PURE if file.name in {"rules.py", "wishes.py"}], ids=str)
def test_rules_do_no_input_or_output(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    roots = {name.partition(".")[0] for name in imported}
    assert not roots & {"sqlalchemy", "httpx", "flask", "socket", "os", "time", "logging", "subprocess"}


@pytest.mark.parametrize(
    "file",
    sorted(
        path.relative_to(ROOT)
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        if "versions" not in path.parts  # written by Alembic
    ),
    ids=str,
)
def test_a_file_stays_short_enough_to_be_read(file):
    assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_every_route_is_public_by_choice_or_asks_for_a_key_or_a_token(tmp_path):
    described = operations(make_client(tmp_path))
    open_to_all = {name for name, operation in described.items() if "security" not in operation}
    guarded = {
        name
        for name, operation in described.items()
        if asks_for(operation, "staffKey") or asks_for(operation, "deviceToken")
    }
    assert open_to_all == PUBLIC
    assert open_to_all | guarded == set(described)


def test_a_route_asks_for_a_device_exactly_where_it_speaks_of_me(tmp_path):
    described = operations(make_client(tmp_path))
    of_devices = {name for name, operation in described.items() if asks_for(operation, "deviceToken")}
    assert of_devices == {(method, path) for method, path in described if f"{path}/".startswith("/v1/me/")}
    assert len(of_devices) >= 10


def test_a_route_that_asks_for_a_key_or_a_token_says_so_and_refuses_without_one(tmp_path):
    client = make_client(tmp_path)
    guarded = {name: operation for name, operation in operations(client).items() if "security" in operation}
    assert len(guarded) >= 4
    for (method, path), operation in guarded.items():
        assert "401" in operation["responses"]
        assert ("403" in operation["responses"]) == bool(operation.get("x-roles")) == asks_for(operation, "staffKey")
        response = client.open(re.sub("{purpose}", "alerts", re.sub("{[a-z]+_id}", "1", path)), method=method.upper())
        assert (response.status_code, read_problem(response)["type"]) == (401, "/problems/unauthorised")


def test_every_route_beside_the_api_is_a_known_page(tmp_path):
    rules = make_client(tmp_path).application.url_map.iter_rules()
    beside = {rule.rule for rule in rules if rule.endpoint.startswith("pages.")}
    assert beside == {"/", "/docs", "/openapi.json", "/problems/<name>", "/static/<name>"}


def settle_a_report(client, session, key):
    session.add(
        Facility(id="syntheticplac", name="Synthetic", position_approximate=False, updated_at=datetime.now(UTC))
    )
    session.commit()
    assert client.post("/v1/care/syntheticplac/reports", json={"kind": "moved"}).status_code == 202
    (number,) = session.execute(text("SELECT id FROM care_report WHERE facility_id = 'syntheticplac'")).scalars()
    return client.post(f"/v1/care/reports/{number}/settlement", json={"settlement": "accepted"}, headers=bearer(key))


def stop_a_wave(client, session, key):
    made = make_wave(session, {"pending": 1})
    session.commit()
    return client.post(f"/v1/waves/{made.wave.code}/stop", headers=bearer(key))


STAFF_WRITES = {
    ("post", "/v1/care/reports/{report_id}/settlement"): ("moderator", settle_a_report),
    ("post", "/v1/waves/{code}/stop"): ("communication", stop_a_wave),
    **PROVIDER_WRITES,
}


def test_every_write_by_staff_is_tried_here(tmp_path):
    described = operations(make_client(tmp_path))
    writes = {name for name, said in described.items() if asks_for(said, "staffKey") and name[0] not in {"get", "head"}}
    assert writes == set(STAFF_WRITES)


@pytest.mark.parametrize(("role", "write"), STAFF_WRITES.values(), ids=map(" ".join, STAFF_WRITES))
def test_a_write_by_staff_leaves_one_line_in_the_audit_log_that_says_who(client, session, role, write):
    row, key = make_key(session, role, name="Pays", territory=("country", None))
    session.commit()
    before = session.scalar(text("SELECT count(*) FROM people_audit_entry"))
    assert write(client, session, key).status_code in {200, 201, 204}
    lines = session.execute(text("SELECT actor, organisation FROM people_audit_entry ORDER BY id")).all()[before:]
    assert lines == [(f"key {row.id} ({role})", "Pays")]
