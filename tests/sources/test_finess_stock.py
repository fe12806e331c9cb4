"""The stock of FINESS on small synthetic files in its documented form: no real file is at hand."""

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care import stocks
from citizen_api.sources import finess_stock
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError
from citizen_api.sources.tables import LINE_MAX_BYTES

FIRST = "finess;etalab;98;2026-05-04"
LAMBERT = "1,ATLASANTE,96,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)"
AT = ("870262.2", "6571540.8", LAMBERT)
PLACE = {
    "structureet": "structureet",
    "nofinesset": "990000017",
    "nofinessej": "990000009",
    "rs": "CTRE SYNTHETIQUE",
    "rslongue": "CENTRE DE SANTE SYNTHÉTIQUE",
    "numvoie": "26",
    "typvoie": "AV",
    "voie": "VOLTAIRE",
    "commune": "160",
    "departement": "01",
    "libdepartement": "AIN",
    "ligneacheminement": "01216 FERNEY VOLTAIRE CEDEX",
    "telephone": "0450000002",
    "categetab": "124",
    "libcategetab": "Centre de Santé",
    "siret": "12345678900011",
    "dateouv": "1996-01-02",
    "dateautor": "1900-01-01",
    "datemaj": "2020-02-04",
}


def make_place(**changes):
    cells = PLACE | changes
    return ";".join(cells.get(name, "") for name in finess_stock.FIELDS)


def make_position(x="870262.2", y="6571540.8", source=LAMBERT, finess="990000017"):
    return f"geolocalisation;{finess};{x};{y};{source};2026-05-04"


def read(*lines, first=FIRST, encoding="utf-8"):
    content = "\n".join([first, *lines, ""]).encode(encoding)
    return list(finess_stock.read(io.BytesIO(content)))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_a_place_is_read_whole_with_its_position_in_either_encoding(encoding):
    assert read(make_place(), make_position(), encoding=encoding) == [
        FacilityRecord(
            key="990000017",
            identifiers=(("finess", "990000017"), ("finess_ej", "990000009"), ("siret", "12345678900011")),
            category_codes=(("finess", "124"),),
            name="Centre de Sante Synthétique",
            name_verbatim="CENTRE DE SANTE SYNTHÉTIQUE",
            street="26 avenue Voltaire",
            postcode="01216",
            city="Ferney Voltaire",
            commune_code="01160",
            phone="+33450000002",
            phone_verbatim="0450000002",
            lat=46.2222857,
            lon=5.2091811,
            opened_on=date(1996, 1, 2),
            updated_on=date(2020, 2, 4),
        )
    ]


def test_each_line_is_decoded_by_itself():
    lines = [FIRST.encode(), make_place().encode(), make_place(nofinesset="990000025").encode("windows-1252")]
    records = finess_stock.read(io.BytesIO(b"\r\n".join(lines)))
    assert {record.name for record in records} == {"Centre de Sante Synthétique"}


def test_a_stock_without_a_geolocation_section_gives_places_without_positions():
    (record,) = read(make_place())
    assert (record.lat, record.lon, record.position_approximate) == (None, None, None)


def test_positions_are_found_wherever_they_stand_in_the_file():
    first, second = (make_place(nofinesset=number) for number in ("990000017", "990000025"))
    records = read(make_position(finess="990000025"), first, make_position(), second)
    assert [record.lat for record in records] == [46.2222857, 46.2222857]


def test_the_reader_begins_where_the_stream_stands():
    stream = io.BytesIO(f"before\n{FIRST}\n{make_place()}\n{make_position()}".encode())
    stream.readline()
    (record,) = finess_stock.read(stream)
    assert record.lat == 46.2222857


@pytest.mark.parametrize(
    ("system", "x", "y", "lon", "lat"),
    [
        ("EPSG:2154 RGF93 / Lambert-93 (Métropole)", "870262.2", "6571540.8", 5.20918, 46.22229),
        ("IGN,BD_ADRESSE,V2.2,LAMBERT_93", "870262.2", "6571540.8", 5.20918, 46.22229),
        ("BAN,L93_METROPOLE", "870262,2", "6571540,8", 5.20918, 46.22229),
        ("BAN,2154", " 870262.2 ", "6571540.8", 5.20918, 46.22229),
        ("EPSG:5490 RGAF09/UTM Zone 20N (Antilles)", "657242.9", "1795384.4", -61.52874, 16.234),
        ("UTM_N20/RGAF09", "657242.9", "1795384.4", -61.52874, 16.234),
        ("epsg 2972", "353672.8", "544349.1", -52.31973, 4.92347),
        ("UTM_N22", "353672.8", "544349.1", -52.31973, 4.92347),
        ("EPSG:2975 RGR92/UTM zone 40S (Réunion)", "323086.6", "7679599.8", 55.29821, -20.97571),
        ("UTM_S40", "323086.6", "7679599.8", 55.29821, -20.97571),
        ("EPSG:4471 RGM04/UTM zone 38S (Mayotte)", "524819.9", "8587194.7", 45.22868, -12.77989),
        ("UTM_S38", "524819.9", "8587194.7", 45.22868, -12.77989),
        ("WGS84/UTM zone 21N (St-Pierre-et-Miquelon)", "563213.8", "5180306.8", -56.17201, 46.77332),
        ("UTM_N21", "563213.8", "5180306.8", -56.17201, 46.77332),
        ("32621", "563213.8", "5180306.8", -56.17201, 46.77332),
        ("WGS84/UTM zone 1S (Wallis-et-Futuna)", "589223.4", "8531365.4", -176.1763, -13.2835),
    ],
)
def test_the_system_is_known_by_its_code_or_by_its_name(system, x, y, lon, lat):
    (record,) = read(make_place(), make_position(x, y, f"1,ATLASANTE,96,{system}"))
    assert (record.lon, record.lat) == pytest.approx((lon, lat), abs=1e-5)


@pytest.mark.parametrize(
    "system", ["", "BAN", "EPSG:27572 NTF", "EPSG:9999 LAMBERT_93", "LAMBERT_II", "UTM zone 31N", "UTM 40", "UTM_S20"]
)
def test_a_place_whose_system_is_not_known_is_kept_and_no_position_is_guessed(system):
    (record,) = read(make_place(), make_position(source=f"1,ATLASANTE,96,BAN,{system}"))
    assert (record.key, record.lat, record.lon) == ("990000017", None, None)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("", ""),
        ("0", "0"),
        ("abc", "6571540.8"),
        ("nan", "nan"),
        ("inf", "-inf"),
        ("1e30", "1e30"),
        ("6571540.8", "870262.2"),
        ("5.20918", "46.22229"),
        ("9" * 400, "1"),
    ],
)
def test_a_broken_coordinate_gives_a_place_without_a_position(x, y):
    (record,) = read(make_place(), make_position(x, y))
    assert (record.key, record.lat, record.lon) == ("990000017", None, None)


def test_a_position_that_can_be_read_is_kept_over_a_broken_one_and_the_later_over_the_earlier():
    elsewhere = make_position("652469.0", "6862035.3")
    (record,) = read(make_place(), make_position(), elsewhere, make_position("0", "0"))
    assert (record.lat, record.lon) == pytest.approx((48.8566, 2.3522), abs=1e-2)


@pytest.mark.parametrize(
    ("source", "approximate"),
    [
        (LAMBERT, None),
        ("LAMBERT_93", None),
        (LAMBERT.replace("1,", "2,", 1), True),
        ("4,ATLASANTE,.,ADMIN-EXPRESS-2023,EPSG:2154 RGF93", True),
        ("1,ATLASANTE,.,ADMIN-EXPRESS-2023,EPSG:2154 RGF93", True),
    ],
)
def test_a_position_that_is_not_of_the_house_is_approximate(source, approximate):
    (record,) = read(make_place(), make_position(source=source))
    assert record.position_approximate is approximate


@pytest.mark.parametrize(
    ("departement", "commune", "code"),
    [
        ("01", "160", "01160"),
        ("1", "45", "01045"),
        ("75", "113", "75113"),
        ("2A", "004", "2A004"),
        ("2b", "33", "2B033"),
        ("9A", "105", "97105"),
        ("9A", "05", "97105"),
        ("9A", "5", "97105"),
        ("9B", "207", "97207"),
        ("9C", "302", "97302"),
        ("9D", "411", "97411"),
        ("9D", "97411", "97411"),
        ("9E", "502", "97502"),
        ("9F", "606", "97606"),
        ("9J", "613", "98613"),
        ("971", "105", "97105"),
        ("971", "05", "97105"),
        ("9A", "207", None),
        ("9Z", "101", None),
        ("9A", "", None),
        ("", "101", None),
        ("13", "1234", None),
        ("69", "12³", None),
        ("Ain", "053", None),
    ],
)
def test_the_two_halves_of_an_insee_code_are_joined(departement, commune, code):
    (record,) = read(make_place(departement=departement, commune=commune))
    assert record.commune_code == code


@pytest.mark.parametrize(
    ("changes", "street"),
    [
        ({"compvoie": "B"}, "26 bis avenue Voltaire"),
        ({"compvoie": "C"}, "26C avenue Voltaire"),
        ({"numvoie": "40", "typvoie": "CHE", "voie": "CHEMIN SAFER MORANGE"}, "40 chemin Safer Morange"),
        ({"numvoie": "", "typvoie": "", "voie": "MORNE JOLIVIERE"}, "Morne Joliviere"),
        ({"numvoie": "", "typvoie": "", "voie": "", "lieuditbp": "ZAC CHAMPIGNY"}, "ZAC Champigny"),
        ({"voie": "", "lieuditbp": "BP 381", "compldistrib": "ROUTE DES RELIGIEUSES"}, "Route des Religieuses"),
        ({"voie": "", "lieuditbp": "BP 381"}, None),
    ],
)
def test_the_street_is_put_together_from_its_pieces(changes, street):
    (record,) = read(make_place(**changes))
    assert record.street == street


def test_the_long_name_is_told_and_the_short_one_where_there_is_no_other():
    (record,) = read(make_place(rslongue="  "))
    assert record.name == "Centre Synthetique"


def test_the_sign_of_a_pharmacy_does_not_tell_its_legal_form():
    (record,) = read(make_place(categetab="620", rslongue="SELARL PHARMACIE NOMBER"))
    assert record.name == "Pharmacie Nomber"


def test_the_first_of_january_1900_means_that_nobody_knows():
    (record,) = read(make_place(dateouv="1900-01-01", datemaj="1900-01-01"))
    assert (record.opened_on, record.updated_on) == (None, None)


def test_marks_around_a_field_and_within_it_are_undone():
    (record,) = read(make_place(rslongue='"LIEU DE VIE ""MAVOUNA; 1"""'))
    assert (record.name_verbatim, record.postcode) == ('LIEU DE VIE "MAVOUNA; 1"', "01216")


def test_a_mark_that_is_never_closed_is_only_a_character():
    first, second = read(make_place(rslongue='"CHEZ SYNTHESE'), make_place(nofinesset="990000025"))
    assert (first.name_verbatim, first.postcode) == ('"CHEZ SYNTHESE', "01216")
    assert second.key == "990000025"


@pytest.mark.parametrize(
    "line",
    [
        make_place() + ";",
        make_place() + ";;;more",
        make_place().rstrip(";"),
        make_place().replace("structureet", " StructureET ", 1),
        "\n\n" + make_place() + "\n;;;\n",
        make_place().replace("990000017", "\x00990000017", 1),
    ],
)
def test_missing_and_further_fields_blank_lines_case_and_nuls_do_no_harm(line):
    (record,) = read(line)
    assert (record.key, record.city) == ("990000017", "Ferney Voltaire")


def test_a_lost_leading_zero_is_put_back_in_both_sections():
    (record,) = read(make_place(nofinesset="10000024"), make_position(finess="10000024"))
    assert (record.key, record.lat) == ("010000024", 46.2222857)


@pytest.mark.parametrize(
    "line",
    [
        make_position(finess="999999999"),
        make_position(finess="?"),
        "geolocalisation;990000017",
        "equipementsocial;990000017;de;ta",
        "structureej;990000009;SYNTHESE",
    ],
)
def test_lines_that_say_nothing_of_a_place_are_passed_over(line):
    assert [type(item) for item in read(make_place(), line)] == [FacilityRecord]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (make_place(nofinesset=""), "no_identifier"),
        (make_place(nofinesset="12"), "bad_identifier"),
        (make_place(rs="", rslongue=""), "no_name"),
        (make_place(categetab=""), "no_category"),
        (make_place(rs="A;B"), "no_category"),
        ("structureet;990000025;990000009", "columns"),
        ("structuret;990000025;990000009", "unknown_line"),
        ("<html>", "unknown_line"),
        (make_place(), "duplicate"),
    ],
)
def test_a_line_that_cannot_be_read_is_rejected_with_its_number_and_a_reason(line, code):
    rejected, last = read(make_place(), line, make_place(nofinesset="990000033"))[1:]
    assert (rejected.row, rejected.code, rejected.raw) == (3, code, line)
    assert last.key == "990000033"


def test_a_line_without_end_is_rejected_and_the_rest_is_read():
    rejected, record = read("x" * (3 * LINE_MAX_BYTES), make_place())
    assert (rejected.row, rejected.code) == (2, "too_long")
    assert record.origin.row == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first line"),
        (b"PK\x03\x04", "first line"),
        (b"<html>", "first line"),
        (b"nofinesset;rs\n", "first line"),
        (FIRST.encode(), "no structureet line"),
        (b"finess;etalab;111;2026-05-12\nstructureet;990000017;990000009\n", "no structureet line"),
        (f"{FIRST}\n{make_position()}".encode(), "no structureet line"),
    ],
)
def test_another_file_is_refused_at_once_in_one_line(content, message):
    with pytest.raises(SourceFormatError, match=message) as raised:
        finess_stock.read(io.BytesIO(content))
    assert "\n" not in str(raised.value)


@given(st.lists(st.binary(max_size=60)), st.lists(st.text(max_size=40), max_size=8))
def test_whatever_stands_between_two_places_both_are_read(lines, cells):
    before = f"{FIRST}\n{make_place()}\n"
    after = [";".join(["geolocalisation", *cells]), make_place(nofinesset="990000025")]
    after.append(make_position(finess="990000025"))
    content = b"\n".join([before.encode(), *lines, *(line.encode() for line in after)])
    records = {item.key: item for item in finess_stock.read(io.BytesIO(content)) if isinstance(item, FacilityRecord)}
    assert {"990000017", "990000025"} <= records.keys()
    assert records["990000025"].lat == 46.2222857


@given(st.text(max_size=80))
def test_no_text_of_a_source_names_another_system_than_ours(text):
    assert finess_stock.system_of(text) in {None, *finess_stock.SYSTEMS}


def test_a_source_as_long_as_a_line_may_be_is_not_searched_whole():
    assert finess_stock.system_of("UTM" + "_" * LINE_MAX_BYTES) is None


@pytest.mark.parametrize(
    ("first", "day"),
    [
        (FIRST, date(2026, 5, 4)),
        ("\ufefffiness;etalab;98;04/05/2026", date(2026, 5, 4)),
        ('"FINESS";"etalab";"98";"2026-05-04"', date(2026, 5, 4)),
        ("finess;etalab;98", None),
        ("finess;etalab;98;hier", None),
        ("nofinesset;2026-05-04", None),
        ("", None),
    ],
)
def test_the_first_line_tells_the_day_of_the_stock(first, day):
    assert finess_stock.date_of(io.BytesIO(first.encode())) == day


@pytest.mark.parametrize(
    ("first", "dated", "day"),
    [
        (FIRST, None, date(2026, 5, 4)),
        (FIRST.replace("2026-05-04", "2024-03-14"), None, date(2024, 3, 14)),
        (FIRST, date(2025, 1, 1), date(2025, 1, 1)),
        ("finess;etalab;98", None, stocks.FORMATS["finess-stock"].source.date),
    ],
)
def test_an_import_takes_the_day_that_is_given_else_that_of_the_file_else_the_usual_one(first, dated, day, tmp_path):
    path = tmp_path / "synthetic.csv"
    path.write_text(f"{first}\n{make_place()}", encoding="utf-8")
    assert stocks.known_stock("finess-stock", path, dated=dated).default_source.date == day


def test_a_rejected_line_keeps_what_stood_in_it():
    assert read(make_place(), "?;?")[1] == RejectedRow(3, "unknown_line: '?' is no section of the stock.", "?;?")
