"""What the real shared files make of each other."""

import pytest

from citizen_api.care import stocks, sync
from tests.care.linking_makers import homes
from tests.care.makers import NOW
from tests.conftest import RolledBackDatabase
from tests.shared_data import shared_file

FILES = {
    "finess-idf-hospitals": "finess/etablissements_hospitaliers_idf.csv",
    "finess-idf-disability": "finess/etab_adultes_handicapes_idf.csv",
    "paris-pharmacies": "pharmacies/pharmacies_paris_finess.csv",
    "sirene-pharmacies": "pharmacies/pharmacies_idf_sirene_4773Z.csv",
}
SIRENE = stocks.FORMATS["sirene-pharmacies"].source


def stock_of(name):
    return stocks.known_stock(name, shared_file(FILES[name]))


@pytest.fixture
def run(prepared_database, tmp_path):
    """Import the files in an order, on a database that holds nothing yet, and tell what became of them."""

    def imported(order, look):
        with prepared_database.engine.connect().execution_options(writes=True) as connection:
            outer = connection.begin()
            database = RolledBackDatabase(connection)
            try:
                for name in order:
                    sync.run_import(database, stock_of(name), now=NOW, reports_dir=tmp_path)
                return look(database)
            finally:
                outer.rollback()

    return imported


def test_most_pharmacies_of_paris_are_confirmed_and_no_two_share_a_row(run):
    found = run(["sirene-pharmacies", "paris-pharmacies"], homes)
    registered = {home for (source, _), (home, _) in found.items() if source == "paris-pharmacies-2013"}
    rows = [home for (source, _), (home, _) in found.items() if source == SIRENE.id and home in registered]
    assert len(registered) == 987
    assert len(rows) == len(set(rows))
    assert 800 < len(rows) < 900
