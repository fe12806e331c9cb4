"""OpenStreetMap's binary form, on synthetic files."""

import io
from datetime import date

import pytest

from citizen_api.sources import osm, osm_pbf
from citizen_api.sources.records import SourceFormatError
from tests.shared_data import shared_file
from tests.sources.osm_makers import make_node, make_relation, make_way, read_pbf, write_pbf

UNPACKED = "pbf,pbf_compression=none"


def make_corners(*positions):
    return [make_node(number, lat=lat, lon=lon) for number, (lat, lon) in enumerate(positions, start=10)]


def read_bytes(content):
    return list(osm.read(io.BytesIO(content)))


def keys(read):
    return [record.key for record in read]


def test_a_building_stands_at_the_middle_of_its_box(tmp_path):
    corners = make_corners((48.0, 2.0), (48.0, 2.2), (48.1, 2.2), (48.4, 2.0))
    (record,) = read_pbf(tmp_path, *corners, make_way(5, [10, 11, 12, 13, 10], amenity="hospital"))
    assert (record.key, record.lat, record.lon) == ("way/5", 48.2, 2.1)


def test_a_building_of_which_the_extract_has_a_part_stands_at_that_part(tmp_path):
    corners = make_corners((48.0, 2.0), (48.2, 2.2))
    (record,) = read_pbf(tmp_path, *corners, make_way(5, [9, 10, 11, 99], amenity="hospital"))
    assert (record.lat, record.lon) == (48.1, 2.1)


def test_a_building_of_which_the_extract_has_no_corner_is_rejected(tmp_path):
    rejected, kept = read_pbf(
        tmp_path,
        make_way(5, [98, 99], amenity="hospital"),
        make_way(6, [98, 99], amenity="hospital", addr__postcode="75004"),
    )
    assert (rejected.code, kept.key, kept.lat) == ("no_position", "way/6", None)


def test_a_relation_stands_where_its_ways_and_nodes_are(tmp_path):
    (record,) = read_pbf(
        tmp_path,
        *make_corners((48.0, 2.0), (48.1, 2.1), (48.4, 2.2)),
        make_way(6, [10, 11]),
        make_way(8, [11, 10]),
        make_relation(7, [("w", 6, "outer"), ("n", 12, "entrance"), ("w", 404, "outer")], amenity="hospital"),
    )
    assert (record.key, record.lat, record.lon) == ("relation/7", 48.2, 2.1)


def test_relations_that_hold_each_other_end(tmp_path):
    first, second = read_pbf(
        tmp_path,
        make_relation(7, [("r", 8, ""), ("r", 7, "")], amenity="hospital", addr__city="Paris"),
        make_relation(8, [("r", 7, "")], amenity="hospital", addr__city="Paris"),
    )
    assert (first.lat, second.lat) == (None, None)


def test_corners_spread_over_all_ids_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(osm_pbf, "PAGES_AT_ONCE", 2)
    ids = [number << osm_pbf.PAGE_BITS for number in range(1, 8)]
    corners = [make_node(number, lat=48 + at / 10, lon=2.0) for at, number in enumerate(ids)]
    beyond = 1 << 50  # taken at its word, a filter of this id would fill the memory
    (record,) = read_pbf(tmp_path, *corners, make_way(5, [*ids, beyond], amenity="hospital"))
    assert (record.lat, record.lon) == (48.3, 2.0)


def test_more_areas_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(osm_pbf, "HELD_MAX", 100)
    with pytest.raises(SourceFormatError, match="cut it"):
        read_pbf(tmp_path, make_way(5, list(range(1, 200)), amenity="hospital"))


def test_a_stream_that_is_no_file_is_read_as_well(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy"))
    assert keys(read_bytes(path.read_bytes())) == ["node/1"]


def test_the_name_of_the_file_does_not_matter(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy")).rename(tmp_path / "download")
    with path.open("rb") as stream:
        assert keys(osm.read(stream)) == ["node/1"]


def test_an_object_without_an_id_of_openstreetmap_is_rejected(tmp_path):
    (rejected,) = read_pbf(tmp_path, make_node(-1, amenity="pharmacy"))
    assert rejected.code == "no_identifier"


def test_a_date_that_a_tool_took_away_is_unknown(tmp_path):
    node = make_node(1, amenity="pharmacy")
    node.timestamp = "1970-01-01T00:00:01Z"
    (record,) = read_pbf(tmp_path, node)
    assert record.updated_on is None


def test_the_header_tells_the_day_of_the_data(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1), replicated="2026-06-01T20:21:22Z")
    with path.open("rb") as stream:
        assert (osm.dated(stream), stream.tell()) == (date(2026, 6, 1), 0)


def test_a_file_that_does_not_tell_its_day_has_none(tmp_path):
    with write_pbf(tmp_path / "a.osm.pbf", make_node(1)).open("rb") as stream:
        assert osm.dated(stream) is None


@pytest.mark.parametrize("left", [0.3, 0.9])
def test_a_file_that_ends_too_soon_is_refused_in_one_line(tmp_path, left):
    content = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy")).read_bytes()
    with pytest.raises(SourceFormatError, match=r"^Not a whole OpenStreetMap PBF.*$"):
        read_bytes(content[: int(len(content) * left)])


def test_the_real_extract_cut_anywhere_is_refused_before_it_gives_anything():
    content = shared_file("osm/paris_bss.osm.pbf").read_bytes()
    for size in range(200, len(content), 9_973):
        with pytest.raises(SourceFormatError, match=r"^Not a whole OpenStreetMap PBF.*$"):
            read_bytes(content[:size])


def test_a_damaged_block_is_refused(tmp_path):
    content = bytearray(write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy")).read_bytes())
    content[-10] ^= 0xFF
    with pytest.raises(SourceFormatError, match=r"^Not a whole OpenStreetMap PBF.*$"):
        read_bytes(bytes(content))


def test_a_tag_with_a_nul_never_reaches_the_library_that_it_would_crash(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy", name="Placeholder"), form=UNPACKED)
    content = path.read_bytes().replace(b"Placeholder", b"Pl\x00ce\x00older")
    with pytest.raises(SourceFormatError, match="NULs"):
        read_bytes(content)


def test_a_tag_that_is_not_utf_8_rejects_its_place_only(tmp_path):
    path = write_pbf(
        tmp_path / "a.osm.pbf",
        make_node(1, amenity="pharmacy", name="Placeholder"),
        make_node(2, amenity="pharmacy", name="Synthétique"),
        form=UNPACKED,
    )
    rejected, kept = read_bytes(path.read_bytes().replace(b"Placeholder", b"\xff" * 11))
    assert (rejected.code, kept.key) == ("bad_characters", "node/2")


def test_a_block_packed_otherwise_is_refused(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy"), form="pbf,pbf_compression=lz4")
    with pytest.raises(SourceFormatError, match="zlib"):
        read_bytes(path.read_bytes())


def test_a_history_is_refused(tmp_path):
    path = write_pbf(tmp_path / "a.osh.pbf", make_node(1, amenity="pharmacy"), form="osh.pbf")
    with pytest.raises(SourceFormatError, match="history"):
        read_bytes(path.read_bytes())
