"""`alentours demo take-slot`: somebody takes a slot at the demo clinic, and whoever follows a link to it is told."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from citizen_api.core.outgoing import make_client
from citizen_api.demo import cli, clinic
from citizen_api.demo.clinic_state import TakenSlots
from citizen_api.teleconsult.models import Feed, Slot
from citizen_api.teleconsult.slot_ids import slot_code
from citizen_api.territory.queries import knows_territory
from citizen_api.web.command import Context
from tests.teleconsult.handoff_makers import code_of, follow, hand_over, make_app, make_offer


@pytest.fixture
def run(database, settings, clock, monkeypatch):
    def do(*arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=knows_territory, clock=clock)
        context.__dict__["database"] = database
        clock.moment += timedelta(seconds=1)
        return CliRunner().invoke(cli.demo, ["take-slot", *arguments], obj=context)

    monkeypatch.setattr(cli, "PATIENCE_S", 0)
    monkeypatch.setattr(cli, "_pause", lambda _: None)
    return do


@pytest.fixture
def city(database, settings, clock, monkeypatch, run):
    """A running demo city that has its turn whenever the command waits."""
    clinic.choose_clinic_port()
    with make_client(settings) as client, clinic.serving_demo_clinic(settings, database, client, clock) as (turn,):
        turn()
        monkeypatch.setattr(cli, "PATIENCE_S", 60)
        monkeypatch.setattr(cli, "_pause", lambda _: turn())
        assert run
        yield
    clinic.forget_clinic_from_environment()


@pytest.fixture
def slot(city, session):
    """The first slot of the demo city."""
    assert city is None
    return session.scalars(select(Slot).join(Feed).where(Feed.name == clinic.VIDEO).order_by(Slot.start_s)).first()


def test_the_slot_is_gone_at_once_and_the_link_to_it_shows_others(run, slot, services):
    clinic.allow_clinic_from_environment()
    client = make_app(services).test_client()
    token = hand_over(client, slot)
    done = run(code_of(slot))
    assert (done.exit_code, "MADE UP" in done.output) == (0, True)
    page = follow(client, token)
    assert (page.status_code, page.text.count('name="slot"')) == (410, 3)


@pytest.mark.usefixtures("city")
def test_what_is_no_free_slot_of_the_demo_city_is_wrong(run, session):
    real = make_offer(session)
    for code in ("", "x", "sl_x", slot_code(1, 1), code_of(real)):
        assert run(code).exit_code == 2


def test_where_nobody_answers_nothing_is_taken(run, slot, settings, monkeypatch):
    monkeypatch.setattr(cli, "PATIENCE_S", 0)
    monkeypatch.setattr(cli, "_pause", lambda _: None)
    done = run(code_of(slot))
    assert (done.exit_code, "no demo city runs" in done.output) == (1, True)
    assert dict(TakenSlots(settings.data_dir).holders()) == {}
