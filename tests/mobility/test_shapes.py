"""The line of a way."""

from __future__ import annotations

import numpy as np
import pytest

from citizen_api.mobility.planning import stress_of
from citizen_api.mobility.shapes import route_points
from tests.mobility.makers import changed, make_grid
from tests.mobility.trip_makers import make_route, mode


def test_a_way_along_two_streets_has_each_point_once():
    network = make_grid(4, 2)
    points, pieces = route_points(network, make_route((0, 0.0, 1.0), (1, 0.0, 1.0)))
    assert points[:, 1] == pytest.approx(network.lons[:3], abs=1e-6)
    assert pieces.tolist() == [0, 1]


def test_a_way_is_cut_where_it_begins_and_ends():
    network = make_grid(4, 2)
    points, pieces = route_points(network, make_route((0, 0.25, 1.0), (1, 0.0, 0.5)))
    width = network.lons[1] - network.lons[0]
    assert points[0, 1] == pytest.approx(network.lons[0] + 0.25 * width, abs=1e-6)
    assert points[-1, 1] == pytest.approx(network.lons[1] + 0.5 * width, abs=1e-6)
    assert pieces.tolist() == [0, 1]


def test_a_street_gone_against_its_own_direction_is_drawn_backward():
    network = make_grid(4, 2)
    points, _ = route_points(network, make_route((0, 1.0, 0.25)))
    assert points[0, 1] > points[-1, 1]
    assert points[0, 1] == pytest.approx(network.lons[1], abs=1e-6)


def test_a_cut_keeps_the_bends_between_its_ends():
    network = make_grid(2, 2)
    bend = np.array([network.lats[0] + 0.0009, (network.lons[0] + network.lons[1]) / 2])
    lat = np.concatenate(([network.lats[0], bend[0], network.lats[1]], network.shape_lat_e7[2:] / 1e7))
    lon = np.concatenate(([network.lons[0], bend[1], network.lons[1]], network.shape_lon_e7[2:] / 1e7))
    network = changed(
        network,
        shape_offsets=np.concatenate(([0], network.shape_offsets[1:] + 1)).astype(np.int32),
        shape_lat_e7=np.rint(lat * 1e7).astype(np.int32),
        shape_lon_e7=np.rint(lon * 1e7).astype(np.int32),
    )
    points, pieces = route_points(network, make_route((0, 0.9, 0.1)))
    assert len(points) == 3
    assert points[1] == pytest.approx(bend, abs=1e-6)
    assert pieces.tolist() == [0, 0]


def test_a_way_of_no_length_is_one_point():
    points, pieces = route_points(make_grid(3, 2), make_route((0, 0.5, 0.5)))
    assert len(points) == 1
    assert len(pieces) == 0


def test_stress_is_least_on_small_streets():
    assert stress_of(make_grid(2, 2, kind="primary"), mode())[0] > stress_of(make_grid(2, 2), mode())[0]
