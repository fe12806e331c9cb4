"""The description of the API: in step, valid, readable, and kept by the answers."""

from pathlib import Path

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema_rs import Draft202012Validator, meta
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from app import create_app
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.documents import generated_documents
from citizen_api.preparing import prepare_database
from notifications.views import BLUEPRINTS
from tests.care.makers import import_records, make_record
from tests.people.makers import make_key
from tests.web.makers import PROBLEM, UNLIMITED

ROOT = Path(__file__).parent.parent
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = {
    f"{method} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.unsupported_method,
]
RULES_BEYOND_A_SCHEMA = {
    "get /v1/care/nearest": "lat goes with lon, or else a commune; categories are a table",
    "get /v1/advice": "each hazard has a scale",
    "get /v1/air": "lat goes with lon, or else a commune",
    "get /v1/care/within": "south < north, west < east",
    "get /v1/communes": "a cursor comes from an answer",
    "get /v1/communes/at": "lat and lon may look swapped",
    "get /v1/places": "lat goes with lon",
    "get /v1/care/nearest.svg": "the same as nearest",
    "get /v1/care/reachable": "categories are a table; lat and lon may look swapped",
    "get /v1/care/reachable.svg": "the same",
    "post /v1/me/slot-watches": "communes are a table; until depends on now",
    "post /v1/teleconsultations/handoffs": "a slot is one that is there; the card was shown; the key was sent",
    "post /v1/teleconsultations/handoffs/{token}/feedback": "what may follow depends on the state",
    "get /v1/teleconsultations/insight": "territories are a table; weeks have an order; whose provider: the key says",
    "post /v1/teleconsultations/webhooks/{provider_id}": "it must be signed",
    "get /v1/teleconsultations/slots": "lat goes with lon, or else a commune; from is before until",
    "get /v1/teleconsultations/providers": "a position may look swapped; a cursor comes from an answer",
    "put /v1/teleconsultations/providers/{provider_id}": "names, domains, links, phones, places and days have rules",
    "put /v1/teleconsultations/providers/{provider_id}/feeds/{name}": "a name has a form, an address a public host",
    "get /v1/mobility/trips": "two positions, neither the same nor too far apart; one moment",
    "get /v1/mobility/trips.svg": "the same",
    "get /v1/mobility/departures": "the same; a facility comes from an answer",
    "get /v1/mobility/departures.svg": "the same",
    "get /v1/mobility/isochrone": "lat and lon may look swapped",
    "get /v1/mobility/isochrone.svg": "the same",
    "get /v1/mobility/stations/nearest": "the same",
    "get /v1/mobility/stations/nearest.svg": "the same",
    "get /v1/mobility/suggestions": "the same; far from any commune nothing is known",
    "get /v1/mobility/suggestions.svg": "the same",
    "get /v1/waves": "a cursor comes from an answer",
    "get /v1/me/messages": "the same",
    "post /v1/devices": "a transfer code comes from another phone; time zones are a table",
    "post /v1/me/watches": "communes are a table; each hazard has a scale",
    "put /v1/me/watches": "the same",
    "put /v1/me/preferences": "time zones are a table; quiet hours end at another time than they start",
    "put /v1/me/registrations": "which fields go with it, a kind says; keys are points of a curve",
}
"""Operations that may refuse what fits their schema, and why."""
SVG = "image/svg+xml"
PLAIN = {"Accept-Encoding": "identity"}
IN_PARIS = {"lat": 48.8573751, "lon": 2.3524425}
GOOD_QUESTIONS = {
    "nearest": ("/v1/care/nearest", IN_PARIS | {"category": "pharmacy"}),
    "nearest open now": ("/v1/care/nearest", IN_PARIS | {"category": "pharmacy", "open": "now", "limit": 5}),
    "air of a commune": ("/v1/air", {"commune": "75104"}),
    "air at a position then": ("/v1/air", IN_PARIS | {"at": "2026-01-06T18:00:00+01:00"}),
    "nearest from a commune": ("/v1/care/nearest", {"commune": "75056", "category": "pharmacy,hospital"}),
    "trips": ("/v1/mobility/trips", {"from": "48.859,2.3545", "to": "48.8685,2.378", "modes": "walk,bike,bikeshare"}),
    "departures": ("/v1/mobility/departures", {"from": "48.859,2.3545", "to": "48.8685,2.378"}),
    "isochrone": ("/v1/mobility/isochrone", IN_PARIS | {"by": "walk"}),
    "reachable": ("/v1/care/reachable", IN_PARIS | {"category": "pharmacy", "by": "walk", "within_min": 10}),
    "bike share": ("/v1/mobility/stations/nearest", IN_PARIS),
    "outings": ("/v1/mobility/suggestions", IN_PARIS),
    "nothing near": ("/v1/care/nearest", IN_PARIS | {"category": "maternity", "radius_m": 10}),
    "within": ("/v1/care/within", {"bbox": "2.3,48.8,2.4,48.9", "category": "pharmacy"}),
    "communes": ("/v1/communes", {"q": "saint denis", "limit": 2}),
    "commune at": ("/v1/communes/at", IN_PARIS),
    "places": ("/v1/places", IN_PARIS | {"q": "synthetic"}),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


@pytest.mark.parametrize("name", ["openapi.yaml", "docs/settings.md", "docs/problems.md"])
def test_a_generated_file_is_in_step_with_the_code(name):
    assert (ROOT / name).read_text(encoding="utf-8") == generated_documents(Settings(), *BLUEPRINTS)[name]


def test_the_description_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_reference_leads_somewhere():
    for node in walk(DOCUMENT):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            target = DOCUMENT
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]


@pytest.mark.parametrize("schema", DOCUMENT["components"]["schemas"].values(), ids=DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(schema):
    meta.validate(schema)


@each_operation
def test_an_operation_is_readable(operation):
    assert operation["summary"].endswith(".")
    assert len(operation["summary"]) <= 120
    assert operation["tags"]
    names = [parameter["name"] for parameter in operation.get("parameters", [])]
    assert "lang" in names


@each_operation
def test_an_operation_shows_an_example_that_fits_its_schema(operation):
    successes = {status: response for status, response in operation["responses"].items() if status.startswith("2")}
    kinds = {status: said["content"] for status, said in successes.items() if status != "204"}
    drawn = any(set(content) == {SVG} for content in kinds.values())
    # The first kind is what comes unless another is asked for.
    contents = [next(iter(content.values())) for content in kinds.values() if set(content) != {SVG}]
    if "requestBody" in operation:
        contents.append(operation["requestBody"]["content"]["application/json"])
    assert contents or drawn or set(successes) == {"204"}
    for content in contents:
        schema = content["schema"] | {"components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(content["example"])


@each_operation
def test_every_error_of_an_operation_is_documented_as_a_problem_with_examples(operation):
    errors = {status: said for status, said in operation["responses"].items() if status[0] in "45"}
    assert set(errors) >= {"422", "429", "500", "503"}
    assert "default" not in operation["responses"]
    if "requestBody" in operation:
        assert set(errors) >= {"400", "413", "415"}
    for response in errors.values():
        assert set(response["content"]) == {PROBLEM}
        assert response["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/ProblemView"}
        assert response["content"][PROBLEM]["examples"]


@each_operation
def test_what_caches_may_keep_is_documented_with_its_304(operation):
    headers = operation["responses"].get("200", {}).get("headers", {})
    assert ("ETag" in headers) == ("304" in operation["responses"])


@pytest.mark.parametrize("tag", DOCUMENT["tags"], ids=lambda tag: tag["name"])
def test_every_tag_is_explained(tag):
    assert tag["description"]


@pytest.fixture(scope="module")
def whole_api(tmp_path_factory):
    """The API over a SQLite database of its own, with synthetic places, and a moderator's key."""
    folder = tmp_path_factory.mktemp("schemathesis")
    chosen = Settings(data_dir=folder, **UNLIMITED)
    database = Database.from_settings(chosen)
    prepare_database(database)
    import_records(database, folder, [make_record(f"{number}", lat=48.85 + number / 1000) for number in range(30)])
    with database.session() as session:
        _, key = make_key(session, "administrator", name="Pays", territory=("country", None))
    app = create_app(chosen)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    schema.config.update(headers={"Authorization": f"Bearer {key}"} | PLAIN)
    yield schema
    database.engine.dispose()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_keep_to_the_description_whatever_is_asked(whole_api, label, mode):
    method, _, path = label.partition(" ")

    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=whole_api[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        accepted = [] if label in RULES_BEYOND_A_SCHEMA else [openapi_checks.positive_data_acceptance]
        if OPERATIONS[label].get("security") == [{"deviceToken": []}]:
            # A device of its own for each question: what is asked may erase it.
            token = whole_api.app.test_client().post("/v1/devices").get_json()["token"]
            case.headers["Authorization"] = f"Bearer {token}"
        case.call_and_validate(checks=CHECKS + accepted)

    ask()


@pytest.mark.parametrize(("path", "query"), GOOD_QUESTIONS.values(), ids=GOOD_QUESTIONS)
def test_a_good_question_is_answered_as_described(whole_api, path, query):
    response = whole_api[path]["get"].Case(query=query, headers=PLAIN).call_and_validate(checks=CHECKS)
    assert response.status_code == 200


def test_a_place_that_was_found_is_shown_as_described(whole_api):
    path, query = GOOD_QUESTIONS["nearest"]
    found = whole_api[path]["get"].Case(query=query, headers=PLAIN).call().json()["items"][0]["id"]
    page = whole_api["/v1/care/{facility_id}"]["get"].Case(path_parameters={"facility_id": found}, headers=PLAIN)
    assert page.call_and_validate(checks=CHECKS).json()["id"] == found
