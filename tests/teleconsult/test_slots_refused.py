"""What `GET /v1/teleconsultations/slots` does not answer, and what it says then."""

from dataclasses import replace

import pytest

from app import create_app
from tests.teleconsult.slot_answers import ANTONY, PARIS, URL
from tests.web.makers import read_problem


@pytest.mark.parametrize(
    "question",
    [
        {"until": "2026-11-22T20:00:00Z"},
        {"until": "now"},
        {"from": "2026-11-25T00:00:00Z", "until": "2026-11-24T00:00:00Z"},
        {"from": "2027-01-25T00:00:00Z"},
    ],
    ids=str,
)
def test_a_window_without_a_length_is_a_problem(ask, question):
    assert read_problem(ask(**question))["type"] == "/problems/slots-window"


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"order": "nearest"}, "position-missing"),
        ({"lat": 48.8}, "position-missing"),
        ({**PARIS, **ANTONY}, "position-missing"),
        ({"lat": 2.35, "lon": 48.85}, "position-swapped"),
        ({"lat": 95, "lon": 2}, "position-out-of-range"),
        ({"commune": "99999"}, "commune-unknown"),
        ({"specialty": "magic"}, "invalid-arguments"),
        ({"modality": "telepathy"}, "invalid-arguments"),
        ({"payment": "gold"}, "invalid-arguments"),
        ({"language": "french"}, "invalid-arguments"),
        ({"limit": 51}, "invalid-arguments"),
        ({"within_km": 101}, "invalid-arguments"),
        ({"cursor": "x"}, "invalid-arguments"),
        ({"symptom": "cough"}, "invalid-arguments"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_a_problem(ask, question, problem):
    assert read_problem(ask(**question))["type"] == f"/problems/{problem}"


def test_one_client_does_not_collect_all_slots(services, settings):
    services.settings = replace(settings, rate_limit_slots="2 per minute")
    client = create_app(services=services).test_client()
    assert [client.get(URL).status_code for _ in range(3)] == [200, 200, 429]
