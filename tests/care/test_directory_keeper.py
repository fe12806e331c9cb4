"""The directory of a process follows the tables, and never keeps a request from its answer."""

import threading

import pytest

from citizen_api.care.directory import DirectoryKeeper
from tests.care.test_nearest_exact import AT, make_place


class Tables:
    """Stands for the tables: a version, the places, and a door that may hold a reader up."""

    def __init__(self):
        self.version = 1
        self.places = [make_place("a", lat=48.86, lon=2.35)]
        self.reading, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.reads = 0
        self.broken = False

    def read_version(self):
        if self.broken:
            raise OSError("the database is away")
        return self.version

    def read_places(self):
        self.reads += 1
        self.reading.set()
        assert self.go_on.wait(10)
        return list(self.places)

    def change(self, *names):
        self.places = [make_place(name, lat=48.86, lon=2.35) for name in names]
        self.version += 1


@pytest.fixture
def tables():
    return Tables()


def make_keeper(tables, check_every_s=0.0):
    return DirectoryKeeper(
        read_version=tables.read_version,
        read_places=tables.read_places,
        clock=lambda: AT,
        check_every_s=check_every_s,
    )


def test_when_the_version_moves_the_answers_do(tables):
    keeper = make_keeper(tables)
    assert [place.id for place in keeper.current().places()] == ["a"]
    tables.change("b")
    assert [place.id for place in keeper.current().places()] == ["b"]


def test_when_nothing_moves_nothing_is_read_again(tables):
    keeper = make_keeper(tables)
    assert keeper.current() is keeper.current()
    assert tables.reads == 1


def test_the_version_is_asked_for_no_oftener_than_agreed(tables):
    keeper = make_keeper(tables, check_every_s=3600)
    first = keeper.current()
    keeper.current()  # the first check after the building
    tables.change("b")
    assert keeper.current() is first


def test_an_empty_directory_is_a_directory(tables):
    tables.change()
    assert len(make_keeper(tables).current()) == 0


def test_while_one_request_rebuilds_the_others_are_answered(tables):
    keeper = make_keeper(tables)
    old = keeper.current()
    tables.change("b")
    tables.reading.clear()
    tables.go_on.clear()
    builder = threading.Thread(target=keeper.current)
    builder.start()
    assert tables.reading.wait(10)

    assert all(keeper.current() is old for _ in range(20))

    tables.go_on.set()
    builder.join()
    assert [place.id for place in keeper.current().places()] == ["b"]


def test_the_first_requests_wait_for_one_building(tables):
    keeper = make_keeper(tables, check_every_s=3600)
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


def test_a_database_that_is_away_costs_freshness_only(tables):
    keeper = make_keeper(tables)
    old = keeper.current()
    tables.broken = True
    assert keeper.current() is old
    tables.broken = False
    tables.change("b")
    assert keeper.current() is not old


def test_without_any_directory_a_broken_database_is_an_error_and_the_next_request_tries_again(tables):
    keeper = make_keeper(tables)
    tables.broken = True
    with pytest.raises(OSError, match="away"):
        keeper.current()
    tables.broken = False
    assert len(keeper.current()) == 1
