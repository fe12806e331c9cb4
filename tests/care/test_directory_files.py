"""A version of the directory is whole or not there, and stays as long as somebody uses it."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from citizen_api.care import directory_files as files
from citizen_api.care.directory import Directory
from citizen_api.care.keeper import build
from citizen_api.core.locks import TakenError
from tests.care.directory_makers import AT, make_place

HERE = {"lat": 48.86, "lon": 2.35, "categories": ("pharmacy",), "limit": 9}


def opening(places, stamp):
    """Tables that hold these places, as `write_directory` opens them."""
    return lambda: nullcontext((stamp, places))


def write(folder, *names, stamp="1"):
    places = [make_place(name, lat=48.86, lon=2.35, opening_hours="24/7") for name in sorted(names)]
    with files.building(folder):
        return files.write_directory(folder, [opening(places, stamp)], built_at=AT)


def names(directory):
    return [directory.id_of(found.number) for found in directory.nearest(**HERE)]


def versions(folder):
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_what_is_written_is_what_is_read(tmp_path):
    version = write(tmp_path, "a", "b")
    directory = Directory.open(version)
    assert files.current_version(tmp_path) == version
    assert (names(directory), directory.stamp, directory.built_at) == (["a", "b"], "1", AT)
    assert directory.facts(1)["name"] == "Synthetic b"


def some_places():
    """Places of several schedules, categories and features, by id."""
    hours = [None, "24/7", "Mo-Fr 09:05-18:00", "Sa 10:00-12:00", "Mo-Su 20:00-06:00"]
    return [
        make_place(
            f"p{rank:03}",
            lat=48.8 + rank % 17 / 100,
            lon=2.3 + rank % 13 / 100,
            categories=("pharmacy", "dentist")[rank % 3 == 0 :],
            opening_hours=hours[rank % 5],
            services=("vaccination",) if rank % 7 == 0 else (),
            wheelchair=(None, "yes", "no")[rank % 4 % 3],
        )
        for rank in range(300)
    ]


def test_parts_read_side_by_side_give_the_directory_that_one_reader_gives(tmp_path):
    places = some_places()
    with files.building(tmp_path):
        parts = [opening(places[:70], "1"), opening(places[70:71], "1"), opening(places[71:], "1")]
        several = Directory.open(files.write_directory(tmp_path, parts, built_at=AT))
        one = Directory.open(files.write_directory(tmp_path, [opening(places, "1")], built_at=AT))
    assert not list(files.current_version(tmp_path).parent.rglob("part-*"))
    assert several.counts() == one.counts()
    for number in range(300):
        assert several.facts(number) == one.facts(number)
        assert several.items_json([number], AT, "en") == one.items_json([number], AT, "en")
    for wishes in ({}, {"states": ("open",), "at": AT}, {"features": ("service:vaccination",)}):
        for lat in (48.8, 48.9):
            asked = {"lat": lat, "lon": 2.35, "categories": ("pharmacy", "dentist"), "limit": 50} | wishes
            assert several.nearest(**asked) == one.nearest(**asked)


def test_parts_of_different_states_of_the_tables_make_no_directory(tmp_path):
    places = some_places()
    with files.building(tmp_path), pytest.raises(files.MovedError):
        files.write_directory(tmp_path, [opening(places[:9], "1"), opening(places[9:], "2")], built_at=AT)
    assert files.current_version(tmp_path) is None


def test_should_the_tables_move_while_parts_are_opened_one_reader_reads_all(tmp_path):
    places = some_places()
    moved = [opening(places[:9], "1"), opening(places[9:], "2")]
    version = build(tmp_path, opening(places, "3"), now=AT, side_by_side=moved)
    assert (Directory.open(version).stamp, len(Directory.open(version))) == ("3", 300)


def test_a_reader_that_dies_is_an_error_and_no_directory(tmp_path):
    def dying():
        os._exit(9)

    with files.building(tmp_path), pytest.raises(OSError, match="ended with 9"):
        files.write_directory(tmp_path, [opening([], "1"), dying], built_at=AT)
    assert files.current_version(tmp_path) is None


def test_the_arrays_are_mapped_not_copied(tmp_path):
    directory = Directory.open(write(tmp_path, "a"))
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert f"{tmp_path}/{files.current_version(tmp_path).name}/lats.npy" in mapped
    assert f"{tmp_path}/{files.current_version(tmp_path).name}/body" in mapped
    assert len(directory) == 1


def test_an_empty_directory_can_be_written_and_asked(tmp_path):
    directory = Directory.open(write(tmp_path))
    assert (len(directory), names(directory), directory.counts()) == (0, [], {})


def test_a_build_that_dies_half_way_leaves_the_old_version_and_no_trace_later(tmp_path):
    old = write(tmp_path, "a")

    def dying():
        yield make_place("b", lat=48.86, lon=2.35)
        raise MemoryError

    with pytest.raises(MemoryError), files.building(tmp_path):
        files.write_directory(tmp_path, [opening(dying(), "2")], built_at=AT)
    assert files.current_version(tmp_path) == old
    assert names(Directory.open(old)) == ["a"]

    new = write(tmp_path, "c", stamp="3")
    assert versions(tmp_path) == {old.name, new.name}


KILLED = """
import sys
from contextlib import nullcontext
from pathlib import Path
from citizen_api.care import directory_files as files
from tests.care.directory_makers import AT, make_place

def places():
    for rank in range(1_000_000):
        yield make_place(f"p{rank:07}", lat=48.86, lon=2.35)
        if rank == 200:
            print("on the way", flush=True)
            sys.stdin.read()

with files.building(Path(sys.argv[1])):
    files.write_directory(Path(sys.argv[1]), [lambda: nullcontext(("2", places()))], built_at=AT)
"""


def test_a_builder_that_is_killed_is_never_loaded_and_frees_the_lock(tmp_path):
    old = write(tmp_path, "a")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as builder:
        assert builder.stdout.readline() == b"on the way\n"
        assert files.is_being_built(tmp_path)
        with pytest.raises(TakenError):
            write(tmp_path, "b")
        builder.kill()
    assert files.current_version(tmp_path) == old
    assert not files.is_being_built(tmp_path)
    write(tmp_path, "b", stamp="3")
    assert not [name for name in versions(tmp_path) if name.startswith("unfinished")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("current", None),
        ("current", b"elsewhere"),
        ("current", b"\xff\xfe"),
        ("meta.json", None),
        ("meta.json", b"{"),
        ("meta.json", json.dumps({"format": files.FORMAT + 1}).encode()),
        ("meta.json", b"[]"),
        ("meta.json", json.dumps({"format": files.FORMAT}).encode()),
        ("body", None),
        ("body", b"{"),
        ("rows.npy", b""),
        ("rows.npy", None),
    ],
)
def test_what_is_damaged_or_of_another_format_is_as_good_as_absent(tmp_path, name, content):
    version = write(tmp_path, "a")
    damaged = (tmp_path if name == "current" else version) / name
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)
    assert files.current_version(tmp_path) is None


def test_a_file_of_the_right_size_that_is_no_array_is_damage_and_its_version_is_current_no_more(tmp_path):
    version = write(tmp_path, "a")
    rows = version / "rows.npy"
    rows.write_bytes(b"\xff" * rows.stat().st_size)
    assert files.current_version(tmp_path) == version
    with pytest.raises(files.DamagedError):
        Directory.open(version)
    assert files.current_version(tmp_path) is None


def test_an_old_version_goes_when_nobody_uses_it_any_more(tmp_path):
    old = write(tmp_path, "a")
    used = Directory.open(old)
    new = write(tmp_path, "b", stamp="2")
    with files.building(tmp_path):
        assert files.remove_unused(tmp_path) == []
    assert names(used) == ["a"]
    del used
    with files.building(tmp_path):
        assert files.remove_unused(tmp_path) == [old.name]
    assert versions(tmp_path) == {new.name}


def hold(version, opened, go_on):
    directory = Directory.open(version)
    opened.set()
    go_on.wait(30)
    assert names(directory) == ["a"]


def test_another_process_keeps_its_version_until_it_ends_even_by_a_kill(tmp_path):
    old = write(tmp_path, "a")
    context = multiprocessing.get_context("spawn")
    opened, go_on = context.Event(), context.Event()
    reader = context.Process(target=hold, args=(old, opened, go_on))
    reader.start()
    assert opened.wait(60)
    write(tmp_path, "b", stamp="2")
    with files.building(tmp_path):
        assert files.remove_unused(tmp_path) == []
    reader.kill()
    reader.join()
    with files.building(tmp_path):
        assert files.remove_unused(tmp_path) == [old.name]


def test_a_version_that_is_gone_is_an_error_to_open(tmp_path):
    version = write(tmp_path, "a")
    (version / "meta.json").unlink()
    with pytest.raises(OSError, match=r"meta\.json"):
        Directory.open(version)


def test_a_version_expires_when_half_of_its_packed_days_are_over(tmp_path):
    meta = files.read_meta(write(tmp_path, "a"))
    assert not files.is_expiring(meta, AT)
    assert not files.is_expiring(meta, AT.replace(day=28))
    assert files.is_expiring(meta, AT.replace(day=30))


def test_tables_that_moved_at_another_time_have_another_stamp():
    assert files.stamp_of(3, AT) != files.stamp_of(3, AT.replace(microsecond=1)) != files.stamp_of(4, AT)
    assert time.strptime(files.stamp_of(3, AT)[2:17], "%Y%m%dT%H%M%S")
