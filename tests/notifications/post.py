"""A sender over scripted services, for tests of what becomes of messages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from notifications.models import Chunk, Message
from notifications.sending import Sender
from tests.doubles.scripted import ScriptedTransport
from tests.notifications.ledger_makers import NOW

FIRST = "wave-0000000"


class Post:
    """A sender over one scripted service for each platform, on a clock that stands still."""

    def __init__(self, database, session, clock):
        self.session, self.clock = session, clock
        clock.moment = NOW
        self.services = {name: ScriptedTransport(name) for name in ("fcm", "webpush", "log")}
        self.database = database
        self.sender = self.another()

    def another(self, *names):
        services = [self.services[name] for name in names or self.services]
        return Sender(self.database, services, rate_per_s=1_000_000, clock=self.clock)

    def answers(self, value, *answers):
        self.services[_platform(value)].script[value] = list(answers)

    def send(self, after=None):
        self.session.commit()
        self.clock.moment += after or timedelta(0)
        sent = 0
        while self.sender.send_next():
            sent += 1
            assert sent < 50
        return sent

    def sent(self):
        return [value for service in self.services.values() for value in service.values()]


def _platform(value):
    kind = value.partition("/")[2]
    return "fcm" if kind.startswith("fcm") else kind


def message(session, device_id=FIRST):
    session.expire_all()
    return session.scalars(select(Message).where(Message.device_id == device_id).order_by(Message.wave_id)).first()


def chunk(session, wave):
    session.expire_all()
    return session.scalars(select(Chunk).where(Chunk.wave_id == wave.id)).one()
