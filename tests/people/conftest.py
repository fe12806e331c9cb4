"""A database of their own for tests that need real transactions, of several connections at once."""

import pytest

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from tests.conftest import fresh_database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request, worker, tmp_path):
    with fresh_database_url(request.param, f"alentours_people_{worker}", tmp_path) as url:
        database = Database(make_engine(Settings(database_url=url)))
        prepare_database(database)
        yield database
        database.engine.dispose()
