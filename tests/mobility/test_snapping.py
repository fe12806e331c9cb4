"""A point is brought to the nearest street: as a plain measure of every street says."""

from dataclasses import replace

import numpy as np
import pytest

from citizen_api.mobility.network import SNAP_M
from citizen_api.mobility.search import snap
from citizen_api.mobility.snapping import access_m, access_s
from tests.mobility.hashcode_makers import HASHCODE, read_hashcode
from tests.mobility.makers import changed, make_grid
from tests.mobility.search_makers import make_snap, simple_snap
from tests.shared_data import shared_file

NORTH = 1 / 111_200
"""Degrees of latitude in a metre."""


def bent():
    """A grid whose streets have a bend: each goes by a point beside its middle."""
    network = make_grid(8, 8, seed=3)
    draw = np.random.default_rng(4)
    lat, lon = network.shape_lat_e7.reshape(-1, 2), network.shape_lon_e7.reshape(-1, 2)
    bends = draw.integers(-3000, 3000, (2, len(lat)))
    return changed(
        network,
        shape_offsets=np.arange(0, 3 * len(lat) + 1, 3, dtype=np.int32),
        shape_lat_e7=np.column_stack((lat[:, 0], lat.mean(axis=1) + bends[0], lat[:, 1])).ravel().astype(np.int32),
        shape_lon_e7=np.column_stack((lon[:, 0], lon.mean(axis=1) + bends[1], lon[:, 1])).ravel().astype(np.int32),
    )


def assert_as_the_plain_one(network, points, graph="walk"):
    for lat, lon in points:
        found = snap(network, graph, lat=lat, lon=lon)
        expected = simple_snap(network, graph, lat=lat, lon=lon, within_m=SNAP_M)
        assert [each.distance_m for each in found] == pytest.approx([metres for _, _, metres in expected], abs=1e-6)
        for each, (street, fraction, _) in zip(found, expected, strict=True):
            at_end = each.fraction in {0.0, 1.0}  # of the streets of a junction the plain one takes another
            assert at_end or (each.street, each.fraction) == (street, pytest.approx(fraction, abs=1e-9))


def draw_points(network, count, *, seed):
    draw = np.random.default_rng(seed)
    south, west, north, east = network.box
    return np.column_stack((draw.uniform(south, north, count), draw.uniform(west, east, count))).tolist()


def test_on_bent_streets_the_nearest_is_that_of_a_plain_measure():
    network = bent()
    assert_as_the_plain_one(network, draw_points(network, 60, seed=1))


def test_on_the_streets_of_paris_the_nearest_is_that_of_a_plain_measure():
    paris = read_hashcode(shared_file(HASHCODE))
    near = [*draw_points(paris, 2, seed=2), [paris.lats[40], paris.lons[40]]]
    assert_as_the_plain_one(paris, near, "bike")


def test_a_snap_tells_where_on_the_street_it_is_and_how_far():
    network = bent()
    for lat, lon in draw_points(network, 40, seed=5):
        found = snap(network, "walk", lat=lat, lon=lon)[0]
        x, y = network.plane(lat=found.lat, lon=found.lon)
        from_x, from_y = network.plane(lat=lat, lon=lon)
        assert np.hypot(x - from_x, y - from_y) == pytest.approx(found.distance_m, abs=1e-4)
        points = np.array([network.plane(lat=a, lon=b) for a, b in network.shape(found.street)])
        lengths = np.hypot(*np.diff(points, axis=0).T)
        gone = found.fraction * lengths.sum()
        along = np.array([np.interp(gone, np.concatenate(([0], lengths.cumsum())), points[:, axis]) for axis in (0, 1)])
        assert np.hypot(*(along - (x, y))) < 1e-3


def test_beyond_an_end_one_is_at_the_end_exactly_and_on_the_street_with_the_lowest_number():
    network = make_grid(3, 3)
    corner = snap(network, "walk", lat=network.lats[8] + 20 * NORTH, lon=network.lons[8] + 20 * NORTH)[0]
    assert corner.fraction == 1.0
    assert corner.street == min(np.flatnonzero((network.heads == 8) | (network.tails == 8)))


def test_farther_than_is_asked_for_there_is_nothing():
    network = make_grid(3, 3)
    lat, lon = float(network.lats[0]) - 140 * NORTH, float(network.lons[0])
    assert snap(network, "walk", lat=lat, lon=lon)
    assert snap(network, "walk", lat=lat, lon=lon, within_m=139) == []
    for far in ((90.0, 0.0), (-90.0, 180.0), (0.0, -180.0)):
        assert snap(network, "walk", lat=far[0], lon=far[1]) == []


def test_of_each_part_that_does_not_touch_the_others_the_nearest_point_is_found_nearest_first():
    network = make_grid(20, 20, block_m=20)
    walk = network.graphs["walk"]
    parts = np.arange(400, dtype=np.int32) // 20
    rows = np.flatnonzero(parts[network.tails] == parts[network.heads])
    kept = np.isin(np.arange(len(network.tails)), rows)
    walk = replace(
        walk,
        components=parts,
        forward_arcs=np.where(kept, walk.forward_arcs, -1),
        backward_arcs=np.where(kept, walk.backward_arcs, -1),
    )
    network = changed(network, graphs={"walk": walk})
    found = snap(network, "walk", lat=float(network.lats[205]) + 5 * NORTH, lon=float(network.lons[205]) + 1e-5)
    assert [each.component for each in found] == [10, 11, 9, 12, 8, 13, 7, 14, 6, 15, 5, 16, 4, 17, 3]
    assert [each.distance_m for each in found] == sorted(each.distance_m for each in found)


def test_streets_that_must_not_be_gone_along_are_passed_over():
    network = make_grid(4, 4)
    walk = network.graphs["walk"]
    lat, lon = float(network.lats[0]) + 1 * NORTH, float(network.lons[:2].mean())
    nearest = snap(network, "walk", lat=lat, lon=lon)[0].street
    time_s = walk.time_s.copy()
    time_s[walk.forward_arcs[nearest]] = np.inf
    assert snap(network, "walk", lat=lat, lon=lon, time_s=time_s)[0].street == nearest
    time_s[walk.backward_arcs[nearest]] = np.inf
    assert snap(network, "walk", lat=lat, lon=lon, time_s=time_s)[0].street != nearest


@pytest.mark.parametrize(("straight_m", "metres", "seconds"), [(0.0, 0.0, 0.0), (100.0, 130.0, 97.5)])
def test_between_a_door_and_its_street_one_walks_and_not_in_a_straight_line(straight_m, metres, seconds):
    # 30 % longer than the straight line, at 4.8 km/h.
    door = replace(make_snap(make_grid(3, 3), 0, 0.5), distance_m=straight_m)
    assert (access_m(door), access_s(door)) == (pytest.approx(metres), pytest.approx(seconds))
