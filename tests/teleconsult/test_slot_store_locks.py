"""A reading holds up nobody, and leaves the connection as it was."""

import pytest
from sqlalchemy import select

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult import slot_store
from citizen_api.teleconsult.models import Slot
from citizen_api.teleconsult.slot_store import Intake, Scope, connected
from tests.teleconsult.slot_makers import make_feed, make_provider
from tests.teleconsult.source_makers import NOW, make_schedule_record, make_slot_record

A = 1
WHOLE = Scope(is_whole=True, forgets=True)


@pytest.fixture
def file_database(tmp_path):
    """A database of SQLite of its own, in which transactions are real."""
    database = Database(
        make_engine(Settings(database_url=f"sqlite:///{tmp_path / 'own.db'}", database_lock_timeout_ms=50))
    )
    prepare_database(database)
    yield database
    database.engine.dispose()


@pytest.mark.parametrize("size", [1, 100])
def test_others_may_write_while_a_feed_is_read(file_database, monkeypatch, size):
    monkeypatch.setattr(slot_store, "BATCH", 1)
    monkeypatch.setattr(slot_store, "PORTION", size)
    with file_database.session() as session:
        provider = make_provider(session)
        feed = make_feed(session, provider)

    def items():
        yield make_schedule_record()
        for number in range(3):
            yield make_slot_record(number)
            with file_database.session() as session:  # it would be busy
                make_feed(session, provider, f"other-{number}")

    with connected(file_database) as pinned:
        intake = Intake(pinned, feed.id, provider, now=NOW, reject=list.append, beat=lambda: None)
        intake.take(items(), A)
        intake.store(WHOLE)
    with file_database.session(write=False) as session:
        known = set(session.scalars(select(Slot.source_id).where(Slot.feed_id == feed.id)))
    assert known == {"slot-0", "slot-1", "slot-2"}


def test_sqlite_works_as_ever_after_a_reading(file_database):
    def cache_size(database):
        with database.session(write=False) as session:
            return session.connection().exec_driver_sql("PRAGMA cache_size").scalar()

    before = cache_size(file_database)
    with connected(file_database) as pinned:
        assert cache_size(pinned) != before
    assert cache_size(file_database) == before
