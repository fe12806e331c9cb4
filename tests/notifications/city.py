"""A worker without its engine, and the residents whom it tells: for tests of planning and holding."""

from sqlalchemy import func, select, update

from citizen_api.people.device_models import Registration
from notifications import rules
from notifications.holding import Releaser, look_after
from notifications.models import Chunk, Message, Outcome, Part, Slice, Wave
from notifications.planning import Planner
from notifications.triggers.air import Finder
from notifications.triggers.noticing import notice
from tests.notifications.makers import PARIS, at, make_profile
from tests.notifications.test_audience import make_device

NEVER_QUIET = make_profile(quiet=None)


def watcher(session, identity, *, level=3, profile=NEVER_QUIET, communes=(PARIS,), consents=True, reachable=True):
    watches = [rules.Watch(commune=code, hazard="air", level=level, when="evening_before") for code in communes]
    make_device(session, identity, profile, watches, at("20 12:00"), consents=consents)
    if reachable:
        session.add(
            Registration(
                device_id=identity, kind="log", value="", digest=identity, state="alive", created_at=at("20 12:00")
            )
        )
    session.flush()


class City:
    """A worker without its engine, on a clock that stands still."""

    def __init__(self, database, clock):
        self.database, self.clock = database, clock
        self.planner = Planner(database, clock=clock, find=Finder, slice_size=4)
        self.releaser = Releaser(database, clock=clock, find=Finder)

    def tick(self, moment=None):
        if moment is not None:
            self.clock.moment = at(moment)
        with self.database.session() as session:
            opened = notice(session, now=self.clock())
        while self.planner.plan_next():
            pass
        while self.releaser.release():
            pass
        look_after(self.database, self.clock())
        return opened

    def accept_all(self):
        """As if every pending message was sent."""
        with self.database.session() as session:
            session.execute(update(Message).where(Message.state == "pending").values(state="accepted"))
            session.execute(update(Chunk).values(next_at=None))

    def messages(self):
        with self.database.session(write=False) as session:
            query = select(Message.device_id, Message.state, Outcome.kind, Part.level)
            query = query.join(Outcome, Outcome.id == Message.outcome_id).outerjoin(Part, Part.id == Message.air)
            rows = session.execute(query.order_by(Message.wave_id, Message.device_id))
            return [tuple(row) for row in rows]

    def assert_balanced(self):
        with self.database.session(write=False) as session:
            for wave in session.scalars(select(Wave)):
                eligible, no_consent = session.execute(
                    select(func.sum(Slice.eligible), func.sum(Slice.no_consent)).where(Slice.wave_id == wave.id)
                ).one()
                messages = session.scalar(select(func.count()).where(Message.wave_id == wave.id))
                assert eligible == no_consent + messages + wave.erased


def quiet_night(session, identity="synthetic-asleep", **changed):
    watcher(session, identity, profile=make_profile(quiet="17:30-07:00", **changed))
