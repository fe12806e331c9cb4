"""Public and school holidays in opening hours, against the calendars of other authors."""

import csv
from datetime import date, timedelta

import holidays as other_calendars
import pytest

from citizen_api.care import holidays as our_calendars
from citizen_api.care.data import derive_school_holidays
from citizen_api.care.hours import (
    UNKNOWN,
    holiday_region_of,
    zone_of,
)
from tests.care.hours_makers import AJACCIO, LYON, MARSEILLE, PARIS, STRASBOURG, make_opening, make_state, make_until

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


# --- Public holidays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-12-25", "2026-05-01", "2026-07-14", "2027-03-29", "2027-05-06"])
def test_a_public_holiday_is_closed_with_ph_off(day):
    assert make_state("09:00-12:00; PH off", f"{day} 10:00") == "closed"
    assert make_state("09:00-12:00", f"{day} 10:00") == "open"


@pytest.mark.parametrize(
    ("day", "there", "elsewhere"),
    [
        ("2026-12-26", STRASBOURG, PARIS),
        ("2026-05-22", "97209", "97105"),
        ("2026-05-27", "97105", "97209"),
        ("2026-06-10", "97302", PARIS),
        ("2026-12-20", "97411", "97302"),
        ("2026-04-27", "97611", "97411"),
        ("2026-10-09", "97701", "97801"),
        ("2026-05-28", "97801", "97701"),
        ("2026-09-24", "98818", "98735"),
        ("2026-03-05", "98735", "98818"),
        ("2026-11-20", "98735", PARIS),
        ("2026-07-29", "98613", PARIS),
    ],
)
def test_a_holiday_of_one_territory_is_a_plain_day_in_another(day, there, elsewhere):
    assert make_state("09:00-12:00; PH off", f"{day} 10:00", there) == "closed"
    assert make_state("09:00-12:00; PH off", f"{day} 10:00", elsewhere) == "open"


def test_good_friday_is_unknown_in_alsace_where_only_some_communes_keep_it():
    assert make_state("Mo-Fr 09:00-12:00; PH off", "2026-04-03 10:00", STRASBOURG) == "unknown"
    assert make_state("Mo-Fr 09:00-12:00; PH off", "2026-04-03 13:00", STRASBOURG) == "closed"
    assert make_state("Mo-Fr 09:00-12:00", "2026-04-03 10:00", STRASBOURG) == "open"


def test_a_service_of_the_night_before_a_holiday_ends_and_that_of_the_holiday_never_begins():
    assert make_state("Mo-Su 22:00-06:00; PH off", "2026-05-01 01:00") == "open"
    assert make_until("Mo-Su 22:00-06:00; PH off", "2026-05-01 07:00") == "2026-05-02T22:00+02:00"


def test_the_eve_of_a_holiday_has_hours_of_its_own():
    assert make_until("09:00-19:00; PH -1 day 09:00-17:00", "2026-12-24 10:00") == "2026-12-24T17:00+01:00"
    assert make_until("09:00-19:00; PH +1 day 09:00-17:00", "2026-12-26 10:00") == "2026-12-26T17:00+01:00"


OTHER_NAMES = {"57": "57", "67": "6AE", "68": "6AE", "977": "BL", "978": "MF", "988": "NC", "987": "PF"}
OTHER_NAMES |= {"975": "PM", "986": "WF", "75": None, "2A": None}
OTHER_NAMES |= {code: code for code in ("971", "972", "973", "974", "976")}


@pytest.mark.parametrize("departement", OTHER_NAMES)
def test_our_public_holidays_are_those_of_the_holidays_package(departement):
    region = holiday_region_of(departement)
    for year in range(2019, 2036):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
        known = {day: our_calendars.is_public_holiday(day, region) for day in days}
        certain = {day for day, told in known.items() if told}
        perhaps = {day for day, told in known.items() if told is None}
        theirs = set(other_calendars.country_holidays("FR", OTHER_NAMES[departement], years=year)) & set(days)
        assert certain <= theirs <= certain | perhaps, year


# --- School holidays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("insee_code", "states"),
    [
        (PARIS, ["open", "open", "closed", "closed"]),  # zone C: 6 to 21 February 2027
        (LYON, ["closed", "open", "open", "closed"]),  # zone A: 13 to 28 February
        (MARSEILLE, ["closed", "closed", "open", "open"]),  # zone B: 20 February to 7 March
    ],
)
def test_school_holidays_are_those_of_the_zone(insee_code, states):
    mondays = ["2027-02-08", "2027-02-15", "2027-02-22", "2027-03-01"]
    assert [make_state("SH Mo-Fr 09:00-12:00", f"{day} 10:00", insee_code) for day in mondays] == states


@pytest.mark.parametrize(
    ("expression", "states"),
    [
        # Sunday 14 February (holidays in Paris), Monday 15 (holidays), Sunday 28, Monday 1 March (both not)
        ("SH Mo-Fr 09:00-12:00", ["closed", "open", "closed", "closed"]),
        ("SH,Mo-Fr 09:00-12:00", ["open", "open", "closed", "open"]),
        ("Mo-Fr,SH 09:00-12:00", ["open", "open", "closed", "open"]),
        ("09:00-12:00; PH,SH off", ["closed", "closed", "open", "open"]),
        ("09:00-12:00; SH off", ["closed", "closed", "open", "open"]),
        ("09:00-12:00; PH,SH Mo-Fr off", ["open", "closed", "open", "open"]),
        ("Mo-Su 14:00-16:00; SH 09:00-12:00", ["open", "open", "closed", "closed"]),
        ("Feb SH 09:00-12:00", ["open", "open", "closed", "closed"]),
        ("Mar SH 09:00-12:00", ["closed", "closed", "closed", "closed"]),
        ('09:00-12:00; SH off "SH Mo-Fr", Mo 10:00-12:00', ["closed", "open", "open", "open"]),
    ],
)
def test_school_holidays_combine_with_weekdays(expression, states):
    days = ["2027-02-14", "2027-02-15", "2027-02-28", "2027-03-01"]
    assert [make_state(expression, f"{day} 10:00") for day in days] == states


def test_a_night_that_begins_on_the_last_day_of_the_school_holidays_ends_after_them():
    assert make_until("SH 22:00-02:00", "2027-02-21 23:00") == "2027-02-22T02:00+01:00"
    assert make_state("SH 22:00-02:00", "2027-02-06 01:00") == "closed"
    assert make_until("22:00-02:00; SH off", "2027-02-05 23:00") == "2027-02-06T02:00+01:00"
    assert make_state("22:00-02:00; SH off", "2027-02-22 01:00") == "closed"


def test_the_next_opening_is_found_across_the_school_holidays():
    assert make_until("Mo-Fr 09:00-12:00; SH off", "2027-07-03 10:00") == "2027-09-01T09:00+02:00"


@pytest.mark.parametrize(
    ("insee_code", "day"), [(AJACCIO, "2027-02-15"), ("97411", "2027-02-15"), (PARIS, "2028-10-30")]
)
def test_where_or_when_school_holidays_are_not_known_what_hangs_on_them_is_unknown(insee_code, day):
    assert make_opening("Mo-Fr 09:00-12:00; SH off", f"{day} 10:00", insee_code) == UNKNOWN
    assert make_state("Mo-Fr 09:00-12:00; SH off", f"{day} 13:00", insee_code) == "closed"
    assert make_state("Mo-Fr 09:00-12:00; SH Mo-Fr 10:00-11:00", f"{day} 10:30", insee_code) == "open"
    assert make_until("Mo-Fr 09:00-12:00; SH off", f"{day} 08:00", insee_code)[:16] == f"{day}T09:00"


def test_the_night_after_a_day_of_unknown_school_holidays_is_unknown_too():
    assert make_state("Mo 22:00-02:00; SH off", "2027-02-16 01:00", AJACCIO) == "unknown"


def test_the_last_day_of_the_calendar_is_known():
    assert make_state("Mo-Fr 09:00-12:00; SH off", "2028-08-31 10:00") == "closed"
    assert make_state("Mo-Fr 09:00-12:00; SH off", "2028-09-01 10:00") == "unknown"


def test_every_departement_of_the_mainland_but_corse_has_a_school_zone():
    codes = [f"{n:02}" for n in range(1, 96) if n != 20]
    zones = [holiday_region_of(code).school_zone for code in codes]
    assert [zones.count(zone) for zone in ("A", "B", "C")] == [32, 41, 21]
    assert holiday_region_of("2B").school_zone is None


# --- Zones and data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("insee_code", "name"),
    [
        ("75", "Europe/Paris"),
        ("2A004", "Europe/Paris"),
        ("971", "America/Guadeloupe"),
        ("97209", "America/Martinique"),
        ("97302", "America/Cayenne"),
        ("97411", "Indian/Reunion"),
        ("97502", "America/Miquelon"),
        ("97611", "Indian/Mayotte"),
        ("97701", "America/St_Barthelemy"),
        ("97801", "America/Marigot"),
        ("98613", "Pacific/Wallis"),
        ("98735", "Pacific/Tahiti"),
        ("98731", "Pacific/Marquesas"),
        ("98719", "Pacific/Gambier"),
        ("98818", "Pacific/Noumea"),
    ],
)
def test_a_commune_keeps_the_clock_of_its_territory(insee_code, name):
    assert zone_of(insee_code).key == name


def make_source(path, days) -> None:
    columns = ["date", "vacances_zone_a", "vacances_zone_b", "vacances_zone_c", "nom_vacances"]
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([columns, *days])


def test_runs_of_days_are_derived_from_a_row_a_day(tmp_path):
    make_source(
        tmp_path / "days.csv",
        [
            ("2015-08-31", True, True, True, "été"),
            ("2015-09-01", False, True, False, "été"),
            ("2015-09-02", True, True, False, "été"),
            ("2015-09-03", True, False, False, "pont"),
        ],
    )
    days = derive_school_holidays.read_days(tmp_path / "days.csv")
    assert [row for zone in "ABC" for row in derive_school_holidays.holidays_of(zone, days)] == [
        ("A", "2015-09-02", "2015-09-02", "été"),
        ("A", "2015-09-03", "2015-09-03", "pont"),
        ("B", "2015-09-01", "2015-09-02", "été"),
    ]


def test_a_source_with_a_day_missing_is_refused(tmp_path):
    make_source(
        tmp_path / "days.csv",
        [("2015-09-01", True, True, True, "été"), ("2015-09-03", True, True, True, "été")],
    )
    with pytest.raises(SystemExit, match="2015-09-03 follows 2015-09-01"):
        derive_school_holidays.read_days(tmp_path / "days.csv")
