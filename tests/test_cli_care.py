"""`alentours care import`, as an operator runs it."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from citizen_api import serving
from citizen_api.care.cli import care
from citizen_api.care.directory_files import building, current_version
from citizen_api.care.importing import ImportRunningError, only_import
from citizen_api.care.keeper import EXIT_TAKEN, FOLDER
from citizen_api.care.models import Facility, FacilityCategory, FacilityRecordRow, Source
from citizen_api.care.sync import TooManyVanishingError
from citizen_api.cli import cli
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.people.models import AuditEntry
from citizen_api.preparing import prepare_database
from citizen_api.sources import paris_pharmacies
from citizen_api.web.command import Context
from tests.conftest import fresh_database_url
from tests.core.publishing import make_publisher
from tests.shared_data import shared_file
from tests.sources.test_finess_plus import make_ege, make_file

ROOT = Path(__file__).resolve().parents[1]
MAPPING = """
source: {id: city, title: A synthetic list, producer: The tests, licence: none, date: 2026-11-01}
complete: true
columns: {code: key, nom: name, lat: lat, lon: lon}
category: pharmacy
"""
ROWS_TO_KILL = 8_000


def make_list(folder, number, *, name="list.csv", broken=0):
    path = folder / name
    lines = [f"k{rank};Lieu {rank};{48 + rank / 10_000};2.35" for rank in range(number)]
    lines += [f"b{rank};;48;2" for rank in range(broken)]
    path.write_text("\n".join(["code;nom;lat;lon", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def publisher():
    with make_publisher() as publisher:
        yield publisher


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


@pytest.fixture
def run(database, settings, clock):
    def do(*arguments, **changes):
        context = Context(
            Settings(**{"data_dir": settings.data_dir} | changes),
            prepare=lambda _: None,
            knows_territory=lambda *_: True,
            clock=clock,
        )
        context.__dict__["database"] = database
        return CliRunner().invoke(care, ["import", *map(str, arguments)], obj=context)

    return do


def count(database) -> int:
    with database.session(write=False) as session:
        return session.scalar(select(func.count()).select_from(Facility).where(Facility.closed_at.is_(None)))


def test_an_import_says_what_it_did(run, tmp_path, mapping, database):
    done = run(make_list(tmp_path, 3), "--mapping", mapping)
    assert (done.exit_code, count(database)) == (0, 3)
    assert done.stdout.splitlines() == [
        "Done:",
        "  created          3",
        "  updated          0",
        "  unchanged        0",
        "  closed           0",
        "  left out         0",
        "  rejected         0",
    ]
    assert "  unchanged        3" in run(make_list(tmp_path, 3), "--mapping", mapping).stdout


def test_a_dry_run_says_what_would_happen_and_changes_nothing(run, tmp_path, mapping, database):
    done = run(make_list(tmp_path, 3), "--mapping", mapping, "--dry-run")
    assert (done.exit_code, count(database)) == (0, 0)
    assert done.stdout.splitlines()[:2] == ["Would be, without --dry-run:", "  created          3"]


def test_services_that_nobody_knows_are_counted_by_word(run, tmp_path):
    mapping = tmp_path / "services.yaml"
    mapping.write_text(MAPPING.replace("lon: lon", "lon: lon, offre: services"), encoding="utf-8")
    path = tmp_path / "services.csv"
    path.write_text(
        "code;nom;lat;lon;offre\nk1;Un;48;2;vaccination, massages\nk2;Deux;48.1;2;massages, tisanes\n", encoding="utf-8"
    )
    done = run(path, "--mapping", mapping)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "  services not known, left out: 3  (massages: 2, tisanes: 1)",
    )


def test_of_many_unknown_services_the_ten_most_frequent_are_named(run, tmp_path):
    mapping = tmp_path / "services.yaml"
    mapping.write_text(MAPPING.replace("lon: lon", "lon: lon, offre: services"), encoding="utf-8")
    path = tmp_path / "services.csv"
    path.write_text(f"code;nom;lat;lon;offre\nk1;Un;48;2;{','.join('abcdefghijkl')}\n", encoding="utf-8")
    last = run(path, "--mapping", mapping).stdout.splitlines()[-1]
    assert last.startswith("  services not known, left out: 12  (")
    assert last.endswith("j: 1, …)")


def test_rejected_rows_have_an_exit_code_and_a_file(run, tmp_path, mapping, database):
    done = run(make_list(tmp_path, 2, broken=1), "--mapping", mapping)
    assert (done.exit_code, count(database)) == (3, 2)
    assert "  rejected         1  (no_name: 1)" in done.stdout
    report = Path(done.stdout.rpartition("with reasons: ")[2].strip())
    assert report.read_text("utf-8").splitlines() == [
        "row,reason,raw",
        "4,no_name: The row has no name.,b0;;48;2",
    ]


def test_too_many_vanishing_is_refused_unless_forced(run, tmp_path, mapping, database):
    run(make_list(tmp_path, 10), "--mapping", mapping)
    refused = run(make_list(tmp_path, 5), "--mapping", mapping)
    assert (refused.exit_code, count(database)) == (4, 10)
    assert refused.stderr.startswith("Refused: 5 of the 10 known places of city (50%) are absent")
    forced = run(make_list(tmp_path, 5), "--mapping", mapping, "--force")
    assert (forced.exit_code, count(database)) == (0, 5)


def test_two_at_once_are_refused_in_one_line(run, tmp_path, mapping, database):
    with only_import(database):
        done = run(make_list(tmp_path, 1), "--mapping", mapping)
    assert (done.exit_code, count(database)) == (1, 0)
    assert done.stderr.startswith("Error: another import is running")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ImportRunningError(), 1, "Error: another import is running; nothing was changed, try again when it is done\n"),
        (TooManyVanishingError("3 of the 10 known places are absent."), 4, "Refused: 3 of the 10 known places are"),
    ],
)
def test_serve_says_in_one_line_what_the_demo_may_not_import(tmp_path, monkeypatch, error, code, said):
    def serve_app(*_, **__):
        raise error

    monkeypatch.setattr(serving, "serve_app", serve_app)
    monkeypatch.setenv("ALENTOURS_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(cli, ["serve", "--demo"])
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert done.stderr.startswith(said)


def test_a_forced_import_is_in_the_audit_log(run, tmp_path, mapping, database):
    run(make_list(tmp_path, 10), "--mapping", mapping)
    run(make_list(tmp_path, 5), "--mapping", mapping, "--force")
    with database.session(write=False) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "care.import")).all()
    assert [(each.details["file"], each.details["forced"]) for each in entries] == [
        ("list.csv", False),
        ("list.csv", True),
    ]


def test_the_sample_over_newer_data_is_refused_unless_forced(run, tmp_path, database):
    lines = [f"7500{rank:05d};750000000;PHARMACIE {rank};1;RUE;DU TEST;75004;;48.85;2.35" for rank in range(10)]
    newer = tmp_path / "newer.csv"
    newer.write_text("\n".join([";".join(paris_pharmacies.COLUMNS), *lines, ""]), encoding="utf-8")
    assert run(newer, "--format", "paris-pharmacies", "--date", "2026-11-01").exit_code == 0
    refused = run("sample")
    assert (refused.exit_code, count(database)) == (4, 10)
    assert "Refused: 10 of the 10 known places of paris-pharmacies-2013 (100%) are absent" in refused.stderr
    assert run("sample", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.csv", "--format", "finess-plus"], 1, "nowhere.csv: No such file or directory"),
        (["{folder}", "--format", "finess-plus"], 1, "{folder}: Is a directory"),
        (["{list}"], 2, "say what the file is with --format"),
        (["{list}", "--format", "csv"], 2, "--format csv needs it"),
        (["{list}", "--format", "finess-plus", "--mapping", "{mapping}"], 2, "--mapping goes with --format csv"),
        (["{list}", "--format", "xlsx"], 2, "'xlsx' is not one of"),
        (["{list}", "--format", "finess-plus"], 1, "Not whole FINESS+ JSON"),
        (["{list}", "--format", "paris-pharmacies"], 1, "Not the Paris pharmacy file: missing columns"),
        (["{list}", "--mapping", "{broken}"], 1, "Mapping: not YAML"),
        (["{list}", "--mapping", "{binary}"], 1, "Mapping: "),
        (["{list}", "--mapping", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["{empty}", "--mapping", "{mapping}"], 1, "the file is empty"),
        (["http://ville.example/x.csv", "--mapping", "{mapping}"], 1, "only https addresses are fetched"),
        (["https://127.0.0.1/x.csv", "--mapping", "{mapping}"], 1, "not a public address"),
        (["https://[::1", "--mapping", "{mapping}"], 1, "this is not an address"),
        (["{list}", "--mapping", "{mapping}", "--date", "yesterday"], 2, "--date"),
    ],
    ids=range(16),
)
def test_what_cannot_be_imported_is_told_in_one_line(run, tmp_path, mapping, database, arguments, code, said):
    names = {"folder": tmp_path, "mapping": mapping, "list": make_list(tmp_path, 1)}
    for name, content in (("broken", b"source: ["), ("binary", b"\x00\xff\xfe"), ("empty", b"")):
        names[name] = tmp_path / name
        names[name].write_bytes(content)
    done = run(*(argument.format(**names) for argument in arguments))
    assert done.exit_code == code
    assert said.format(**names) in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert code == 2 or len(done.stderr.strip().splitlines()) == 1
    assert count(database) == 0


def test_a_file_over_the_cap_is_refused(run, tmp_path, mapping):
    done = run(make_list(tmp_path, 100), "--mapping", mapping, import_max_bytes=1_000)
    assert done.exit_code == 1
    assert "larger than ALENTOURS_IMPORT_MAX_BYTES" in done.stderr


def test_a_list_is_imported_from_an_address_even_over_a_cut_connection(
    run,
    tmp_path,
    mapping,
    database,
    publisher,
):
    publisher.body = make_list(tmp_path, 30).read_bytes()
    publisher.cut_after = [200]
    done = run(publisher.url, "--mapping", mapping)
    assert (done.exit_code, count(database)) == (0, 30)
    assert [request.get("Range") for request in publisher.asked] == [None, "bytes=200-"]


def test_an_address_that_answers_404_is_told(run, mapping, publisher):
    publisher.status = 404
    done = run(publisher.url, "--mapping", mapping)
    assert (done.exit_code, done.stderr) == (1, f"Error: http://127.0.0.1:{publisher.port}/list.csv answered 404\n")


def test_the_bundled_sample_is_imported_by_its_name(run, database):
    done = run("sample", "--dry-run")
    assert "  created       2990" in done.stdout
    assert count(database) == 0


def test_a_shared_file_is_imported_with_its_date(run, database):
    path = shared_file("pharmacies/pharmacies_paris_finess.csv")
    done = run(path, "--format", "paris-pharmacies", "--date", "2013-11-01")
    assert (done.exit_code, count(database)) == (0, 987)


def state(url):
    """All that an import leaves behind, except its own runs."""
    database = Database.from_settings(Settings(database_url=url))
    with database.session(write=False) as session:
        found = (
            sorted(session.execute(select(Facility.id, Facility.name, Facility.lat, Facility.lon, Facility.closed_at))),
            sorted(session.execute(select(FacilityCategory.facility_id, FacilityCategory.category))),
            sorted(session.execute(select(FacilityRecordRow.key, FacilityRecordRow.digest))),
        )
    database.engine.dispose()
    return found


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_import_started_again_ends_like_an_uninterrupted_one(kind, tmp_path, mapping, worker):
    path = make_list(tmp_path, ROWS_TO_KILL)
    command = [sys.executable, "app.py", "care", "import", str(path), "--mapping", str(mapping)]
    with fresh_database_url(kind, f"alentours_kill_{worker}", tmp_path) as url:
        database = Database.from_settings(Settings(database_url=url))
        prepare_database(database)
        environment = os.environ | {"ALENTOURS_DATA_DIR": str(tmp_path), "ALENTOURS_DATABASE_URL": url}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as killed:
            assert any(line.startswith("importing: ") for line in killed.stderr)
            killed.send_signal(signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
        written = count(database)
        assert 0 < written < ROWS_TO_KILL

        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

        assert f"  resumed: a run that was cut short had written {written} of these changes" in done.stdout
        assert f"  created       {ROWS_TO_KILL}" in done.stdout
        resumed = state(url)
        with database.session() as session:
            session.query(Facility).delete()
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        assert state(url) == resumed
        database.engine.dispose()


@pytest.mark.parametrize(
    ("written", "options", "expected"),
    [
        (datetime(2026, 11, 3, 5, tzinfo=UTC), [], date(2026, 11, 3)),
        (datetime(2030, 1, 1, tzinfo=UTC), [], date(2026, 11, 22)),  # never later than now
        (datetime(2026, 11, 3, 5, tzinfo=UTC), ["--date", "2026-11-01"], date(2026, 11, 1)),
    ],
)
def test_a_register_that_is_published_every_day_is_of_the_day_on_which_its_file_was_written(
    run, tmp_path, session, written, options, expected
):
    path = tmp_path / "register.json"
    path.write_bytes(json.dumps(make_file(make_ege())).encode())
    os.utime(path, (written.timestamp(), written.timestamp()))
    assert run(path, "--format", "finess-plus", *options).exit_code == 0
    assert session.get_one(Source, "finess-plus").dated == expected


@pytest.fixture
def build_directory(database, settings, clock):
    def do(*arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        return CliRunner().invoke(care, ["directory", *arguments], obj=context)

    return do


def test_the_directory_is_built_once_and_anew_when_its_files_are_damaged(build_directory, settings):
    first = build_directory()
    assert (first.exit_code, build_directory().output) == (0, first.output)
    rows = current_version(settings.data_dir / FOLDER) / "ids.npy"
    rows.write_bytes(b"\xff" * rows.stat().st_size)
    anew = build_directory()
    assert anew.exit_code == 0
    assert anew.output != first.output


def test_while_another_process_builds_the_directory_this_one_says_so(build_directory, settings):
    with building(settings.data_dir / FOLDER):
        told, background = build_directory(), build_directory("--background")
    assert (told.exit_code, told.output) == (1, "Error: another process is building it\n")
    assert (background.exit_code, background.output) == (EXIT_TAKEN, "")
