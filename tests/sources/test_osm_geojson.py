"""OpenStreetMap as GeoJSON, in the ways of its exporters, on synthetic features."""

import io
import json
import tracemalloc
from datetime import date

import pytest

from citizen_api.sources import osm, osm_geojson
from citizen_api.sources.records import SourceFormatError
from tests.sources.osm_makers import make_feature, make_geojson, read_geojson

POINT = {"type": "Point", "coordinates": [2.3524425, 48.8573751]}


def read_feature(properties, geometry=None, **feature):
    given = {"type": "Feature", "geometry": geometry or POINT, "properties": {"amenity": "pharmacy"} | properties}
    (read,) = read_geojson(given | feature)
    return read


@pytest.mark.parametrize(
    ("properties", "feature", "key"),
    [
        ({"@id": "node/123"}, {}, "node/123"),
        ({}, {"id": "way/5"}, "way/5"),
        ({"@osmId": "relation/7"}, {}, "relation/7"),
        ({}, {"id": "n123"}, "node/123"),
        ({}, {"id": "a10"}, "way/5"),
        ({}, {"id": "a15"}, "relation/7"),
        ({"@type": "way", "@id": 5}, {"id": 99}, "way/5"),
        ({"full_id": "r7", "osm_id": "7", "osm_type": "relation"}, {}, "relation/7"),
        ({"type": "node", "id": 123, "tags": {"amenity": "pharmacy"}}, {}, "node/123"),
    ],
)
def test_the_id_of_each_exporter_is_understood(properties, feature, key):
    assert read_feature(properties, **feature).key == key


@pytest.mark.parametrize("given", [None, 12, "node/-1", "node/x", ["node/1"], "changeset/1"])
def test_a_feature_without_an_id_of_openstreetmap_is_rejected(given):
    assert read_feature({}, id=given).code == "no_identifier"


def test_tags_may_stand_apart_from_the_metadata():
    record = read_feature(
        {
            "type": "node",
            "id": 1,
            "tags": {"amenity": "pharmacy", "name": "Synthétique"},
            "meta": {"timestamp": "2026-03-04T05:06:07Z"},
        }
    )
    assert (record.name, record.updated_on) == ("Synthétique", date(2026, 3, 4))


def test_seconds_since_1970_are_a_day():
    assert read_feature({"@id": "node/1", "@timestamp": 1772600000}).updated_on == date(2026, 3, 4)


def test_a_value_whose_type_an_exporter_guessed_is_text_again():
    assert read_feature({"@id": "node/1", "wheelchair": True, "name": 123}).name == "123"


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": [[2.0, 48.0], [2.2, 48.4]]},
        {"type": "Polygon", "coordinates": [[[2.0, 48.0], [2.2, 48.0], [2.2, 48.4], [2.0, 48.4], [2.0, 48.0]]]},
        {"type": "GeometryCollection", "geometries": [{"type": "MultiPoint", "coordinates": [[2, 48], [2.2, 48.4]]}]},
        {"type": "Point", "coordinates": [2.1, 48.2, 35.0]},
    ],
)
def test_a_position_is_the_middle_of_the_box(geometry):
    record = read_feature({"@id": "way/1"}, geometry)
    assert (record.lat, record.lon) == (48.2, 2.1)


def test_odd_features_do_not_keep_the_others_from_being_read():
    odd = [None, 3, [], {}, {"properties": None}, {"properties": {"amenity": ["pharmacy"]}}]
    assert [record.key for record in read_geojson(*odd, make_feature("node/1", amenity="pharmacy"))] == ["node/1"]


def test_a_deep_geometry_is_no_danger():
    deep = json.loads("[" * 40 + "2.0, 48.0" + "]" * 40)
    record = read_feature({"@id": "way/1"}, {"type": "Polygon", "coordinates": deep})
    assert record.lat == 48.0


@pytest.mark.parametrize("before", [b'{"features": [', b'{"x": ', b'\xef\xbb\xbf{"timestamp": '])
def test_a_file_that_nests_without_end_is_refused_before_it_takes_any_memory(before):
    tracemalloc.start()
    try:
        with pytest.raises(SourceFormatError, match=r"^Not GeoJSON of OpenStreetMap: it nests deeper than 50\.$"):
            list(osm.read(io.BytesIO(before + b"[" * 200_000)))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 30_000_000


def test_a_file_that_nests_without_end_has_no_day():
    assert osm_geojson.dated(io.BytesIO(b'{"x": ' + b"[" * 200_000)) is None


def test_a_byte_order_mark_does_not_matter():
    content = b"\xef\xbb\xbf" + make_geojson(make_feature("node/1", amenity="pharmacy"))
    assert len(list(osm.read(io.BytesIO(content)))) == 1


def test_a_file_that_breaks_off_gives_what_it_has_and_says_so():
    content = make_geojson(*(make_feature(f"node/{number}", amenity="pharmacy") for number in (1, 2)))
    records = osm.read(io.BytesIO(content[:-80]))
    assert next(records).key == "node/1"
    with pytest.raises(SourceFormatError, match=r"^Not whole GeoJSON: it breaks after 1 features.*$"):
        next(records)


@pytest.mark.parametrize("content", [b"{}", b'{"elements": []}', b'{"features": []}', b'{"features": 3}'])
def test_a_file_without_features_is_refused(content):
    with pytest.raises(SourceFormatError, match="features"):
        list(osm.read(io.BytesIO(content)))


@pytest.mark.parametrize("content", [b'{"a": nonsense}', b'{"a": "\xff"}', b'{"a": 1e99999', b'{"a": ' + b"9" * 9_999])
def test_what_is_no_json_is_refused_in_one_line(content):
    with pytest.raises(SourceFormatError, match=r"^.*$"):
        list(osm.read(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"features": [{"a": 1}, {"b"', "1 features (the file ends there)."),
        (b'{"features": [{"a": "\xff"}]}', "0 features (invalid bytes in UTF8 string)."),
        (b'{"features": [nonsense]}', "0 features (invalid string in json text)."),
        (b'{"features": [{}]} x', "1 features (trailing garbage)."),
    ],
)
def test_where_the_json_breaks_the_fault_is_told_in_plain_words(content, said):
    with pytest.raises(SourceFormatError) as raised:
        list(osm.read(io.BytesIO(content)))
    assert str(raised.value) == f"Not whole GeoJSON: it breaks after {said}"


@pytest.mark.parametrize("content", [b"{", b'{"timestamp": 3}', b'{"features": [], "timestamp": "2026-01-01"}'])
def test_a_file_that_does_not_tell_its_day_first_has_none(content):
    assert osm_geojson.dated(io.BytesIO(content)) is None
