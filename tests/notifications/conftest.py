"""What tests of several parts of the ledger use."""

import pytest

from tests.notifications.city import City
from tests.notifications.makers import at
from tests.notifications.reminder_makers import at_desk


@pytest.fixture
def city(database, clock):
    clock.moment = at("25 18:00")
    made = City(database, clock)
    yield made
    made.assert_balanced()


@pytest.fixture
def desk(database, session, clock):
    with at_desk(database, session, clock) as made:
        yield made
