"""The commands `alentours staff …`, as an administrator types them."""

import re

import pytest
from click.testing import CliRunner

from app import cli
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.migrations import runner
from citizen_api.people import cli as staff_commands
from citizen_api.people.queries import StoredStaffKeys
from citizen_api.web.command import Context
from tests.people.makers import NOW

PARIS = ("--organisation", "Ville de Paris", "--territory", "departement:75")


@pytest.fixture
def database(tmp_path):
    database = Database.from_settings(Settings(data_dir=tmp_path))
    runner.upgrade(database.engine)
    yield database
    database.engine.dispose()


@pytest.fixture
def staff(tmp_path, database):
    def run(*arguments):
        context = Context(
            Settings(data_dir=tmp_path),
            prepare=lambda _database: None,
            knows_territory=lambda _session, _kind, code: code != "99",
            clock=lambda: NOW,
        )
        context.__dict__["database"] = database
        return CliRunner().invoke(staff_commands.staff, arguments, obj=context)

    return run


def holder(database, key):
    with database.session(write=False) as session:
        return StoredStaffKeys().find(session, key, now=NOW)


def test_a_key_is_shown_once_alone_on_standard_output(staff, database):
    result = staff("key", "--role", "moderator", *PARIS)
    assert result.exit_code == 0
    key = result.stdout.strip()
    assert re.fullmatch(r"als_[A-Za-z0-9_-]{43}", key)
    assert "not shown again" in result.stderr
    assert holder(database, key).role == "moderator"
    assert key not in staff("list").output


def test_an_organisation_that_exists_needs_no_territory(staff):
    staff("key", "--role", "moderator", *PARIS)
    assert staff("key", "--role", "reader", "--organisation", " Ville de Paris ").exit_code == 0
    assert len(staff("list").stdout.splitlines()) == 2


def test_the_list_says_who_holds_what_where_and_whether_it_is_valid(staff):
    staff("key", "--role", "moderator", *PARIS, "--label", "front desk")
    staff("revoke", "1")
    assert staff("list").stdout == "1\tmoderator\tVille de Paris\tdepartement:75\trevoked 2026-11-22\tfront desk\n"


def test_a_revoked_key_holds_nothing(staff, database):
    key = staff("key", "--role", "moderator", *PARIS).stdout.strip()
    result = staff("revoke", "1")
    assert (result.exit_code, result.stdout) == (0, "Key 1 is revoked.\n")
    assert holder(database, key) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("key",),
        ("key", "--role", "king", *PARIS),
        ("key", "--role", "reader", "--organisation", "Neuve"),
        ("key", "--role", "reader", "--organisation", "   ", "--territory", "country"),
        ("key", "--role", "reader", "--organisation", "x" * 201, "--territory", "country"),
        ("key", "--role", "reader", "--organisation", "a\nb", "--territory", "country"),
        ("key", "--role", "reader", *PARIS, "--label", "x" * 101),
        ("key", "--role", "reader", "--organisation", "Neuve", "--territory", "Paris"),
        ("key", "--role", "reader", "--organisation", "Neuve", "--territory", "commune:7505"),
        ("key", "--role", "reader", "--organisation", "Connue", "--territory", "departement:75"),
        ("key", "--role", "reader", "--organisation", "Connue", "--territory", "nonsense"),
        ("revoke",),
        ("revoke", "one"),
        ("revoke", "0"),
        ("revoke", "99999999999999999999"),
        ("no-such-command",),
    ],
)
def test_bad_input_is_refused_with_one_error_and_changes_nothing(staff, arguments):
    staff("key", "--role", "reader", "--organisation", "Connue", "--territory", "region:11")
    before = staff("list").stdout
    result = staff(*arguments)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
    assert staff("list").stdout == before


def test_a_key_that_never_was_cannot_be_revoked(staff):
    result = staff("revoke", "7")
    assert (result.exit_code, result.stderr) == (1, "Error: no key has the number 7\n")


def test_the_commands_belong_to_the_one_command_line(monkeypatch):
    for name in ("ALENTOURS_DATABASE_URL", "ALENTOURS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(cli, ["staff", "--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("key", "list", "revoke"))


def test_a_territory_that_does_not_exist_is_refused(staff):
    result = staff("key", "--role", "reader", "--organisation", "Nowhere", "--territory", "departement:99")
    assert result.exit_code == 2
    assert "there is no departement 99" in result.stderr
    assert staff("list").stdout == ""
