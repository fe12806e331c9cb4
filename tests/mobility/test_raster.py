"""Fine maps: a GeoTIFF with its reference system and its gaps, a grid as CSV, and files that are neither."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from citizen_api.sources import raster as maps
from citizen_api.sources.raster import read_raster
from citizen_api.sources.records import SourceFormatError

NOTRE_DAME = (48.853, 2.3499)
LAMBERT_93 = "EPSG:2154"


def make_tiff(path, values=None, *, crs=LAMBERT_93, transform=None, **options):
    """Make a map of 10 m cells around Notre-Dame, the value of a cell its number from the north-west on."""
    values = np.arange(20 * 30, dtype=np.float32).reshape(20, 30) if values is None else np.asarray(values)
    bands = values if values.ndim == 3 else values[None]
    if transform is None:
        x, y = Transformer.from_crs("EPSG:4326", crs or LAMBERT_93, always_xy=True).transform(*NOTRE_DAME[::-1])
        step = 10 if CRS.from_user_input(crs or LAMBERT_93).is_projected else 0.0001
        transform = Affine(step, 0, x - 15 * step, 0, -step, y + 10 * step)
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile, **options) as target:
        target.write(bands)
    return path


def middles(path, rows, columns):
    """(lats, lons) of the middles of cells."""
    with rasterio.open(path) as source:
        corner, step = source.transform, source.transform.a
        x, y = corner.c + (np.array(columns) + 0.5) * step, corner.f - (np.array(rows) + 0.5) * step
        lons, lats = Transformer.from_crs(source.crs.to_wkt(), "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lats), np.asarray(lons)


def make_csv(path, rows, header="lat,lon,value"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def refusal(path):
    with pytest.raises(SourceFormatError) as caught:
        read_raster(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- GeoTIFF -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crs", [LAMBERT_93, "EPSG:4326", "EPSG:3857"])
def test_a_place_has_the_value_of_its_cell_whatever_the_reference_system(tmp_path, crs):
    path = make_tiff(tmp_path / "map.tif", crs=crs)
    lats, lons = middles(path, [0, 19, 7], [0, 29, 13])
    assert read_raster(path).at(lats, lons).tolist() == [0, 19 * 30 + 29, 7 * 30 + 13]


def test_a_place_outside_of_a_map_is_unknown(tmp_path):
    found = read_raster(make_tiff(tmp_path / "map.tif")).at(np.array([43.6, NOTRE_DAME[0]]), np.array([3.87, 2.3499]))
    assert np.isnan(found).tolist() == [True, False]


def test_a_cell_without_data_is_unknown(tmp_path):
    path = make_tiff(tmp_path / "map.tif", np.array([[1, 255], [3, 4]], np.uint8), nodata=255)
    assert np.isnan(read_raster(path).at(*middles(path, [0, 0], [0, 1]))).tolist() == [False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_unknown_even_if_no_value_is_said_to_be_missing(tmp_path, value):
    path = make_tiff(tmp_path / "map.tif", np.array([[1, value], [3, 4]], np.float32))
    assert np.isnan(read_raster(path).at(*middles(path, [0, 0], [0, 1]))).tolist() == [False, True]


def test_the_scale_and_the_offset_of_a_map_are_applied(tmp_path):
    path = make_tiff(tmp_path / "map.tif", np.array([[10, 20], [30, 40]], np.int16))
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.5,), (2.0,)
    assert read_raster(path).at(*middles(path, [0, 1], [1, 0])).tolist() == [12, 17]


def test_a_large_map_is_read_in_parts_that_together_give_the_same(tmp_path, monkeypatch):
    path = make_tiff(tmp_path / "map.tif")
    rows, columns = np.divmod(np.random.default_rng(7).permutation(600), 30)
    lats, lons = middles(path, rows, columns)
    sizes, read = [], maps.GeoTiff._read
    monkeypatch.setattr(maps, "READ_MAX_CELLS", 90)
    monkeypatch.setattr(
        maps.GeoTiff,
        "_read",
        staticmethod(lambda source, window: sizes.append(window.width * window.height) or read(source, window)),
    )
    assert read_raster(path).at(lats, lons).tolist() == (rows * 30 + columns).tolist()
    assert max(sizes) <= 90


def test_a_map_without_places_to_tell_tells_nothing(tmp_path):
    assert len(read_raster(make_tiff(tmp_path / "map.tif")).at(np.empty(0), np.empty(0))) == 0


@pytest.mark.filterwarnings(f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"values": np.ones((2, 4, 4), np.float32)}, "it has 2 bands"),
        ({"crs": None}, "it does not say its reference system"),
        ({"values": np.ones((4, 4), np.complex64)}, "its cells are complex64"),
        ({"transform": Affine.identity()}, "it does not say where its cells lie"),
    ],
    ids=["bands", "crs", "complex", "nowhere"],
)
def test_a_map_that_does_not_say_what_is_needed_is_refused(tmp_path, given, problem):
    assert problem in refusal(make_tiff(tmp_path / "map.tif", **given))


@pytest.mark.parametrize(
    ("cap", "problem"), [("SIDE_MAX", "it has 30 x 20 cells"), ("BLOCK_MAX_BYTES", "its blocks have more than 10")]
)
def test_a_map_that_would_take_too_much_memory_is_refused_before_it_is_read(tmp_path, monkeypatch, cap, problem):
    monkeypatch.setattr(maps, cap, 10)
    assert problem in refusal(make_tiff(tmp_path / "map.tif"))


@pytest.mark.parametrize("cap", ["FILE_MAX_BYTES", "CSV_MAX_BYTES"])
def test_a_file_that_is_too_large_is_refused_before_it_is_opened(tmp_path, monkeypatch, cap):
    monkeypatch.setattr(maps, cap, 10)
    files = {"FILE_MAX_BYTES": make_tiff(tmp_path / "map.tif"), "CSV_MAX_BYTES": make_csv(tmp_path / "grid.csv", [])}
    assert "bytes" in refusal(files[cap])


def test_a_map_that_was_cut_off_is_said_to_be_broken_where_it_is_read(tmp_path):
    path = make_tiff(tmp_path / "map.tif", np.random.default_rng(1).random((300, 300)).astype(np.float32))
    places = middles(path, [299], [299])
    path.write_bytes(path.read_bytes()[:180_000])
    with pytest.raises(SourceFormatError):
        read_raster(path).at(*places)


def test_a_file_that_makes_us_read_another_one_is_no_map(tmp_path):
    make_tiff(tmp_path / "map.tif")
    (tmp_path / "map.vrt").write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"<SourceFilename>{tmp_path}/map.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert "missing columns" in refusal(tmp_path / "map.vrt")


@given(body=st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_follows_the_beginning_of_a_tiff_is_refused_in_one_line(tmp_path, body):
    path = tmp_path / "map.tif"
    path.write_bytes(b"II*\0" + body)
    assert refusal(path).startswith("Not a map as a GeoTIFF")


@given(place=st.integers(8, 600), byte=st.integers(0, 255))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.filterwarnings("ignore")  # what libtiff remarks about a damaged file
def test_a_map_with_a_wrong_byte_is_read_or_refused_in_one_line(tmp_path, place, byte):
    path = tmp_path / "map.tif"
    path.unlink(missing_ok=True)
    damaged = bytearray(make_tiff(path, np.ones((8, 8), np.float32)).read_bytes())
    damaged[place % len(damaged)] = byte
    path.write_bytes(damaged)
    try:
        said = read_raster(path).at(np.array([NOTRE_DAME[0]]), np.array([NOTRE_DAME[1]])).shape
    except SourceFormatError as error:
        said = str(error)
    assert said == (1,) or (isinstance(said, str) and "\n" not in said)


# --- Between the middles of cells --------------------------------------------------------------------------


def test_between_the_middles_of_cells_a_plane_is_read_as_it_is(tmp_path):
    path = make_tiff(tmp_path / "map.tif")
    rows, columns = np.array([3, 3.25, 7.5, 18.9]), np.array([4, 4.5, 20.75, 1.2])
    found = read_raster(path).at(*middles(path, rows, columns), smooth=True)
    assert found == pytest.approx(rows * 30 + columns, abs=1e-3)


def test_between_the_points_of_a_grid_a_plane_is_read_as_it_is(tmp_path):
    grid = make_csv(tmp_path / "grid.csv", ["48.86,2.35,30", "48.85,2.35,10", "48.85,2.37,20", "48.86,2.37,40"])
    found = read_raster(grid).at(np.array([48.855, 48.8575, 48.85]), np.array([2.36, 2.365, 2.37]), smooth=True)
    assert found == pytest.approx([25, 32.5, 20])


def test_a_cell_that_is_not_known_lends_nothing_to_what_is_beside_it(tmp_path):
    path = make_tiff(tmp_path / "map.tif", np.array([[1, 255], [3, 255]], np.uint8), nodata=255)
    found = read_raster(path).at(*middles(path, [0.25, 0.25, 0.25], [0, 0.25, 0.75]), smooth=True)
    assert found == pytest.approx([1.5, 1.5, np.nan], abs=1e-3, nan_ok=True)


def test_the_outer_half_of_the_outermost_cells_is_as_high_as_their_middle_and_beyond_nothing_is_known(tmp_path):
    path = make_tiff(tmp_path / "map.tif", np.array([[1, 2], [3, 4]], np.uint8))
    found = read_raster(path).at(*middles(path, [-0.4, -0.4, -0.6], [-0.4, 1, 0]), smooth=True)
    assert found == pytest.approx([1, 2, np.nan], abs=1e-3, nan_ok=True)


def test_places_that_a_reference_system_does_not_reach_are_unknown(tmp_path):
    grid = make_tiff(tmp_path / "map.tif", crs="EPSG:3857")
    assert np.isnan(read_raster(grid).at(np.array([90.0, -90.0]), np.array([2.35, 2.35]), smooth=True)).all()


# --- A grid as CSV -----------------------------------------------------------------------------------------


def test_a_place_has_the_value_of_the_point_whose_cell_it_is_in(tmp_path):
    grid = make_csv(tmp_path / "grid.csv", ["48.86,2.35,30", "48.85,2.35,10", "48.85,2.37,20", "48.86,2.37,40"])
    found = read_raster(grid).at(np.array([48.8549, 48.8551, 48.85]), np.array([2.3599, 2.3601, 2.37]))
    assert found.tolist() == [10, 40, 20]


def test_a_place_more_than_half_a_cell_outside_of_a_grid_is_unknown(tmp_path):
    grid = read_raster(make_csv(tmp_path / "grid.csv", ["48.85,2.35,10", "48.86,2.37,40"]))
    found = grid.at(np.array([48.8451, 48.8449, 48.85]), np.array([2.35, 2.35, 2.3805]))
    assert np.isnan(found).tolist() == [False, True, True]


@pytest.mark.parametrize("value", ["", "nan", "inf"])
def test_a_point_without_a_number_is_unknown(tmp_path, value):
    grid = make_csv(tmp_path / "grid.csv", [f"48.85,2.35,{value}", "48.86,2.37,40"])
    assert np.isnan(read_raster(grid).at(np.array([48.85]), np.array([2.35]))).all()


def test_a_gap_in_a_grid_is_unknown(tmp_path):
    grid = make_csv(tmp_path / "grid.csv", ["48.85,2.35,10", "48.86,2.36,40", "48.88,2.37,40"])
    assert np.isnan(read_raster(grid).at(np.array([48.87]), np.array([2.36]))).all()


def test_a_thousand_lines_of_rounded_degrees_are_still_even(tmp_path):
    step = 0.00044943
    rows = [
        f"{48.8 + number * step:.6f},{2.3 + column * 0.001:.6f},{number}" for number in range(1000) for column in (0, 1)
    ]
    found = read_raster(make_csv(tmp_path / "grid.csv", rows)).at(np.array([48.8 + 999 * step]), np.array([2.301]))
    assert found.tolist() == [999]


def test_other_separators_a_mark_and_capitals_are_read_too(tmp_path):
    grid = make_csv(tmp_path / "grid.csv", ["48.85;2.35;10", "48.86;2.37;40"], header="\ufeffLAT;LON;VALUE")
    assert read_raster(grid).at(np.array([48.85]), np.array([2.35])).tolist() == [10]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "it needs points of two lats"),
        (["48.85,2.35,10", "48.85,2.36,10"], "it needs points of two lats"),
        (["48.85,2.35,ten", "48.86,2.36,10"], "line 2: `value` is not a number"),
        (["48.85,,10", "48.86,2.36,10"], "line 2: `lon` is not a number"),
        (["48.85,2.35,10", "98.86,2.36,10"], "line 3: no position"),
        (["48.85,nan,10", "48.86,2.36,10"], "line 2: no position"),
        (["48.85,2.35", "48.86,2.36,10"], "line 2: columns"),
        (["48.85,2.35,1", "48.86,2.36,2", "48.873,2.37,3"], "do not lie evenly in lat"),
        (["48.85,2.35,1", "48.86,2.36,2", "48.85,2.35,3"], "two points lie in one cell"),
    ],
)
def test_a_grid_that_is_none_is_refused_with_what_is_wrong(tmp_path, rows, problem):
    assert problem in refusal(make_csv(tmp_path / "grid.csv", rows))


@pytest.mark.parametrize(
    ("cap", "problem"), [("CSV_MAX_POINTS", "more than 1 points"), ("GRID_MAX_CELLS", "2 x 2 cells are too many")]
)
def test_a_grid_that_would_take_too_much_memory_is_refused(tmp_path, monkeypatch, cap, problem):
    monkeypatch.setattr(maps, cap, 1)
    assert problem in refusal(make_csv(tmp_path / "grid.csv", ["48.85,2.35,10", "48.86,2.37,40"]))
