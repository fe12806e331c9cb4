"""A network in files is what was built; a process follows new builds; what is damaged costs its city only."""

import json
import logging
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from citizen_api.core.locks import TakenError
from citizen_api.core.versions import DamagedError, building
from citizen_api.mobility.network import Graph, Network
from citizen_api.mobility.network_files import (
    current_version,
    is_city,
    open_network,
    remove_network,
    stamp_of,
    write_network,
)
from citizen_api.mobility.networks import FOLDER, Networks
from tests.mobility.makers import make_grid

DAY = date(2026, 11, 20)
INSIDE = {"lat": 48.851, "lon": 2.351}


class Ticks:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def write(folder, city="a", *, columns=4, stamp="1"):
    return write_network(folder / city, make_grid(columns, 4, city=city), stamp=stamp)


def cities(networks):
    return [(network.city, len(network.lats)) for network in networks.all()]


def same(one, other):
    for field in fields(Network):
        value, read = getattr(one, field.name), getattr(other, field.name)
        if isinstance(value, np.ndarray):
            assert value.dtype == read.dtype, field.name
            assert np.array_equal(value, read, equal_nan=value.dtype.kind == "f"), field.name
        elif field.name not in {"graphs", "factors"}:
            assert value == read, field.name
    for name, graph in one.graphs.items():
        for field in fields(Graph):
            assert np.array_equal(getattr(graph, field.name), getattr(other.graphs[name], field.name))
    assert one.factors.keys() == other.factors.keys()
    assert all(np.array_equal(one.factors[pollutant], other.factors[pollutant]) for pollutant in one.factors)


def test_what_is_written_is_what_is_read(tmp_path):
    made = replace(make_grid(seed=7), elevation_source="heights.tif", factor_method="raster", extract_date=DAY)
    version = write_network(tmp_path / "a", made, stamp="7")
    same(made, open_network(version))
    assert (current_version(tmp_path / "a"), stamp_of(version)) == (version, "7")


def test_a_network_without_names_can_be_written(tmp_path):
    made = make_grid()
    nameless = replace(
        made,
        names=np.full(len(made.tails), -1, np.int32),
        name_offsets=np.zeros(1, np.int32),
        name_bytes=np.empty(0, np.uint8),
    )
    same(nameless, open_network(write_network(tmp_path / "a", nameless, stamp="1")))


def test_the_arrays_are_mapped_plain_and_cannot_be_written(tmp_path):
    network = open_network(write(tmp_path))
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert f"{current_version(tmp_path / 'a').name}/lats.npy" in mapped
    assert f"{current_version(tmp_path / 'a').name}/walk-heads.npy" in mapped
    assert type(network.lats) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        network.lats[0] = 1


def test_an_old_version_goes_at_once_and_who_has_it_open_keeps_reading(tmp_path):
    old = write(tmp_path)
    network = open_network(old)
    new = write(tmp_path, columns=5, stamp="2")
    assert [path for path in (tmp_path / "a").iterdir() if path.is_dir()] == [new]
    same(make_grid(4, 4, city="a"), network)


def test_only_one_process_builds_a_city(tmp_path):
    with building(tmp_path / "a"), pytest.raises(TakenError):
        write(tmp_path)
    write(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("meta.json", b"{"),
        ("lats.npy", None),
        ("lats.npy", b""),
        ("walk-offsets.npy", b"\xff" * 100),
    ],
)
def test_a_version_of_which_a_file_is_not_as_written_is_damaged(tmp_path, name, content):
    version = write(tmp_path)
    (version / name).unlink()
    if content is not None:
        (version / name).write_bytes(content)
    with pytest.raises(OSError, match=r"damaged|No such file"):
        open_network(version)
    assert current_version(tmp_path / "a") is None


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("lats", lambda column: column[:-1]),
        ("heads", lambda column: column[:-1]),
        ("walk-streets", lambda column: column[:-1]),
        ("bike-components", lambda column: column[:-1]),
        ("walk-offsets", lambda column: column + 1),
        ("shape_lat_e7", lambda column: column[:-2]),
        ("cell_offsets", lambda column: column[:-1]),
        ("factor-no2", lambda column: column[:-1]),
    ],
)
def test_columns_that_do_not_fit_each_other_are_never_searched(tmp_path, name, made):
    version = write(tmp_path)
    path = version / f"{name}.npy"
    np.save(path, made(np.load(path)))
    meta = json.loads((version / "meta.json").read_text())
    meta["sizes"][path.name] = path.stat().st_size
    (version / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(DamagedError):
        open_network(version)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, np.iinfo(np.int32).max) for name in ("cell_streets", "walk-heads", "bike-streets", "walk-components")),
        *((name, np.iinfo(np.int32).max) for name in ("tails", "heads", "names", "walk-forward_arcs")),
        *((name, -2) for name in ("walk-heads", "walk-backward_arcs", "names", "shape_offsets", "cell_offsets")),
        *((name, np.iinfo(np.int32).max) for name in ("walk-offsets", "name_offsets", "shape_lat_e7", "shape_lon_e7")),
        *((name, np.nan) for name in ("lats", "x_m", "walk-time_s", "length_m", "factor-no2")),
        *((name, np.inf) for name in ("lons", "bike-time_s", "ascent_m", "descent_m")),
        ("lats", 90.1),
        ("walk-time_s", -1),
        ("kinds", 200),
        ("name_bytes", 0xFF),
    ],
)
def test_damage_that_keeps_the_size_is_found_at_the_opening(tmp_path, name, value):
    version = write(tmp_path)
    path = version / f"{name}.npy"
    column = np.load(path)
    column[len(column) // 2] = value
    np.save(path, column)
    with pytest.raises(DamagedError):
        open_network(version)


@pytest.mark.parametrize("kind", ["<f4", ">i4"])
def test_a_column_of_another_type_is_damage(tmp_path, kind):
    version = write(tmp_path)
    path = version / "walk-heads.npy"
    path.write_bytes(path.read_bytes().replace(b"<i4", kind.encode()))
    with pytest.raises(DamagedError):
        open_network(version)


def test_a_name_that_starts_inside_a_character_is_damage(tmp_path):
    network = replace(make_grid(), name_bytes=np.frombuffer("é".encode(), np.uint8))
    network = replace(network, name_offsets=np.array([0, 1, 2], np.int32), names=np.zeros_like(network.names))
    with pytest.raises(DamagedError):
        open_network(write_network(tmp_path / "a", network, stamp="1"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", [float("inf"), 0]),
        ("origin", [10**400, 0]),
        ("origin", [91, 0]),
        ("box", [48, 2, float("nan"), 3]),
        ("box", [49, 2, 48, 3]),
        ("cell_m", 0),
        ("cell_m", float("inf")),
        ("west_m", float("nan")),
        ("rows", -1),
        ("title", 5),
    ],
)
def test_what_is_said_of_a_network_and_cannot_be_costs_its_city_only(tmp_path, name, value):
    meta = write(tmp_path, "a") / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {name: value}))
    write(tmp_path, "b")
    networks = Networks(tmp_path)
    assert (cities(networks), networks.damaged()) == ([("b", 16)], ["a"])


def test_a_column_that_is_not_there_is_damage(tmp_path):
    version = write(tmp_path)
    (version / "tails.npy").unlink()
    meta = json.loads((version / "meta.json").read_text())
    del meta["sizes"]["tails.npy"]
    (version / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(DamagedError):
        open_network(version)


@pytest.mark.parametrize("name", ["paris", "ile-de-france", "75", "a-1"])
def test_names_of_cities(name):
    assert is_city(name)


@pytest.mark.parametrize("name", ["", "Paris", "a b", "../a", "a/b", "-a", "a-", "a--b", "é", "a" * 61, "a\n"])
def test_what_is_no_name_of_a_city(name):
    assert not is_city(name)


def test_cities_stand_side_by_side_in_order(tmp_path):
    write(tmp_path, "b")
    write(tmp_path, "a", columns=3)
    assert cities(Networks(tmp_path)) == [("a", 12), ("b", 16)]


def test_without_a_folder_there_is_no_network(tmp_path):
    assert Networks(tmp_path / "none").all() == []


def test_only_networks_round_a_point_are_given(tmp_path):
    write(tmp_path)
    networks = Networks(tmp_path)
    assert [network.city for network in networks.around(**INSIDE)] == ["a"]
    south, west, _, _ = networks.all()[0].box
    assert networks.around(lat=south - 0.0013, lon=west - 0.0019)
    assert not networks.around(lat=south - 0.0014, lon=west)
    assert not networks.around(lat=south, lon=west - 0.0021)


def test_a_new_build_is_followed_once_the_disk_is_looked_at_again(tmp_path):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)
    first = networks.all()[0]
    write(tmp_path, columns=5, stamp="2")
    write(tmp_path, "b")
    clock.now += 0.9
    assert networks.all()[0] is first
    clock.now += 0.2
    assert cities(networks) == [("a", 20), ("b", 16)]


def test_a_city_that_did_not_change_is_not_opened_again(tmp_path):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)
    first = networks.all()[0]
    clock.now += 60
    assert networks.all()[0] is first


def test_a_build_of_before_dates_were_kept_has_none(tmp_path):
    version = write_network(tmp_path / "a", replace(make_grid(), extract_date=DAY), stamp="1")
    meta = json.loads((version / "meta.json").read_text())
    del meta["extract_date"]
    (version / "meta.json").write_text(json.dumps(meta))
    assert open_network(version).extract_date is None


def test_a_city_that_is_removed_is_forgotten_and_who_has_it_open_keeps_reading(tmp_path):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)
    (network,) = networks.all()
    assert remove_network(tmp_path / "a")
    clock.now += 2
    assert networks.all() == []
    same(make_grid(4, 4, city="a"), network)
    assert not remove_network(tmp_path / "a")


def test_damaged_networks_are_named_until_they_are_built_again_or_removed(tmp_path):
    clock = Ticks()
    for city in "abc":
        (write(tmp_path, city) / "lats.npy").write_bytes(b"")
    write(tmp_path, "d")
    networks = Networks(tmp_path, monotonic=clock)
    assert networks.damaged() == ["a", "b", "c"]
    write(tmp_path, "a", stamp="2")
    remove_network(tmp_path / "b")
    clock.now += 2
    assert networks.damaged() == ["c"]


def test_a_city_that_was_removed_is_forgotten(tmp_path):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)
    assert networks.all()
    (tmp_path / "a" / "current").unlink()
    clock.now += 2
    assert networks.all() == []


def test_a_damaged_network_costs_its_city_only_and_is_told_once(tmp_path, caplog):
    clock = Ticks()
    write(tmp_path, "a")
    (write(tmp_path, "b") / "lats.npy").write_bytes(b"")
    networks = Networks(tmp_path, monotonic=clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert cities(networks) == [("a", 16)]
            clock.now += 2
    assert [(record.city, record.why) for record in caplog.records] == [("b", "DamagedError")]
    write(tmp_path, "b", stamp="2")
    assert cities(networks) == [("a", 16), ("b", 16)]


def test_a_build_that_is_damaged_leaves_the_one_before_in_use(tmp_path):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)
    first = networks.all()[0]
    (write(tmp_path, columns=5, stamp="2") / "meta.json").write_text("{")
    clock.now += 2
    assert networks.all()[0] is first
    same(make_grid(4, 4, city="a"), first)


def test_what_cannot_be_read_just_now_is_tried_again(tmp_path, monkeypatch, caplog):
    clock = Ticks()
    write(tmp_path)
    networks = Networks(tmp_path, monotonic=clock)

    def full(_):
        raise OSError(24, "too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("citizen_api.mobility.networks.open_network", full)
        assert networks.all() == []
        clock.now += 2
        assert networks.all() == []
    clock.now += 2
    assert cities(networks) == [("a", 16)]
    assert len(caplog.records) == 1


def test_readiness_tells_the_networks_and_does_not_depend_on_them(client, services, settings):
    assert client.get("/readyz").json["checks"]["networks"] == {"ok": True, "cities": {}, "damaged": []}
    folder = settings.data_dir / FOLDER
    write_network(folder / "a", replace(make_grid(city="a"), extract_date=DAY), stamp="1")
    write(folder, "b")
    (write(folder, "c") / "lats.npy").write_bytes(b"")
    services.ports[Networks] = Networks(folder, look_every_s=0)
    answer = client.get("/readyz")
    built_on = make_grid().built_on.isoformat()
    assert (answer.status_code, answer.json["checks"]["networks"]) == (
        200,
        {
            "ok": True,
            "cities": {
                "a": {"built_on": built_on, "extract_date": "2026-11-20"},
                "b": {"built_on": built_on, "extract_date": None},
            },
            "damaged": ["c"],
        },
    )
