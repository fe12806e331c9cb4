"""What tests of several sources use: a publisher on loopback, and the client that asks it."""

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from tests.sources.air_makers import make_air_publisher


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        yield running


@pytest.fixture
def client():
    with make_client(Settings()) as made:
        yield made
