"""The commands `alentours providers …`, as an operator types them."""

from functools import partial

import pytest

from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.provider_cli import providers
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.provider_makers import make_entry, write_registry
from tests.teleconsult.slot_makers import make_provider
from tests.web.command_maker import run_command


@pytest.fixture
def run(tmp_path, database):
    return partial(run_command, providers, database=database, data_dir=tmp_path, now=SUNDAY_NIGHT)


def test_a_file_is_loaded_and_what_it_did_is_told(run, session, tmp_path):
    result = run("load", str(write_registry(tmp_path, make_entry())))
    assert result.exit_code == 0, result.output
    assert "Added: doctolib, " in result.output
    assert session.get(Provider, "synthetic-centre").origin == "file"
    again = run("load", str(tmp_path / "city.yaml"))
    assert (again.exit_code, again.output) == (0, "Nothing changed.\n")


def test_what_was_rejected_is_told_line_by_line_and_the_rest_is_done(run, session, tmp_path):
    file = write_registry(tmp_path, make_entry("spoilt", kind="shop", phone="nobody"), make_entry("good"))
    result = run("load", str(file))
    assert result.exit_code == 3
    assert result.stderr == (
        "Rejected: city.yaml: spoilt: kind: Must be one of: platform, practice, booth, public_service.\n"
    )
    assert session.get(Provider, "good") is not None


def test_what_staff_keeps_is_told_to_be_left(run, session, tmp_path):
    make_provider(session, "synthetic-centre")
    session.commit()
    assert (
        "Kept by staff, left as they are: synthetic-centre"
        in run("load", str(write_registry(tmp_path, make_entry()))).output
    )


@pytest.mark.parametrize("text", [None, "providers: [", "other: 1"])
def test_a_file_that_cannot_be_read_fails_in_one_line(run, tmp_path, text):
    file = tmp_path / "city.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    result = run("load", str(file))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {file}: ")
    assert result.output.count("\n") == 1


def test_the_list_shows_every_provider_and_no_secret(run, session):
    make_provider(session, "offered", webhook_secrets=["whsec_synthetic"])
    make_provider(session, "gone", retired_at=SUNDAY_NIGHT, territory_kind="departement", territory_code="75")
    session.commit()
    result = run("list")
    assert result.output.splitlines() == [
        "gone\tpractice\tCabinet d'essai\tstaff\tdepartement:75\tretired 2026-11-22\tas of 2026-11-20",
        "offered\tpractice\tCabinet d'essai\tstaff\tcountry:*\toffered\tas of 2026-11-20",
    ]
