"""A town on a bad-air evening: its residents, a double of FCM, the processes that tell them, and who watches all this.

Whatever breaks in between, `assert_kept` asks the same of the end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.people.device_models import Consent, Preferences, Registration, Watch
from notifications import ledger
from notifications.audit import audits
from notifications.models import Chunk, Message, Outcome, Pace, Wave
from notifications.planning import Planner
from notifications.triggers.air import Finder
from notifications.triggers.noticing import notice
from tests.doubles.fcm import FcmDouble
from tests.doubles.fcm_service import tag_of
from tests.faults.private_services import wait_for
from tests.faults.process import JumpingClock, Victim
from tests.notifications.ledger_makers import make_devices
from tests.notifications.makers import DAY, PARIS, at, make_profile
from tests.notifications.test_triggers_air import make_fact, store

START = at("25 18:00")
OVER = at("27 00:00")
"""When the alert of these tests is over."""
TAG = f"alert-{DAY}"
NOT_TOLD = 5
"""Who did not consent, or cannot be reached."""
PROMISE_S = 10.0
"""Sending goes on within so long after a kill."""
SLACK_S = 10.0
"""A machine under load may be so much later."""
ON_THE_WAY = timedelta(seconds=1)
"""What was sent in time may be so long on its way, on a machine under load."""
WATCH_EVERY_S = 0.05


class Town:
    """`devices` are told; beside them three that did not consent and two that cannot be reached."""

    def __init__(
        self, folder: Path, url: str, double: FcmDouble, *, environment: Mapping[str, str], devices: int = 700
    ) -> None:
        self.folder, self.double = folder, double
        self.database = Database(make_engine(Settings(database_url=url)))
        self.clock = JumpingClock(folder / "offset", START)
        self.mark = folder / "mark"
        self.log = folder / "log"
        self.environment = {
            "ALENTOURS_DATA_DIR": str(folder),
            "ALENTOURS_DATABASE_URL": url,
            "ALENTOURS_PUSH_LOG_ENABLED": "false",
            "ALENTOURS_LOG_LEVEL": "WARNING",
            **double.settings(),
            **environment,
        }
        self.arrivals: list[tuple[float, datetime]] = []
        """When messages arrived that the double took: on the monotonic clock, and by the clock of the town."""
        double.service.echo = lambda _: self.arrivals.append((time.monotonic(), self.clock()))
        self.ids = [f"told-{number:05d}" for number in range(devices)]
        self.victims: list[Victim] = []
        self.watcher = Watcher(self.database)
        self._populate()

    def close(self) -> None:
        self.watcher.stop()
        for victim in self.victims:
            victim.kill()
        self.database.engine.dispose()

    def _populate(self) -> None:
        silent, mute = [f"silent-{n}" for n in range(3)], [f"mute-{n}" for n in range(2)]
        with self.database.session() as session:
            make_devices(session, self.ids + silent, registrations=("fcm_token",), now=START - timedelta(days=1))
            make_devices(session, mute, registrations=(), now=START - timedelta(days=1))
            session.execute(delete(Consent).where(Consent.device_id.in_(silent)))
            wish = {"commune_code": PARIS, "hazard": "air", "level": 3, "told_when": "evening_before"}
            watches = [{"id": one, "device_id": one, **wish} for one in self.ids + silent + mute]
            session.execute(insert(Watch), watches)

    def be_awake(self) -> None:
        """Nobody has quiet hours any more: midnight is near."""
        with self.database.session() as session:
            session.execute(update(Preferences).values(profile_key=make_profile(quiet=None).key))

    def pollute(self, level: int = 4) -> None:
        """Let the air be bad: the fact that everything begins with."""
        with self.database.session() as session:
            store(session, make_fact(level), known_at=self.clock() - timedelta(minutes=1))

    def plan(self, level: int = 4, *, at: datetime | None = None) -> None:
        """Plan the wave here, so that only the sending is left to the processes; as if it were `at`.

        Processes that are there already may be at it first.
        """
        moment = at or self.clock()
        with self.database.session() as session:
            store(session, make_fact(level), known_at=moment - timedelta(minutes=1))
            assert notice(session, now=moment) == 1
        planner = Planner(self.database, clock=lambda: moment, find=Finder)

        def done() -> bool:
            if planner.plan_next():
                return True
            with self.database.session(write=False) as session:
                planned = session.scalars(select(Wave.planned_at)).all()
            return bool(planned) and None not in planned

        self.wait_for(done, "the wave to be planned")

    def hold(self) -> None:
        """Plan the wave ten minutes ago, in quiet hours that are over by now: all of it is held."""
        profile = make_profile(quiet="17:00-17:55").key
        with self.database.session() as session:
            session.execute(update(Preferences).values(profile_key=profile))
        self.plan(at=START - timedelta(minutes=10))
        assert self.states()[ledger.HELD] == len(self.ids)

    def run(self, *arguments: str, fate: Mapping[str, Any] | None = None, **environment: str) -> Victim:
        """Start a process of the town: `background`, or `worker`."""
        victim = Victim(
            *arguments, environment=self.environment | environment, clock=self.clock, log=self.log, fate=fate
        )
        self.victims.append(victim)
        return victim

    def fate(self, step: str, **said: Any) -> dict[str, Any]:
        """An end at a step, for one of the processes."""
        return {"step": step, "mark": self.mark, **said}

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait; in vain: say what the processes said."""
        try:
            wait_for(condition, what)
        except AssertionError as error:
            said = self.log.read_text(encoding="utf-8")[-3_000:] if self.log.exists() else "nothing"
            raise AssertionError(f"{error}; {self.states()}; the processes said: {said}") from None

    def wait_for_death(self, victim: Victim | None = None) -> float:
        """Wait until the foretold death has happened: when (monotonic, in seconds)."""
        self.wait_for(lambda: self.mark.exists() and bool(self.mark.read_text()), "the kill")
        if victim is not None:
            victim.process.join()
        return float(self.mark.read_text())

    def wait_for_readiness(self, count: int) -> None:
        """Wait until so many ticking processes have looked for something to do."""
        self.wait_for(lambda: len(list(self.folder.glob("ready-*"))) >= count, f"{count} processes")

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many Celery workers take ids. They say so at level INFO, once for each of their two nodes."""
        self.wait_for(
            lambda: self.log.exists() and self.log.read_text(encoding="utf-8").count("worker ready") >= 2 * count,
            f"{count} workers",
        )

    def wait_for_arrivals(self, count: int) -> None:
        self.wait_for(lambda: len(self.arrivals) >= count, f"{count} messages")

    def wait_until_quiet(self) -> None:
        """Wait until nothing has arrived for a second."""
        count = -1
        while count != self.double.count:
            count = self.double.count
            time.sleep(1)

    def wait_until_settled(self, waves: int = 1) -> None:
        """Wait until so many waves are there and all are done."""

        def done() -> bool:
            with suppress(SQLAlchemyError), self.database.session(write=False) as session:
                settled = session.scalars(select(Wave.settled_at)).all()
                return len(settled) >= waves and None not in settled
            return False

        self.wait_for(done, "the wave to settle")

    def states(self) -> Counter[str]:
        """How many messages are in each state."""
        with self.database.session(write=False) as session:
            query = select(Message.state, func.count()).group_by(Message.state)
            return Counter(dict(session.execute(query).all()))

    def registrations(self) -> Counter[str]:
        """How many registrations are in each state."""
        with self.database.session(write=False) as session:
            query = select(Registration.state, func.count()).group_by(Registration.state)
            return Counter(dict(session.execute(query).all()))

    def rate_per_s(self) -> float | None:
        """The rate at which everything together is sent just now."""
        with self.database.session(write=False) as session:
            return session.scalar(select(Pace.rate_per_s))

    def assert_kept(
        self,
        *,
        states: Mapping[str, int] | None = None,
        registrations: Mapping[str, int] | None = None,
        waves: int = 1,
    ) -> None:
        """The promises: nothing lost, shown twice, retired or too late, and balanced whenever somebody looked.

        `states`, `registrations`: how many are in each, of those that are told; all accepted and alive, unless said.
        """
        self.watcher.stop()
        self.watcher.look()
        assert self.watcher.looks > 1
        assert self.watcher.ailments == []
        told_all = {"accepted": waves * len(self.ids)}
        assert self.states() - Counter(no_registration=2 * self._assert_settled()) == Counter(states or told_all)
        told = {f"{one}/fcm_token" for one in self.ids}
        if states is None:
            assert set(self.double.screens) == told
        assert all(set(screen) == {TAG} for screen in self.double.screens.values())
        assert {tag for _, tag in self.double.shown} <= {TAG}
        assert self.registrations() == Counter(registrations or {"alive": len(told) + 3})
        with self.database.session(write=False) as session:
            assert set(session.scalars(select(Outcome.expires_at))) == {OVER}
        assert all(arrived_at <= OVER + ON_THE_WAY for _, arrived_at in self.arrivals)
        assert {tag_of(message) for message in self.double.received} <= {TAG}
        assert not self.double.invalid

    def _assert_settled(self) -> int:
        """Every wave is, and balances; give how many there are."""
        with self.database.session(write=False) as session:
            waves = {wave.id: wave for wave in session.scalars(select(Wave))}
            for wave_id, audited in audits(session, waves.keys()).items():
                assert audited.is_settled
                assert (audited.ailing, audited.balance.missing, audited.balance.open) == (None, 0, 0)
                # As time goes by, those who were told nothing are asked about again, in a wave of their own.
                assert audited.balance.eligible in {len(self.ids) + NOT_TOLD, NOT_TOLD}
                assert audited.balance.counts["no_consent"] == 3
                assert waves[wave_id].ailing is None
        return len(waves)


class Watcher:
    """Looks at the ledger all the time, over a connection of its own: every wave balances whenever somebody looks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watcher")
        self.ailments: list[str] = []
        self.owners: set[str] = set()
        """Who sent: each process that has its own leases."""
        self.looks = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        with self._database.session(write=False) as session:
            found = audits(session, session.scalars(select(Wave.id)).all())
            owners = session.scalars(select(Chunk.owner).where(Chunk.owner.is_not(None))).all()
        self.ailments += [audited.ailing for audited in found.values() if audited.ailing is not None]
        self.owners |= {str(owner).partition("-")[0] for owner in owners}
        self.looks += 1

    def _run(self) -> None:
        while not self._stop.wait(WATCH_EVERY_S):
            with suppress(SQLAlchemyError):  # the database may be what is broken
                self.look()
