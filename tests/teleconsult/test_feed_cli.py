"""The commands `alentours feeds …`, as an operator types them, with a publisher over loopback."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult.feed_cli import feeds
from citizen_api.teleconsult.feed_state import accepts_shrink
from citizen_api.teleconsult.models import Feed, Provider
from tests.sources.air_makers import Answer, make_air_publisher
from tests.sources.scheduling_makers import lines, make_publication, make_slot
from tests.teleconsult.provider_makers import audited
from tests.teleconsult.slot_makers import make_feed, make_provider
from tests.web.command_maker import run_command

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
KEY = "synthetic-key"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    database = Database.from_settings(Settings(data_dir=tmp_path_factory.mktemp("feeds")))
    prepare_database(database)
    yield database
    database.engine.dispose()


@pytest.fixture
def session(prepared):
    with prepared.open(write=True) as session:
        yield session
        session.rollback()
        for row in session.query(Provider):
            session.delete(row)
        session.commit()


@pytest.fixture
def run(tmp_path, prepared):
    return partial(run_command, feeds, database=prepared, data_dir=tmp_path, now=NOW)


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers |= make_publication()
        yield running


@pytest.fixture
def feed(session, publisher):
    """A feed that was never read, and one of another provider."""
    make_feed(session, make_provider(session, "noise"), "noise", checked_at=NOW, read_at=NOW)
    url = f"{publisher.url}/$bulk-publish?key={KEY}"
    row = make_feed(session, make_provider(session), "clinic", url=url, checked_at=None, read_at=None)
    session.commit()
    return row


@pytest.mark.usefixtures("feed")
def test_the_list_tells_how_each_feed_is_and_no_key(run, session):
    gone = make_provider(session, "gone", retired_at=NOW)
    make_feed(session, gone, "gone", checked_at=NOW - timedelta(minutes=2), failures=6, problem="too_slow", slots=3)
    session.commit()
    result = run("list")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "clinic\tsynthetic-clinic\tsmart\t127.0.0.1\twaiting\tnever read\t0 slots\t0 failures\tno problem",
        "gone\tgone\tsmart\tsynthetic-clinic.example\tretired\t120 s\t3 slots\t6 failures\tanswers too slowly",
        "noise\tnoise\tsmart\tsynthetic-clinic.example\tgood\t0 s\t0 slots\t0 failures\tno problem",
    ]


def test_a_feed_is_read_now_and_what_it_said_is_told(run, session, feed):
    result = run("read", "clinic")
    assert (result.exit_code, result.output) == (0, "clinic: 1 slots written, 0 gone, 0 rows rejected\n")
    session.expire_all()
    assert (feed.slots, feed.checked_at) == (1, NOW)
    assert session.get(Feed, feed.id - 1).slots == 0


def test_rejected_rows_are_told_by_their_reason(run, publisher, feed):
    publisher.answers["/slots.ndjson"] = [Answer(lines(make_slot(), make_slot("s2", start="never")))]
    result = run("read", "clinic")
    assert result.exit_code == 3
    assert "1 rows rejected" in result.output
    assert result.stderr.strip().endswith(": 1")
    assert feed.name not in result.stderr


@pytest.mark.usefixtures("feed")
def test_a_publisher_that_is_down_is_told_without_the_key(run, publisher):
    publisher.answers.clear()
    result = run("read", "clinic")
    assert result.exit_code == 1
    assert "Error: clinic: " in result.output
    assert KEY not in result.output


@pytest.mark.parametrize("command", ["read", "accept"])
def test_a_feed_that_nobody_knows_is_told(run, session, command):
    assert session is not None
    result = run(command, "unknown")
    assert (result.exit_code, result.output) == (1, "Error: no feed is called unknown\n")


def test_a_held_feed_is_accepted_and_that_is_audited(run, session, feed):
    feed.held_since = NOW
    session.commit()
    assert run("accept", "clinic").exit_code == 0
    session.expire_all()
    assert accepts_shrink(feed)
    assert audited(session, "provider synthetic-clinic") == [("feed.accept", {"feed": "clinic"})]


def test_a_feed_that_is_not_held_has_nothing_to_accept(run, session, feed):
    result = run("accept", "clinic")
    assert (result.exit_code, "not held" in result.output) == (1, True)
    session.expire_all()
    assert not accepts_shrink(feed)
