"""What docs/data-quality.md says is what the files give."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from citizen_api.care import stocks, sync
from citizen_api.care.cli import care
from citizen_api.web.command import Context
from tests.care.linking_makers import homes
from tests.care.makers import NOW
from tests.shared_data import shared_file

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "data-quality.md").read_text(encoding="utf-8")
READING = DOCS / "data-quality" / "pharmacies-without-sirene-row.csv"
FILES = {
    "finess-idf-hospitals": "finess/etablissements_hospitaliers_idf.csv",
    "finess-idf-disability": "finess/etab_adultes_handicapes_idf.csv",
    "paris-pharmacies": "pharmacies/pharmacies_paris_finess.csv",
    "sirene-pharmacies": "pharmacies/pharmacies_idf_sirene_4773Z.csv",
}


def read_rows():
    with READING.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def imported(database, tmp_path):
    for name, path in FILES.items():
        sync.run_import(database, stocks.known_stock(name, shared_file(path)), now=NOW, reports_dir=tmp_path)
    return database


def test_doctor_says_of_the_shared_files_what_the_page_says(imported, settings, clock):
    context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
    context.__dict__["database"] = imported
    output = CliRunner().invoke(care, ["doctor", "--examples", "0"], obj=context).output
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert output == block


def test_the_pharmacies_read_by_hand_are_those_that_do_not_match(imported):
    found = homes(imported)
    confirmed = {home for (source, _), (home, _) in found.items() if source.startswith("sirene")}
    registered = {key: home for (source, key), (home, _) in found.items() if source == "paris-pharmacies-2013"}
    assert {key for key, home in registered.items() if home not in confirmed} == {row["finess"] for row in read_rows()}


def test_the_page_counts_the_reasons_that_were_read():
    told = {reason: int(number) for reason, number in re.findall(r"\(`(\w+)`\) \| (\d+) \|", PAGE)}
    assert told == Counter(row["reason"] for row in read_rows())


def test_the_page_tells_one_number_of_matches_throughout():
    (confirmed, total) = re.search(r"(\d+)  of the (\d+) places of paris-pharmacies-2013 are confirmed", PAGE).groups()
    assert f"**{confirmed} of the {total}** pharmacies" in PAGE
    assert int(total) - int(confirmed) == len(read_rows())


def test_the_matches_by_confidence_add_up_to_all():
    bands = [int(number) for number in re.findall(r"^\| (?:below )?0\.\d[^|]*\| (\d+) \|", PAGE, re.MULTILINE)]
    counted = [int(number) for number in re.findall(r"(\d+)  records of sirene\S+ placed with", PAGE)]
    assert bands == [sum(counted[:3]), *counted[3:]]
