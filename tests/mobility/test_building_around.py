"""Slopes, light on heights, parks and main roads round a street, and the times that follow."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from citizen_api.mobility import building_graph
from citizen_api.mobility.building import Air, Relief
from citizen_api.mobility.building_slopes import LIFT_S, Slopes, cycling_s, walking_s
from citizen_api.mobility.network import Flag
from citizen_api.sources.raster import Grid
from citizen_api.sources.records import SourceFormatError
from tests.mobility.street_makers import AIR, DEGREE_M, build, check, make_line, seconds, streets
from tests.sources.osm_makers import make_node, make_relation, make_way

LINE = make_line(*range(1, 8))
WALK, BIKE, PUSH = 4.8 / 3.6, 15 / 3.6, 4 / 3.6


@dataclass
class Ramp:
    """A raster that rises `pct` to the north of 48.8, unknown beyond `until` metres."""

    pct: float
    until_m: float = 1e9

    def at(self, lats, lons, *, smooth):
        assert (len(lats), smooth) == (len(lons), True)
        north_m = (lats - 48.8) * DEGREE_M
        return np.where(north_m > self.until_m, np.nan, 50 + north_m * self.pct / 100)


def relief(*args):
    return Relief(raster=Ramp(*args), source="ramp.tif")


def street_of(folder, *, highway="residential", **options):
    tags = options.pop("tags", {})
    network, _ = build(folder, *LINE, make_way(50, [1, 2, 3, 4], highway=highway, **tags), **options)
    return network, streets(network)[0]


def test_without_heights_slopes_are_unknown_and_times_those_of_the_flat(tmp_path):
    network, street = street_of(tmp_path)
    assert np.isnan(network.ascent_m[0])
    assert np.isnan(network.descent_m[0])
    assert seconds(network, "walk", 0) == pytest.approx(street.length_m / WALK, rel=1e-3)
    assert seconds(network, "bike", 0) == pytest.approx(street.length_m / BIKE, rel=1e-3)
    assert network.elevation_source is None


def test_heights_give_ascent_and_times_each_way(tmp_path):
    network, street = street_of(tmp_path, relief=relief(5))
    assert network.ascent_m[0] == pytest.approx(15, abs=0.1)
    assert network.descent_m[0] == 0
    assert network.elevation_source == "ramp.tif"
    flat, tobler = street.length_m / WALK, np.exp(3.5 * 0.05)
    assert seconds(network, "walk", 0) == pytest.approx(flat * tobler, rel=1e-2)
    assert seconds(network, "walk", 0, back=True) == pytest.approx(flat / tobler, rel=1e-2)
    assert seconds(network, "bike", 0) == pytest.approx(street.length_m / (BIKE * (1 - 6.7 * 0.05)), rel=1e-2)
    assert seconds(network, "bike", 0, back=True) == pytest.approx(street.length_m / BIKE, rel=1e-2)


def test_who_would_ride_slower_than_on_foot_pushes(tmp_path):
    network, street = street_of(tmp_path, relief=relief(20))
    assert seconds(network, "bike", 0) == pytest.approx(street.length_m / PUSH, rel=1e-2)


def test_steeper_than_6_percent_is_no_way_for_a_wheelchair(tmp_path):
    assert street_of(tmp_path, relief=relief(7), tags={"wheelchair": "yes"})[1].flags == Flag.NO_WHEELCHAIR
    assert not street_of(tmp_path, relief=relief(5))[1].has(Flag.NO_WHEELCHAIR)
    assert not street_of(tmp_path)[1].has(Flag.NO_WHEELCHAIR)


@pytest.mark.parametrize(("pct", "steep"), [(5.5, False), (6.5, True)])
def test_the_grain_of_a_raster_makes_no_street_steeper_or_flatter(tmp_path, pct, steep):
    cell = 25 / DEGREE_M
    heights = 50 + np.arange(40)[:, None] * 25 * pct / 100 + np.zeros((40, 3))
    ramp = Grid(values=heights, south=48.7999, west=2.29, lat_step=cell, lon_step=0.01)
    points = [node for number in range(1, 40) for node in make_line(number, step_m=23)]
    ways = [make_way(50 + n, [n, n + 1], highway="residential", name=str(n)) for n in range(1, 39)]
    network, _ = build(tmp_path, *points, *ways, relief=Relief(raster=ramp, source="grid.csv"))
    assert {street.has(Flag.NO_WHEELCHAIR) for street in streets(network)} == {steep}


def test_a_very_short_street_is_not_judged_by_a_raster(tmp_path):
    points = make_line(1, 2, step_m=15)
    network, _ = build(tmp_path, *points, make_way(50, [1, 2], highway="residential"), relief=relief(30))
    assert not streets(network)[0].has(Flag.NO_WHEELCHAIR)


def test_an_incline_that_was_mapped_serves_where_the_raster_says_nothing(tmp_path):
    network, street = street_of(tmp_path, tags={"incline": "-8%"})
    assert (network.ascent_m[0], network.descent_m[0]) == (0, pytest.approx(24, abs=0.1))
    assert street.has(Flag.NO_WHEELCHAIR)
    network, _ = street_of(tmp_path, tags={"incline": "-8%"}, relief=relief(2, 150))
    assert network.descent_m[0] == pytest.approx(24, abs=0.1)
    network, _ = street_of(tmp_path, tags={"incline": "-8%"}, relief=relief(2))
    assert network.ascent_m[0] == pytest.approx(6, abs=0.1)
    network, _ = street_of(tmp_path, relief=relief(2, 150))
    assert np.isnan(network.ascent_m[0])


@pytest.mark.parametrize("height", [-9_999, 9_999, 1e308])
def test_a_height_that_no_street_has_is_unknown(tmp_path, height):
    @dataclass
    class Gap:
        def at(self, lats, _, **_options):
            return np.where(lats > LINE[2].location[1], height, 50.0)

    network, _ = street_of(tmp_path, relief=Relief(raster=Gap(), source="gap"))
    assert np.isnan(network.ascent_m[0])
    assert np.isnan(network.descent_m[0])


def test_a_bridge_is_as_high_as_its_ends_say(tmp_path):
    @dataclass
    class Valley:
        def at(self, lats, _, **_options):
            return np.where((lats > LINE[0].location[1] + 1e-6) & (lats < LINE[3].location[1] - 1e-6), 0.0, 50.0)

    valley = Relief(raster=Valley(), source="valley")
    assert street_of(tmp_path, relief=valley, tags={"bridge": "yes"})[0].ascent_m[0] == 0
    assert street_of(tmp_path, relief=valley)[0].ascent_m[0] == 50


def test_steps_take_twice_the_time_whatever_their_slope(tmp_path):
    for options in ({}, {"relief": relief(30)}):
        network, street = street_of(tmp_path, highway="steps", **options)
        assert seconds(network, "walk", 0) == pytest.approx(2 * street.length_m / WALK, rel=1e-2)


def test_a_lift_takes_its_time_whatever_its_length():
    slopes = Slopes(
        np.zeros(2, np.float32), np.zeros(2, np.float32), np.array([0, 1]), np.array([3.0, 12.0]), np.zeros(2)
    )
    no = np.zeros(2, np.bool_)
    found = walking_s(slopes, steps=no, lifts=np.array([True, False]), back=False)
    assert found.tolist() == [LIFT_S, pytest.approx(9)]
    assert cycling_s(slopes, pushed=~no, back=False).tolist() == pytest.approx([2.7, 10.8])


def test_a_pushed_bicycle_goes_as_fast_as_its_walker(tmp_path):
    network, street = street_of(tmp_path, highway="footway")
    assert seconds(network, "bike", 0) == pytest.approx(street.length_m / PUSH, rel=1e-3)


def park(west, east, *, number=60):
    """A park from point 1 to point 4 of the line, between two longitudes."""
    corners = [(48.8009, west), (48.8036, west), (48.8036, east), (48.8009, east)]
    nodes = [make_node(number + rank, lat=lat, lon=lon) for rank, (lat, lon) in enumerate(corners)]
    return nodes, [node.id for node in nodes]


@pytest.mark.parametrize(
    ("west", "east", "green"), [(2.299, 2.301, True), (2.3001, 2.302, True), (2.3006, 2.302, False)]
)
def test_a_street_in_a_park_or_beside_one_is_green(tmp_path, west, east, green):
    nodes, ids = park(west, east)
    grass = make_way(51, [*ids, ids[0]], leisure="park")
    network, report = build(tmp_path, *LINE, *nodes, make_way(50, [1, 2, 3, 4], highway="residential"), grass)
    assert streets(network)[0].has(Flag.GREEN) is green
    assert report.parks == 1


def test_a_street_that_only_begins_in_a_park_is_not_green(tmp_path):
    nodes, ids = park(2.299, 2.301)
    grass = make_way(51, [*ids, ids[0]], leisure="park")
    far = make_node(90, lat=48.82, lon=2.3)
    network, _ = build(tmp_path, *LINE, *nodes, far, make_way(50, [1, 90], highway="residential"), grass)
    assert not streets(network)[0].has(Flag.GREEN)


def test_a_park_of_several_ways_is_put_together_and_an_open_one_left_out(tmp_path):
    nodes, ids = park(2.299, 2.301)
    ways = [make_way(51, ids[:3]), make_way(52, [ids[2], ids[3], ids[0]])]
    road = make_way(50, [1, 2, 3, 4], highway="residential")
    whole = make_relation(70, [("w", 51, "outer"), ("w", 52, "outer")], type="multipolygon", leisure="park")
    half = make_relation(70, [("w", 51, "outer")], type="multipolygon", leisure="park")
    assert streets(build(tmp_path, *LINE, *nodes, road, *ways, whole)[0])[0].has(Flag.GREEN)
    assert not streets(build(tmp_path, *LINE, *nodes, road, *ways, half)[0])[0].has(Flag.GREEN)


def main_road(lon, **tags):
    nodes = [make_node(80, lat=48.8, lon=lon), make_node(81, lat=48.81, lon=lon)]
    return [*nodes, make_way(55, [80, 81], **tags)]


@pytest.mark.parametrize("highway", ["primary", "secondary_link", "trunk", "motorway"])
def test_the_distance_to_a_main_road_is_from_the_middle_of_a_street(tmp_path, monkeypatch, highway):
    monkeypatch.setattr(building_graph, "ISLAND_M", 1.0)
    *nodes, road = main_road(2.301, highway=highway)
    network, _ = build(tmp_path, *LINE, *nodes, make_way(50, [1, 2, 3, 4], highway="footway"), road)
    found = {street.kind: float(network.main_road_m[street.number]) for street in streets(network)}
    assert found.pop("footway") == pytest.approx(73.3, abs=0.5)
    assert set(found.values()) <= {0.0}


def test_a_main_road_in_a_tunnel_and_a_quiet_one_do_not_count(tmp_path):
    for tags in ({"highway": "primary", "tunnel": "yes"}, {"highway": "tertiary"}):
        *nodes, road = main_road(2.301, **tags)
        network, _ = build(tmp_path, *LINE, *nodes, make_way(50, [1, 2, 3, 4], highway="footway"), road)
        assert np.isinf(network.main_road_m).all()


@dataclass
class Map:
    """A raster of the air: `west` on one side of 2.3005, `east` on the other."""

    west: float
    east: float

    def at(self, lats, lons):
        assert len(lats) == len(lons)
        return np.where(lons < 2.3005, self.west, self.east)


def two_streets(folder, air):
    points = [make_node(30, lat=48.8036, lon=2.301), make_node(31, lat=48.8009, lon=2.301)]
    ways = [
        make_way(50, [1, 2, 3, 4], highway="residential"),
        make_way(51, [4, 30, 31], highway="residential", name="E"),
    ]
    return build(folder, *LINE, *points, *ways, air=air)[0]


def test_a_map_of_a_pollutant_takes_the_place_of_the_table(tmp_path):
    network = two_streets(tmp_path, replace(AIR, rasters={"no2": Map(20, 40)}, files={"no2": "no2.tif"}))
    west, east = streets(network)
    assert network.factors["no2"][east.number] / network.factors["no2"][west.number] == pytest.approx(2)
    assert (network.factor_method, network.factor_source.startswith("no2: no2.tif; ")) == ("raster", True)
    assert (network.factors["pm25"] == two_streets(tmp_path, AIR).factors["pm25"]).all()
    check(network)


def test_a_map_of_elsewhere_is_refused(tmp_path):
    with pytest.raises(SourceFormatError, match="map of the air"):
        two_streets(tmp_path, Air(table=AIR.table, rasters={"no2": Map(np.nan, np.nan)}))


def test_without_maps_the_table_is_the_method(tmp_path):
    network = two_streets(tmp_path, AIR)
    assert (network.factor_method, network.factor_source) == ("table", AIR.table.source)
