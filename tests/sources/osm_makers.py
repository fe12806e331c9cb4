"""Writes synthetic OpenStreetMap files: the same places as PBF and as GeoJSON."""

import io
import json

import osmium
from osmium.osm.mutable import Node, Relation, Way

from citizen_api.sources import osm

EDITED = "2026-03-04T05:06:07Z"


def make_node(number, *, lat=48.8573751, lon=2.3524425, **tags):
    return Node(id=number, location=(lon, lat), version=1, timestamp=EDITED, tags=plain(tags))


def make_way(number, nodes, **tags):
    return Way(id=number, nodes=nodes, version=1, timestamp=EDITED, tags=plain(tags))


def make_relation(number, members, **tags):
    return Relation(id=number, members=members, version=1, timestamp=EDITED, tags=plain(tags))


def plain(tags):
    """Write `addr__city` for addr:city, as Python has no such names."""
    return {key.replace("__", ":"): value for key, value in tags.items()}


def write_pbf(path, *objects, replicated=None, form="pbf"):
    header = osmium.io.Header()
    if replicated is not None:
        header.set("osmosis_replication_timestamp", replicated)
    with osmium.SimpleWriter(osmium.io.File(path, form), header=header, overwrite=True) as writer:
        for each in objects:
            writer.add(each)
    return path


def read_pbf(folder, *objects, **options):
    with write_pbf(folder / "synthetic.osm.pbf", *objects, **options).open("rb") as stream:
        return list(osm.read(stream))


def make_feature(key, coordinates=(2.3524425, 48.8573751), *, kind="Point", **tags):
    geometry = None if coordinates is None else {"type": kind, "coordinates": coordinates}
    return {
        "type": "Feature",
        "id": key,
        "geometry": geometry,
        "properties": {"@id": key, "@timestamp": EDITED, **plain(tags)},
    }


def make_geojson(*features, **top):
    return json.dumps({"type": "FeatureCollection", **top, "features": features}).encode()


def read_geojson(*features, **top):
    return list(osm.read(io.BytesIO(make_geojson(*features, **top))))


def read_tags(**tags):
    """Read a synthetic node with these tags, which is rejected or gives one record."""
    (read,) = read_geojson(make_feature("node/1", **tags))
    return read
