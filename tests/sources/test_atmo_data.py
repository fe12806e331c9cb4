"""Synthetic files in the form of Atmo Data, with the traps that real ones hold."""

import io
from datetime import UTC, date, datetime

import pytest

from citizen_api.sources.air_records import AirIndexRecord, EpisodeRecord, PollenRecord, Zone
from citizen_api.sources.atmo_data import read_episodes, read_index, read_pollen
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.sources.air_makers import geojson, make_episode, make_index, make_pollen


def index(**properties):
    [read] = read_index(geojson(make_index(**properties)))
    return read


def pollen(**properties):
    [read] = read_pollen(geojson(make_pollen(**properties)))
    return read


def episodes(**properties):
    return list(read_episodes(geojson(make_episode(**properties))))


def test_an_index_is_that_of_a_zone_on_a_day():
    assert index() == AirIndexRecord(
        zone=Zone(kind="commune", code="75104"),
        day=date(2023, 12, 19),
        level=3,
        levels={"pm25": 3, "pm10": 2, "no2": 2, "o3": 1, "so2": 1},
        producer="Airparif",
        published_at=datetime(2023, 12, 18, 13, 32, 34, 817_000, tzinfo=UTC),
    )


def test_a_sub_index_of_zero_is_unknown():
    read = index(code_qual=2, code_pm25=0, code_pm10=0, code_so2=None)
    assert (read.level, read.levels) == (2, {"no2": 2, "o3": 1})


def test_a_class_of_zero_is_unavailable_and_never_zero():
    assert (index(code_qual=0).level, index(code_qual=None).level) == (None, None)


@pytest.mark.parametrize("code", [7, 8, "8"], ids=repr)
def test_an_event_is_no_class(code):
    read = index(code_qual=code, code_pm10=code)
    assert (read.level, read.event, "pm10" in read.levels) == (None, True, False)


def test_numbers_may_be_text_and_names_null():
    assert index(code_qual="3", code_no2="2", lib_zone=None, source=None).level == 3


@pytest.mark.parametrize(
    ("properties", "zone"),
    [
        ({"type_zone": "Commune"}, Zone(kind="commune", code="75104")),
        ({"type_zone": "COMMUNE", "code_zone": 1004}, Zone(kind="commune", code="01004")),
        ({"type_zone": "epci", "code_zone": "200054781"}, Zone(kind="epci", code="200054781")),
        ({"type_zone": None, "code_zone": 249730045}, Zone(kind="epci", code="249730045")),
        ({"type_zone": "Département", "code_zone": "2A", "lib_zone": None}, Zone(kind="departement", code="2A")),
        ({"type_zone": "Région", "code_zone": "84", "aasqa": "84"}, Zone(kind="region", code="84")),
    ],
)
def test_zones_are_told_by_their_code_whatever_the_case_of_their_type(properties, zone):
    assert index(**properties).zone == zone


@pytest.mark.parametrize("code", ["2003", "", None, "ZZ", "99999999999", [1]], ids=repr)
def test_another_zone_is_refused(code):
    assert index(code_zone=code, type_zone="bassin d'air").code == "bad_zone"


def test_a_sub_index_worse_than_the_whole_costs_its_row():
    read = list(read_index(geojson(make_index(code_no2=5), make_index())))
    assert [getattr(each, "code", "kept") for each in read] == ["inconsistent", "kept"]


@pytest.mark.parametrize("code", [9, -1, 2.5, "bon", True])
def test_a_code_off_the_scale_costs_its_row(code):
    assert isinstance(index(code_qual=code), RejectedRow)


def test_a_row_without_a_class_or_a_day_is_refused():
    properties = make_index()
    del properties["code_qual"]
    [read] = read_index(geojson(properties))
    assert (read.code, index(date_ech=None).code) == ("no_level", "bad_day")


def test_a_rejected_feature_is_named_by_its_rank():
    assert [
        each.row for each in read_index(geojson(make_index(), make_index(code_qual=12))) if hasattr(each, "row")
    ] == [2]


def test_a_feature_without_properties_costs_only_itself():
    read = list(read_index(b'{"features": [1, {"properties": null}, {"type": "Feature"}]}'))
    assert [each.code for each in read] == ["no_properties"] * 3


def test_a_day_that_is_not_published_yet_is_no_error():
    assert list(read_index(geojson())) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"code":401,"message":"Expired JWT Token"}',
        b'{"features": 3}',
        b"\xff\xfe",
        b"[" * 60,
    ],
)
def test_another_file_is_refused_in_one_line(content):
    with pytest.raises(SourceFormatError) as raised:
        list(read_index(content))
    assert "\n" not in str(raised.value)


def test_a_file_that_breaks_off_is_told_after_its_whole_features():
    content = geojson(make_index(), make_index())
    reading = read_index(io.BytesIO(content[:-200]))
    assert isinstance(next(reading), AirIndexRecord)
    with pytest.raises(SourceFormatError, match="breaks after 1 features"):
        list(reading)


def test_a_byte_order_mark_does_not_count():
    assert len(list(read_index(b"\xef\xbb\xbf" + geojson(make_index())))) == 1


# --- Pollen -------------------------------------------------------------------------------------------------


def test_a_pollen_index_names_the_taxa_that_make_it():
    assert pollen() == PollenRecord(
        zone=Zone(kind="commune", code="75056"),
        day=date(2026, 4, 21),
        level=3,
        levels={"alder": 1, "birch": 3, "grass": 2, "mugwort": 1, "ragweed": 1},
        responsible=("birch", "grass"),
        alert=False,
        producer="Airparif",
        published_at=datetime(2026, 4, 21, 10, 1, 2, 983_000, tzinfo=UTC),
    )


def test_a_pollen_code_of_zero_is_unavailable():
    assert (pollen(code_qual=0, code_boul=0).level, "olive" in pollen().levels) == (None, False)


@pytest.mark.parametrize("text", ["Ambroisie, Graminées", "AMBROSIA / POACEAE", "ambr;gram"])
def test_taxa_are_known_by_french_and_latin_names(text):
    assert pollen(pollen_resp=text).responsible == ("ragweed", "grass")


@pytest.mark.parametrize(("written", "alert"), [(True, True), ("t", True), (1, True), ("false", False), (None, None)])
def test_the_producers_alert_is_as_it_says(written, alert):
    assert pollen(alerte=written).alert is alert


def test_pollen_knows_no_event():
    assert pollen(code_qual=7).code == "bad_level"


# --- Episodes -----------------------------------------------------------------------------------------------


def test_an_episode_is_that_of_a_pollutant_in_a_departement_on_a_day():
    assert episodes() == [
        EpisodeRecord(
            zone=Zone(kind="departement", code="13"),
            day=date(2026, 10, 5),
            pollutant="pm10",
            tier="information",
            published_at=datetime(2026, 10, 4, 13, 20, tzinfo=UTC),
        )
    ]


@pytest.mark.parametrize(
    ("words", "tier", "persistence"),
    [
        ("information et recommandation", "information", False),
        ("PROCEDURE D'INFORMATION-RECOMMANDATION", "information", False),
        ("alerte sur persistance", "alert", True),
        ("ALERTE SUR PERSISTANCE", "alert", True),
        ("alerte", "alert", False),
        ("Alerte de niveau 2", "alert", False),
    ],
)
def test_states_are_tiers(words, tier, persistence):
    [read] = episodes(etat=words)
    assert (read.tier, read.persistence) == (tier, persistence)


@pytest.mark.parametrize("words", ["PAS DE DEPASSEMENT", "pas de dépassement", "Pas d'alerte", "Fin d'alerte"])
def test_what_is_said_to_be_no_exceedance_has_no_tier(words):
    [read] = episodes(etat=words)
    assert (read.tier, read.persistence) == (None, False)


@pytest.mark.parametrize("words", ["VIGILANCE", "", None])
def test_an_unknown_state_opens_nothing_and_is_told(words):
    assert [each.code for each in episodes(etat=words)] == ["state"]


def test_the_same_rows_without_a_state_are_refused():
    properties = make_episode()
    del properties["etat"]
    assert [each.code for each in read_episodes(geojson(properties))] == ["state"]


@pytest.mark.parametrize(
    ("code", "label", "pollutant"),
    [
        ("1", None, "so2"),
        ("3", None, "no2"),
        (8, None, "no2"),
        ("5", None, "pm10"),
        ("24", None, "pm10"),
        ("7", None, "o3"),
        ("39", None, "pm25"),
        ("6001", "Particules fines PM2.5", "pm25"),
        ("08", "Ozone", "o3"),
        ("08", None, "o3"),
        ("null", "OZONE", "o3"),
        ("03", "Dioxydes d azote", "no2"),
        ("5", "Particules, diamètre < 10 µm", "pm10"),
        ("39", "Particules, diamètre < 2,5 µm", "pm25"),
        ("1", "Dioxyde de soufre", "so2"),
    ],
)
def test_pollutants_are_told_by_label_and_else_by_either_nomenclature(code, label, pollutant):
    [read] = episodes(code_pol=code, lib_pol=label)
    assert read.pollutant == pollutant


def test_another_pollutant_is_refused():
    assert [each.code for each in episodes(code_pol="99", lib_pol="Benzène")] == ["pollutant"]


@pytest.mark.parametrize(
    ("properties", "zone"),
    [
        ({"code_zone": "11", "lib_zone": "ILE-DE-FRANCE"}, Zone(kind="region", code="11")),
        ({"code_zone": "11", "lib_zone": None, "aasqa": "11"}, Zone(kind="region", code="11")),
        ({"code_zone": "11", "lib_zone": "AUDE", "aasqa": "76"}, Zone(kind="departement", code="11")),
        ({"code_zone": "75", "lib_zone": "PARIS"}, Zone(kind="departement", code="75")),
        ({"code_zone": "01", "lib_zone": "Guadeloupe"}, Zone(kind="region", code="01")),
        ({"code_zone": "971", "lib_zone": "Guadeloupe"}, Zone(kind="departement", code="971")),
    ],
)
def test_a_region_is_not_taken_for_the_departement_of_the_same_number(properties, zone):
    [read] = episodes(**properties)
    assert read.zone == zone
