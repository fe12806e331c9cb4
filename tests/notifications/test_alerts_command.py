"""`alentours alerts preview`."""

from click.testing import CliRunner

from citizen_api.people.wishes import DEFAULT_PROFILE
from citizen_api.web.command import Context
from notifications import rules
from notifications.alerts_cli import alerts
from notifications.models import Message
from tests.notifications.makers import PARIS, at
from tests.notifications.test_audience import make_device
from tests.notifications.test_triggers_air import make_fact, store


def test_a_preview_says_how_many_would_be_told_and_why_and_names_nobody(settings, database, session, clock):
    clock.moment = at("25 18:00")
    store(session, make_fact(4))
    watch = rules.Watch(commune=PARIS, hazard="air", level=3, when="evening_before")
    make_device(session, "synthetic-device", DEFAULT_PROFILE, [watch], at("20 12:00"))
    session.commit()
    context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
    context.__dict__["database"] = database
    said = CliRunner().invoke(alerts, ["preview"], obj=context)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[lines.index("2026-11-26: 1 device") + 1].split()[:3] == ["1", "alert", "above_wish"]
    assert "synthetic-device" not in said.output
    assert session.query(Message).count() == 0
