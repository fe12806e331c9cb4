"""Where general practitioners are short: the published figures, and nothing where there are none."""

import csv

import pytest

from citizen_api.teleconsult import apl
from citizen_api.teleconsult.data import derive
from tests.shared_data import shared_file

HEAD = "code_insee,nom_commune,pop_commune,apl_generaliste,apl_gen_moins60\n"


def known():
    with apl.FILE.open(encoding="utf-8", newline="") as file:
        return {row["commune"]: float(row["consultations"]) for row in csv.DictReader(file)}


def test_the_bundled_table_is_what_the_script_derives():
    text = shared_file(derive.SOURCE).read_text(encoding="utf-8-sig")
    assert derive.derive(text) == derive.TARGET.read_text(encoding="utf-8")


def test_the_bundled_table_holds_paris_and_three_departements():
    assert {code[:2] for code in known()} == {"75", "92", "93", "94"}
    assert len(known()) == 86


def test_antony_is_short_of_general_practitioners():
    access = apl.access_in("92002")
    assert (access.consultations, access.year, access.is_short) == (2.453, 2023, True)


def test_what_lies_at_the_threshold_is_not_short():
    assert not apl.Access(2.5, 2023).is_short


@pytest.mark.parametrize("code", ["75056", "75101", "75120"])
def test_the_figure_of_paris_holds_for_its_arrondissements(code):
    access = apl.access_in(code)
    assert (access.consultations, access.is_short) == (4.957, False)


@pytest.mark.parametrize("code", ["34172", "97411", "", "92"])
def test_where_nothing_is_published_nothing_is_known(code):
    assert apl.access_in(code) is None


def test_rows_are_derived_in_the_order_of_their_codes():
    text = f"{HEAD}92002,A,1,2.453,1\n75056,B,1,4.95694,3\n"
    assert derive.derive(text) == "commune,consultations\n75056,4.957\n92002,2.453\n"


@pytest.mark.parametrize("figure", ["nan", "-1", "inf", "", "beaucoup"])
def test_a_figure_that_is_none_is_refused(figure):
    with pytest.raises(ValueError, match=r"92002|float"):
        derive.derive(f"{HEAD}92002,A,1,{figure},1\n")


def test_a_source_that_is_not_there_is_said_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["derive.py", str(tmp_path)])
    assert derive.main() == 1
    assert capsys.readouterr().err.startswith("derive.py: ")


def test_the_script_writes_the_table(monkeypatch, tmp_path, capsys):
    (tmp_path / "population").mkdir()
    (tmp_path / derive.SOURCE).write_text(f"{HEAD}92002,A,1,2.453,1\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["derive.py", str(tmp_path)])
    monkeypatch.setattr(derive, "TARGET", tmp_path / "apl.csv")
    assert derive.main() == 0
    assert (tmp_path / "apl.csv").read_text(encoding="utf-8") == "commune,consultations\n92002,2.453\n"
    assert capsys.readouterr().out == "1 communes in apl.csv\n"
