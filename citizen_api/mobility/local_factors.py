"""How the air of a street differs from that of the city: by a table of road classes, or by a fine map of a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from citizen_api.mobility.network import KINDS, MAIN_ROADS, POLLUTANTS, Float32Array
from citizen_api.sources.raster import Raster
from citizen_api.sources.records import SourceFormatError

BUNDLED: Final = Path(__file__).with_name("data") / "local_factors.yaml"
FILE_MAX_BYTES: Final = 1_000_000
FACTOR_MIN: Final = 0.1
FACTOR_MAX: Final = 10.0
DECAY_MIN_M: Final = 1.0
DECAY_MAX_M: Final = 2_000.0
COVERED_LEAST: Final = 0.5
"""Share of the streets, by length, of which a map must say something."""
VALUE_MOST: Final = 2_000.0
"""A map with more than this (in ug/m3) does not tell of air: a gap that was not declared, another unit."""
STRANGE_MOST: Final = 0.05
"""Share of the streets, by length, that may have values which no air has; with more, the map is not believed."""
_FIELDS: Final = frozenset({"source", "decay_m", "pollutants"})
_REMARKS: Final = frozenset({"measured", "assumed"})
_WHAT: Final = "a table of local factors"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFactors:
    """Of each pollutant, the air against that of places without traffic (1).

    `kinds`: {pollutant: {class of street: in the middle of such a street}}; `beside`: {pollutant: at the edge of a main
    road}, from which it goes back to 1 with the distance: what is left of the difference at `decay_m` is 1/e.
    """

    source: str
    decay_m: float
    kinds: Mapping[str, Mapping[str, float]]
    beside: Mapping[str, float]


def read_table(path: Path | None) -> LocalFactors:
    """Read a table; None: the one that comes with us (`data/local_factors.yaml`, which shows the form).

    Raises SourceFormatError, OSError.
    """
    path = path or BUNDLED
    if path.stat().st_size > FILE_MAX_BYTES:
        raise _refused(f"it has more than {FILE_MAX_BYTES} bytes.")
    try:
        raw = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _refused(f"it is no YAML ({' '.join(str(error).split())[:200]}).") from None
    table = _mapping(raw, "it")
    _check_names(table, _FIELDS, "it", may=_REMARKS)
    source = table["source"]
    if not isinstance(source, str) or not source.strip():
        raise _refused("`source` does not say where the figures come from.")
    pollutants = _mapping(table["pollutants"], "`pollutants`")
    _check_names(pollutants, frozenset(POLLUTANTS), "`pollutants`")
    kinds: dict[str, dict[str, float]] = {}
    beside: dict[str, float] = {}
    for pollutant in POLLUTANTS:
        given = _mapping(pollutants[pollutant], f"`{pollutant}`")
        _check_names(given, frozenset({"beside_main_road", "kinds"}), f"`{pollutant}`")
        beside[pollutant] = _factor(given["beside_main_road"], f"`{pollutant}: beside_main_road`")
        by_kind = _mapping(given["kinds"], f"`{pollutant}: kinds`")
        _check_names(by_kind, frozenset(KINDS), f"`{pollutant}: kinds`")
        kinds[pollutant] = {kind: _factor(by_kind[kind], f"`{pollutant}: kinds: {kind}`") for kind in KINDS}
    decay_m = _number(table["decay_m"], "`decay_m`", least=DECAY_MIN_M, most=DECAY_MAX_M)
    return LocalFactors(source=" ".join(source.split()), decay_m=decay_m, kinds=kinds, beside=beside)


def street_factors(
    table: LocalFactors, *, kinds: NDArray[np.uint8], main_road_m: Float32Array, length_m: Float32Array
) -> dict[str, Float32Array]:
    """{pollutant: float32[streets]}, each with a mean of 1 over the length of all streets.

    A main road has the air of its class. Any other street has that of its class or that which the nearest main road
    leaves it, whichever differs more from a place without traffic. `main_road_m` may be inf or NaN: there is none.
    """
    main = np.isin(kinds, [KINDS.index(kind) for kind in MAIN_ROADS])
    distance_m = np.nan_to_num(main_road_m.astype(np.float64), nan=np.inf, posinf=np.inf)
    left = np.exp(-distance_m / table.decay_m)
    found: dict[str, Float32Array] = {}
    for pollutant, by_kind in table.kinds.items():
        own = np.array([by_kind[kind] for kind in KINDS])[kinds] - 1
        near = np.where(main, 0.0, (table.beside[pollutant] - 1) * left)
        found[pollutant] = _with_mean_1(1 + np.where(np.abs(near) > np.abs(own), near, own), length_m)
    return found


def raster_factors(
    raster: Raster, *, lats: NDArray[np.float64], lons: NDArray[np.float64], length_m: Float32Array
) -> Float32Array:
    """float32[streets] with a mean of 1 over their length, from the map's value at the middle of each street.

    Only the ratio of one place to another is used, so the map may be of a year, a day or an hour, in any unit in
    which no value is above VALUE_MOST. A street of which it says nothing, or a negative value, has 1: it is neither
    better nor worse than the city; so has one whose value is above VALUE_MOST, or its factor outside FACTOR_MIN to
    FACTOR_MAX. Raises SourceFormatError when the former are more than half of the streets, by their length, the latter
    more than STRANGE_MOST, or the map is 0 everywhere.
    """
    values = raster.at(lats, lons)
    told = values >= 0
    known = told & (values <= VALUE_MOST)
    total_m = float(length_m.sum(dtype=np.float64))

    def share(of: NDArray[np.bool_]) -> float:
        return float(length_m[of].sum(dtype=np.float64)) / total_m if total_m else 0.0

    if (covered := share(told)) < COVERED_LEAST:
        raise SourceFormatError(f"The map of the air says something of {covered:.0%} of the streets only.")
    if not np.any(values[told & (length_m > 0)]):
        raise SourceFormatError("The map of the air is 0 everywhere.")
    if share(known):
        mean = np.average(values[known], weights=length_m[known])
        known &= (values >= FACTOR_MIN * mean) & (values <= FACTOR_MAX * mean)
    if (strange := share(told & ~known)) > STRANGE_MOST:
        raise SourceFormatError(
            f"The map of the air gives {strange:.0%} of the streets values that no air has, above {VALUE_MOST:.0f} or "
            "far from all others: is the value for nothing known declared?"
        )
    mean = np.average(values[known], weights=length_m[known])
    # Without the strange ones the mean is another.
    return np.where(known, np.clip(np.where(known, values, mean) / mean, FACTOR_MIN, FACTOR_MAX), 1.0).astype(
        np.float32
    )


def _with_mean_1(values: NDArray[np.float64], length_m: Float32Array) -> Float32Array:
    weights = length_m.astype(np.float64)
    mean = np.average(values, weights=weights) if weights.sum() else 1.0
    return (values / mean).astype(np.float32)


def _mapping(given: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise _refused(f"{what} is not a mapping.")
    return given


def _check_names(
    given: Mapping[str, Any], must: frozenset[str], what: str, *, may: frozenset[str] = frozenset()
) -> None:
    if missing := sorted(must - given.keys()):
        raise _refused(f"{what} lacks {', '.join(missing)}.")
    if unknown := sorted(str(name) for name in given.keys() - must - may):
        raise _refused(f"{what} holds {', '.join(unknown)[:100]}, which is not known.")


def _factor(given: Any, what: str) -> float:
    return _number(given, what, least=FACTOR_MIN, most=FACTOR_MAX)


def _number(given: Any, what: str, *, least: float, most: float) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not least <= given <= most:
        raise _refused(f"{what} is not a number from {least} to {most}.")
    return float(given)


def _refused(problem: str) -> SourceFormatError:
    return SourceFormatError(f"Not {_WHAT}: {problem}")
