"""`care doctor` finds what is wrong, nothing else, and changes nothing. Every place here is synthetic."""

import csv
from functools import partial

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care import doctor
from citizen_api.care.cli import care
from citizen_api.care.doctor import ABOUT, LOOKS
from citizen_api.web.command import Context
from tests.care.linking_makers import MAP, REGISTER, ROLL, import_from, make_registered, make_row, outcome
from tests.care.makers import make_record

COLUMNS = ["kind", "facility_id", "where", "field", "value", "other", "source", "says"]


def spot(north, east=0):
    """Give a position so many times 440 m north, and 290 m east, of the test street."""
    return {"lat": 48.8573751 + north * 0.004, "lon": 2.3524425 + east * 0.004}


def make_clean():
    """Make five pharmacies that a register knows, and what a map and a roll say of them, all in order."""
    registered = [
        make_registered(
            f"p{n}",
            f"75000001{n}",
            street=f"{10 * n} rue Claire {n}",
            phone="+33142726071",
            opening_hours="Mo-Fr 09:00-19:00",
            **spot(0, n),
        )
        for n in range(1, 6)
    ]
    mapped = [make_record("m1", name="Pharmacie p1", street="10 rue Claire 1", **spot(0, 1))]
    return registered, mapped, [make_row("t#1", street="rue Claire 2", **spot(0, 2))]


def make_known(key, **facts):
    """Make what the map says of the register's first faulty place, by its number."""
    finess = (("finess", "750000101"),)
    return make_record(key, identifiers=finess, name="Pharmacie a", street="12 rue du Test", **facts, **spot(3))


def make_fault(kind):
    """Make the records of one fault, for the register and the map."""
    a = partial(make_registered, "a", "750000101", street="12 rue du Test", **spot(3))
    b = partial(make_registered, "b", "750000102")
    return {
        "conflict": ([a(phone="+33142726071")], [make_known("n", phone="+33142726072")]),
        "position_shared": ([a(), b(street="9 avenue Autre", **spot(3))], []),
        "position_far": ([make_registered("a", "750000101", lat=45.764, lon=4.8357)], []),
        "position_slipped": ([make_registered("a", "750000101", lat=49.8573751, lon=2.3524425)], []),
        "phone": ([a(phone=None, phone_verbatim="voir la mairie")], []),
        "two_numbers": ([a(), b(street="12 r. du Test", **spot(3))], []),
        "duplicate": ([a()], [make_record("n", name="Pharmacie", street="rue du Test", **spot(3.4))]),
        "apart": (
            [a()],
            [make_record(key, name="Pharmacie a", street="12 rue du Test", **spot(3)) for key in ("n1", "n2")],
        ),
        "hours": ([a(opening_hours="quand il fait beau")], []),
    }[kind]


@pytest.fixture
def load(database, tmp_path):
    return partial(import_from, database=database, folder=tmp_path)


@pytest.fixture
def load_with(load):
    """Import the clean set with what more the register and the map say."""

    def run(more=(), more_mapped=()):
        registered, mapped, rows = make_clean()
        load(REGISTER, *registered, *more)
        load(MAP, *mapped, *more_mapped)
        load(ROLL, *rows)

    return run


@pytest.fixture
def examine(database, settings, clock):
    """Run the command: its result."""

    def run(*arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        result = CliRunner().invoke(care, ["doctor", *map(str, arguments)], obj=context)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def findings(examine, tmp_path):
    """Run the command: what it writes to its CSV."""

    def run(*arguments):
        examine("--csv", tmp_path / "found.csv", *arguments)
        with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return run


def counts(output):
    """How many of each kind the command tells."""
    lines = (line.split() for line in output.splitlines() if ":" in line)
    return {words[1].rstrip(":"): int(words[0]) for words in lines if words[0].isdigit() and words[1][:-1] in ABOUT}


def test_a_clean_set_gives_nothing_and_ends_with_0(load_with, examine):
    load_with()
    result = examine()
    assert (result.exit_code, counts(result.output)) == (0, dict.fromkeys(ABOUT, 0))


@pytest.mark.parametrize("kind", sorted(ABOUT))
def test_a_planted_fault_is_found_and_nothing_else(load_with, examine, kind):
    load_with(*make_fault(kind))
    result = examine()
    places = {"position_shared": 2}.get(kind, 1)
    assert (result.exit_code, counts(result.output)) == (3, dict.fromkeys(ABOUT, 0) | {kind: places})


@pytest.mark.parametrize("kind", sorted(ABOUT))
def test_a_finding_says_what_stands_against_what(load_with, findings, kind):
    load_with(*make_fault(kind))
    told = "\n".join(" | ".join(found[name] for name in COLUMNS[3:]) for found in findings())
    expected = {
        "conflict": ["phone | +33142726072 | +33142726071 | register of 2013-01-01", "believed: map of 2026-01-01"],
        "position_shared": ["2 places, 2 addresses at one position", "rue du Test"],
        "position_far": ["from the centre of Paris 4e", "nearest is that of Lyon"],
        "position_slipped": ["latitude -1°: 48.857375, 2.35244"],
        "phone": ["voir la mairie", "as written: no number"],
        "two_numbers": ["FINESS 750000101 and 750000102", "12 r. du Test"],
        "duplicate": ["likeness 0.55", "the other: Pharmacie"],
        "apart": ["likeness 0.9", "12 rue du Test"],
        "hours": ["quand il fait beau", "register of 2013-01-01"],
    }
    assert [part for part in expected[kind] if part not in told] == []


def test_several_faults_stand_each_on_its_line_of_the_csv(load, findings):
    kinds = ["position_far", "position_slipped", "phone", "hours"]
    load(REGISTER, *(make_again(make_fault(kind)[0][0], rank) for rank, kind in enumerate(kinds)))
    found = findings()
    assert sorted(row["kind"] for row in found) == sorted(kinds)
    assert list(found[0]) == COLUMNS


def make_again(record, rank):
    """Make the record of another place, in another street, with what is wrong with this one."""
    facts = {name: getattr(record, name) for name in ("phone", "phone_verbatim", "opening_hours")}
    beside = {"lat": record.lat + rank / 1_000, "lon": record.lon}
    return make_registered(f"a{rank}", f"75000020{rank}", street=f"{rank} rue Fautive {rank}", **facts, **beside)


def test_a_lost_zero_put_back_is_counted_and_no_fault(load_with, examine):
    load_with([make_registered("a", "750000101", phone="+33142726071", phone_verbatim="142726071", **spot(3))])
    result = examine()
    assert result.exit_code == 0
    assert "       1  telephone numbers of register whose lost leading zero was put back" in result.output


def test_the_same_house_under_two_kinds_of_street_shares_its_position_rightly(load_with, examine):
    load_with(
        [
            make_registered("a", "750000101", name="Pharmacie Un", street="18 rue Joyeuse", **spot(3)),
            make_registered("b", "750000102", name="Pharmacie Deux", street="18 bis avenue Joyeuse", **spot(3)),
        ]
    )
    assert counts(examine().output)["position_shared"] == 0


def test_two_houses_of_one_street_at_one_position_are_not_taken_for_one_place(load_with, examine):
    load_with(
        [
            make_registered("a", "750000101", name="Pharmacie Voltaire", street="29 boulevard Voltaire", **spot(3)),
            make_registered("b", "750000102", name="Pharmacie Voltaire", street="199 boulevard Voltaire", **spot(3)),
        ]
    )
    assert counts(examine().output) == dict.fromkeys(ABOUT, 0) | {"position_shared": 2}


def test_a_street_whose_kind_alone_differs_may_be_the_same(load_with, examine):
    load_with(
        [make_registered("a", "750000101", street="24 rue Mathurin Moreau", **spot(3))],
        [make_row("n", street="avenue Mathurin Moreau", **spot(3.2))],
    )
    assert counts(examine().output) == dict.fromkeys(ABOUT, 0) | {"duplicate": 1}


def test_two_practitioners_of_one_house_and_one_name_are_two(load, examine):
    doctors = [
        make_record(f"r{n}", name="Dr Martin", identifiers=(("rpps_site", f"r{n}@s"),), **spot(3)) for n in (1, 2)
    ]
    load(REGISTER, *doctors)
    assert examine().exit_code == 0


def test_a_crowd_at_one_position_is_no_neighbourhood(load, examine):
    crowd = [
        make_registered(f"c{n}", f"7500003{n:02}", name="Pharmacie", street=f"{n} rue Centrale {n}", **spot(3))
        for n in range(doctor.CROWD)
    ]
    load(REGISTER, *crowd)
    load(MAP, make_record("n", name="Pharmacie", street=None, **spot(3)))
    found = counts(examine().output)
    assert found["position_shared"] == doctor.CROWD
    assert (found["apart"], found["duplicate"]) == (0, 0)


def test_a_closed_place_is_no_longer_looked_at(load_with, load, examine):
    load_with(*make_fault("phone"))
    load(REGISTER, *make_clean()[0], force=True)
    assert examine().exit_code == 0


def test_only_the_kind_asked_for_is_looked_for(load_with, examine):
    load_with(*make_fault("phone"))
    hours, phones = examine("--kind", "hours"), examine("--kind", "hours", "--kind", "phones")
    assert (hours.exit_code, counts(hours.output)) == (0, {"hours": 0})
    assert (phones.exit_code, counts(phones.output)) == (3, {"hours": 0, "phone": 1})


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (1, 1), (9, 2)])
def test_so_many_examples_are_shown_as_are_asked_for(load_with, examine, number, shown):
    load_with(*make_fault("position_shared"))
    assert examine("--examples", number).output.count("addresses at one position") == shown


def test_the_csv_goes_into_a_folder_too_and_is_named(load_with, examine, tmp_path):
    load_with(*make_fault("hours"))
    result = examine("--csv", tmp_path)
    assert f"Every finding: {tmp_path / 'care-doctor.csv'}" in result.output
    header, row = (tmp_path / "care-doctor.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",") == COLUMNS
    assert row.startswith("hours,")


def test_a_csv_that_cannot_be_written_is_said_in_one_line(load_with, examine, tmp_path):
    load_with()
    result = examine("--csv", tmp_path / "absent" / "found.csv")
    assert result.exit_code == 1
    assert "No such file or directory" in result.output


def test_a_name_that_a_spreadsheet_would_compute_is_only_text(load_with, findings):
    (record,), _ = make_fault("hours")
    load_with([make_registered("a", "750000101", name="=HYPERLINK(1)", opening_hours=record.opening_hours, **spot(3))])
    assert findings()[0]["where"].startswith("'=HYPERLINK")


def test_a_number_and_a_position_stay_as_they_are_in_the_csv(load_with, findings):
    load_with(*make_fault("conflict"))
    assert findings()[0]["value"] == "+33142726072"


def test_nothing_is_changed(load_with, examine, database):
    load_with(*make_fault("conflict"))
    before = outcome(database)
    examine()
    assert outcome(database) == before


def test_how_many_places_another_source_confirms_is_told_with_how_surely(load_with, examine):
    load_with()
    output = examine("--kind", "matches").output
    assert "       1  of the 5 places of register are confirmed by roll" in output
    assert "       1  of the 5 places of register are confirmed by map" in output
    assert "       1  records of roll placed with a confidence of 0.8 to 0.9" in output


def test_every_kind_is_explained_and_belongs_to_one_look():
    kinds = [kind for _, of in LOOKS.values() for kind in of]
    assert sorted(kinds) == sorted(ABOUT)


@given(text=st.text(max_size=12))
def test_any_text_is_a_phone_or_is_none(text):
    assert doctor._is_phone(text) in {True, False}
