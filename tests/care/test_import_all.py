"""Every shared file and a synthetic one of every other format, in two orders and twice, give the same directory."""

import json
from datetime import date

import pytest

from citizen_api.care import reading, stocks, sync
from citizen_api.care.directory import Directory
from citizen_api.care.directory_files import pack_in_memory
from citizen_api.sources import osm
from citizen_api.sources.generic_csv import SourceInfo
from tests.care.linking_makers import outcome
from tests.care.makers import NOW
from tests.conftest import RolledBackDatabase
from tests.shared_data import shared_file
from tests.sources import test_finess_plus as finess_plus_makers
from tests.sources import test_finess_stock as finess_stock_makers
from tests.sources.osm_makers import make_node, write_pbf
from tests.sources.rpps_makers import GP, make_extract

SHARED = {
    "finess-idf-hospitals": "finess/etablissements_hospitaliers_idf.csv",
    "finess-idf-disability": "finess/etab_adultes_handicapes_idf.csv",
    "paris-pharmacies": "pharmacies/pharmacies_paris_finess.csv",
    "sirene-pharmacies": "pharmacies/pharmacies_idf_sirene_4773Z.csv",
    "osm": "osm/paris_bss.osm.pbf",
}
VILLAGE, ITS_ENTITY = "750010597", "750010571"
"""A pharmacy that the shared list of Paris holds, 26 rue du Temple; the synthetic files speak of it, too."""

HOTEL_DIEU = "750100166"
MAP = SourceInfo(
    id="osm-synthetic", title="A synthetic map", producer="The tests", licence="none", date=date(2026, 6, 1)
)


def make_finess_plus(folder):
    """Make a register that renames a pharmacy of Paris, has one place of its own and a closed one."""
    make_ege = finess_plus_makers.make_ege
    pharmacy = {"categorieentiteGeographiqueExercice": "620"}
    general = {"numFinessEge": VILLAGE, "nomEgeLong": "PHARMACIE DU VILLAGE SYNTHETIQUE"}
    closed = {"numFinessEge": "750010605", "nomEgeLong": "PHARMACIE FERMEE", "dateFermeture": "2020-06-30"}
    document = finess_plus_makers.make_file(
        make_ege(),
        make_ege(**pharmacy, informationsGeneralesEGE=general, adresse=[]),
        make_ege(**pharmacy, informationsGeneralesEGE=closed, etatObjet="I"),
    )
    path = folder / "finess-plus.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def make_finess_stock(folder):
    """Make a stock with the same two places and another, one of them without a position."""
    make_place = finess_stock_makers.make_place
    lines = [
        finess_stock_makers.FIRST,
        make_place(),
        finess_stock_makers.make_position(),
        finess_stock_makers.make_position(x="870500.0", finess="990000025"),
        make_place(nofinesset=VILLAGE, nofinessej=ITS_ENTITY, rs="PHARMACIE DU VILLAGE", rslongue="", categetab="620"),
        make_place(nofinesset="990000025", rs="AUTRE CENTRE SYNTHETIQUE", rslongue=""),
    ]
    path = folder / "finess-stock.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def make_rpps(folder):
    """Make an extract of a practice of two doctors, one of whom also sits at a hospital of the shared list."""
    other = GP | {"Identifiant PP": "10000000002", "Nom d'exercice": "SYNTHETIQUE", "Prénom d'exercice": "ADA"}
    elsewhere = {"Numéro SIRET site": "", "Numéro FINESS site": HOTEL_DIEU, "Code commune (coord. structure)": "75104"}
    path = folder / "rpps.txt"
    path.write_bytes(make_extract(GP, other, other | elsewhere))
    return path


def make_map(folder):
    """Make a map of that pharmacy with hours and without a number, of a defibrillator, and of a doctor of the RPPS."""
    paris = {"addr__postcode": "75004", "addr__city": "Paris", "opening_hours": "Mo-Sa 09:00-19:30"}
    return write_pbf(
        folder / "synthetic.osm.pbf",
        make_node(1, amenity="pharmacy", name="Pharmacie du Village", wheelchair="yes", **paris),
        make_node(2, emergency="defibrillator", opening_hours="du lundi au vendredi de 9h à 18h"),
        make_node(3, amenity="dentist", name="Cabinet synthétique", lat=48.8690, lon=2.3320),
    )


@pytest.fixture
def every_stock(tmp_path):
    """Describe every file, by its format."""
    made = {
        "finess-plus": make_finess_plus(tmp_path),
        "finess-stock": make_finess_stock(tmp_path),
        "rpps": make_rpps(tmp_path),
    }
    files = {name: shared_file(path) for name, path in SHARED.items()} | made
    described = {name: stocks.known_stock(name, path) for name, path in files.items()}
    return described | {
        "map": sync.Stock(path=make_map(tmp_path), sources=(MAP,), reader=osm.read, complete=True),
    }


@pytest.fixture
def run(prepared_database, every_stock, tmp_path):
    """Import files in an order, round by round, on a database that holds nothing yet; tell what each round gives."""

    def imported(*rounds):
        with prepared_database.engine.connect().execution_options(writes=True) as connection:
            outer = connection.begin()
            database = RolledBackDatabase(connection)
            try:
                found = []
                for order in rounds:
                    for name in order:
                        sync.run_import(database, every_stock[name], now=NOW, reports_dir=tmp_path)
                    found.append((outcome(database), everything_in_the_directory(database)))
                return found
            finally:
                outer.rollback()

    return imported


def everything_in_the_directory(database):
    """Give what is answered of every place, and all of the directory's columns, as one state of the tables gives it."""
    with database.session(write=False) as session:
        known = list(reading.places(session))
    directory = Directory.of(known, built_at=NOW)
    packed, body = pack_in_memory(sorted(known, key=lambda place: place.id), stamp="1", built_at=NOW)
    columns = {name: (column.dtype.str, column.shape, column.tobytes()) for name, column in packed.arrays.items()}
    facts = [directory.facts(number) for number in range(len(directory))]
    return {"facts": facts, "meta": dict(packed.meta), "columns": columns, "body": bytes(body)}


def test_every_format_that_can_be_imported_is_imported_here(every_stock):
    assert every_stock.keys() == {*stocks.FORMATS, "map"}


def test_every_file_in_two_orders_and_twice_gives_the_same_directory(run, every_stock):
    order = list(every_stock)
    (tables, directory), *others = [*run(order, order), *run(order[::-1])]
    assert len(directory["facts"]) > 4_000
    (village,) = (facts for facts in directory["facts"] if facts["identifiers"].get("finess") == VILLAGE)
    assert {"finess-plus", "finess-stock", "osm-synthetic", "paris-pharmacies-2013"} <= {
        source["id"] for source in village["sources"]
    }
    assert len(others) == 2
    for other_tables, other_directory in others:
        assert other_tables == tables
        assert other_directory["facts"] == directory["facts"]
        assert other_directory == directory
