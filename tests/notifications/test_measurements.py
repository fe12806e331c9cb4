"""Hourly measurements: read from station files, or bundled."""

from datetime import UTC, date, datetime, timedelta
from statistics import fmean, median

import pytest

from citizen_api.sources.records import SourceFormatError
from notifications.measurements import (
    LEAST_STATIONS,
    CityHour,
    Measurements,
    bundled_week,
    from_files,
    read_city_hours,
    yearly_files,
)
from notifications.sample import derive
from tests.notifications.rehearsal_makers import FIRST, LAST, ZONE
from tests.shared_data import shared_file

STATIONS = [f"S{number}" for number in range(LEAST_STATIONS)]


def make_station_file(*rows, stations=STATIONS, pollutant="NOX", unit="microg/m3"):
    """A synthetic file in the form of Airparif's; a row is (hour, value, …), the last value repeated."""
    head = [f"{station}:{pollutant}" for station in stations]
    lines = [head, [f"Synthetic {name}" for name in stations], stations, ["gas"] * len(stations)]
    lines += [[pollutant] * len(stations), [unit] * len(stations)]
    text = "".join("," + ",".join(line) + "\n" for line in lines)
    for hour, *given in rows:
        values = given + [given[-1]] * (len(stations) - len(given))
        text += f"2023-02-09 {hour}:00:00+00:00,{','.join(map(str, values))}\n"
    return text.encode()


def make_hour(hour, *, stations=9, day=9):
    return CityHour(ends_at=datetime(2023, 2, day, hour, tzinfo=UTC), median_ug_m3=50, mean_ug_m3=60, stations=stations)


def make_measurements(*hours):
    return Measurements(origin="synthetic", names="synthetic", pollutant="nox", hours=hours)


def test_the_value_of_an_hour_is_the_median_of_the_stations():
    pollutant, [hour] = read_city_hours(make_station_file(("08", 10, 20, 30, 40, 900)))
    assert (pollutant, hour.value_ug_m3, hour.mean_ug_m3, hour.stations) == ("nox", 30, 200, 5)
    assert hour.ends_at == datetime(2023, 2, 9, 8, tzinfo=UTC)


def test_a_reading_far_below_zero_and_a_missing_one_are_no_readings():
    _, [hour] = read_city_hours(make_station_file(("08", -50, "", 30, 40, 50)))
    assert (hour.stations, hour.median_ug_m3) == (3, 40)


def test_an_hour_of_too_few_stations_has_no_value():
    assert make_hour(8, stations=LEAST_STATIONS - 1).value_ug_m3 is None


def test_hours_come_in_their_order():
    _, hours = read_city_hours(make_station_file(("09", 10), ("08", 20)))
    assert [hour.ends_at.hour for hour in hours] == [8, 9]


def test_nitrogen_dioxide_itself_is_no_stand_in():
    pollutant, _ = read_city_hours(make_station_file(("08", 10), pollutant="NO2"))
    assert pollutant == "no2"


def test_a_file_of_another_pollutant_is_refused():
    with pytest.raises(SourceFormatError, match="without NO2 and NOX"):
        read_city_hours(make_station_file(("08", 1), pollutant="CO", unit="mg/m3"))


def test_files_of_two_pollutants_are_not_mixed(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_bytes(make_station_file(("08", 10)))
    paths[1].write_bytes(make_station_file(("09", 10), pollutant="NO2"))
    with pytest.raises(SourceFormatError, match="no2 and nox"):
        from_files(paths)


def test_files_are_joined_and_named(tmp_path):
    paths = [tmp_path / "b.csv", tmp_path / "a.csv"]
    paths[0].write_bytes(make_station_file(("09", 10)))
    paths[1].write_bytes(make_station_file(("08", 10)))
    joined = from_files(paths)
    assert [hour.ends_at.hour for hour in joined.hours] == [8, 9]
    assert (joined.names, joined.is_bundled) == ("b.csv, a.csv", False)


def test_the_file_of_a_year_is_taken_from_the_first_folder_that_has_it(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second", tmp_path / "missing"]
    for folder, years in zip(folders, [(2023,), (2023, 2024)], strict=False):
        folder.mkdir()
        for year in years:
            (folder / f"{year}_NOX.csv").touch()
    found = yearly_files(folders, date(2022, 12, 1), date(2024, 1, 31))
    assert found == [folders[0] / "2023_NOX.csv", folders[1] / "2024_NOX.csv"]


def test_an_hour_that_ends_at_midnight_belongs_to_the_day_that_ends():
    assert make_measurements(make_hour(23)).days(zone=ZONE) == (date(2023, 2, 9), date(2023, 2, 9))


def test_the_days_are_those_with_a_known_hour():
    few = make_hour(8, day=3, stations=1)
    assert make_measurements(few, make_hour(8), make_hour(8, day=11)).days(zone=ZONE) == (
        date(2023, 2, 9),
        date(2023, 2, 11),
    )


def test_without_a_known_hour_there_are_no_days():
    with pytest.raises(ValueError, match="no hour"):
        make_measurements(make_hour(8, stations=1)).days(zone=ZONE)


def test_values_are_of_the_local_days_and_what_lies_ahead():
    measurements = make_measurements(make_hour(23, day=8), make_hour(0), make_hour(23), make_hour(1, day=10))
    day = date(2023, 2, 9)
    assert [at.day * 100 + at.hour for at in measurements.values(day, day, zone=ZONE)] == [900, 923]
    assert len(measurements.values(day, day, zone=ZONE, ahead=timedelta(hours=2))) == 3


def test_the_bundled_week_is_whole():
    week = bundled_week()
    assert week.days(zone=ZONE) == (FIRST, LAST)
    assert (len(week.hours), len(week.values(FIRST, LAST, zone=ZONE)), week.is_bundled) == (168, 168, True)


def test_the_bundled_week_first_passes_200_on_the_8th_and_peaks_on_the_9th():
    hours = bundled_week().hours
    passed = next(hour for hour in hours if hour.median_ug_m3 >= 200)
    assert (passed.ends_at, round(passed.median_ug_m3, 1)) == (datetime(2023, 2, 8, 22, tzinfo=UTC), 203.2)
    peak = max(hours, key=lambda hour: hour.median_ug_m3)
    assert peak.ends_at == datetime(2023, 2, 9, 9, tzinfo=UTC)
    assert (round(peak.median_ug_m3), round(peak.mean_ug_m3)) == (382, 374)


def test_the_bundled_week_is_what_the_script_derives():
    shared_file(derive.SOURCE)
    shared = shared_file("air").parent
    assert derive.derive(shared) == derive.TARGET.read_text(encoding="utf-8")


def test_the_shared_file_tells_the_same_as_the_bundled_week_and_more():
    shared = from_files([shared_file(derive.SOURCE)])
    assert len(shared.hours) == 8760
    values = shared.values(FIRST, LAST, zone=ZONE)
    assert values == pytest.approx(bundled_week().values(FIRST, LAST, zone=ZONE), abs=0.006)


def test_median_and_mean_are_those_of_the_textbook():
    _, [hour] = read_city_hours(make_station_file(("08", 1.5, 2.5, 2.75, 8, 9)))
    given = [1.5, 2.5, 2.75, 8, 9]
    assert (hour.median_ug_m3, hour.mean_ug_m3) == (median(given), fmean(given))


def test_the_script_says_in_one_line_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["derive.py", str(tmp_path)])
    assert derive.main() == 1
    assert capsys.readouterr().err.startswith("derive.py: ")


def test_the_script_writes_the_week(tmp_path, capsys, monkeypatch):
    shared_file(derive.SOURCE)
    monkeypatch.setattr(derive, "TARGET", tmp_path / "week.csv")
    monkeypatch.setattr("sys.argv", ["derive.py", str(shared_file("air").parent)])
    assert derive.main() == 0
    assert capsys.readouterr().out.startswith("168 hours")
