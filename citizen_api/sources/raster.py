"""Fine maps that a region publishes, of its air or its relief: a GeoTIFF, or a grid as a CSV file.

A CSV grid has the columns `lat,lon,value` (WGS84 degrees, decimal point; `;` and tab are known as separators too): the
middles of cells that lie evenly in both directions, in any order, gaps allowed, points of one line with the same
number. A value that is not a number or said to be missing (`nodata`; an empty cell) is unknown.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.errors import RasterioError
from rasterio.windows import Window

from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.tables import open_table

FloatArray = NDArray[np.float64]
_Values = Callable[[FloatArray, FloatArray], FloatArray]
"""Values of cells by column and row, whole numbers; NaN outside and where unknown."""

FILE_MAX_BYTES: Final = 4_000_000_000
CSV_MAX_BYTES: Final = 400_000_000
CSV_MAX_POINTS: Final = 5_000_000
GRID_MAX_CELLS: Final = 25_000_000
SIDE_MAX: Final = 200_000
"""Columns, or rows, of a GeoTIFF."""
BLOCK_MAX_BYTES: Final = 64_000_000
"""A GeoTIFF is unpacked block by block: no block may be larger than this."""
READ_MAX_CELLS: Final = 4_000_000
"""Of a GeoTIFF at a time."""
_TIFF_BEGINS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLUMNS: Final = ("lat", "lon", "value")
_EVENLY: Final = 0.1
"""How far from its place a point of a grid may lie, in steps."""
_NUMBERS: Final = "iuf"
WHAT_TIFF: Final = "a map as a GeoTIFF"
WHAT_CSV: Final = "a grid with lat,lon,value"


class Raster(Protocol):
    """A map: what it says at places."""

    def at(self, lats: FloatArray, lons: FloatArray, *, smooth: bool = False) -> FloatArray:
        """Value of the cell in which each place (WGS84 degrees) lies: float64[n], NaN outside and where unknown.

        `smooth`: between the middles of the four cells around, each the less the farther it is (bilinear), as relief
        is; those that are not known are left out, and where the place's own cell is not, nothing is.

        Raises SourceFormatError when the file turns out to be broken there.
        """
        ...


def read_raster(path: Path) -> Raster:
    """Open a map, whichever of the two it is. Raises SourceFormatError, OSError."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        is_tiff = stream.read(4) in _TIFF_BEGINS
    if size > (FILE_MAX_BYTES if is_tiff else CSV_MAX_BYTES):
        raise SourceFormatError(f"Not {WHAT_TIFF if is_tiff else WHAT_CSV}: the file has {size} bytes.")
    return GeoTiff(path) if is_tiff else _read_grid(path)


class GeoTiff:
    """A GeoTIFF of one band, with its reference system. Read where it is asked, never whole.

    Raises SourceFormatError for another file, or one that would take too much memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as source:
            self._check(source)

    def at(self, lats: FloatArray, lons: FloatArray, *, smooth: bool = False) -> FloatArray:
        """See Raster."""
        with self._opened() as source:
            columns, rows = self._cells(source, np.asarray(lats), np.asarray(lons))
            return _at(partial(self._values, source), columns, rows, smooth=smooth)

    def _values(self, source: Any, columns: FloatArray, rows: FloatArray) -> FloatArray:
        found = np.full(len(rows), np.nan)
        inside = np.flatnonzero((columns >= 0) & (columns < source.width) & (rows >= 0) & (rows < source.height))
        inside = inside[np.argsort(rows[inside], kind="stable")]
        while len(inside):
            first = int(rows[inside[0]])
            left, right = int(columns[inside].min()), int(columns[inside].max()) + 1
            high = max(1, READ_MAX_CELLS // (right - left))
            count = int(np.searchsorted(rows[inside], first + high))
            some, inside = inside[:count], inside[count:]
            last = int(rows[some[-1]]) + 1
            values = self._read(source, Window(left, first, right - left, last - first))
            found[some] = values[rows[some].astype(int) - first, columns[some].astype(int) - left]
        return found

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            # Only this format, and no file beside it: a map must not make us read anything else.
            with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
                source = rasterio.open(self._path, driver="GTiff")
                with source:
                    yield source
        except (RasterioError, ProjError, MemoryError) as error:
            raise SourceFormatError(f"Not {WHAT_TIFF}: {_one_line(error)}") from None

    def _check(self, source: Any) -> None:
        problem = None
        if source.count != 1:
            problem = f"it has {source.count} bands, not one."
        elif source.crs is None:
            problem = "it does not say its reference system."
        elif max(source.width, source.height) > SIDE_MAX:
            problem = f"it has {source.width} x {source.height} cells."
        elif np.dtype(source.dtypes[0]).kind not in _NUMBERS:
            problem = f"its cells are {source.dtypes[0]}."
        elif math.prod(source.block_shapes[0]) * np.dtype(source.dtypes[0]).itemsize > BLOCK_MAX_BYTES:
            problem = f"its blocks have more than {BLOCK_MAX_BYTES} bytes."
        elif source.transform.is_degenerate or source.transform.is_identity:
            problem = "it does not say where its cells lie."
        if problem is not None:
            raise SourceFormatError(f"Not {WHAT_TIFF}: {problem}")
        self._cells(source, np.zeros(1), np.zeros(1))

    @staticmethod
    def _cells(source: Any, lats: FloatArray, lons: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(column, row) of each place, in cells from the corner of the first; infinite where the system ends."""
        system = CRS.from_user_input(source.crs.to_wkt())
        x, y = Transformer.from_crs("EPSG:4326", system, always_xy=True).transform(lons, lats)
        to_cell = ~source.transform
        columns = to_cell.a * np.asarray(x) + to_cell.b * np.asarray(y) + to_cell.c
        rows = to_cell.d * np.asarray(x) + to_cell.e * np.asarray(y) + to_cell.f
        return columns, rows

    @staticmethod
    def _read(source: Any, window: Window) -> FloatArray:
        read = source.read(1, window=window, masked=True).astype(np.float64)
        values = np.asarray(read.filled(np.nan)) * source.scales[0] + source.offsets[0]
        return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Values of evenly spaced cells: float64[rows, columns], `south` and `west` the middle of the first."""

    values: FloatArray
    south: float
    west: float
    lat_step: float
    lon_step: float

    def at(self, lats: FloatArray, lons: FloatArray, *, smooth: bool = False) -> FloatArray:
        """See Raster."""
        rows = (np.asarray(lats) - self.south) / self.lat_step + 0.5
        columns = (np.asarray(lons) - self.west) / self.lon_step + 0.5
        return _at(self._values, columns, rows, smooth=smooth)

    def _values(self, columns: FloatArray, rows: FloatArray) -> FloatArray:
        height, width = self.values.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        found = np.full(len(rows), np.nan)
        found[inside] = self.values[rows[inside].astype(int), columns[inside].astype(int)]
        return found


def _at(values: _Values, columns: FloatArray, rows: FloatArray, *, smooth: bool) -> FloatArray:
    """See Raster.at. Places are counted in cells from the corner of the first, so that its middle is (0.5, 0.5)."""
    if not smooth:
        return values(np.floor(columns), np.floor(rows))
    known = ~np.isnan(values(np.floor(columns), np.floor(rows)))
    mixed = np.full(len(rows), np.nan)
    columns, rows = columns[known] - 0.5, rows[known] - 0.5
    left, top = np.floor(columns), np.floor(rows)
    total, share = np.zeros((2, len(rows)))
    for column, row in product((0, 1), repeat=2):
        value = values(left + column, top + row)
        weight = (1 - np.abs(columns - left - column)) * (1 - np.abs(rows - top - row)) * ~np.isnan(value)
        total += weight * np.nan_to_num(value)
        share += weight
    mixed[known] = total / share  # a quarter at least: that of the place's own cell
    return mixed


def _read_grid(path: Path) -> Grid:
    lats, lons, values = array("d"), array("d"), array("d")
    with path.open("rb") as stream:
        for row in open_table(stream, what=WHAT_CSV, required=_COLUMNS, any_case=True).rows:
            if isinstance(row, RejectedRow):
                raise SourceFormatError(f"Not {WHAT_CSV}: line {row.row}: {row.reason}")
            lat, lon, value = (_number(row.cells[column], row.row, column) for column in _COLUMNS)
            if not (abs(lat) <= 90 and abs(lon) <= 180):  # noqa: PLR2004 - degrees
                raise SourceFormatError(f"Not {WHAT_CSV}: line {row.row}: no position in WGS84 degrees.")
            lats.append(lat)
            lons.append(lon)
            values.append(value if math.isfinite(value) else math.nan)
            if len(values) > CSV_MAX_POINTS:
                raise SourceFormatError(f"Not {WHAT_CSV}: more than {CSV_MAX_POINTS} points.")
    south, lat_step, rows = _places(np.array(lats), "lat")
    west, lon_step, columns = _places(np.array(lons), "lon")
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    if height * width > GRID_MAX_CELLS:
        raise SourceFormatError(f"Not {WHAT_CSV}: {height} x {width} cells are too many.")
    if len(np.unique(rows * width + columns)) != len(rows):
        raise SourceFormatError(f"Not {WHAT_CSV}: two points lie in one cell.")
    grid = np.full((height, width), np.nan)
    grid[rows, columns] = values
    return Grid(values=grid, south=south, west=west, lat_step=lat_step, lon_step=lon_step)


def _places(degrees: FloatArray, name: str) -> tuple[float, float, NDArray[np.int64]]:
    """(first, step, which of the grid's lines each point lies on) in one direction."""
    told, ranks = np.unique(degrees, return_inverse=True)
    if len(told) < 2:  # noqa: PLR2004 - one line has no step
        raise SourceFormatError(f"Not {WHAT_CSV}: it needs points of two {name}s at least.")
    gaps = np.diff(told)
    # Line by line, because degrees are rounded: a step that is a little wrong adds up over a thousand.
    lines = np.concatenate(([0.0], np.cumsum(np.rint(gaps / gaps.min()))))
    step = float((told[-1] - told[0]) / lines[-1])
    if np.abs((told - told[0]) / step - lines).max() > _EVENLY:
        raise SourceFormatError(f"Not {WHAT_CSV}: its points do not lie evenly in {name}.")
    return float(told[0]), step, lines.astype(np.int64)[ranks]


def _number(text: str, row: int, column: str) -> float:
    text = text.strip()
    if not text and column == "value":
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise SourceFormatError(f"Not {WHAT_CSV}: line {row}: `{column}` is not a number.") from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
