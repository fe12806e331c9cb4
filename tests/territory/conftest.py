"""The communes of France in the test's database: nothing to do when they are already there."""

from datetime import UTC, datetime

import pytest

from citizen_api.territory import sync


@pytest.fixture
def territory(session):
    sync.load(session, now=datetime(2026, 11, 23, tzinfo=UTC))
    return session
