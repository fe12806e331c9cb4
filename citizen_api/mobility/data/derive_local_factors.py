"""Derive `local_factors.yaml` from hourly means of stations beside traffic and away from it.

    python citizen_api/mobility/data/derive_local_factors.py AIR_FOLDER

AIR_FOLDER holds `airparif/2023_NOX.csv`, `airparif/2024_NOX.csv` and the hours of Montpellier in `atmo_occitanie/` (see
SOURCES.md). Written: the table with what it rests on, facts only (ratios of means, hours, days). The same files give
the same bytes.

The way from measured hours to a factor:

1. NO2 and NOx were measured together at two traffic stations of Montpellier: how much NO2 rises where NOx rises,
   NO2 ratio = NOx ratio ^ e, gives e.
2. NOx was measured at eleven traffic stations of and around Paris. Which class of road each stands at is ours to say
   (ROADS). Each class has the mean of its stations' NOx ratios, to the power of e.
3. Particles: their ratios at the traffic stations of Montpellier lie on both sides of 1, and measured mass of particles
   shows no trend with the distance to roads elsewhere either (Karner 2010): 1 everywhere.
4. Ozone was measured at no traffic station. Fresh exhaust turns it into NO2: NO2 + O3 stays what it was, in ppb, but
   for the NO2 that is emitted as such (PRIMARY of NOx, assumed). What that leaves at the two stations of Montpellier,
   for each unit of the NO2 ratio, is applied to every class.
5. The classes between are not measured: assumed, as BETWEEN says.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

TARGET = Path(__file__).with_name("local_factors.yaml")
YEARS = (2023, 2024)
MONTPELLIER = "montpellier_hourly_2023-09-09_2023-10-09.csv"
BACKGROUND = ("PA01H", "PA07", "PA12", "PA13", "PA18")
"""Airparif's stations of Paris away from traffic, as their names tell (a district, no street)."""
ROADS = {
    "trunk": ("AUT", "BP_EST", "A1"),
    "primary": ("SOULT", "CELES", "ELYS", "OPERA", "HAUS", "BASCH", "RN2"),
    "secondary": ("BONAP",),
}
"""Stations in or beside a street or a road, as their names tell. The classes of the streets are our reading."""
BETWEEN = {"tertiary": 1 / 2, "unclassified": 1 / 4}
"""Assumed: how much of a secondary road's difference such a street has. Every other class has none of its own."""
QUIET = (
    *("residential", "living_street", "service", "pedestrian", "footway", "cycleway", "path", "track", "steps"),
    *("elevator", "corridor"),
)
DECAY_M = 50
PRIMARY = 0.2
PPB_UG_M3 = {"NO2": 1.912, "O3": 1.995}
"""ug/m3 of a ppb at 20 degrees and 1013 hPa."""
HEAD = """\
# How the air of a street differs from that of a place without traffic (1). Written by derive_local_factors.py from
# measured hours; the way from them to these figures stands there, the sources in SOURCES.md, the limits in
# docs/health-model.md. To use figures of your own, copy this file, change it (say where they come from in `source`) and
# name it in ALENTOURS_MOBILITY_LOCAL_FACTORS; then build the networks again.
#
# kinds: in a street of this class. beside_main_road: at the edge of a trunk, primary or secondary road, whichever it
# is; what is left of the difference after `decay_m` metres is 1/e. When a network is built, all is divided by its mean
# over the streets, because the exposure of walking and cycling (PER) holds the average of being in traffic already.
#
# Producers: Airparif (its open data); Atmo Occitanie (ODbL). `measured` holds facts drawn from their hours.
"""

Series = Mapping[str, float]
"""Values by hour, as the source writes it."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A traffic station against the background, over the hours that both measured."""

    ratio: float
    hours: int
    first: str
    last: str


def compare(traffic: Series, background: Series) -> Ratio:
    """Ratio of the means over the hours that both have."""
    hours = sorted(traffic.keys() & background.keys())
    ratio = fmean(traffic[hour] for hour in hours) / fmean(background[hour] for hour in hours)
    return Ratio(ratio, len(hours), _day(hours[0]), _day(hours[-1]))


def together(series: Iterable[Series]) -> dict[str, float]:
    """Mean of several stations, for the hours that all measured."""
    every = list(series)
    hours = set.intersection(*(set(one) for one in every))
    return {hour: fmean(one[hour] for one in every) for hour in hours}


def read_paris(folder: Path) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """({code of a station: NOx by hour}, {code: its name})."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    names: dict[str, str] = {}
    for year in YEARS:
        with (folder / "airparif" / f"{year}_NOX.csv").open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
        codes = rows[2]
        names |= zip(codes[1:], rows[1][1:], strict=True)
        for row in rows[6:]:
            for code, cell in zip(codes[1:], row[1:], strict=True):
                if cell:
                    found[code][row[0]] = float(cell)
    return found, names


def read_montpellier(folder: Path) -> tuple[dict[tuple[str, str], dict[str, float]], dict[str, tuple[str, str]]]:
    """({(pollutant, station): values by hour}, {station: (name, influence)})."""
    values: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    stations: dict[str, tuple[str, str]] = {}
    with (folder / "atmo_occitanie" / MONTPELLIER).open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            stations[row["code_station"]] = " ".join(row["nom_station"].split()), row["influence"]
            if row["valeur"]:
                values[row["nom_poll"], row["code_station"]][row["date_fin"]] = float(row["valeur"])
    return values, stations


def derive(folder: Path) -> dict[str, Any]:
    """The whole table."""
    paris, names = read_paris(folder)
    montpellier, stations = read_montpellier(folder)
    influences = {code: influence for code, (_, influence) in stations.items()}

    def away(pollutant: str) -> dict[str, float]:
        return together(
            series for (name, code), series in montpellier.items() if name == pollutant and influences[code] == "Fond"
        )

    measured: list[dict[str, Any]] = []
    at_traffic: dict[tuple[str, str], Ratio] = {}
    for (pollutant, code), series in sorted(montpellier.items()):
        if influences[code] == "Trafic" and pollutant in {"NO2", "NOX", "PM10", "PM2.5"}:
            found = at_traffic[pollutant, code] = compare(series, away(pollutant))
            measured.append(_fact("Atmo Occitanie", stations[code][0], pollutant, found))
    both = sorted(code for name, code in at_traffic if name == "NOX")
    exponents = [math.log(at_traffic["NO2", code].ratio) / math.log(at_traffic["NOX", code].ratio) for code in both]
    exponent = fmean(exponents)

    background = together(paris[code] for code in BACKGROUND)
    no2: dict[str, float] = {}
    for kind, codes in ROADS.items():
        ratios = [compare(paris[code], background) for code in codes]
        measured += [
            _fact("Airparif", names[code], "NOX", ratio, kind=kind) for code, ratio in zip(codes, ratios, strict=True)
        ]
        no2[kind] = fmean(ratio.ratio for ratio in ratios) ** exponent
    no2 |= {kind: 1 + share * (no2["secondary"] - 1) for kind, share in BETWEEN.items()}
    no2 |= dict.fromkeys(QUIET, 1.0)

    loss = fmean(_ozone_lost(montpellier, code, away("NO2"), away("NOX"), away("O3")) for code in both)
    o3 = {kind: 1 - loss * (factor - 1) for kind, factor in no2.items()}
    one = dict.fromkeys(no2, 1.0)
    return {
        "source": (
            "Alentours, from hourly means of Airparif (NOx, Paris, 2023 and 2024) and Atmo Occitanie (Montpellier, "
            "2023-09-09 to 2023-10-09); classes between measured ends, ozone and the distance are assumed"
        ),
        "decay_m": DECAY_M,
        "pollutants": {
            name: {
                "beside_main_road": round(by_kind["primary"], 2),
                "kinds": {k: round(v, 2) for k, v in by_kind.items()},
            }
            for name, by_kind in (("no2", no2), ("pm25", one), ("pm10", one), ("o3", o3))
        },
        "measured": measured,
        "assumed": _assumed(exponent=exponent, loss=loss),
    }


def _assumed(*, exponent: float, loss: float) -> list[str]:
    beside = "Beside a main road of any class the air is a primary road's, so that no path along one is called cleaner."
    distance = (
        f"decay_m {DECAY_M}: less far between a city's walls than along open roads, where the NOx of Liu 2019 goes"
    )
    particles = "Particles: measured ratios lie on both sides of 1, and Karner 2010 finds no trend of their mass"
    ozone = f"Ozone: {loss:.2f} less for each unit of the NO2 ratio, where NO2 + O3 stays the same in ppb"
    return [
        f"NO2 ratio = NOx ratio ^ {exponent:.2f}, measured at two stations of Montpellier, holds in Paris.",
        "The class of the road at which a station stands is our reading of its name.",
        "A tertiary street has half, an unclassified one a quarter of a secondary road's difference.",
        beside,
        f"{distance} 370 m, and most pollutants of Karner 2010 115 to 570 m.",
        f"{particles}: 1 everywhere.",
        f"{ozone} and {PRIMARY:.0%} of NOx is emitted as NO2.",
    ]


def _ozone_lost(values: Mapping[tuple[str, str], Series], code: str, no2: Series, nox: Series, o3: Series) -> float:
    """Share of the ozone that is lost at a traffic station, for each unit by which NO2 is above the background."""
    hours = sorted(values["NO2", code].keys() & values["NOX", code].keys() & no2.keys() & nox.keys() & o3.keys())
    there = known = 0.0
    for hour in hours:
        new_no2 = (values["NO2", code][hour] - no2[hour]) / PPB_UG_M3["NO2"]
        new_nox = (values["NOX", code][hour] - nox[hour]) / PPB_UG_M3["NO2"]  # NOx is told as NO2
        before = o3[hour] / PPB_UG_M3["O3"]
        there += min(max(before - max(new_no2 - PRIMARY * new_nox, 0.0), 0.0), before)
        known += before
    above = fmean(values["NO2", code][hour] for hour in hours) / fmean(no2[hour] for hour in hours) - 1
    return (1 - there / known) / above


def _fact(producer: str, station: str, pollutant: str, found: Ratio, **more: str) -> dict[str, Any]:
    return {
        "producer": producer,
        "station": station,
        "pollutant": pollutant,
        **more,
        "ratio": round(found.ratio, 2),
        "hours": found.hours,
        "from": found.first,
        "to": found.last,
    }


def _day(hour: str) -> str:
    return hour[:10].replace("/", "-")


def write(table: Mapping[str, Any]) -> str:
    """The file."""
    return HEAD + yaml.safe_dump(dict(table), sort_keys=False, allow_unicode=True, width=110)


def main() -> None:
    """Write TARGET and print what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="AIR_FOLDER")
    table = derive(parser.parse_args().folder)
    TARGET.write_text(write(table), encoding="utf-8")
    print(f"{TARGET.name}: {len(table['measured'])} measured ratios; NO2 {table['pollutants']['no2']['kinds']}")


if __name__ == "__main__":
    main()
