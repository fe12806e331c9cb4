"""A private installation on PostgreSQL with one of the engines: real brokers, and senders that are processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection
from sqlalchemy import select

from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.core.settings import PREFIX, Settings
from citizen_api.preparing import prepare_database
from notifications.engines.celery_app import TASK, installation, make_app, queue_name
from notifications.engines.choose import engine_from
from notifications.ledger import LANES
from notifications.models import Chunk, Wave
from notifications.worker import Worker
from tests.conftest import fresh_database_url
from tests.doubles.fcm import FcmDouble
from tests.notifications.ledger_makers import empty, make_wave, states_of

PATIENCE_S = 60
ALENTOURS = Path(sys.executable).with_name("alentours")
BROKERS = {
    "redis": os.environ.get("ALENTOURS_TEST_REDIS_URL", "redis://127.0.0.1:6379/1"),
    "rabbitmq": os.environ.get("ALENTOURS_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
CELERY = ("celery-redis", "celery-rabbitmq")
ENGINES = ("embedded", *CELERY)
_NUMBERS = count(1)


class Rig:
    """Waves are made in its database; whatever senders there are send them to its double."""

    def __init__(self, kind: str, url: str, folder: Path, double: FcmDouble) -> None:
        broker = BROKERS.get(kind.removeprefix("celery-"), "")
        names = {"DATA_DIR": folder, "DATABASE_URL": url, "ENGINE": kind.partition("-")[0], "BROKER_URL": broker}
        environment = {PREFIX + name: str(value) for name, value in names.items()}
        self.settings = Settings.from_environment(environment | double.settings())
        self.database = Database.from_settings(self.settings)
        self.is_celery = self.settings.engine == "celery"
        self.double = double
        self.senders: list[subprocess.Popen[bytes]] = []
        self.names_of_one = 2 if self.is_celery else 1
        """How many owners of leases a sender has."""
        self._log = (folder / "log").open("ab")

    def ensure(self, count: int) -> None:
        """Have so many senders, at work or about to be."""
        self.senders = [sender for sender in self.senders if sender.poll() is None]
        while len(self.senders) < count:
            self.senders.append(self.start_sender())

    def start_sender(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a process of the product that sends."""
        command = ["worker", "--concurrency", "1", *options] if self.is_celery else ["background"]
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return subprocess.Popen(
            [str(ALENTOURS), *command],
            env=others | self.settings.to_environment(),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def plan(self, name: str, **said: Any) -> Wave:
        """Make a wave with devices that nobody else has, due now."""
        key = f"{next(_NUMBERS)}-{name}"
        now = system_clock()
        values = {"registrations": ["fcm_token"], "expires_at": now + timedelta(hours=1), "tag": key, "noise": False}
        with self.database.session() as session:
            return make_wave(session, key, now=now, **(values | said))

    def occupy_all(self, name: str) -> list[Wave]:
        """Plan waves of 40 messages, each its own chunk, until two senders have something in hand at once."""
        wait_until(lambda: not self.owners())  # those of the dead
        waves: list[Wave] = []

        def is_done() -> bool:
            if not waves or self.states(waves[-1]).get("pending", 0) < 20:
                waves.append(self.plan(name, devices=40, chunk=1))
            return len(self.owners()) > self.names_of_one

        wait_until(is_done)
        return waves

    def states(self, wave: Wave) -> dict[str, int]:
        """How many messages of a wave are in each state; it balances."""
        with self.database.session(write=False) as session:
            return states_of(session, session.merge(wave, load=False))

    def is_settled(self, wave: Wave) -> bool:
        """Whether nothing of it is left to do."""
        return self._column(Wave.settled_at, wave) is not None

    def wait_until_settled(self, wave: Wave) -> None:
        """Wait for the end of a wave."""
        wait_until(lambda: self.is_settled(wave))

    def shown(self, wave: Wave) -> list[int]:
        """How often each device got its message that got it."""
        return [count for (token, _), count in self.double.shown.items() if token.startswith(f"{wave.key}-")]

    def chunks(self, wave: Wave) -> list[int]:
        """Ids of its chunks."""
        with self.database.session(write=False) as session:
            return list(session.scalars(select(Chunk.id).where(Chunk.wave_id == wave.id).order_by(Chunk.id)))

    def owners(self) -> set[str]:
        """Who has a chunk in hand: an embedded sender has one name, each process of a worker its own."""
        with self.database.session(write=False) as session:
            owners = session.scalars(select(Chunk.owner).where(Chunk.lease_until > system_clock()))
            return {owner.partition("-")[0] for owner in owners if owner}

    def leases(self, wave: Wave) -> list[datetime | None]:
        """Leases of the chunks of a wave that are not done."""
        with self.database.session(write=False) as session:
            open_ = select(Chunk.lease_until).where(Chunk.wave_id == wave.id, Chunk.next_at.is_not(None))
            return list(session.scalars(open_))

    def hand_over(self, ids: Sequence[int], lane: str = "alerts") -> None:
        """Give ids to the broker, as an engine does."""
        with self._app() as app, app.connection_for_write() as connection:
            producer = app.amqp.Producer(connection, auto_declare=False)
            for one in ids:
                app.tasks[TASK].apply_async((one,), queue=queue_name(self.settings, lane), producer=producer)

    def lose_ids(self) -> int:
        """Purge the queues; give how many ids were in them."""
        with self._app() as app, app.connection_for_write() as connection:
            queues = [app.amqp.queues[queue_name(self.settings, lane)] for lane in LANES]
            return sum(queue(connection.default_channel).purge() for queue in queues)

    def waiting(self) -> int:
        """How many ids wait at the broker."""
        with self._app() as app, app.connection_for_write() as connection:
            queues = [app.amqp.queues[queue_name(self.settings, lane)] for lane in LANES]
            return sum(queue(connection.default_channel).queue_declare().message_count for queue in queues)

    def peek(self, lane: str = "alerts") -> Any:
        """Take a message from a queue as it is, if there is one."""
        with self._app() as app, app.connection_for_write() as connection:
            return app.amqp.queues[queue_name(self.settings, lane)](connection.default_channel).get(no_ack=True)

    def forget(self) -> None:
        """Take its waves away, and what its broker has of them."""
        with self.database.session() as session:
            empty(session)
        if self.is_celery:
            self._leave_broker()

    def log(self) -> str:
        """Everything that its senders logged."""
        return Path(str(self._log.name)).read_text(encoding="utf-8")

    def close(self) -> None:
        """End everything, and leave nothing at the broker."""
        for sender in self.senders:
            kill(sender)
        self.forget()
        self._log.close()
        self.database.engine.dispose()

    @contextmanager
    def _app(self) -> Iterator[Any]:
        app = make_app(self.settings)
        try:
            yield app
        finally:
            app.close()

    def _leave_broker(self) -> None:
        with self._app() as app, app.connection_for_write() as connection:
            channel = connection.default_channel
            for lane in LANES:
                app.amqp.queues[queue_name(self.settings, lane)](channel).delete()
            if self.settings.broker_url.startswith("amqp"):
                channel.exchange_delete(installation(self.settings))
                return
        with redis.Redis.from_url(self.settings.broker_url) as client:
            for key in list(client.scan_iter(f"{installation(self.settings)}:*")):
                client.delete(key)

    def _column(self, column: Any, wave: Wave) -> Any:
        with self.database.session(write=False) as session:
            return session.scalar(select(column).where(Wave.id == wave.id))


def wait_until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that comes by itself."""
    ends_at = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < ends_at, "it does not come"
        time.sleep(0.02)


def kill(sender: subprocess.Popen[bytes]) -> None:
    """SIGKILL a sender and all its processes, at once."""
    with suppress(ProcessLookupError):
        os.killpg(sender.pid, signal.SIGKILL)
    _release(sender)


def end(senders: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Tell senders to end; give their exit codes."""
    for sender in senders:
        sender.terminate()
    return [_release(sender) for sender in senders]


def _release(sender: subprocess.Popen[bytes]) -> int:
    assert sender.stdin is not None
    sender.stdin.close()
    return sender.wait(timeout=PATIENCE_S)


@contextmanager
def ready_database_url(name: str, folder: Path) -> Iterator[str]:
    """Make a database of our own on PostgreSQL, with the newest schema, and give its URL."""
    with fresh_database_url("postgresql", name, folder) as url:
        database = Database.from_settings(Settings(database_url=url))
        prepare_database(database)
        database.engine.dispose()
        yield url


@contextmanager
def running_rig(kind: str, url: str, folder: Path, double: FcmDouble) -> Iterator[Rig]:
    """Run an installation for as long as a block lasts; it begins without senders."""
    check_broker(kind)
    rig = Rig(kind, url, folder, double)
    stop = threading.Event()
    threads = []
    if rig.is_celery:
        # An embedded sender plans and looks after the ledger by itself.
        engine = engine_from(rig.settings, rig.database, system_clock)
        worker = Worker(rig.database, engine, clock=system_clock)
        threads.append(threading.Thread(target=worker.run, args=(stop,)))
    for thread in threads:
        thread.start()
    try:
        yield rig
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        rig.close()


def check_broker(kind: str) -> None:
    """Skip where the broker of an engine does not answer, and say so; in CI fail."""
    url = BROKERS.get(kind.removeprefix("celery-"))
    if url is None:
        return
    connection = Connection(url, connect_timeout=3)
    try:
        connection.connect()
        connection.channel().close()
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{kind} has no broker at {connection.as_uri()} ({type(error).__name__}): make services")
    finally:
        connection.release()
