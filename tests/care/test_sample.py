import csv
import subprocess
import sys
from datetime import date

from sqlalchemy import select

from citizen_api.care import stocks, sync
from citizen_api.care.models import Facility
from citizen_api.care.sample import derive
from citizen_api.sources import generic_csv
from citizen_api.sources.records import FacilityRecord
from tests.care.makers import NOW
from tests.shared_data import shared_file

COMMITTED = derive.TARGET.read_bytes() if derive.TARGET.exists() else b""
MAX_BYTES = 600_000


def records():
    with derive.TARGET.open("rb") as stream:
        return list(generic_csv.read(stream, generic_csv.OWN_COLUMNS))


def test_the_sample_is_read_whole_by_the_product_itself():
    read = records()
    assert len(read) == 2990
    assert all(isinstance(record, FacilityRecord) for record in read)


def test_the_sample_holds_the_pharmacy_of_the_village_at_its_place():
    (record,) = [record for record in records() if record.key == "750010597"]
    assert (record.name, record.street, record.commune_code) == (
        "Pharmacie du Village",
        "26 rue du Temple",
        "75104",
    )
    assert (record.lat, record.lon, record.phone) == (48.8573751, 2.3524425, "+33142726071")
    assert (record.source_id, record.source_date) == ("paris-pharmacies-2013", date(2013, 10, 24))


def test_every_row_names_its_source_and_how_old_it_is():
    known = {(source.id, source.as_of) for source in derive.SOURCES}
    assert {(record.source_id, record.source_date) for record in records()} == known


def test_no_row_claims_to_be_newer_than_its_source():
    for record in records():
        assert max(day for day in (record.opened_on, record.updated_on, date.min) if day) <= record.source_date


def test_the_sample_is_small_sorted_utf_8_with_unix_line_ends():
    text = COMMITTED.decode("utf-8")
    assert len(COMMITTED) < MAX_BYTES
    assert "\r" not in text
    keys = [row["finess"] for row in csv.DictReader(text.splitlines())]
    assert keys == sorted(set(keys))


def test_the_committed_sample_is_what_the_script_derives():
    text, counts = derive.derive(shared_file("finess").parent)
    assert text.encode() == COMMITTED
    assert not [what for what in counts if "rejected" in what]


def test_a_folder_without_the_data_is_refused_in_one_line(tmp_path):
    done = subprocess.run([sys.executable, derive.__file__, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("derive.py: ")


FILES = {
    "finess-idf-hospitals": "finess/etablissements_hospitaliers_idf.csv",
    "finess-idf-disability": "finess/etab_adultes_handicapes_idf.csv",
    "paris-pharmacies": "pharmacies/pharmacies_paris_finess.csv",
}


def test_the_sample_says_exactly_what_the_three_files_say(database, tmp_path):
    for form, name in FILES.items():
        stock = stocks.known_stock(form, shared_file(name))
        sync.run_import(database, stock, now=NOW, reports_dir=tmp_path)
    report = sync.run_import(database, stocks.sample_stock(), now=NOW, reports_dir=tmp_path, dry_run=True)
    assert report.counts == {"unchanged": 2990}


def test_of_the_places_of_the_sample_all_but_four_get_their_commune_from_the_address(database, session, tmp_path):
    sync.run_import(database, stocks.sample_stock(), now=NOW, reports_dir=tmp_path)
    communes = session.scalars(select(Facility.commune_code)).all()
    assert (len(communes), communes.count(None)) == (2990, 4)
