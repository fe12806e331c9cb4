"""The bundled files, and the program that derives them."""

import csv
import gzip
import json
from importlib.resources import files

import pytest

from citizen_api.territory import sync
from citizen_api.territory.data import derive
from citizen_api.territory.data.derive import Centre, borrowed_centres, former_communes
from citizen_api.territory.rules import KnownCommune, PostcodeIndex, search_key
from tests.shared_data import shared_file

BUNDLED = files("citizen_api.territory") / "data"
NAMES = ("communes.csv.gz", "former.csv.gz", "epci.csv.gz", "departements.csv", "regions.csv")


@pytest.fixture(scope="module")
def communes():
    return {row["code"]: row for row in sync.read_rows("communes.csv.gz")}


@pytest.fixture(scope="module")
def index(communes):
    return PostcodeIndex(
        (
            KnownCommune(
                row["code"],
                search_key(row["name"]),
                row["departement"],
                row["parent"] or None,
                int(row["population"] or 0),
                tuple(row["postcodes"].split()),
            )
            for row in communes.values()
        ),
        [(search_key(row["name"]), row["commune"]) for row in sync.read_rows("former.csv.gz") if row["name"]],
    )


def test_every_commune_of_france_is_there_with_its_arrondissements(communes):
    assert len(communes) == 35_014
    assert sum(bool(row["parent"]) for row in communes.values()) == 45
    assert communes["93066"]["postcodes"] == "93200 93210 93380"
    assert communes["75104"]["parent"] == "75056"
    for overseas in ("97411", "97611", "97701", "98735", "98818"):
        assert overseas in communes


def test_every_code_referred_to_is_there(communes):
    epci = {row["code"] for row in sync.read_rows("epci.csv.gz")}
    departements = {row["code"]: row["region"] for row in sync.read_rows("departements.csv")}
    regions = {row["code"] for row in sync.read_rows("regions.csv")}
    for row in communes.values():
        assert row["departement"] in departements
        assert not row["epci"] or row["epci"] in epci
        assert not row["ept"] or row["ept"] in epci
        assert not row["parent"] or row["parent"] in communes
    assert set(departements.values()) <= regions
    assert all(row["commune"] in communes for row in sync.read_rows("former.csv.gz"))


def test_only_overseas_communes_have_no_centre(communes):
    assert {row["code"][:2] for row in communes.values() if not row["centre"]} == {"97", "98"}
    assert {row["code"][:3] for row in communes.values() if row["centre"] == "approximate"} == {"132", "693"}
    assert (communes["75104"]["lat"], communes["75104"]["lon"]) == ("48.8543", "2.3576")


def test_the_bundle_is_small():
    assert sum(len((BUNDLED / name).read_bytes()) for name in NAMES) < 1_500_000


def test_the_bundle_is_what_the_program_derives(tmp_path, capsys):
    shared = shared_file("communes").parent
    derive.main([str(shared), str(tmp_path)])
    for name in NAMES:
        assert _content(tmp_path / name) == _content(BUNDLED / name)
    assert "communes.csv.gz: 35014 rows" in capsys.readouterr().out


def _content(path):
    raw = path.read_bytes()
    # The bytes of gzip depend on the zlib at hand, their content does not.
    return gzip.decompress(raw) if path.name.endswith(".gz") else raw


def test_cedex_addresses_give_the_right_commune_nearly_always(index):
    present = {row["code"]: row["commune"] for row in sync.read_rows("former.csv.gz")}
    listed = json.loads(shared_file("communes/cedex_to_insee.json").read_text(encoding="utf-8"))
    answers = [
        (index.commune_of(postcode, f"{entry['ville']} CEDEX"), present.get(entry["insee"], entry["insee"]))
        for postcode, entry in listed.items()
        if entry["ville"]
    ]
    right = sum(found == true for found, true in answers)
    wrong = sum(found is not None and found != true for found, true in answers)
    assert right / len(answers) > 0.99
    assert wrong <= 5


def test_nearly_every_hospital_of_the_region_has_a_commune_by_its_postal_address(index):
    with shared_file("finess/etablissements_hospitaliers_idf.csv").open(encoding="utf-8-sig") as file:
        cities = [row["CP_VILLE"].partition(" ") for row in csv.DictReader(file, delimiter=";")]
    lost = [city for city in cities if index.commune_of(city[0], city[2]) is None]
    assert len(lost) <= 3


def make_listed(code, **facts):
    return {"code": code, "nom": f"Commune {code}", "type": "commune-actuelle"} | facts


def test_a_commune_without_a_centre_takes_its_parents():
    communes = [make_listed("69123"), make_listed("69381", commune="69123", codesPostaux=["69001"])]
    assert borrowed_centres(communes, {"69123": Centre(45.7, 4.8)}) == {"69381": Centre(45.7, 4.8, approximate=True)}


def test_without_a_parent_it_takes_the_middle_of_its_postcodes_neighbours():
    communes = [
        make_listed("01001", codesPostaux=["01400"]),
        make_listed("01002", codesPostaux=["01400"]),
        make_listed("01003", codesPostaux=["01400"]),
        make_listed("98901", codesPostaux=["98799"]),
    ]
    known = {"01001": Centre(46.0, 5.0), "01002": Centre(47.0, 6.0)}
    assert borrowed_centres(communes, known) == {"01003": Centre(46.5, 5.5, approximate=True)}


def test_what_a_delegated_commune_says_wins_over_the_list_of_old_codes():
    listed = [
        make_listed("55245", anciensCodes=["55273", "55274"]),
        make_listed("55386"),
        {"code": "55273", "nom": "Louppy", "type": "commune-deleguee", "chefLieu": "55386"},
        {"code": "55386", "nom": "Commune 55386", "type": "commune-deleguee", "chefLieu": "55386"},
        {"code": "55245", "nom": "Autre nom", "type": "commune-associee", "chefLieu": "55245"},
    ]
    assert sorted(former_communes(listed)) == [
        ("55245", "Autre nom", "55245"),
        ("55273", "Louppy", "55386"),
        ("55274", "", "55245"),
    ]
