"""What is done beside answering: job by job, and as a process that ends with the one that started it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from citizen_api.background import _carefully, _chores, background, work
from citizen_api.core.settings import SettingsError
from citizen_api.people.device_models import Device

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


def test_silent_devices_are_retired_every_six_hours(database, clock):
    def silent(name):
        long_ago = (clock() - timedelta(days=400)).date()
        with database.session() as session:
            session.add(Device(id=name, token_hash=name, created_on=long_ago, seen_on=long_ago))

    def left():
        with database.session(write=False) as session:
            return session.scalars(select(Device.id)).all()

    chores = _chores(database, clock)
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


@pytest.mark.whole
def test_the_process_ends_well_when_whoever_holds_its_input_is_gone(process):
    process.stdin.write("anything that is written is not its end\n")
    process.stdin.flush()
    assert first_line(process) == "air source read"
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=30) == 0


@pytest.mark.whole
def test_the_process_ends_well_when_told_to(process):
    assert first_line(process) == "air source read"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


@pytest.mark.whole
def test_a_strangers_program_in_the_working_folder_is_not_started(data_dir, settings, tmp_path, monkeypatch):
    (tmp_path / "app.py").write_text("raise SystemExit('a stranger')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    started = []
    popen = subprocess.Popen

    def start(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with background(replace(settings, data_dir=data_dir), demo=False):
        (process,) = started
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    assert process.poll() is not None
