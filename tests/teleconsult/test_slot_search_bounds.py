"""How early the first slot of a calendar may start: what is kept of it, and what a search makes of it."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select

from citizen_api.teleconsult.models import Service, Slot
from citizen_api.teleconsult.slot_first import refresh_first_starts
from citizen_api.teleconsult.slot_rules import Question
from citizen_api.teleconsult.slot_search import find
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

NOW_S = int(SUNDAY_NIGHT.timestamp())
NINE = SUNDAY_NIGHT + timedelta(hours=10, minutes=20)
TEN = NINE + timedelta(hours=1)


@pytest.fixture
def feed(session):
    return make_feed(session, make_provider(session))


def bounds(session, schedule):
    """What is kept of the first start of a calendar, by specialty."""
    rows = session.execute(select(Service.specialty, Service.first_start_s).where(Service.schedule_id == schedule.id))
    return dict(rows.all())


def found(session, settings):
    question = Question(starts_s=NOW_S, ends_s=NOW_S + 7 * 86_400)
    return [offer.schedule.source_id for offer in find(session, question, SUNDAY_NIGHT, settings)]


def test_the_first_start_of_a_calendar_is_kept_under_each_of_its_specialties(session, feed):
    schedule = make_schedule(session, feed, specialties=("cardiology", "dermatology"))
    make_slot(session, make_schedule(session, feed, "noise"), NINE)
    make_slot(session, schedule, TEN + timedelta(hours=1))
    make_slot(session, schedule, TEN)
    refresh_first_starts(session, feed.id)
    ten_s = int(TEN.timestamp())
    assert bounds(session, schedule) == {"cardiology": ten_s, "dermatology": ten_s}


def test_a_calendar_without_a_slot_has_no_first_start(session, feed):
    schedule = make_schedule(session, feed)
    make_slot(session, make_schedule(session, feed, "noise"), NINE)
    refresh_first_starts(session, feed.id)
    assert bounds(session, schedule) == {"general-practice": None}


def test_the_first_starts_of_other_feeds_stay_as_they_are(session, feed):
    other = make_schedule(session, make_feed(session, make_provider(session, "other"), "other"))
    make_slot(session, other, NINE)
    refresh_first_starts(session, feed.id)
    assert bounds(session, other) == {"general-practice": 0}


def test_a_calendar_of_which_nothing_is_kept_yet_is_found(session, feed, settings):
    make_slot(session, make_schedule(session, feed, "new"), NINE)
    assert found(session, settings) == ["new"]


def test_a_slot_that_comes_earlier_is_found_after_a_refresh(session, feed, settings):
    schedule = make_schedule(session, feed, "empty")
    make_slot(session, make_schedule(session, feed, "noise"), TEN)
    refresh_first_starts(session, feed.id)
    make_slot(session, schedule, NINE)
    refresh_first_starts(session, feed.id)
    assert found(session, settings) == ["empty", "noise"]


def test_a_first_slot_that_is_gone_puts_nothing_in_the_wrong_place(session, feed, settings):
    gone = make_schedule(session, feed, "gone")
    make_slot(session, make_schedule(session, feed, "between"), TEN)
    first = make_slot(session, gone, NINE)
    make_slot(session, gone, TEN + timedelta(hours=1))
    refresh_first_starts(session, feed.id)
    session.execute(delete(Slot).where(Slot.key == first.key))
    assert found(session, settings) == ["between", "gone"]


def test_calendars_that_begin_after_the_answer_is_full_are_not_looked_into(session, feed, settings):
    for number in range(80):
        make_slot(session, make_schedule(session, feed, str(number)), NINE + timedelta(minutes=number))
    refresh_first_starts(session, feed.id)
    looked_into = []

    def remember(_connection, _cursor, statement, parameters, *_):
        if "teleconsult_schedule.synced_at >" in statement:
            looked_into.append(parameters)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", remember)
    question = Question(starts_s=NOW_S, ends_s=NOW_S + 7 * 86_400, limit=5)
    find(session, question, SUNDAY_NIGHT, settings)
    event.remove(connection, "before_cursor_execute", remember)
    assert len(looked_into) == 1
