"""The streets of an extract, from synthetic and from hostile files."""

from datetime import date

import pytest

from citizen_api.sources import osm_streets
from citizen_api.sources.osm_streets import read_streets
from citizen_api.sources.records import SourceFormatError
from tests.sources.osm_makers import make_node, make_relation, make_way, write_pbf

POINTS = [make_node(number, lat=48.8 + number / 1000, lon=2.3) for number in range(1, 9)]
STREET = make_way(20, [1, 2, 3], highway="residential")
UNPACKED = "pbf,pbf_compression=none"


def read(folder, *objects, **options):
    return read_streets(write_pbf(folder / "synthetic.osm.pbf", *objects, **options))


def points(street):
    return street.points.tolist()


def test_a_street_has_its_tags_and_its_points_in_order(tmp_path):
    (street,) = read(tmp_path, *POINTS, make_way(20, [3, 1, 2], highway="steps", name="Escalier")).streets
    assert (street.tags.kind, street.tags.name, points(street)) == ("steps", "Escalier", [2, 0, 1])


def test_positions_are_those_of_the_file(tmp_path):
    extract = read(tmp_path, *POINTS, STREET)
    assert (extract.lats_e7.tolist(), extract.lons_e7[0]) == ([488_010_000, 488_020_000, 488_030_000], 23_000_000)


def test_what_is_no_street_is_not_read(tmp_path):
    extract = read(tmp_path, *POINTS, STREET, make_way(21, [4, 5], building="yes"))
    assert (len(extract.streets), len(extract.lats_e7)) == (1, 3)


def test_points_that_a_clipped_extract_lacks_are_told_and_tolerated(tmp_path):
    extract = read(tmp_path, *POINTS, make_way(20, [1, 98, 2, 99, 99], highway="path"))
    assert (points(extract.streets[0]), extract.missing) == ([0, -1, 1, -1, -1], 2)


def test_the_day_of_the_file_is_that_of_its_header(tmp_path):
    extract = read(tmp_path, *POINTS, STREET, replicated="2026-11-24T20:21:00Z")
    assert extract.dated == date(2026, 11, 24)


def test_a_point_that_nobody_passes_is_told(tmp_path):
    shut = make_node(2, lat=48.802, lon=2.3, barrier="turnstile")
    passed = make_node(3, lat=48.803, lon=2.3, barrier="bollard")
    assert read(tmp_path, POINTS[0], shut, passed, STREET).shut == {1}


@pytest.mark.parametrize("tags", [{"leisure": "park"}, {"landuse": "forest"}, {"natural": "wood"}])
def test_parks_are_read_as_outlines(tmp_path, tags):
    extract = read(tmp_path, *POINTS, STREET, make_way(21, [4, 5, 6, 4], **tags), make_way(22, [6, 7], leisure="pitch"))
    assert [park.tolist() for park in extract.parks] == [[3, 4, 5, 3]]


def test_a_park_of_several_ways_is_read_by_its_outer_ones(tmp_path):
    extract = read(
        tmp_path,
        *POINTS,
        STREET,
        make_way(21, [4, 5]),
        make_way(22, [5, 6, 4]),
        make_way(23, [7, 8]),
        make_relation(
            30, [("w", 21, "outer"), ("w", 22, "outer"), ("w", 23, "inner")], type="multipolygon", leisure="park"
        ),
    )
    assert [park.tolist() for park in extract.parks] == [[3, 4], [4, 5, 3]]


def test_a_square_mapped_as_a_relation_is_a_street_round_it(tmp_path):
    extract = read(
        tmp_path,
        *POINTS,
        make_way(21, [4, 5, 6, 4]),
        make_way(22, [6, 7], highway="residential"),
        make_relation(
            30,
            [("w", 21, "outer"), ("w", 22, "outer"), ("w", 99, "outer")],
            type="multipolygon",
            highway="pedestrian",
            name="Place",
        ),
    )
    assert [(street.tags.kind, street.tags.name) for street in extract.streets] == [
        ("residential", None),
        ("pedestrian", "Place"),
    ]


def test_a_route_relation_makes_no_street(tmp_path):
    route = make_relation(30, [("w", 20, "")], type="route", highway="pedestrian")
    assert len(read(tmp_path, *POINTS, STREET, route).streets) == 1


def test_a_file_without_streets_is_refused(tmp_path):
    with pytest.raises(SourceFormatError, match="No street"):
        read(tmp_path, *POINTS, make_way(21, [4, 5], building="yes"))


def test_a_history_is_refused(tmp_path):
    with pytest.raises(SourceFormatError, match="history"):
        read(tmp_path, *POINTS, STREET, form="osh.pbf")


def test_a_nul_in_a_tag_is_refused_before_libosmium_reads_it(tmp_path):
    path = write_pbf(
        tmp_path / "nul.osm.pbf", *POINTS, make_way(20, [1, 2], highway="path", name="N__U__L"), form=UNPACKED
    )
    path.write_bytes(path.read_bytes().replace(b"N__U__L", b"N\0\0U\0\0L"))
    with pytest.raises(SourceFormatError, match="NUL"):
        read_streets(path)


def test_tags_that_are_not_utf_8_are_refused(tmp_path):
    path = write_pbf(
        tmp_path / "b.osm.pbf", *POINTS, make_way(20, [1, 2], highway="path", name="VILLAGE"), form=UNPACKED
    )
    path.write_bytes(path.read_bytes().replace(b"VILLAGE", b"VILL\xff\xfeE"))
    with pytest.raises(SourceFormatError, match="UTF-8"):
        read_streets(path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = write_pbf(tmp_path / "whole.osm.pbf", *POINTS, STREET).read_bytes()
    cut = tmp_path / "cut.osm.pbf"
    for length in range(1, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises(SourceFormatError):
            read_streets(cut)


@pytest.mark.parametrize("content", [b"", b"<osm/>", b"PK\x03\x04", b"\xff" * 100])
def test_what_is_no_pbf_is_refused(tmp_path, content):
    path = tmp_path / "x.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(SourceFormatError):
        read_streets(path)


def test_more_streets_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(osm_streets, "HELD_MAX", 50)
    ways = [make_way(number, [1, 2, 3], highway="path") for number in range(20, 24)]
    with pytest.raises(SourceFormatError, match="more streets than"):
        read(tmp_path, *POINTS, *ways)
