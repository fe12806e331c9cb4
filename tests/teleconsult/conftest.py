"""Fixtures of the tests that ask for slots over HTTP."""

import pytest

from app import create_app
from tests.teleconsult.slot_answers import NINE, URL
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot


@pytest.fixture
def client(services):
    return create_app(services=services).test_client()


@pytest.fixture
def ask(client):
    return lambda **more: client.get(URL, query_string={"lang": "en", **more})


@pytest.fixture
def feed(session):
    return make_feed(session, make_provider(session))


@pytest.fixture
def offer(session, feed):
    """Make a calendar with one slot; a noise calendar of another specialty stands beside it."""
    make_slot(session, make_schedule(session, feed, "noise", specialties=("cardiology",)), NINE)

    def run(source_id="a", start=NINE, slot=None, **changed):
        schedule = make_schedule(session, feed, source_id, **changed)
        return make_slot(session, schedule, start, **(slot or {}))

    return run
