"""What stations tell: background only, the median in the city, means that need enough hours, official thresholds."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest

from citizen_api.air.curve import curve
from citizen_api.air.episode_rules import EU_2024, FRANCE
from citizen_api.air.measured import hours_told, measured_day, measured_now
from citizen_api.air.models import HourlyForecast
from citizen_api.air.rules import EAQI_REVISED
from tests.air.makers import DAY, HOUR, hours_of, make_station
from tests.shared_data import shared_file

MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
END = MIDNIGHT + 24 * HOUR
EVEN = [30.0] * 24


def day_of(*stations, at=END, day=DAY, thresholds=FRANCE):
    return measured_day(stations, day, at, thresholds)


def only(measured):
    assert measured is not None
    (value,) = measured.values
    return value


# --- Whose air it is ---------------------------------------------------------------------------------------


def test_the_nearest_background_station_speaks():
    near, far = (
        make_station(distance_m, name=f"{distance_m:g} m", pm10=hours_of(DAY, EVEN)) for distance_m in (1.2e3, 9e3)
    )
    value = only(day_of(near, far))
    assert (value.station, value.distance_m, value.influence) == ("1200 m", 1_200, "background")


@pytest.mark.parametrize("influence", ["traffic", "industrial", None])
def test_a_station_that_is_no_background_one_never_speaks_for_a_neighbourhood(influence):
    roadside = make_station(100.0, influence, no2=hours_of(DAY, EVEN))
    background = make_station(8_000.0, name="far", no2=hours_of(DAY, EVEN))
    assert day_of(roadside) is None
    assert measured_now([roadside], END) is None
    assert hours_told([roadside], "no2") is None
    assert only(day_of(roadside, background)).station == "far"


def test_in_the_city_is_the_median_of_the_stations_that_do_not_say_where_they_stand():
    stations = [make_station(None, None, name=str(value), nox=hours_of(DAY, [value] * 24)) for value in (10, 40, 90)]
    value = only(day_of(*stations))
    assert (value.value_ug_m3, value.stations) == (40.0, 3)
    assert (value.station, value.distance_m, value.influence) == (None, None, None)


def test_in_the_city_no_class_is_given_where_nobody_says_that_they_are_background_stations():
    measured = day_of(make_station(None, None, no2=hours_of(DAY, EVEN)))
    assert (only(measured).level, measured.result.level) == (None, None)


def test_in_the_city_the_last_hour_counts_the_stations_that_have_it():
    full, short = (make_station(None, None, no2=hours_of(DAY, [20.0] * hours)) for hours in (24, 23))
    assert only(measured_now([full, short], END)).stations == 1


def test_a_station_with_a_position_goes_before_the_city():
    placed = make_station(5_000.0, name="placed", no2=hours_of(DAY, EVEN))
    assert only(day_of(make_station(None, None, no2=hours_of(DAY, EVEN)), placed)).station == "placed"


def test_a_station_with_too_few_hours_leaves_the_word_to_the_next_one():
    near = make_station(1_000.0, name="near", pm10=hours_of(DAY, [10.0] * 10))
    far = make_station(9_000.0, name="far", pm10=hours_of(DAY, EVEN))
    assert only(day_of(near, far)).station == "far"


# --- The day -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "known"), [(18, True), (17, False)])
def test_a_daily_mean_needs_eighteen_hours(hours, known):
    measured = day_of(make_station(pm10=hours_of(DAY, [30.0] * hours)))
    assert (measured is not None) is known


@pytest.mark.parametrize(("hours", "known"), [(18, True), (17, False)])
def test_a_daily_maximum_of_a_day_that_is_over_needs_them_too(hours, known):
    assert (day_of(make_station(o3=hours_of(DAY, [30.0] * hours))) is not None) is known


def test_a_missing_hour_is_not_a_zero():
    assert only(day_of(make_station(pm10=hours_of(DAY, [30.0, None, None] + [30.0] * 21)))).value_ug_m3 == 30.0


def test_the_hour_that_ends_at_midnight_belongs_to_the_day_before():
    value = only(day_of(make_station(pm10=[*hours_of(DAY, EVEN), (END + HOUR, 999.0)])))
    assert (value.value_ug_m3, value.hours, value.ends_at) == (30.0, 24, END)


def test_a_day_that_is_running_is_so_far_and_says_so():
    value = only(day_of(make_station(pm10=hours_of(DAY, [60.0] * 9)), at=MIDNIGHT + 9 * HOUR))
    assert (value.value_ug_m3, value.hours, value.complete, value.level) == (60.0, 9, False, 4)


def test_one_hour_of_particles_makes_no_class():
    measured = day_of(make_station(pm10=hours_of(DAY, [60.0])), at=MIDNIGHT + HOUR)
    assert (only(measured).level, measured.result.level) == (None, None)


def test_a_minute_before_its_end_a_day_is_over():
    station = make_station(pm10=hours_of(DAY, EVEN))
    assert only(day_of(station, at=END - timedelta(seconds=1))).complete is True
    assert only(day_of(station, at=END - timedelta(seconds=61))).complete is False


def test_the_index_is_not_made_of_rounded_values():
    measured = day_of(make_station(pm10=hours_of(DAY, [40.04] * 24)))
    assert (only(measured).value_ug_m3, only(measured).level, measured.result.level) == (40.0, 3, 3)


def test_the_worst_pollutant_makes_the_index():
    measured = day_of(make_station(pm10=hours_of(DAY, EVEN), o3=hours_of(DAY, [20.0] * 23 + [110.0])))
    assert (measured.result.level, measured.result.driver) == (3, "o3")


# --- Now ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "known"), [(0, True), (3, True), (4, False)])
def test_the_last_hour_is_now_for_three_hours(hours, known):
    assert (measured_now([make_station(no2=hours_of(DAY, EVEN))], END + hours * HOUR) is not None) is known


def test_a_gas_is_judged_by_its_last_hour():
    value = only(measured_now([make_station(no2=hours_of(DAY, [10.0] * 23 + [95.0]))], END))
    assert (value.value_ug_m3, value.hours, value.level) == (95.0, 1, 3)


def test_particles_are_judged_by_the_mean_of_the_last_24_hours():
    hours = [*hours_of(DAY - timedelta(days=1), [999.0] * 24), *hours_of(DAY, [10.0] * 12 + [50.0] * 12)]
    value = only(measured_now([make_station(pm10=hours)], END))
    assert (value.value_ug_m3, value.hours, value.level) == (30.0, 24, 2)


def test_without_enough_hours_the_last_one_of_particles_is_shown_without_a_class():
    value = only(measured_now([make_station(pm10=hours_of(DAY, [None] * 14 + [50.0] * 10))], END))
    assert (value.value_ug_m3, value.hours, value.level) == (50.0, 1, None)


def test_the_revised_european_index_judges_particles_by_the_hour():
    station = make_station(pm10=hours_of(DAY, [None] * 23 + [50.0]))
    assert only(measured_now([station], END, EAQI_REVISED)).level == 3


# --- Official thresholds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "thresholds", "tier"),
    [
        (50.0, FRANCE, None),
        (51.0, FRANCE, "information"),
        (81.0, FRANCE, "alert"),
        (81.0, EU_2024, None),
        (91.0, EU_2024, "alert"),
    ],
)
def test_a_measured_day_is_judged_by_the_thresholds_that_are_law(mean, thresholds, tier):
    assert day_of(make_station(pm10=hours_of(DAY, [mean] * 24)), thresholds=thresholds).above == tier


def test_a_mean_so_far_is_not_yet_above_a_threshold_of_the_day():
    measured = day_of(make_station(pm10=hours_of(DAY, [90.0] * 20)), at=MIDNIGHT + 20 * HOUR)
    assert measured.above is None


def test_one_hour_of_ozone_is_above_its_threshold_at_once():
    measured = day_of(make_station(o3=hours_of(DAY, [181.0])), at=MIDNIGHT + HOUR)
    assert measured.above == "information"


def test_hours_above_a_threshold_are_counted_across_midnight():
    before = hours_of(DAY - timedelta(days=1), [None] * 22 + [410.0, 410.0])
    station = make_station(no2=[*before, *hours_of(DAY, [410.0] + [20.0] * 23)])
    assert day_of(station).above == "alert"


def test_the_worst_of_several_pollutants_is_told():
    station = make_station(pm10=hours_of(DAY, [51.0] * 24), o3=hours_of(DAY, [241.0] * 24))
    assert day_of(station).above == "alert"


@pytest.mark.parametrize(("distance_m", "influence"), [(100.0, "traffic"), (None, None)])
def test_only_a_background_station_is_above_a_threshold(distance_m, influence):
    measured = day_of(make_station(distance_m, influence, o3=hours_of(DAY, [241.0] * 24)))
    assert measured is None or measured.above is None


# --- The curve ---------------------------------------------------------------------------------------------


def expect(pollutant, value, ends_at, source_id="open-meteo"):
    return HourlyForecast(
        source_id=source_id,
        commune_code="75104",
        pollutant=pollutant,
        ends_at=ends_at,
        value_ug_m3=value,
        known_at=MIDNIGHT,
    )


def test_the_curve_is_measured_where_it_was_and_else_as_a_model_expects():
    station = make_station(no2=hours_of(DAY, [30.0, 31.0]))
    expected = [expect("no2", 50.0, MIDNIGHT + number * HOUR) for number in (1, 2, 3)]
    hours = curve([station], expected, since=MIDNIGHT, until=END)
    assert [(hour.values_ug_m3["no2"], hour.forecast, hour.sources) for hour in hours] == [
        (30.0, False, ("synthetic",)),
        (31.0, False, ("synthetic",)),
        (50.0, True, ("open-meteo",)),
    ]


def test_of_two_forecasts_the_made_up_one_is_not_shown():
    expected = [expect("no2", 50.0, MIDNIGHT + HOUR), expect("no2", 9.0, MIDNIGHT + HOUR, "demo")]
    for order in (expected, expected[::-1]):
        (hour,) = curve([], order, since=MIDNIGHT, until=END)
        assert (hour.values_ug_m3, hour.sources) == ({"no2": 50.0}, ("open-meteo",))


def test_an_hour_that_nobody_tells_is_not_in_the_curve():
    station = make_station(no2=hours_of(DAY, [30.0, None, 32.0]))
    hours = curve([station], [], since=MIDNIGHT, until=END)
    assert [hour.ends_at.hour for hour in hours] == [1, 3]


# --- Montpellier, September 2023 ---------------------------------------------------------------------------


def test_the_particles_of_montpellier_on_18_september_2023():
    day = date(2023, 9, 18)
    path = shared_file("air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv")
    stations: dict[tuple[str, str], dict[str, list]] = {}
    with path.open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            ends_at = datetime.fromisoformat(row["date_fin"].replace("/", "-") + ":00").astimezone(UTC)
            pollutant = row["nom_poll"].lower().replace(".", "")
            if row["valeur"] and ends_at <= datetime(2023, 9, 19, tzinfo=UTC):
                hours = stations.setdefault((row["nom_station"], row["influence"]), {})
                hours.setdefault(pollutant, []).append((ends_at, float(row["valeur"])))
    told = [
        make_station(
            1_000.0 + rank,
            "background" if influence == "Fond" else "traffic",
            name=name,
            **{pollutant: sorted(hours) for pollutant, hours in pollutants.items()},
        )
        for rank, ((name, influence), pollutants) in enumerate(stations.items())
    ]
    measured = measured_day(told, day, datetime(2023, 9, 19, tzinfo=UTC), FRANCE)
    pm10 = next(value for value in measured.values if value.pollutant == "pm10")
    assert "Arènes" in pm10.station
    assert (pm10.value_ug_m3, pm10.hours, pm10.level, measured.above) == (42.1, 24, 3, None)
