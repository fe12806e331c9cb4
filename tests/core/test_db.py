"""The guards that each kind of database needs are really on."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from citizen_api.core.db import Base, Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.people.models import AuditEntry
from tests.conftest import postgresql_or_skip


@pytest.fixture
def sqlite(tmp_path):
    database = Database(make_engine(Settings(data_dir=tmp_path / "new" / "folder", database_lock_timeout_ms=50)))
    yield database
    database.engine.dispose()


def ask(database, question):
    with database.session(write=False) as session:
        return session.scalar(text(question))


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 50), ("synchronous", 1)]
)
def test_sqlite_is_guarded_on_every_connection(sqlite, pragma, value):
    assert ask(sqlite, f"PRAGMA {pragma}") == value
    sqlite.engine.dispose()
    assert ask(sqlite, f"PRAGMA {pragma}") == value


@pytest.mark.parametrize(("setting", "value"), [("lock_timeout", "1234ms"), ("TimeZone", "UTC")])
def test_postgresql_is_guarded_on_every_connection(setting, value):
    engine = make_engine(Settings(database_url=postgresql_or_skip(), database_lock_timeout_ms=1234))
    try:
        assert ask(Database(engine), f"SHOW {setting}") == value
    finally:
        engine.dispose()


def test_postgresql_waits_for_a_lock_no_longer_than_told():
    database = Database(make_engine(Settings(database_url=postgresql_or_skip(), database_lock_timeout_ms=50)))
    try:
        with database.session() as holder, database.session() as other:
            holder.execute(text("SELECT pg_advisory_xact_lock(731)"))
            with pytest.raises(OperationalError, match="lock timeout"):
                other.execute(text("SELECT pg_advisory_xact_lock(731)"))
    finally:
        database.engine.dispose()


def test_the_usual_name_of_postgresql_gets_the_driver_that_is_installed():
    assert make_engine(Settings(database_url="postgresql://127.0.0.1/x")).driver == "psycopg"


def test_a_second_writer_waits_instead_of_failing_later(sqlite):
    with sqlite.session() as first:
        first.execute(text("CREATE TABLE t (a INTEGER)"))
        with pytest.raises(OperationalError, match="locked"), sqlite.session() as second:
            second.execute(text("SELECT 1"))


def test_a_reader_is_not_disturbed_by_a_writer(sqlite):
    with sqlite.session() as session:
        session.execute(text("CREATE TABLE t (a INTEGER)"))
    with sqlite.session() as writer:
        writer.execute(text("INSERT INTO t VALUES (1)"))
        assert ask(sqlite, "SELECT count(*) FROM t") == 0
    assert ask(sqlite, "SELECT count(*) FROM t") == 1


def test_sqlite_keeps_the_promises_of_foreign_keys(sqlite):
    with sqlite.session() as session:
        session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        session.execute(text("CREATE TABLE child (id INTEGER REFERENCES parent (id))"))
    with pytest.raises(IntegrityError), sqlite.session() as session:
        session.execute(text("INSERT INTO child VALUES (1)"))


def test_a_unit_of_work_that_fails_leaves_nothing_not_even_a_table(sqlite):
    def fail(session):
        session.execute(text("CREATE TABLE t (a INTEGER)"))
        session.execute(text("INSERT INTO t VALUES (1)"))
        raise RuntimeError

    with pytest.raises(RuntimeError), sqlite.session() as session:
        fail(session)
    assert ask(sqlite, "SELECT count(*) FROM sqlite_master") == 0


def test_what_is_deleted_is_in_none_of_the_files_any_more(tmp_path):
    database = Database(make_engine(Settings(data_dir=tmp_path)))
    with database.session() as session:
        session.execute(text("CREATE TABLE person (name TEXT PRIMARY KEY)"))
        session.execute(text("INSERT INTO person VALUES ('Synthetic Zorglub')"))
    with database.session() as session:
        session.execute(text("DELETE FROM person"))
    database.forget_deleted()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    database.engine.dispose()
    assert files
    assert not any(b"Zorglub" in content for content in files)


def test_what_a_reader_holds_back_is_gone_with_the_next_call_after_it(tmp_path):
    database = Database(make_engine(Settings(data_dir=tmp_path)))
    with database.session() as session:
        session.execute(text("CREATE TABLE person (name TEXT PRIMARY KEY)"))
        session.execute(text("INSERT INTO person VALUES ('Synthetic Zorglub')"))
    with database.session(write=False) as reader:
        reader.scalar(text("SELECT count(*) FROM person"))
        with database.session() as session:
            session.execute(text("DELETE FROM person"))
        database.forget_deleted(patience_ms=10)
    database.forget_deleted()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    database.engine.dispose()
    assert not any(b"Zorglub" in content for content in files)


def test_many_threads_may_write_at_once(tmp_path):
    database = Database(make_engine(Settings(data_dir=tmp_path)))
    with database.session() as session:
        session.execute(text("CREATE TABLE t (a INTEGER)"))

    def count():
        for _ in range(20):
            with database.session() as session:
                read = session.scalar(text("SELECT coalesce(max(a), 0) FROM t"))
                session.execute(text("INSERT INTO t VALUES (:a)"), {"a": read + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session(write=False) as session:
        assert list(session.execute(text("SELECT count(*), count(DISTINCT a) FROM t")).one()) == [80, 80]
    database.engine.dispose()


def test_a_failing_statement_does_not_carry_its_values_into_its_message(sqlite):
    with pytest.raises(OperationalError) as caught, sqlite.session() as session:
        session.execute(text("SELECT * FROM none WHERE lat = :lat"), {"lat": 48.8573751})
    assert "48.857" not in str(caught.value)


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_constraint_has_the_name_of_the_convention(table):
    prefixes = {"PrimaryKeyConstraint": "pk_", "ForeignKeyConstraint": "fk_", "UniqueConstraint": "uq_"}
    for constraint in table.constraints:
        prefix = prefixes.get(type(constraint).__name__, "ck_")
        assert str(constraint.name).startswith(f"{prefix}{table.name}")
    assert all(index.name.startswith(f"ix_{table.name}") for index in table.indexes)


def test_a_moment_without_a_zone_cannot_be_stored(session):
    session.add(AuditEntry(at=datetime.fromisoformat("2026-11-22"), actor="a", action="b", subject="c", details={}))
    with pytest.raises(Exception, match="naive datetime"):
        session.flush()


def test_a_moment_comes_back_as_it_was_stored_in_utc(session):
    entry = AuditEntry(
        at=datetime.fromisoformat("2026-10-25T02:30:00+01:00"), actor="a", action="b", subject="c", details={}
    )
    session.add(entry)
    session.flush()
    session.expire(entry)
    assert entry.at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert entry.at.utcoffset().total_seconds() == 0
