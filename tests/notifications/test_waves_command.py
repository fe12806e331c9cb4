"""The commands `alentours waves …`, as an operator types them."""

import io
import sys
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from citizen_api.people.models import AuditEntry
from citizen_api.web.command import Context
from notifications import ledger, waves_cli
from notifications.models import Message, Slice, Wave
from notifications.waves_cli import waves
from tests.notifications.wave_makers import OPENED_AT, make_attempt, make_wave


@pytest.fixture
def run(settings, database, session, clock):
    clock.moment = OPENED_AT + timedelta(seconds=10)

    def run(*arguments):
        session.commit()
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        return CliRunner().invoke(waves, arguments, obj=context)

    return run


class Terminal(io.StringIO):
    """A screen, on which a bar is drawn."""

    def isatty(self):
        return True


@pytest.fixture
def follow(settings, database, session, clock, monkeypatch):
    """Follow a wave on a terminal; give what stood on it. `meanwhile` is what happens between two looks."""

    def follow(number, meanwhile):
        session.commit()
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(waves_cli.time, "sleep", lambda _s: meanwhile())
        waves_cli._follow(context, number)
        return screen.getvalue()

    return follow


def test_without_a_word_more_the_latest_waves_are_listed_one_line_each(run, session):
    old = make_wave(session, {"accepted": 3, "dead": 1}, settled_at=OPENED_AT + timedelta(seconds=2))
    new = make_wave(session, {"pending": 5})
    said = run()
    assert said.exit_code == 0, said.output
    header, first, second = said.output.splitlines()
    assert header.split() == ["wave", "lane", "day", "opened", "state", "eligible", "accepted", "per", "s"]
    assert first.split() == f"{new.wave.id} alerts 2026-11-26 2026-11-25 17:00 open 5 0.0% 0.0".split()
    assert second.split() == f"{old.wave.id} alerts 2026-11-26 2026-11-25 17:00 settled 4 75.0% 1.5".split()
    assert run("list").output == said.output


def test_the_latest_twenty_are_listed_and_no_more(run, session):
    for _ in range(22):
        make_wave(session, {})
    assert len(run().output.splitlines()) == 21


def test_where_nothing_was_told_yet_the_list_says_so(run):
    assert run().output == "No wave yet.\n"


def test_a_wave_that_does_not_balance_stands_in_the_list_in_capitals(run, session):
    make_wave(session)
    session.execute(update(Slice).values(eligible=3))
    assert "DOES NOT BALANCE: 1 of 3 eligible devices are in no category" in run().output


def test_a_wave_is_shown_with_every_category_its_meaning_and_its_attempts(run, session):
    made = make_wave(session, {"accepted": 20, "held": 2}, no_consent=3, shown=9, opened=4)
    make_attempt(session, made, made.devices["accepted"][0], code="weird answer")
    said = run("show", str(made.wave.id))
    assert said.exit_code == 0, said.output
    lines = [line.split() for line in said.output.splitlines()]
    assert ["25", "eligible"] in lines
    shown = {words[1]: int(words[0]) for words in lines if len(words) > 2 and words[1] in ledger.CATEGORIES}
    assert shown == dict.fromkeys(ledger.CATEGORIES, 0) | {"accepted": 20, "held": 2, "no_consent": 3}
    assert "It balances." in said.output
    assert ["accepted", "per", "s", "2.0", "since", "it", "opened"] in lines
    assert "9 shown, 4 opened" in said.output
    assert ["1", "fcm", "weird", "answer", "accepted"] in lines
    assert not any(device in said.output for devices in made.devices.values() for device in devices)


def test_a_wave_out_of_balance_is_shown_so(run, session):
    made = make_wave(session)
    session.execute(update(Slice).values(eligible=3))
    assert "IT DOES NOT BALANCE: 1 missing." in run("show", str(made.wave.id)).output


@pytest.mark.parametrize("command", ["show", "stop"])
def test_an_unknown_number_is_answered_in_one_line(run, command):
    said = run(command, "99")
    assert (said.exit_code, said.output) == (1, "Error: no wave has the number 99\n")


def test_a_bar_follows_a_wave_until_it_settles(follow, session):
    made = make_wave(session, {"pending": 4})
    looks = []

    def send_one():
        looks.append(1)
        left = list(session.scalars(select(Message.device_id).where(Message.state == "pending")))
        session.execute(update(Message).where(Message.device_id == left[0]).values(state="accepted"))
        if len(left) == 1:
            session.execute(update(Wave).values(settled_at=OPENED_AT))
        session.commit()

    screen = follow(made.wave.id, send_one)
    assert len(looks) == 4
    assert "0/4" in screen
    assert "100%" in screen


def test_a_bar_ends_when_a_wave_is_stopped_and_nothing_of_it_is_open(follow, session):
    made = make_wave(session, {"stopped": 1}, stopped_at=OPENED_AT)
    assert "1/1" in follow(made.wave.id, pytest.fail)


def test_ctrl_c_ends_the_bar_and_nothing_else(follow, session):
    made = make_wave(session, {"pending": 1})

    def interrupt():
        raise KeyboardInterrupt

    assert "0/1" in follow(made.wave.id, interrupt)


def test_a_stopped_wave_says_how_many_messages_do_not_go_and_is_in_the_audit_log(run, session):
    made = make_wave(session, {"pending": 2, "held": 1, "accepted": 1})
    said = run("stop", str(made.wave.id), "--reason", "Withdrawn.")
    assert (said.exit_code, said.output) == (
        0,
        f"Wave {made.wave.id} is stopped: 3 messages do not go, nor do those of chunks that are being sent now.\n",
    )
    session.expire_all()
    assert session.scalar(select(Wave.stop_reason)) == "Withdrawn."
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "wave.stop")).one()
    assert (entry.actor, entry.subject) == ("command line", f"wave {made.wave.id}")
    again = run("stop", str(made.wave.id))
    assert again.output.startswith(f"Wave {made.wave.id} was stopped before: ")
    assert session.scalar(select(func.count()).where(AuditEntry.action == "wave.stop")) == 1


def test_a_settled_wave_is_not_stopped(run, session):
    made = make_wave(session, settled_at=OPENED_AT)
    said = run("stop", str(made.wave.id))
    assert (said.exit_code, said.output) == (
        1,
        f"Error: wave {made.wave.id} is settled: there is nothing left to stop\n",
    )


def test_a_reason_that_is_no_line_is_refused(run, session):
    made = make_wave(session)
    assert run("stop", str(made.wave.id), "--reason", "x" * 101).exit_code == 2
    assert run("stop", str(made.wave.id), "--reason", "two\nlines").exit_code == 2


def test_an_audit_of_waves_that_balance_says_so(run, session):
    make_wave(session)
    make_wave(session, {"pending": 2}, no_consent=1)
    said = run("audit")
    assert said.exit_code == 0
    assert said.stdout == "2 waves balance.\n"


def test_an_audit_is_loud_about_a_wave_that_does_not_balance_and_fails(run, session):
    make_wave(session)
    made = make_wave(session)
    session.execute(update(Slice).where(Slice.wave_id == made.wave.id).values(eligible=5))
    said = run("audit")
    assert said.exit_code == 1
    assert said.stdout == f"WAVE {made.wave.id} DOES NOT BALANCE: 3 of 5 eligible devices are in no category\n"
    assert "Error: 1 of 2 waves do not balance" in said.stderr
