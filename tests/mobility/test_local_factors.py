"""Local factors: the table, how a street gets its own from it, and a map in its place."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility.data import derive_local_factors
from citizen_api.mobility.local_factors import BUNDLED, LocalFactors, raster_factors, read_table, street_factors
from citizen_api.mobility.network import KINDS, POLLUTANTS
from citizen_api.sources.raster import Grid
from citizen_api.sources.records import SourceFormatError
from tests.shared_data import shared_file

FAR = np.inf


def make_table(*, beside=2.0, decay_m=50.0, **kinds) -> LocalFactors:
    """Make a table of NO2: 1 for every class that is not named."""
    return LocalFactors(
        source="synthetic",
        decay_m=decay_m,
        kinds={"no2": dict.fromkeys(KINDS, 1.0) | kinds},
        beside={"no2": beside},
    )


def factors_of(table, *streets, pollutant="no2"):
    """Factors of streets, each (class, distance to a main road, length)."""
    kinds, distances, lengths = zip(*streets, strict=True)
    return street_factors(
        table,
        kinds=np.array([KINDS.index(kind) for kind in kinds], np.uint8),
        main_road_m=np.array(distances, np.float32),
        length_m=np.array(lengths, np.float32),
    )[pollutant]


def ratio(table, street, other=("residential", FAR, 1)):
    """The factor of one street against that of another."""
    one, two = factors_of(table, street, other).tolist()
    return one / two


@pytest.fixture
def change(tmp_path):
    """Write the bundled table, changed by a function, and give its path."""

    def run(edit):
        table = yaml.safe_load(BUNDLED.read_text())
        table = edit(table) or table
        path = tmp_path / "factors.yaml"
        path.write_text(table if isinstance(table, str) else yaml.safe_dump(table, sort_keys=False))
        return path

    return run


# --- The table ---------------------------------------------------------------------------------------------


def test_the_bundled_table_tells_every_class_of_every_pollutant_and_where_it_comes_from():
    table = read_table(None)
    assert table.kinds.keys() == set(POLLUTANTS)
    assert all(by_kind.keys() == set(KINDS) for by_kind in table.kinds.values())
    assert "Airparif" in table.source
    assert "Atmo Occitanie" in table.source


def test_the_bundled_no2_falls_from_trunk_roads_to_quiet_streets_and_ozone_rises():
    no2, o3 = (read_table(None).kinds[pollutant] for pollutant in ("no2", "o3"))
    by_traffic = ("trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
    assert [no2[kind] for kind in by_traffic] == sorted((no2[kind] for kind in by_traffic), reverse=True)
    assert [o3[kind] for kind in by_traffic] == sorted(o3[kind] for kind in by_traffic)


def test_the_bundled_table_is_what_the_measured_hours_give():
    folder = shared_file("air")
    assert derive_local_factors.write(derive_local_factors.derive(folder)) == BUNDLED.read_text(encoding="utf-8")


def test_a_table_of_ones_own_is_read_in_place_of_the_bundled_one(change):
    path = change(lambda table: table["pollutants"]["no2"]["kinds"].update(primary=3))
    assert read_table(path).kinds["no2"]["primary"] == 3


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda _table: "{", "it is no YAML"),
        (lambda _table: "[" * 3000, "it is no YAML (max"),
        (lambda _table: "- a list", "it is not a mapping"),
        (lambda table: table.pop("decay_m") and None, "it lacks decay_m"),
        (lambda table: table.update(kinds={}), "it holds kinds, which is not known"),
        (lambda table: table.update(source=" "), "`source` does not say"),
        (lambda table: table.update(pollutants=[]), "`pollutants` is not a mapping"),
        (lambda table: table["pollutants"].pop("o3") and None, "`pollutants` lacks o3"),
        (lambda table: table["pollutants"].update(so2={}), "`pollutants` holds so2"),
        (lambda table: table["pollutants"].update(no2=1), "`no2` is not a mapping"),
        (lambda table: table["pollutants"]["no2"].pop("kinds") and None, "`no2` lacks kinds"),
        (lambda table: table["pollutants"]["no2"]["kinds"].pop("steps") and None, "`no2: kinds` lacks steps"),
        (lambda table: table["pollutants"]["no2"]["kinds"].update(lane=1), "`no2: kinds` holds lane"),
        (lambda table: table["pollutants"]["no2"]["kinds"].update({1: 1}), "`no2: kinds` holds 1"),
        (lambda table: table["pollutants"]["no2"]["kinds"].update(steps="1"), "`no2: kinds: steps` is not a number"),
        (lambda table: table["pollutants"]["no2"]["kinds"].update(steps=True), "steps` is not a number from"),
        (lambda table: table["pollutants"]["no2"]["kinds"].update(steps=0), "a number from 0.1 to 10.0"),
        (lambda table: table["pollutants"]["no2"].update(beside_main_road=float("nan")), "`no2: beside_main_road`"),
        (lambda table: table.update(decay_m=0), "`decay_m` is not a number from 1.0 to 2000.0"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_line_that_says_what_is_wrong(change, edit, problem):
    with pytest.raises(SourceFormatError) as caught:
        read_table(change(edit))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_a_megabyte_is_refused_before_it_is_read(change):
    with pytest.raises(SourceFormatError, match="more than 1000000 bytes"):
        read_table(change(lambda _table: "#" * 1_000_001))


# --- Streets -----------------------------------------------------------------------------------------------


def test_a_main_road_has_the_air_of_its_class_whatever_lies_beside():
    assert ratio(make_table(secondary=1.4), ("secondary", 0, 1)) == pytest.approx(1.4)


def test_a_path_at_the_edge_of_a_main_road_has_the_air_of_that_edge():
    assert ratio(make_table(), ("footway", 0, 1)) == pytest.approx(2)


def test_the_difference_falls_by_e_over_the_distance_of_the_table():
    assert ratio(make_table(decay_m=50), ("footway", 50, 1)) == pytest.approx(1 + np.exp(-1), rel=1e-6)


def test_a_street_with_traffic_of_its_own_keeps_its_air_far_from_main_roads():
    assert ratio(make_table(tertiary=1.2), ("tertiary", FAR, 1)) == pytest.approx(1.2)


def test_ozone_is_lower_beside_a_main_road():
    assert ratio(make_table(beside=0.8), ("footway", 0, 1)) == pytest.approx(0.8)


def test_a_street_whose_distance_is_not_known_has_the_air_of_its_class():
    assert ratio(make_table(), ("footway", np.nan, 1)) == pytest.approx(1)


def test_nothing_to_measure_by_leaves_the_figures_of_the_table():
    assert factors_of(make_table(primary=2), ("primary", 0, 0)).tolist() == [2]


@given(
    streets=st.lists(
        st.tuples(st.sampled_from(KINDS), st.floats(0, 2000, width=32), st.floats(1, 500, width=32)), min_size=1
    ),
    pollutant=st.sampled_from(POLLUTANTS),
)
@settings(max_examples=30)
def test_the_mean_over_the_length_of_a_network_is_1(streets, pollutant):
    found = factors_of(read_table(None), *streets, pollutant=pollutant)
    assert np.average(found, weights=[street[2] for street in streets]) == pytest.approx(1, abs=1e-5)


# --- A map in place of the table ---------------------------------------------------------------------------


def make_map(*values) -> Grid:
    """Make a map of places at 48.85 N, every tenth of a degree from 2.0 E on; NaN is unknown."""
    return Grid(values=np.array([values], np.float64), south=48.85, west=2.0, lat_step=0.1, lon_step=0.1)


def factors_on(grid, *lengths):
    """Factors of streets of these lengths, one in the middle of each cell of a map, then beyond it."""
    lons = 2.0 + 0.1 * np.arange(len(lengths))
    return raster_factors(grid, lats=np.full(len(lengths), 48.85), lons=lons, length_m=np.array(lengths, np.float32))


def test_the_factor_of_a_street_is_its_value_against_the_mean_over_the_length():
    assert factors_on(make_map(10, 40), 200, 100).tolist() == [0.5, 2.0]


@pytest.mark.parametrize("value", [np.nan, -9999])
def test_a_street_of_which_the_map_says_nothing_is_as_the_city(value):
    assert factors_on(make_map(10, 30, value), 100, 100, 100).tolist() == [0.5, 1.5, 1.0]


@pytest.mark.parametrize("value", [0, 1_900, 9_999, 1e308])
def test_a_street_with_a_value_that_no_air_has_is_as_the_city(value):
    assert factors_on(make_map(10, 30, value), 100, 100, 8).tolist() == [0.5, 1.5, 1.0]


@pytest.mark.parametrize("value", [0, 9_999, 1e308])
def test_a_map_with_many_values_that_no_air_has_is_refused_in_one_line(value):
    with pytest.raises(SourceFormatError, match=r"^The map of the air gives 9% of the streets values .*\?$"):
        factors_on(make_map(10, 30, value), 100, 100, 20)


def test_a_map_in_quite_another_unit_is_refused():
    with pytest.raises(SourceFormatError, match="100% of the streets values"):
        factors_on(make_map(20_000, 30_000), 100, 100)


def test_a_map_of_less_than_half_of_the_streets_is_refused():
    with pytest.raises(SourceFormatError, match="something of 25% of the streets only"):
        factors_on(make_map(10), 100, 300)


def test_a_map_for_no_street_at_all_is_refused():
    with pytest.raises(SourceFormatError, match="0% of the streets"):
        factors_on(make_map(10), 0)


def test_a_map_that_is_0_everywhere_is_refused():
    with pytest.raises(SourceFormatError, match="0 everywhere"):
        factors_on(make_map(0, 0), 100, 100)
