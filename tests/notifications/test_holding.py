"""What quiet hours hold: released, dropped, or taken over by a newer word."""

import pytest
from sqlalchemy import select, update

from citizen_api.people.device_models import Consent, Registration, Watch
from notifications.holding import look_after
from notifications.models import Chunk, Message, Wave
from notifications.steps import watchers
from tests.notifications.city import quiet_night
from tests.notifications.makers import at
from tests.notifications.test_triggers_air import make_fact, store


def test_what_quiet_hours_hold_goes_at_their_end_if_it_is_still_true(city, session):
    quiet_night(session)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    assert city.messages() == [("synthetic-asleep", "held", "alert", 4)]
    assert session.scalar(select(Message.again_at)) == at("26 07:00")
    city.tick("26 06:59")
    assert city.messages()[0][1] == "held"
    store(session, make_fact(4), known_at=at("26 06:00"))  # said again: an index is not believed for ever
    session.commit()
    city.tick("26 07:00")
    assert city.messages() == [("synthetic-asleep", "pending", "alert", 4)]
    assert session.scalar(select(Chunk.next_at)) == at("26 07:00")
    assert session.scalar(select(Message.counted_at)) == at("26 07:00")


def test_what_quiet_hours_hold_and_is_over_by_then_is_dropped(city, session):
    quiet_night(session)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    store(session, make_fact(1), known_at=at("25 23:00"))
    session.commit()
    city.tick("25 23:00")
    city.tick("26 07:00")
    assert city.messages() == [("synthetic-asleep", "quiet_dropped", "alert", 4)]
    assert session.scalar(select(Wave.settled_at)) == at("26 07:00")


def test_a_newer_word_takes_the_place_of_one_that_is_held(city, session):
    quiet_night(session)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    store(session, make_fact(5), known_at=at("25 19:00"))
    session.commit()
    city.tick("25 19:00")
    assert city.messages() == [
        ("synthetic-asleep", "quiet_dropped", "alert", 4),
        ("synthetic-asleep", "held", "alert", 5),
    ]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (update(Consent).values(withdrawn_at=at("25 20:00")), "stopped"),
        (update(Registration).values(state="retired"), "no_registration"),
        (update(Watch).values(level=6), "quiet_dropped"),
        (Watch.__table__.delete(), "quiet_dropped"),
    ],
)
def test_what_a_device_wishes_by_the_end_of_its_quiet_hours_decides(city, session, change, state):
    quiet_night(session)
    store(session, make_fact(4), known_at=at("25 18:00"))
    session.commit()
    city.tick()
    city.tick("26 06:59")
    session.execute(change)
    store(session, make_fact(4), known_at=at("26 06:00"))
    session.commit()
    city.tick("26 07:00")
    assert city.messages()[-1][1] == state


def test_what_may_have_arrived_before_it_was_held_is_not_said_to_be_dropped(city, session):
    quiet_night(session)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    session.execute(update(Message).values(maybe_delivered=True))
    store(session, make_fact(1), known_at=at("25 23:00"))
    session.commit()
    city.tick("25 23:00")
    city.tick("26 07:00")
    assert city.messages()[0][1] == "uncertain"


def test_while_something_is_held_nobody_writes_for_it(city, session):
    quiet_night(session)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    seen = []
    watchers.append(seen.append)
    try:
        look_after(city.database, city.clock())
    finally:
        watchers.remove(seen.append)
    assert seen == []
