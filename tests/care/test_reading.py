"""The tables, read in spans side by side, give what one reader gives."""

import pytest

from citizen_api.care import reading, stocks, sync
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from tests.care.makers import NOW
from tests.conftest import fresh_database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request, worker, tmp_path):
    """Settings of a database of its own, that other connections see, with the sample in it."""
    with fresh_database_url(request.param, f"alentours_spans_{worker}", tmp_path) as url:
        settings = Settings(database_url=url, data_dir=tmp_path)
        database = Database.from_settings(settings)
        prepare_database(database)
        sync.run_import(database, stocks.sample_stock(), now=NOW, reports_dir=tmp_path)
        yield settings, database
        database.engine.dispose()


def test_spans_hold_every_place_once_in_the_order_of_ids(filled, monkeypatch):
    settings, database = filled
    assert reading.side_by_side(database, settings, count=3) == []  # too few to be worth a process
    monkeypatch.setattr(reading, "LEAST_OF_A_SPAN", 500)
    spans = []
    for opened in reading.side_by_side(database, settings, count=3):
        with opened() as (stamp, places):
            spans.append((stamp, list(places)))
    with reading.open_places(database) as (stamp, places):
        whole = list(places)
    assert [stamp for stamp, _ in spans] == [stamp] * 3
    assert [place for _, part in spans for place in part] == whole
    assert all(len(part) > 900 for _, part in spans)
