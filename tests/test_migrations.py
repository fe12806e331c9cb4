"""Migrations: one line of them, from nothing to the models and back, on both databases, all or nothing."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from citizen_api.core.db import Base, Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.migrations import runner
from tests.conftest import fresh_database_url

AUDIT_LINE = (
    "INSERT INTO people_audit_entry (id, at, actor, action, subject, details) "
    "VALUES (1, '2026-11-22 21:40:00+00', 'somebody', 'care.report.settle', 'report 1', '{}')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, worker, tmp_path):
    with fresh_database_url(request.param, f"alentours_migrations_{worker}", tmp_path) as url:
        engine = make_engine(Settings(database_url=url))
        yield engine
        engine.dispose()


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Plant a migration after the newest."""

    def plant(upgrade):
        head = ScriptDirectory.from_config(runner.alembic_config()).get_current_head()
        folder = tmp_path / "migrations"
        shutil.copytree(Path(runner.__file__).parent, folder)
        lines = "\n    ".join(upgrade)
        (folder / "versions" / "9999_planted.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision, down_revision, branch_labels, depends_on = '9999', {head!r}, None, None\n"
            f"def upgrade():\n    {lines}\ndef downgrade(): pass\n",
            encoding="utf-8",
        )
        monkeypatch.setattr(runner, "_FOLDER", folder)

    return plant


def tables(engine):
    return set(inspect(engine).get_table_names())


def drift(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, Base.metadata)


def test_there_is_one_newest_migration():
    assert len(ScriptDirectory.from_config(runner.alembic_config()).get_heads()) == 1


def test_an_empty_database_comes_up_to_exactly_the_models(empty):
    assert not runner.is_current(empty)
    runner.upgrade(empty)
    assert runner.is_current(empty)
    assert tables(empty) == set(Base.metadata.tables) | {"alembic_version"}
    assert drift(empty) == []


def test_a_model_that_drifts_away_is_noticed(empty):
    runner.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE people_staff_key DROP COLUMN label"))
    assert [difference[0] for difference in drift(empty)] == ["add_column"]


def test_coming_up_again_changes_nothing(empty):
    runner.upgrade(empty)
    runner.upgrade(empty)
    assert drift(empty) == []


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_hosts_that_start_together_do_not_trip_over_each_other(empty):
    with ThreadPoolExecutor(3) as hosts:
        for done in [hosts.submit(runner.upgrade, empty) for _ in range(3)]:
            done.result()
    assert drift(empty) == []


def test_going_down_leaves_nothing_and_up_again_everything(empty):
    runner.upgrade(empty)
    runner.downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    runner.upgrade(empty)
    assert drift(empty) == []


def test_a_migration_that_fails_half_way_leaves_nothing(empty, planted):
    runner.upgrade(empty)
    before = tables(empty)
    planted(["op.create_table('half', sa.Column('id', sa.Integer))", "op.execute('SELECT no_such FROM no_such')"])
    with pytest.raises(DatabaseError):
        runner.upgrade(empty)
    assert tables(empty) == before
    assert not runner.is_current(empty)


def test_steps_before_a_failing_one_are_kept(empty, planted):
    planted(["op.execute('SELECT no_such FROM no_such')"])
    with pytest.raises(DatabaseError):
        runner.upgrade(empty)
    assert tables(empty) == set(Base.metadata.tables) | {"alembic_version"}


def test_making_a_table_anew_keeps_what_refers_to_it(empty, planted):
    runner.upgrade(empty)
    with Database(empty).session() as session:
        session.execute(
            text("INSERT INTO people_organisation VALUES (1, 'Ville', 'country', NULL, '2026-11-22 00:00:00+00')")
        )
        session.execute(
            text(
                "INSERT INTO people_staff_key (id, organisation_id, role, label, key_hash, created_at) "
                "VALUES (1, 1, 'reader', '', 'x', '2026-11-22 00:00:00+00')"
            )
        )
    planted(
        [
            "with op.batch_alter_table('people_organisation', recreate='auto') as batch:",
            "    batch.alter_column('name', type_=sa.String(250), existing_type=sa.String(200), nullable=False)",
        ]
    )
    runner.upgrade(empty)
    with Database(empty).session() as session:
        assert session.scalar(text("SELECT count(*) FROM people_staff_key")) == 1


def test_after_a_migration_foreign_keys_are_kept_again(empty):
    runner.upgrade(empty)
    with pytest.raises(DatabaseError), Database(empty).session() as session:
        session.execute(
            text(
                "INSERT INTO people_staff_key (id, organisation_id, role, label, key_hash, created_at) "
                "VALUES (1, 404, 'reader', '', 'x', '2026-11-22 00:00:00+00')"
            )
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE people_audit_entry SET actor = 'nobody'",
        "DELETE FROM people_audit_entry",
        "DELETE FROM people_audit_entry WHERE id = 1",
        AUDIT_LINE.replace("INSERT", "INSERT OR REPLACE").replace("somebody", "nobody"),
        AUDIT_LINE.replace("somebody", "nobody") + " ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
        "TRUNCATE people_audit_entry",
    ],
)
def test_no_statement_changes_or_removes_a_line_of_the_audit_log(database, change):
    with database.session() as session:
        session.execute(text(AUDIT_LINE))
    with pytest.raises(DatabaseError), database.session() as session:
        session.execute(text(change))
    with database.session() as session:
        assert session.execute(text("SELECT actor FROM people_audit_entry WHERE id = 1")).all() == [("somebody",)]
