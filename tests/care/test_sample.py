import csv
import json
import subprocess
import sys
from datetime import date

import pytest

from citizen_api.care.sample import derive
from citizen_api.sources import generic_csv
from citizen_api.sources.records import FacilityRecord
from tests.shared_data import shared_file

COMMITTED = derive.TARGET.read_bytes() if derive.TARGET.exists() else b""
MAX_BYTES = 600_000

COMMUNES = derive.Communes(
    [
        {
            "code": "91228",
            "nom": "Évry-Courcouronnes",
            "type": "commune-actuelle",
            "departement": "91",
            "codesPostaux": ["91000"],
        },
        {
            "code": "94037",
            "nom": "Saint-Mandé",
            "type": "commune-actuelle",
            "departement": "94",
            "codesPostaux": ["94160"],
        },
        {
            "code": "77305",
            "nom": "Montereau-Fault-Yonne",
            "type": "commune-actuelle",
            "departement": "77",
            "codesPostaux": ["77130"],
        },
        {
            "code": "78158",
            "nom": "Le Chesnay-Rocquencourt",
            "type": "commune-actuelle",
            "departement": "78",
            "codesPostaux": ["78150"],
        },
        {"code": "78524", "nom": "Rocquencourt", "type": "commune-deleguee", "chefLieu": "78158"},
    ]
)


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


@pytest.mark.parametrize(
    ("postcode", "city", "found"),
    [
        ("94165", "Saint Mande", ("94037", "Saint-Mandé")),
        ("91000", "Evry", ("91228", "Évry-Courcouronnes")),
        ("91035", "Evry", None),
        ("78150", "Rocquencourt", ("78158", "Le Chesnay-Rocquencourt")),
        ("77875", "Montereau", None),
        ("75004", "Saint Mande", None),
        (None, None, None),
    ],
)
def test_a_commune_is_told_only_where_its_name_is_unambiguous(postcode, city, found):
    assert COMMUNES.find(postcode, city) == found


def test_a_name_that_two_communes_share_chooses_none():
    commune = {"nom": "Sainte-Colombe", "type": "commune-actuelle", "departement": "77", "codesPostaux": []}
    communes = derive.Communes([commune | {"code": "77404"}, commune | {"code": "77405"}])
    assert communes.find("77650", "STE COLOMBE") is None


def test_a_folder_without_the_data_is_refused_in_one_line(tmp_path):
    done = subprocess.run([sys.executable, derive.__file__, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("derive.py: ")


def test_communes_are_loaded_from_a_file(tmp_path):
    path = tmp_path / "communes.json"
    path.write_text(
        json.dumps([{"code": "93066", "nom": "Saint-Denis", "type": "commune-actuelle", "departement": "93"}]),
        "utf-8",
    )
    assert derive.Communes.load(path).find("93205", "St Denis") == ("93066", "Saint-Denis")
