"""The Celery engine and its workers, part by part; what all engines do is in `test_engines`."""

import logging
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import replace

import pytest
from click.testing import CliRunner

from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.web.command import Context
from notifications.engines import celery_engine
from notifications.engines.celery_app import installation, make_app
from notifications.engines.celery_engine import CeleryEngine
from notifications.engines.celery_node import ALERTS_FIRST, Desk
from notifications.engines.choose import engine_from
from notifications.engines.embedded import EmbeddedEngine
from notifications.worker_cli import worker as worker_command
from tests.doubles.fcm import FcmDouble
from tests.notifications.engine_rig import CELERY, Rig, check_broker, end, ready_database_url, wait_until

POSTGRESQL = "postgresql+psycopg://clerk:s3cret@db.example:5432/city"


@pytest.fixture(scope="module")
def ground(worker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground")
    with ready_database_url(f"alentours_celery_{worker}", folder) as url, FcmDouble(folder=folder) as double:
        yield url, double


@pytest.fixture(params=CELERY)
def rig(request, ground, tmp_path):
    """An installation without senders and without a worker that plans."""
    check_broker(request.param)
    url, double = ground
    rig = Rig(request.param, url, tmp_path, double)
    yield rig
    rig.close()


@contextmanager
def handing_over(settings, database):
    engine = CeleryEngine(settings, database, system_clock)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def celery_settings(settings):
    return replace(settings, database_url=POSTGRESQL, engine="celery", broker_url="redis://:s3cret@127.0.0.1:1/1")


def test_the_broker_carries_the_id_of_a_chunk_and_nothing_else(rig):
    wave = rig.plan("carried", devices=1)
    with handing_over(rig.settings, rig.database):
        wait_until(rig.waiting)
    message = rig.peek()
    assert message.content_type == "application/json"
    assert message.payload[:2] == [rig.chunks(wave), {}]
    told = str((message.headers, message.properties, message.body))
    assert "carried" not in told
    assert "postgresql" not in told


def test_few_ids_wait_at_the_broker_however_many_chunks_are_due_and_nobody_takes_them(rig, monkeypatch):
    monkeypatch.setattr(celery_engine, "AHEAD", 5)
    monkeypatch.setattr(celery_engine, "LOST_S", 0.0)
    rig.plan("many", devices=12, chunk=1)
    with handing_over(rig.settings, rig.database) as engine:
        for _ in range(20):
            engine.notify()
            wait_until(rig.waiting)
            assert rig.waiting() <= 5
        wait_until(lambda: rig.waiting() == 5)


def test_an_id_that_nobody_took_is_handed_over_again_after_a_while(rig, monkeypatch):
    monkeypatch.setattr(celery_engine, "LOST_S", 0.1)
    rig.plan("lost", devices=1)
    with handing_over(rig.settings, rig.database) as engine:
        wait_until(rig.waiting)
        rig.lose_ids()
        engine.notify()
        wait_until(rig.waiting)


def test_it_is_said_once_when_no_worker_takes_what_is_due(rig, monkeypatch, caplog):
    monkeypatch.setattr(celery_engine, "ALONE_S", 0.1)
    monkeypatch.setattr(celery_engine, "LOST_S", 0.5)
    monkeypatch.setattr(celery_engine, "SWEEP_S", 0.1)
    rig.plan("alone", devices=1)
    with handing_over(rig.settings, rig.database):
        wait_until(lambda: "no worker takes them" in caplog.text)
        rig.lose_ids()
        wait_until(rig.waiting)
    assert caplog.text.count("no worker takes them") == 1


@pytest.mark.whole
def test_a_worker_for_alerts_leaves_campaigns_to_others(rig):
    campaign = rig.plan("campaign", devices=3, lane="campaigns")
    alert = rig.plan("alert", devices=3)
    sender = rig.start_sender("--alerts-only")
    with handing_over(rig.settings, rig.database):
        rig.wait_until_settled(alert)
        assert end([sender]) == [0]
    assert rig.states(campaign) == {"pending": 3}


@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server on this machine")
def test_a_broker_that_comes_late_is_waited_for_and_its_absence_told_once(rig, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(celery_engine, "SWEEP_S", 0.1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = rig.settings
    rig.settings = replace(here, broker_url=f"redis://127.0.0.1:{port}/0")
    rig.plan("late", devices=1)
    caplog.set_level(logging.WARNING)
    with handing_over(rig.settings, rig.database):
        wait_until(lambda: "cannot be handed" in caplog.text)
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            wait_until(lambda: "handed to the broker again" in caplog.text)
            wait_until(rig.waiting)
            server.terminate()
    rig.settings = here
    assert caplog.text.count("cannot be handed") == 1


def test_the_engine_that_the_settings_name_is_made(settings, celery_settings, clock):
    database = Database.from_settings(settings)
    celery, embedded = (engine_from(some, database, clock) for some in (celery_settings, settings))
    assert isinstance(celery, CeleryEngine)
    assert isinstance(embedded, EmbeddedEngine)
    celery.stop()
    embedded.stop()


@pytest.mark.parametrize(
    "url",
    ["postgresql://db.example:5432/city", POSTGRESQL.replace("s3cret", "other"), f"{POSTGRESQL}?connect_timeout=3"],
)
def test_the_hosts_of_an_installation_meet_whatever_account_they_use(celery_settings, url):
    assert installation(replace(celery_settings, database_url=url)) == installation(celery_settings)


@pytest.mark.parametrize("url", [POSTGRESQL.replace("city", "town"), POSTGRESQL.replace("db.", "db2."), ""])
def test_two_installations_on_one_broker_do_not_mix(celery_settings, url):
    assert installation(replace(celery_settings, database_url=url)) != installation(celery_settings)


def test_no_name_at_the_broker_tells_where_the_database_is(celery_settings):
    app = make_app(celery_settings)
    names = str([app.conf.task_queues, app.conf.broker_transport_options])
    app.close()
    assert not [word for word in ("city", "clerk", "s3cret", "example") if word in names]


@pytest.mark.parametrize(
    ("url", "checks"),
    [
        ("rediss://broker.example/1", {"ssl_cert_reqs": "required", "ssl_check_hostname": True}),
        (
            "amqps://us:s3cret@broker.example//",
            {"context": {"check_hostname": True}, "server_hostname": "broker.example"},
        ),
        ("amqp://us:s3cret@broker.example//", None),
    ],
)
def test_the_certificate_of_a_broker_is_checked(celery_settings, url, checks):
    app = make_app(replace(celery_settings, broker_url=url))
    assert app.conf.broker_use_ssl == checks
    app.close()


@pytest.fixture
def run(clock):
    def run(settings, *arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        return CliRunner().invoke(worker_command, arguments, obj=context)

    return run


def test_a_worker_refuses_in_one_line_where_the_engine_is_not_celery(run, settings):
    said = run(settings)
    assert said.exit_code == 1
    assert said.output.startswith("Error: ALENTOURS_ENGINE is not `celery`")
    assert said.output.count("\n") == 1


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_worker_refuses_in_one_line_and_without_a_secret_where_the_broker_is_away(run, settings, closed_port, scheme):
    broker_url = f"{scheme}://us:s3cret@127.0.0.1:{closed_port}/1"
    said = run(replace(settings, engine="celery", broker_url=broker_url))
    assert said.exit_code == 1
    assert said.output.startswith("Error: the broker at ALENTOURS_BROKER_URL cannot be used (")
    assert said.output.count("\n") == 1
    assert "s3cret" not in said.output


def test_a_worker_refuses_in_one_line_where_a_push_service_is_not_set_up(run, rig, tmp_path):
    said = run(replace(rig.settings, push_fcm_credentials=str(tmp_path / "none")))
    assert said.exit_code == 1
    assert said.output.startswith("Error: a push service cannot be used: file_missing")
    assert said.output.count("\n") == 1


class SyntheticSender:
    """Says what it was asked to send; so many alerts are due."""

    def __init__(self, alerts=0):
        self.alerts = alerts
        self.asked = []
        self.error = None
        self.stopping = type("Event", (), {"is_set": lambda _: False})()

    def send_next(self, *, campaigns=True, chunk_id=None):
        self.asked.append(chunk_id if campaigns else "alert")
        if self.error:
            raise self.error
        self.alerts -= 1
        return self.alerts >= 0


@pytest.fixture
def desk(settings, clock):
    desk = Desk(settings, clock)
    desk._sender = SyntheticSender()
    yield desk
    desk.end()
    os.close(desk._told)


def test_the_alerts_that_are_due_go_before_the_chunk_whose_id_came(desk):
    desk._sender.alerts = 2
    desk.send(7)
    assert desk._sender.asked == ["alert", "alert", "alert", 7]


def test_a_chunk_has_its_turn_however_many_alerts_are_due(desk):
    desk._sender.alerts = 1_000
    desk.send(7)
    assert desk._sender.asked == ["alert"] * ALERTS_FIRST + [7]


def test_what_fails_is_told_once_without_its_words_until_it_works_again(desk, caplog):
    desk._sender.error = OSError("s3cret")
    desk.send(7)
    desk.send(7)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "s3cret" not in caplog.text
    desk._sender.error = None
    desk.send(7)
    desk._sender.error = OSError("s3cret")
    desk.send(7)
    assert len(caplog.records) == 2
