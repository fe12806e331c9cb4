"""`GET /v1/mobility/departures`: what is refused, each by its name and in plain words."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from citizen_api.care.models import Facility
from tests.air.makers import NOON
from tests.care.makers import import_records, make_record
from tests.web.makers import read_problem

ROUTE = "/v1/mobility/departures"
HERE, THERE = "48.859,2.3545", "48.8685,2.378"


@pytest.fixture
def ask(client, clock):
    clock.moment = NOON

    def run(status=422, **given):
        query = {"from": HERE, "to": THERE, "lang": "en"} | {name.rstrip("_"): value for name, value in given.items()}
        query = {name: value for name, value in query.items() if value is not None}
        response = client.get(f"{ROUTE}?{urlencode(query)}")
        assert response.status_code == status, response.json
        return read_problem(response)

    return run


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"to": None}, "trip-goal-missing"),
        ({"to_facility": "f3k9x2m7q1a8"}, "trip-goal-missing"),
        ({"to": None, "to_facility": "f3k9x2m7q1a8"}, "facility-unknown"),
        ({"to": HERE}, "trip-same-point"),
        ({"to": "45.76,4.83"}, "trip-too-far"),
        ({"to": "2.3545,48.859"}, "position-swapped"),
        ({"from_": "95,2"}, "position-out-of-range"),
        ({"from_": "46.0,-20.0"}, "far-from-communes"),
        ({"after": "2026-01-05T12:00:00Z"}, "departures-in-the-past"),
        ({"after": "today 08:00"}, "departures-in-the-past"),
        ({"before": "2026-01-06T12:00:00+01:00"}, "departures-window"),
        ({"after": "tomorrow 25:00"}, "invalid-arguments"),
        ({"after": "soon"}, "invalid-arguments"),
        ({"modes": "bikeshare"}, "invalid-arguments"),
        ({"depart_at": "now"}, "invalid-arguments"),
        ({"profile": "wings"}, "invalid-arguments"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(ask, given, name):
    status = 404 if name in {"facility-unknown", "far-from-communes"} else 422
    assert ask(status, **given)["type"].endswith(name)


def test_who_has_less_than_until_the_next_whole_minute_has_no_window(ask, clock):
    clock.moment = NOON + timedelta(seconds=40)
    assert ask(before="2026-01-06T12:00:50+01:00")["type"].endswith("departures-window")


def test_which_end_is_wrong_is_said(ask):
    assert [error["field"] for error in ask(422, to="2.3545,48.859")["errors"]] == ["to"]


def test_a_format_that_is_not_offered_is_refused(client):
    response = client.get(f"{ROUTE}?from={HERE}&to={THERE}", headers={"Accept": "text/csv"})
    assert response.status_code == 406


def test_what_is_no_time_is_explained_in_french(ask):
    said = ask(422, after="bientôt", lang="fr")["errors"][0]["message"]
    assert "tomorrow 08:00" in said
    assert said.startswith("Doit être")


def test_a_place_without_a_position_is_no_goal(ask, database, tmp_path):
    import_records(database, tmp_path, [make_record("p")])
    with database.session() as session:
        facility = session.scalars(select(Facility)).one()
        facility.lat = facility.lon = None
    assert ask(to=None, to_facility=facility.id)["type"].endswith("facility-without-position")
