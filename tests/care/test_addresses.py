"""Places without coordinates are placed by their address, through a geocoder that may be off, down or slow."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest
from click.testing import CliRunner

from citizen_api.care import actions, addresses, cli, locating
from citizen_api.care.addresses import Address, believed
from citizen_api.care.cli import care
from citizen_api.care.importing import only_import
from citizen_api.care.models import AddressPosition
from citizen_api.sources.ban import FoundAddress, GeocoderBusyError, GeocoderDownError
from citizen_api.territory.geocoding import GuardedGeocoder
from citizen_api.web.command import Context
from tests.care.linking_makers import MAP, REGISTER, ROLL, import_from, make_registered, make_row, outcome
from tests.care.makers import NOW, make_record
from tests.care.test_imports import facility_of, version
from tests.sources.rpps_makers import GP, make_extract

LATER = NOW + timedelta(days=1)
HOUSE = FoundAddress(
    kind="address",
    label="1 Rue du Test 75004 Paris",
    lat=48.8551,
    lon=2.3611,
    postcode="75004",
    city="Paris",
    commune_code="75104",
    score=0.95,
)
LOST = {"lat": None, "lon": None}


class SyntheticGeocoder:
    """Knows some addresses; counts what it is asked. `fault`: what it raises instead of answering."""

    def __init__(self, *found, fault=None):
        self.found = list(found)
        self.fault = fault
        self.asked = []

    def search(self, text):
        self.asked.append(text)
        if self.fault:
            raise self.fault
        return self.found


class Ticking:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.s = 0.0

    def __call__(self):
        return self.s

    def sleep(self, s):
        self.s += s


@pytest.fixture
def ticking():
    return Ticking()


@pytest.fixture
def load(database, tmp_path):
    return partial(import_from, database=database, folder=tmp_path)


@pytest.fixture
def locate(database, ticking):
    def do(geocoder, *, now=NOW, **options):
        guarded = GuardedGeocoder(geocoder, monotonic=ticking)
        return locating.locate_places(database, guarded, now=now, monotonic=ticking, sleep=ticking.sleep, **options)

    return do


def where(database, key="a"):
    place = facility_of(database, key)
    return place.lat, place.lon, place.position_approximate


def streets(number):
    return [make_record(f"k{n}", street=f"{n} rue du Test", **LOST) for n in range(1, number + 1)]


def test_a_place_without_coordinates_goes_to_its_house(database, load, locate):
    load(ROLL, make_record("a", **LOST))
    assert where(database)[2] is True
    before = version(database)

    report = locate(SyntheticGeocoder(HOUSE))

    assert (report.places, report.not_known, report.waiting) == (1, 0, 0)
    assert where(database) == (HOUSE.lat, HOUSE.lon, False)
    assert version(database) > before
    assert facility_of(database, "a").field_sources["position"] == ["ban", "2026-11-22"]


def test_a_street_is_flagged_approximate(database, load, locate):
    load(ROLL, make_record("a", **LOST))
    locate(SyntheticGeocoder(replace(HOUSE, kind="street")))
    assert where(database) == (HOUSE.lat, HOUSE.lon, True)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [replace(HOUSE, score=0.69)],
        [replace(HOUSE, kind="locality")],
        [replace(HOUSE, kind="commune")],
        [replace(HOUSE, commune_code="75105")],
        [replace(HOUSE, commune_code="69123")],
        [replace(HOUSE, commune_code=None)],
    ],
    ids=["nothing", "unsure", "locality", "commune", "next arrondissement", "another town", "no commune"],
)
def test_what_is_not_believed_leaves_a_place_at_the_centre_of_its_commune(database, load, locate, answer):
    load(ROLL, make_record("a", **LOST))
    before = where(database)
    assert locate(SyntheticGeocoder(*answer)).not_known == 1
    assert where(database) == before


def test_the_first_answer_of_the_same_commune_is_believed():
    address = Address("1 rue du Test", "75004", "Paris", "75104")
    wrong, right = replace(HOUSE, commune_code="13055"), replace(HOUSE, score=0.8)
    assert believed([wrong, right, HOUSE], address, {}) == right


def test_a_city_is_told_without_its_arrondissement(database, load, locate):
    load(ROLL, make_record("a", commune_code="75056", **LOST))
    locate(SyntheticGeocoder(HOUSE))
    assert where(database) == (HOUSE.lat, HOUSE.lon, False)


def test_only_the_address_of_the_practice_is_asked_for(load, locate):
    load(ROLL, make_record("a", name="Dr Marie Curie", phone="+33142726070", **LOST))
    geocoder = SyntheticGeocoder()
    locate(geocoder)
    assert geocoder.asked == ["1 rue du Test, 75004 Paris"]


@pytest.mark.parametrize(
    "facts",
    [{}, {"street": None, **LOST}, {"position_approximate": True}, {"commune_code": None, "city": None, **LOST}],
)
def test_what_has_a_position_or_no_whole_address_is_not_asked_for(load, locate, facts):
    load(ROLL, make_record("a", **{"postcode": None} | facts))
    geocoder = SyntheticGeocoder(HOUSE)
    locate(geocoder)
    assert geocoder.asked == []


def test_an_address_is_asked_for_once_whatever_is_there_and_however_it_is_written(database, load, locate):
    load(ROLL, make_record("a", **LOST), make_record("b", street="1, RUE DU TEST", name="Autre", **LOST))
    geocoder = SyntheticGeocoder(HOUSE)
    assert locate(geocoder).places == 2
    assert len(geocoder.asked) == 1
    assert where(database, "a") == where(database, "b") == (HOUSE.lat, HOUSE.lon, False)


def test_the_same_file_again_asks_nothing_and_moves_nothing(database, load, locate):
    load(ROLL, *streets(3))
    locate(SyntheticGeocoder(HOUSE))
    before, moved = outcome(database), version(database)

    load(ROLL, *streets(3))
    again = SyntheticGeocoder(HOUSE)
    locate(again, now=LATER)

    assert again.asked == []
    assert (outcome(database), version(database)) == (before, moved)


def test_a_newcomer_at_a_known_address_is_placed_without_asking(database, load, locate):
    load(ROLL, make_record("a", **LOST))
    locate(SyntheticGeocoder(HOUSE))
    load(MAP, make_record("b", name="Autre", category_codes=(("alentours", "dentist"),), **LOST))
    assert where(database, "b") == (HOUSE.lat, HOUSE.lon, False)


def test_a_place_that_moves_house_leaves_the_old_position(database, load, locate):
    load(ROLL, make_record("a", **LOST))
    locate(SyntheticGeocoder(HOUSE))
    load(ROLL, make_record("a", street="9 rue Autre", **LOST))
    assert where(database)[2] is True
    load(ROLL, make_record("a", **LOST))
    assert where(database) == (HOUSE.lat, HOUSE.lon, False)


def test_the_position_of_a_source_wins_over_that_of_the_address(database, load, locate):
    load(REGISTER, make_registered("a", "750000001", **LOST))
    locate(SyntheticGeocoder(HOUSE))
    load(MAP, make_record("n1", identifiers=(("finess", "750000001"),), lat=48.8573, lon=2.3524))
    assert where(database) == (48.8573, 2.3524, False)
    assert facility_of(database, "a").field_sources["position"][0] == "map"


def test_an_address_that_was_not_known_is_asked_for_again_after_half_a_year(load, locate):
    load(ROLL, make_record("a", **LOST))
    locate(SyntheticGeocoder())
    soon, late = SyntheticGeocoder(HOUSE), SyntheticGeocoder(HOUSE)
    locate(soon, now=NOW + timedelta(days=179))
    report = locate(late, now=NOW + timedelta(days=181))
    assert (len(soon.asked), len(late.asked), report.places) == (0, 1, 1)


def test_a_geocoder_that_is_off_changes_nothing(database, load):
    load(ROLL, make_record("a", **LOST))
    before = outcome(database)
    report = locating.locate_places(database, GuardedGeocoder(None), now=NOW)
    assert (report.waiting, outcome(database)) == (1, before)


@pytest.mark.parametrize("fault", [GeocoderDownError("down"), GeocoderBusyError(60.0)])
def test_a_geocoder_that_is_down_is_left_alone_and_a_later_run_completes(load, locate, ticking, fault):
    load(ROLL, *streets(10))
    down = SyntheticGeocoder(fault=fault)

    report = locate(down)

    assert (report.places, report.waiting, len(down.asked) <= 3) == (0, 10, True)
    ticking.sleep(120)
    assert locate(SyntheticGeocoder(HOUSE), now=LATER).places == 10


def test_asking_stays_under_the_rate_of_the_guard(load, locate):
    load(ROLL, *streets(70))
    assert locate(SyntheticGeocoder(HOUSE)).places == 70


def test_asking_ends_with_its_time_and_goes_on_another_day(load, locate):
    load(ROLL, *streets(20))
    first, second = SyntheticGeocoder(HOUSE), SyntheticGeocoder(HOUSE)
    report = locate(first, most_s=0.95)
    assert (report.places, report.waiting) == (10, 10)
    assert (locate(second).places, len(second.asked)) == (10, 10)


def test_a_run_that_is_killed_loses_no_more_than_a_batch(load, locate, monkeypatch):
    monkeypatch.setattr(locating, "BATCH_ADDRESSES", 4)
    load(ROLL, *streets(10))

    class Dying(SyntheticGeocoder):
        def search(self, text):
            if len(self.asked) == 9:
                raise KeyboardInterrupt
            return super().search(text)

    with pytest.raises(KeyboardInterrupt):
        locate(Dying(HOUSE))
    rest = SyntheticGeocoder(HOUSE)
    assert (locate(rest).places, len(rest.asked)) == (2, 2)


def test_progress_is_told(load, locate, monkeypatch):
    monkeypatch.setattr(locating, "BATCH_ADDRESSES", 2)
    load(ROLL, *streets(3))
    told = []
    locate(SyntheticGeocoder(HOUSE), progress=lambda *said: told.append(said))
    assert told == [("placing", 2, 3), ("placing", 3, 3)]


def test_no_transaction_is_open_while_the_geocoder_is_asked(database, load, locate, monkeypatch):
    load(ROLL, *streets(3))
    opened = []
    open_session = database.open

    def watch(*, write):
        session = open_session(write=write)
        opened.append(session)
        return session

    monkeypatch.setattr(database, "open", watch)

    class Watching(SyntheticGeocoder):
        def search(self, text):
            assert not any(session.in_transaction() for session in opened)
            return super().search(text)

    assert locate(Watching(HOUSE)).places == 3


def test_an_import_asks_at_its_end(database, load):
    geocoder = SyntheticGeocoder(HOUSE)
    report = load(ROLL, make_record("a", **LOST), geocoder=GuardedGeocoder(geocoder))
    assert report.located.places == 1
    assert where(database) == (HOUSE.lat, HOUSE.lon, False)
    again = load(ROLL, make_record("a", **LOST), geocoder=GuardedGeocoder(geocoder))
    assert (again.located.places, len(geocoder.asked)) == (0, 1)


def test_a_dry_run_asks_nothing(load):
    geocoder = SyntheticGeocoder(HOUSE)
    load(ROLL, make_record("a", **LOST), geocoder=GuardedGeocoder(geocoder), dry_run=True)
    assert geocoder.asked == []


def test_what_is_remembered_tells_no_address(database, load, locate):
    load(ROLL, make_record("a", **LOST))
    locate(SyntheticGeocoder(HOUSE))
    with database.session(write=False) as session:
        (row,) = session.query(AddressPosition).all()
    assert (row.kind, row.score, row.asked_at) == ("address", 0.95, NOW)
    assert set(row.digest) <= set("0123456789abcdef")


def test_the_order_of_imports_does_not_matter_with_known_addresses(database, load):
    address = Address("12 rue du Test", "75004", "Paris", "75104")
    with database.session() as session:
        addresses.remember(session, [(address, HOUSE)], now=NOW)
    sources = {
        REGISTER: [
            make_registered("a", "750000001", street="12 rue du Test", name="Pharmacie Martin", **LOST),
            make_registered("b", "750000002", street="30 rue du Test"),
        ],
        ROLL: [make_row("t#1"), make_row("t#2", street="rue Autre")],
        MAP: [make_record("n1", name="Pharmacie Martin", street="12 rue du Test", **LOST)],
    }
    results = []
    for order in permutations(sources):
        for source in order:
            load(source, *sources[source])
        results.append(outcome(database))
        with database.session() as session:
            for source in order:
                actions.remove_source(session, source.id, now=NOW)
    assert all(result == results[0] for result in results)


@pytest.fixture
def command(database, settings, clock):
    def do(*arguments):
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        return CliRunner().invoke(care, arguments, obj=context)

    return do


def test_places_are_placed_on_demand(database, load, command, monkeypatch):
    load(ROLL, make_record("a", **LOST), make_record("b", street="2 rue du Test", name="Autre", **LOST))
    monkeypatch.setattr(cli, "geocoder_from", lambda _: GuardedGeocoder(SyntheticGeocoder(HOUSE)))
    done = command("place", "--minutes", "5")
    assert (done.exit_code, done.stdout) == (0, "Done:\n  placed by their address: 2; addresses not known: 0\n")
    assert where(database) == (HOUSE.lat, HOUSE.lon, False)


def test_placing_that_runs_out_of_time_says_what_is_left(load, command, monkeypatch):
    load(ROLL, make_record("a", **LOST))
    monkeypatch.setattr(cli, "geocoder_from", lambda _: GuardedGeocoder(SyntheticGeocoder(HOUSE)))
    assert "  addresses still to ask for: 1 (alentours care place)" in command("place", "--minutes", "0").stdout


def test_placing_without_a_geocoder_or_beside_an_import_is_told_in_one_line(database, command, monkeypatch):
    off = command("place")
    assert (off.exit_code, off.stderr) == (
        1,
        "Error: no geocoder is enabled: set ALENTOURS_GEOCODER_BAN_ENABLED=true\n",
    )
    monkeypatch.setattr(cli, "geocoder_from", lambda _: GuardedGeocoder(SyntheticGeocoder(HOUSE)))
    with only_import(database):
        beside = command("place")
    assert (beside.exit_code, beside.stderr.startswith("Error: another import is running")) == (1, True)


@pytest.mark.parametrize(("option", "asked"), [((), 1), (("--place",), 1), (("--no-place",), 0)])
def test_an_import_asks_the_enabled_geocoder_unless_told_not_to(command, monkeypatch, tmp_path, option, asked):
    extract = tmp_path / "extract.txt"
    extract.write_bytes(make_extract(GP))
    geocoder = SyntheticGeocoder(replace(HOUSE, commune_code="75102"))
    monkeypatch.setattr(cli, "geocoder_from", lambda _: GuardedGeocoder(geocoder))
    done = command("import", str(extract), "--format", "rpps", *option)
    assert (done.exit_code, len(geocoder.asked)) == (0, asked)
    assert ("placed by their address: 1" in done.stdout) is bool(asked)
    assert "  deleted          0" in done.stdout
