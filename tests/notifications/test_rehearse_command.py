"""`alentours rehearse`, as a city runs it."""

import re

import pytest
from click.testing import CliRunner

import notifications.cli as command
from citizen_api.core.settings import Settings
from citizen_api.web.command import Context
from notifications.cli import rehearse
from tests.notifications.test_measurements import make_station_file
from tests.shared_data import SHARED, shared_file

FEBRUARY = ("--from", "2023-02-01", "--to", "2023-02-28")


def refuse(*_):
    pytest.fail("a rehearsal needs no database")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command with a data folder of its own, without the shared data unless asked for."""

    def invoke(*arguments, shared=False, language="fr"):
        if not shared:
            monkeypatch.setattr(command, "SHARED", tmp_path / "absent")
        context = Context(
            Settings(data_dir=tmp_path, default_language=language), prepare=refuse, knows_territory=refuse
        )
        return CliRunner().invoke(rehearse, list(arguments), obj=context)

    return invoke


def test_without_other_data_the_bundled_week_is_replayed_and_it_is_said_in_one_line(run):
    result = run(*FEBRUARY)
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == (
        "Asked for 2023-02-01 to 2023-02-28, but the bundled week covers only 2023-02-06 to 2023-02-12 of it: these "
        "days are replayed."
    )
    assert "peak 382 ug/m3 at 09 10:00" in result.output


def test_a_bound_that_is_no_number_is_refused(run):
    result = run(*FEBRUARY, "--high", "nan")
    assert result.exit_code == 2
    assert "must be numbers" in result.output


def test_days_within_the_bundled_week_are_not_clipped(run):
    result = run("--from", "2023-02-08", "--to", "2023-02-10")
    assert result.output.startswith("Rehearsal of 2023-02-08 to 2023-02-10 (Europe/Paris).")


def test_the_shared_data_are_replayed_where_they_are(run):
    shared_file("air/airparif/2023_NOX.csv")
    assert SHARED / "air" / "airparif" == command.SHARED
    result = run(*FEBRUARY, shared=True)
    assert result.exit_code == 0
    assert "Rehearsal of 2023-02-01 to 2023-02-28" in result.output
    assert "measured   " + str(SHARED / "air" / "airparif" / "2023_NOX.csv") in result.output
    assert "100,000 SIMULATED" in result.output


def test_a_file_in_the_data_folder_goes_before_the_shared_data(run, tmp_path):
    (tmp_path / "air").mkdir()
    (tmp_path / "air" / "2023_NOX.csv").write_bytes(make_station_file(("08", 250), ("09", 260)))
    result = run(*FEBRUARY, shared=True)
    assert "peak 260 ug/m3 at 09 10:00" in result.output


def test_a_file_that_is_named_goes_before_all(run, tmp_path):
    path = tmp_path / "synthetic.csv"
    path.write_bytes(make_station_file(("08", 250), pollutant="NO2"))
    result = run(*FEBRUARY, "--file", str(path), shared=True)
    assert f"measured   {path}" in result.output
    assert "stand-in" not in result.output


def test_the_page_is_written_into_the_data_folder_in_the_language_of_the_settings(run, tmp_path):
    result = run(*FEBRUARY, language="en")
    page = tmp_path / "rehearsal.html"
    assert result.output.endswith(f"Page: {page}\n")
    assert '<html lang="en">' in page.read_text(encoding="utf-8")


def test_the_page_goes_where_it_is_told_and_in_the_language_that_is_asked_for(run, tmp_path):
    page = tmp_path / "new" / "page.html"
    assert run(*FEBRUARY, "--html", str(page), "--lang", "en").exit_code == 0
    assert '<html lang="en">' in page.read_text(encoding="utf-8")
    assert not (tmp_path / "rehearsal.html").exists()


def test_a_perfect_forecast_tells_on_the_evening_before(run):
    told = run(*FEBRUARY, "--forecast", "perfect").output
    assert "SYNTHETIC" in told
    [day] = re.findall(r"^2023-02-09 .*\n  alert .*  (.*)$", told, re.MULTILINE)
    assert day == "08 17:00"


def test_another_bound_is_replayed(run):
    assert "bound      150 ug/m3" in run(*FEBRUARY, "--high", "150").output


def test_the_same_seed_says_the_same(run):
    assert run(*FEBRUARY, "--seed", "7").output == run(*FEBRUARY, "--seed", "7").output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--from", "2023-02-02", "--to", "2023-02-01"), 2, "--to is before --from"),
        (("--from", "2019-02-01", "--to", "2019-02-28"), 1, "nothing is measured from 2019-02-01 to 2019-02-28"),
        ((*FEBRUARY, "--residents", "0"), 2, "0 is not in the range"),
        ((*FEBRUARY, "--residents", "5000001"), 2, "is not in the range"),
        ((*FEBRUARY, "--file", "absent.csv"), 2, "does not exist"),
        (("--from", "yesterday", "--to", "2023-02-01"), 2, "does not match"),
    ],
    ids=["order", "no data", "nobody", "too many", "no file", "no day"],
)
def test_what_cannot_be_replayed_is_refused_in_one_line(run, arguments, code, said):
    result = run(*arguments)
    assert result.exit_code == code
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert said in errors[0]


@pytest.mark.parametrize(
    "content", [b"\x00\xff\xfe", b"a;b\n1;2\n", make_station_file()], ids=["bytes", "other", "empty"]
)
def test_a_file_of_another_kind_is_refused_in_one_line(run, tmp_path, content):
    path = tmp_path / "synthetic.csv"
    path.write_bytes(content)
    result = run(*FEBRUARY, "--file", str(path))
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)


def test_a_page_that_cannot_be_written_is_said_in_one_line(run, tmp_path):
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    result = run(*FEBRUARY, "--html", str(tmp_path / "taken" / "page.html"))
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: ")
