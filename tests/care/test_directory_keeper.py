"""The directory of a process follows the tables, and never keeps a request from its answer."""

import os
import threading
import time
from contextlib import contextmanager

import pytest

from citizen_api.care.directory_files import current_version
from citizen_api.care.keeper import BuilderFailedError, DirectoryKeeper, build, choose_compiled_folder
from citizen_api.core.problems import Unavailable
from citizen_api.core.settings import Settings
from tests.care.directory_makers import AT, make_place

SOON_S = 20.0


class Tables:
    """Stands for the tables: a stamp, the places, and a door that may hold a reader up."""

    def __init__(self, folder):
        self.folder = folder
        self.stamp = "1"
        self.names = ("a",)
        self.reading, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.reads = 0
        self.broken = False

    def read_stamp(self):
        if self.broken:
            raise OSError("the database is away")
        return self.stamp

    @contextmanager
    def read_places(self):
        if self.broken:
            raise OSError("the database is away")
        self.reads += 1
        stamp, names = self.stamp, self.names
        self.reading.set()
        assert self.go_on.wait(SOON_S)
        yield stamp, [make_place(name, lat=48.86, lon=2.35) for name in names]

    def change(self, *names):
        self.names = names
        self.stamp = str(int(self.stamp) + 1)

    def start_builder(self):
        """Build here instead of in a process of its own."""
        try:
            build(self.folder, self.read_places, now=AT)
        except OSError as error:
            raise BuilderFailedError from error
        return True


@pytest.fixture
def tables(tmp_path):
    return Tables(tmp_path)


@pytest.fixture
def make_keeper(tables, tmp_path):
    made = []

    def make(check_every_s=0.01):
        keeper = DirectoryKeeper(
            tmp_path,
            read_stamp=tables.read_stamp,
            read_places=tables.read_places,
            clock=lambda: AT,
            check_every_s=check_every_s,
            start_builder=tables.start_builder,
        )
        made.append(keeper)
        return keeper

    yield make
    tables.go_on.set()
    for keeper in made:
        keeper.stop()


def ids(directory):
    return [directory.id_of(number) for number in directory]


def soon(keeper, *names):
    """Wait until the keeper has these places; nothing is measured, only that it comes."""
    end = time.monotonic() + SOON_S
    while ids(keeper.current()) != list(names):
        assert time.monotonic() < end, ids(keeper.current())
        time.sleep(0.01)


def test_when_the_tables_move_the_answers_do(tables, make_keeper):
    keeper = make_keeper()
    assert ids(keeper.current()) == ["a"]
    tables.change("b")
    soon(keeper, "b")


def test_when_nothing_moves_nothing_is_built_again(tables, make_keeper):
    keeper = make_keeper()
    first = keeper.current()
    keeper.follow()
    assert keeper.current() is first
    assert tables.reads == 1


def test_no_request_waits_while_the_next_is_built(tables, make_keeper):
    keeper = make_keeper()
    old = keeper.current()
    tables.reading.clear()
    tables.go_on.clear()
    tables.change("b")
    assert tables.reading.wait(SOON_S)  # the follower builds, and is held up in the middle

    assert all(keeper.current() is old for _ in range(100))

    tables.go_on.set()
    soon(keeper, "b")


def test_the_first_requests_wait_for_one_building(tables, make_keeper):
    keeper = make_keeper(check_every_s=3600)
    tables.go_on.clear()
    found = []
    threads = [threading.Thread(target=lambda: found.append(keeper.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    tables.go_on.set()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert tables.reads == 1


def test_what_another_process_built_is_opened_and_not_built_again(tables, make_keeper):
    one, other = make_keeper(check_every_s=3600), make_keeper(check_every_s=3600)
    one.current()
    other.current()
    tables.change("b")
    one.follow()
    other.follow()
    assert (ids(one.current()), ids(other.current())) == (["b"], ["b"])
    assert tables.reads == 2


def test_an_empty_directory_is_a_directory(tables, make_keeper):
    tables.change()
    assert len(make_keeper().current()) == 0


def test_a_database_that_is_away_costs_freshness_only(tables, make_keeper):
    keeper = make_keeper()
    old = keeper.current()
    tables.broken = True
    time.sleep(0.1)
    assert keeper.current() is old
    tables.change("b")
    tables.broken = False
    soon(keeper, "b")


def test_a_database_that_is_away_at_the_start_is_answered_from_the_files(tables, make_keeper):
    make_keeper(check_every_s=3600).current()
    tables.broken = True
    assert ids(make_keeper().current()) == ["a"]


def test_without_any_directory_a_broken_database_is_a_problem_and_the_next_request_tries_again(tables, make_keeper):
    keeper = make_keeper()
    tables.broken = True
    with pytest.raises(Unavailable):
        keeper.current()
    tables.broken = False
    assert len(keeper.current()) == 1


def test_when_the_packed_days_run_out_it_is_built_again(tables, tmp_path):
    moments = [AT]
    keeper = DirectoryKeeper(
        tmp_path,
        read_stamp=tables.read_stamp,
        read_places=tables.read_places,
        clock=lambda: moments[-1],
        check_every_s=3600,
        start_builder=lambda: bool(build(tmp_path, tables.read_places, now=moments[-1])),
    )
    before = keeper.current()
    moments.append(AT.replace(day=30))
    keeper.follow()
    after = keeper.current()
    keeper.stop()
    assert (before.schedules.start.day, after.schedules.start.day) == (22, 30)


def test_a_newer_version_leaves_no_older_one_behind(tables, make_keeper, tmp_path):
    keeper = make_keeper(check_every_s=3600)
    for name in ("b", "c", "d"):
        keeper.current()
        tables.change(name)
        keeper.follow()
    tables.start_builder()
    kept = {path for path in tmp_path.iterdir() if path.is_dir()}
    assert current_version(tmp_path) in kept
    assert len(kept) <= 2  # the current one, and the one that this process has open


@pytest.mark.parametrize("name", ["body", "rows.npy", "meta.json"])
def test_a_damaged_version_is_built_anew_from_the_tables(make_keeper, tmp_path, name):
    make_keeper(check_every_s=3600).current()
    damaged = current_version(tmp_path) / name
    damaged.write_bytes(b"\xff" * damaged.stat().st_size)
    if name == "body":  # what it says is not looked at, only how much
        damaged.write_bytes(b"{")
    assert ids(make_keeper(check_every_s=3600).current()) == ["a"]


def test_the_last_process_to_leave_an_old_version_removes_it(tables, make_keeper, tmp_path):
    first, second = make_keeper(check_every_s=3600), make_keeper(check_every_s=3600)
    first.current()
    second.current()
    tables.change("b")
    first.follow()
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2
    second.follow()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [current_version(tmp_path)]
    assert ids(first.current()) == ids(second.current()) == ["b"]


def test_without_an_interval_it_is_packed_in_memory_before_the_answer(tables, make_keeper, tmp_path):
    keeper = make_keeper(check_every_s=0)
    assert ids(keeper.current()) == ["a"]
    tables.change("b")
    assert ids(keeper.current()) == ["b"]
    assert keeper.current() is keeper.current()
    tables.broken = True
    assert ids(keeper.current()) == ["b"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("writable", "named"), [(False, "numba"), (True, None)])
def test_machine_code_is_kept_in_the_data_folder_where_the_program_may_not_write_into_its_own(
    tmp_path, monkeypatch, writable, named
):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(os, "access", lambda *_: writable)
    choose_compiled_folder(Settings(data_dir=tmp_path))
    assert os.environ.pop("NUMBA_CACHE_DIR", None) == (named and str(tmp_path / named))
