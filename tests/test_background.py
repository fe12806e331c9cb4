"""What is done beside answering: job by job, and as a process that ends with the one that started it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from citizen_api.air.keeping import AirKeeper
from citizen_api.background import Queueing, _carefully, _chores, background, by_publisher, work, work_beside
from citizen_api.core.db import Database
from citizen_api.core.settings import SettingsError
from citizen_api.people.device_models import Device
from tests.air.makers import SyntheticFeed, make_source

ALENTOURS = Path(sys.executable).with_name("alentours")


def test_jobs_are_done_in_turn_until_told_to_stop():
    stop, done = threading.Event(), []

    def second():
        done.append("second")
        if len(done) == 4:
            stop.set()

    work([lambda: done.append("first"), second], stop, tick_s=0)
    assert done == ["first", "second", "first", "second"]


def test_a_job_that_fails_is_logged_and_does_not_stop_the_others(caplog):
    stop, done = threading.Event(), []

    def fails():
        raise OSError("synthetic")

    def other():
        done.append(1)
        if len(done) == 2:
            stop.set()

    work([_carefully(fails), _carefully(other)], stop, tick_s=0)
    assert done == [1, 1]
    assert [record.exc_info[0] for record in caplog.records] == [OSError, OSError]


def test_the_demo_city_has_its_turn_much_more_often_than_a_source():
    stop, turns = threading.Event(), []

    def demo_turn():
        turns.append("demo")
        if len(turns) == 3:
            stop.set()

    work_beside([lambda: turns.append("source")], [], stop, demo_turns=[demo_turn])
    assert turns == ["source", "demo", "demo"]


def test_silent_devices_are_retired_every_six_hours(database, clock):
    def silent(name):
        long_ago = (clock() - timedelta(days=400)).date()
        with database.session() as session:
            session.add(Device(id=name, token_hash=name, created_on=long_ago, seen_on=long_ago))

    def left():
        with database.session(write=False) as session:
            return session.scalars(select(Device.id)).all()

    made = _chores(database, clock)

    def chores():
        for chore in made:
            chore()

    silent("first")
    chores()
    assert left() == []
    silent("second")
    clock.moment += timedelta(hours=6) - timedelta(seconds=1)
    chores()
    assert left() == ["second"]
    clock.moment += timedelta(seconds=1)
    chores()
    assert left() == []


def test_feeds_of_one_interface_stay_together():
    ids = ("atmo-data", "meteo-france", "atmo-data-pollen", "uv")
    groups = by_publisher([SyntheticFeed(make_source(source_id)).feed for source_id in ids])
    assert [[feed.info.id for feed in group] for group in groups] == [
        ["atmo-data", "atmo-data-pollen"],
        ["meteo-france"],
        ["uv"],
    ]


def test_a_setting_that_no_feed_can_serve_is_refused_before_anything_starts(settings):
    wrong = replace(settings, air_files=("weather=https://files.example/1",))
    with pytest.raises(SettingsError, match="AIR_FILES"), background(wrong, demo=False):
        pytest.fail("it started")


# --- As a process ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("background")
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(folder)}
    subprocess.run([ALENTOURS, "db", "upgrade"], env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture
def data_dir(prepared, tmp_path):
    """A prepared database of its own, in which every feed is due."""
    return shutil.copytree(prepared, tmp_path / "var")


@pytest.fixture
def process(data_dir, tmp_path):
    """`alentours background --demo`; its first line says that it has read something."""
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(data_dir)}
    with subprocess.Popen(
        [ALENTOURS, "background", "--demo"],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def first_line(process):
    return json.loads(process.stderr.readline())["message"]


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The processes that were started, a stranger's program in the working folder."""
    (tmp_path / "app.py").write_text("raise SystemExit('a stranger')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    processes = []
    popen = subprocess.Popen

    def start(*args, **kwargs):
        processes.append(popen(*args, **kwargs))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def join_all(name):
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(30)


@pytest.mark.whole
def test_a_source_that_hangs_holds_up_neither_the_others_nor_the_chores(data_dir, settings, clock, tmp_path):
    database = Queueing(Database.from_settings(replace(settings, data_dir=data_dir)).engine)
    hangs, well = SyntheticFeed(make_source("airparif")).feed, SyntheticFeed(make_source("uv")).feed
    stop, goes_on, was_read = threading.Event(), threading.Event(), threading.Event()

    def hang(now):
        goes_on.wait(30)
        return hangs.read(now)

    def turn(*feeds):
        return AirKeeper(database, feeds, clock=clock, reports_dir=tmp_path).turn

    def turn_of_the_other():
        if turn(well)():
            was_read.set()

    done = []

    def chore():
        done.append(was_read.wait(10) and not goes_on.is_set())
        stop.set()

    work_beside([turn(replace(hangs, read=hang)), turn_of_the_other], [chore], stop, tick_s=0.01, patience_s=0)
    assert done == [True]
    goes_on.set()
    join_all("air")
    database.engine.dispose()


@pytest.mark.whole
def test_a_process_that_is_killed_is_started_again_and_none_is_left_at_the_end(started, data_dir, settings, caplog):
    with background(replace(settings, data_dir=data_dir), demo=False):
        started[0].kill()
        for _ in range(300):
            if len(started) == 2:
                break
            time.sleep(0.1)
        first, second = started
        assert second.poll() is None
    assert first.poll() == -signal.SIGKILL
    assert second.poll() is not None
    assert [(record.levelname, record.exit_code) for record in caplog.records] == [("ERROR", -signal.SIGKILL)]


@pytest.mark.whole
def test_none_is_started_again_while_the_server_stops(started, data_dir, settings, caplog):
    with background(replace(settings, data_dir=data_dir), demo=False, stopping=lambda: True):
        started[0].kill()
        join_all("supervisor")
    assert len(started) == 1
    assert not caplog.records


@pytest.mark.whole
def test_the_process_ends_well_when_whoever_holds_its_input_is_gone(process):
    process.stdin.write("anything that is written is not its end\n")
    process.stdin.flush()
    assert first_line(process) in {"air source read", "bike share read"}
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=30) == 0


@pytest.mark.whole
def test_the_process_ends_well_when_told_to(process):
    assert first_line(process) in {"air source read", "bike share read"}
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


@pytest.mark.whole
def test_a_strangers_program_in_the_working_folder_is_not_started(started, data_dir, settings):
    with background(replace(settings, data_dir=data_dir), demo=False):
        (process,) = started
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    assert process.poll() is not None
