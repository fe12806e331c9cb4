"""Recorded files are recognised by what they hold, whatever their name."""

import json

import pytest

from citizen_api.sources.air_files import HEAD_BYTES, KINDS, read_file, recognise
from citizen_api.sources.air_sources import SOURCES
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.shared_data import shared_file
from tests.sources.air_makers import (
    geojson,
    make_episode,
    make_index,
    make_map,
    make_phenomenon,
    make_place,
    make_pollen,
)

SYNTHETIC = {
    "atmo-data-index": geojson(make_index()),
    "atmo-data-pollen": geojson(make_pollen()),
    "atmo-data-episodes": geojson(make_episode()),
    "airparif-communes": b'{"75104": [{"date": "2026-01-06", "indice": "Bon"}]}',
    "airparif-stations": b",A:NOX\n,a\n,A\n,oxydes\n,NOX\n,microg/m3\n2023-01-01 01:00:00Z,1\n",
    "atmo-occitanie-stations": (
        b"\xef\xbb\xbfnom_station,code_station,nom_poll,valeur,unite,date_debut\n"
        b"A,FR1,NO2,1,ug.m-3,2023/09/29 11:00:00+00\n"
    ),
    "atmo-index-csv": b"code_zone;date_ech;code_qual\n92019;2026-10-06;3\n",
    "open-meteo": json.dumps(make_place()).encode(),
    "vigilance": json.dumps(make_map({"75": [make_phenomenon("6", worst=1)]})).encode(),
    "uv": b"insee;commune;date;UV_J0\n01001;A;2024-01-18;1\n",
}
REAL = {
    "air/airparif/2023_NOX.csv": "airparif-stations",
    "air/airparif/2024_CO.csv": "airparif-stations",
    "air/airparif/airparif_raw_2025-12-25.json": "airparif-communes",
    "air/airparif/airparif_realtime_paris_2026-01-01_09-21-51.json": "airparif-communes",
    "air/atmo_index/atmo_indice_communes_idf_petite_couronne_2026-10-06.csv": "atmo-index-csv",
    "air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv": "atmo-occitanie-stations",
    "uv/indice_uv_communes_20240118.csv": "uv",
    "vigilance/dpvigilance_2026-08-22T0657Z.json": "vigilance",
}


def test_each_kind_has_a_synthetic_file_here():
    assert SYNTHETIC.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_recognised_and_read(kind, tmp_path):
    path = tmp_path / "any.name"
    path.write_bytes(SYNTHETIC[kind])
    found, items = read_file(path)
    read = list(items)
    assert (found, len(read) > 0) == (kind, True)
    assert not [item for item in read if isinstance(item, RejectedRow)]


@pytest.mark.parametrize(("name", "kind"), REAL.items())
def test_a_recorded_file_is_recognised(name, kind):
    with shared_file(name).open("rb") as file:
        assert recognise(file.read(HEAD_BYTES)) == kind


@pytest.mark.parametrize(
    "head", [b"", b"<html>", b"{}", b"[]", b"a;b\n1;2\n", b"\xff\xfe", b'{"features": []}', b"PK\x03\x04"], ids=repr
)
def test_another_file_is_none_of_them(head):
    assert recognise(head) is None


@pytest.mark.parametrize(("content", "reason"), [(b"", "it is empty"), (b"<html>", "known are atmo-data-index")])
def test_a_file_that_is_none_of_them_is_refused_in_one_line(content, reason, tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(content)
    with pytest.raises(SourceFormatError, match=reason):
        read_file(path)


def test_each_kind_is_of_a_known_source():
    assert {kind.source.id for kind in KINDS.values()} == set(SOURCES)


def test_a_station_is_not_a_commune():
    assert (KINDS["airparif-communes"].source.resolution, KINDS["airparif-stations"].source.resolution) == (
        "commune",
        "station",
    )
