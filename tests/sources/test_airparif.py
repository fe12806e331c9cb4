"""Airparif's answers: synthetic ones, recorded ones where the shared data are, and its API on loopback."""

import json
import statistics
from datetime import UTC, date, datetime

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.sources.air_fetch import BusyError, CredentialsError, DownError, UnreadableError
from citizen_api.sources.air_records import AirIndexRecord, ReadingRecord, StationRecord, Zone
from citizen_api.sources.airparif import COMMUNES_PATH, Airparif, read_communes, read_stations
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.shared_data import shared_file
from tests.sources.air_makers import Answer, make_air_publisher

KEY = "synthetic-key"


def make_day(**words):
    day = {"date": "2026-01-06", "no2": "Moyen", "o3": "Bon", "pm10": "Moyen", "pm25": "Dégradé", "so2": "Bon"}
    return day | {"indice": "Dégradé"} | words


def communes(answer):
    return list(read_communes(json.dumps(answer).encode()))


def day(**words):
    [read] = communes({"75104": [make_day(**words)]})
    return read


def test_words_are_classes():
    assert day() == AirIndexRecord(
        zone=Zone(kind="commune", code="75104"),
        day=date(2026, 1, 6),
        level=3,
        levels={"pm25": 3, "pm10": 2, "no2": 2, "o3": 1, "so2": 1},
        producer="Airparif",
    )


@pytest.mark.parametrize(("word", "level"), [("Très Mauvais", 5), ("extrêmement mauvais", 6), ("TRES MAUVAIS", 5)])
def test_words_are_read_in_any_case_with_or_without_accents(word, level):
    assert day(indice=word).level == level


@pytest.mark.parametrize("word", [None, "", "Indisponible"], ids=repr)
def test_what_is_unavailable_is_unknown(word):
    read = day(indice=word, so2=word)
    assert (read.level, "so2" in read.levels) == (None, False)


def test_an_event_is_no_class():
    assert (day(indice="Évènement").level, day(indice="Evénement").event) == (None, True)


@pytest.mark.parametrize("changes", [{"indice": "Médiocre"}, {"no2": 3}, {"pm25": "Mauvais"}, {"date": "demain"}])
def test_a_bad_day_costs_only_itself(changes):
    read = communes({"75104": [make_day(**changes), make_day(date="2026-01-07")]})
    assert [type(each) for each in read] == [RejectedRow, AirIndexRecord]


def test_many_communes_come_in_one_answer_and_one_of_another_form_costs_only_itself():
    read = communes({"75104": [make_day()], "75056": "inconnue", "oops": [make_day()], "92012": [make_day()]})
    assert [getattr(each, "code", None) for each in read] == [None, "no_level", "bad_zone", None]


def test_communes_that_are_not_known_are_no_error():
    assert communes({}) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"<html>", b'{"detail": "Not Found"}', b"3", b"[" * 100_000, b"\xff"],
    ids=lambda content: content[:10],
)
def test_another_file_is_refused(content):
    with pytest.raises(SourceFormatError):
        list(read_communes(content))


def test_the_recorded_answer_of_6_january_2026_is_degraded_by_pm25():
    today, tomorrow = read_communes(shared_file("air/airparif/airparif_raw_2026-01-06.json").read_bytes())
    assert (today.day, today.level, today.levels["pm25"]) == (date(2026, 1, 6), 3, 3)
    assert (tomorrow.day, tomorrow.level) == (date(2026, 1, 7), 2)


def test_one_recorded_answer_has_no_tomorrow():
    name = "air/airparif/airparif_realtime_paris_2026-01-01_09-21-51.json"
    assert [each.day for each in read_communes(shared_file(name).read_bytes())] == [date(2026, 1, 1)]


# --- Stations -----------------------------------------------------------------------------------------------


def make_stations(*lines, units="microg/m3,mg/m3", columns="PA12:NOX,PA12:CO"):
    heads = [
        f",{columns}",
        ",PARIS 12ème,PARIS 12ème",
        ",PA12,PA12",
        ",oxydes d azote,monoxyde",
        ",NOX,CO",
        f",{units}",
    ]
    return "\n".join([*heads, *lines, ""]).encode()


def stations(*lines, **changes):
    return list(read_stations(make_stations(*lines, **changes)))


def test_an_hour_is_named_by_its_end_and_a_station_has_no_position():
    assert stations("2023-02-08 22:00:00Z,203.2,") == [
        ReadingRecord(
            station=StationRecord(code="PA12", name="PARIS 12ème"),
            pollutant="nox",
            ends_at=datetime(2023, 2, 8, 22, tzinfo=UTC),
            value_ug_m3=203.2,
        )
    ]


def test_milligrams_are_not_taken_for_micrograms():
    [read] = stations("2023-02-08 22:00:00Z,,0.142")
    assert (read.pollutant, read.value_ug_m3) == ("co", pytest.approx(142.0))


def test_noise_below_zero_is_zero():
    assert stations("2023-02-08 22:00:00Z,-1.4,")[0].value_ug_m3 == 0.0


@pytest.mark.parametrize(("value", "code"), [("-20", "absurd_value"), ("10000", "absurd_value"), ("n/d", "bad_number")])
def test_an_absurd_value_costs_only_itself(value, code):
    bad, good = stations(f"2023-02-08 22:00:00Z,{value},0.2")
    assert (bad.code, bad.raw, good.pollutant) == (code, f"2023-02-08 22:00:00Z,PA12:NOX,{value}", "co")


@pytest.mark.parametrize("moment", ["2023-02-08 22:00:00", "hier", ""], ids=repr)
def test_a_line_without_a_moment_costs_only_itself(moment):
    read = stations(f"{moment},1,1", "2023-02-08 23:00:00Z,1,")
    assert [getattr(each, "code", None) for each in read] == ["bad_time", None]


def test_a_column_in_another_unit_or_of_another_pollutant_is_left_out_and_told():
    assert [each.code for each in stations("2023-02-08 22:00:00Z,1,1", units="ppb,mg/m3") if hasattr(each, "code")] == [
        "unit"
    ]
    read = stations("2023-02-08 22:00:00Z,1,1", columns="PA12:BENZENE,PA12:CO")
    assert [getattr(each, "code", None) for each in read] == ["pollutant", None]


def test_a_column_headed_by_another_station_is_left_out_and_told():
    assert stations("2023-02-08 22:00:00Z,1,", columns="PA13:NOX,PA12:CO")[0].code == "no_identifier"


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b",A:NOX\n,name\n", b"{}", b"\xff\xfe"], ids=repr)
def test_another_station_file_is_refused(content):
    with pytest.raises(SourceFormatError):
        list(read_stations(content))


def test_the_file_of_2023_has_a_peak_in_february():
    with shared_file("air/airparif/2023_NOX.csv").open("rb") as file:
        read = list(read_stations(file))
    at = {
        hour: [each.value_ug_m3 for each in read if each.ends_at == hour]
        for hour in (datetime(2023, 2, 8, 22, tzinfo=UTC), datetime(2023, 2, 9, 9, tzinfo=UTC))
    }
    first, peak = at.values()
    assert (round(statistics.median(first)), round(statistics.median(peak)), round(statistics.mean(peak))) == (
        203,
        382,
        374,
    )


def test_the_file_of_2023_holds_39_stations_one_of_them_silent():
    with shared_file("air/airparif/2023_NOX.csv").open("rb") as file:
        columns = file.readline().decode().strip().split(",")[1:]
        file.seek(0)
        read = list(read_stations(file))
    assert {each.pollutant for each in read} == {"nox"}
    assert (len(columns), len(read)) == (39, 306_225)
    assert {column.removesuffix(":NOX") for column in columns} - {each.station.code for each in read} == {"BAGN"}
    assert len({each.ends_at for each in read}) == 8_760


def test_the_file_of_2024_has_noise_and_no_negative_reading():
    with shared_file("air/airparif/2024_NOX.csv").open("rb") as file:
        assert min(each.value_ug_m3 for each in read_stations(file)) == 0.0


# --- The API ------------------------------------------------------------------------------------------------


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers[COMMUNES_PATH] = [Answer(json.dumps({"75104": [make_day()]}).encode())]
        yield running


@pytest.fixture
def airparif(publisher):
    with make_client(Settings()) as client:
        yield Airparif(client, key=KEY, url=f"{publisher.url}/")


def test_many_communes_are_asked_in_one_call_with_the_key_in_a_header(publisher, airparif):
    assert len(airparif.communes(["75104", "75056", "75104"])) == 1
    [call] = publisher.calls
    assert (call.path, call.query) == (COMMUNES_PATH, {"insee": ["75104", "75056"]})
    assert call.headers["X-Api-Key"] == KEY


def test_very_many_communes_take_several_calls(publisher, airparif):
    airparif.communes(f"{code:05}" for code in range(75_001, 75_061))
    assert [len(call.query["insee"]) for call in publisher.calls] == [50, 10]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(b"", 403), CredentialsError),
        (Answer(b"", 429), BusyError),
        (Answer(b"", 500), DownError),
        (Answer(b"<html>"), UnreadableError),
    ],
    ids=["refused", "busy", "failing", "page"],
)
def test_what_goes_wrong_is_told_without_the_key(publisher, airparif, answer, error):
    publisher.answers[COMMUNES_PATH] = [answer]
    with pytest.raises(error) as raised:
        airparif.communes(["75104"])
    assert KEY not in str(raised.value) + repr(airparif)
