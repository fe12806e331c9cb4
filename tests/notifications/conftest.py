"""What tests of several parts of the ledger use."""

import pytest

from tests.notifications.city import City
from tests.notifications.makers import at


@pytest.fixture
def city(database, clock):
    clock.moment = at("25 18:00")
    made = City(database, clock)
    yield made
    made.assert_balanced()
