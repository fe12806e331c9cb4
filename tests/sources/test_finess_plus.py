"""FINESS+ on small synthetic files in its documented form: no real file is at hand."""

import gzip
import io
import json
from contextlib import suppress
from datetime import date

import pytest

from citizen_api.sources import finess_plus
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError


def make_ege(number="990000017", **changes):
    ege = {
        "informationsGeneralesEGE": {
            "numFinessEge": f" {number} ",
            "nomEgeLong": "CENTRE DE SANTE SYNTHETIQUE  ",
            "dateOuverture": "1996-01-02",
            "siret": "12345678900011",
        },
        "categorieentiteGeographiqueExercice": "124",
        "adresse": [
            {"usageAdresse": "02", "codePostal": "99999"},
            {
                "usageAdresse": "03",
                "cogCommune": "01160",
                "codePostal": "01210",
                "ligneQuatre": "26 AV VOLTAIRE",
                "ligneAcheminement": "FERNEY VOLTAIRE CEDEX",
                "coordonneesGeographique": {
                    "coordonneeX": "6577813.0",
                    "coordonneeY": "939642.76",
                    "directionLatitude": "46.257688",
                    "directionLongitude": "6.111815",
                },
            },
        ],
        "contact": [
            {"typeContact": {"roleContact": "09"}, "telecom": {"telephone": "0450000001"}},
            {"typeContact": {"roleContact": "01"}, "telecom": {"telephone": "0450000002"}},
        ],
        "etatObjet": "A",
        "dateDerniereMaj": "2026-05-01T00:00:00Z",
    }
    return ege | changes


def make_file(*eges, **top):
    return {
        "schemaVersion": "v1.0.0",
        **top,
        "pmej": [{"informationsGeneralesPMEJ": {"numFinessPm": "990000009"}, "ege": list(eges)}],
        "gcc": [{"ege": [make_ege("990000999")]}],
    }


def read(document):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(finess_plus.read(io.BytesIO(content)))


def read_one(**changes):
    (record,) = read(make_file(make_ege(**changes)))
    return record


def with_position(**coordinates):
    return read_one(adresse=[{"coordonneesGeographique": coordinates}])


def test_a_place_is_read_whole():
    assert read(make_file(make_ege())) == [
        FacilityRecord(
            key="990000017",
            identifiers=(("finess", "990000017"), ("finess_ej", "990000009"), ("siret", "12345678900011")),
            category_codes=(("finess", "124"),),
            name="Centre de Sante Synthetique",
            name_verbatim="CENTRE DE SANTE SYNTHETIQUE",
            street="26 avenue Voltaire",
            postcode="01210",
            city="Ferney Voltaire",
            commune_code="01160",
            phone="+33450000002",
            phone_verbatim="0450000002",
            lat=46.257688,
            lon=6.111815,
            opened_on=date(1996, 1, 2),
            updated_on=date(2026, 5, 1),
        )
    ]


def test_the_case_of_keys_does_not_matter():
    content = json.dumps(make_file(make_ege()))
    for key in ("numFinessEge", "coordonneesGeographique", "directionLatitude", "pmej", "ege", "etatObjet"):
        content = content.replace(f'"{key}"', f'"{key.upper()}"')
    assert read(content.encode()) == read(make_file(make_ege()))


def test_degrees_are_found_in_whichever_pair_holds_them():
    record = with_position(
        coordonneeX="6.111815",
        coordonneeY="46.257688",
        directionLatitude="6577813.0",
        directionLongitude="939642.76",
    )
    assert (record.lat, record.lon) == (46.257688, 6.111815)


def test_numbers_may_be_numbers():
    record = with_position(directionLatitude=46.257688, directionLongitude=6.111815)
    assert (record.lat, record.lon) == (46.257688, 6.111815)


def test_a_place_without_coordinates_is_kept_without_a_position():
    record = read_one(adresse=[{"codePostal": "01210"}])
    assert (record.lat, record.lon) == (None, None)


def test_a_projected_pair_alone_is_rejected():
    rejected = with_position(directionLatitude="6577813.0", directionLongitude="939642.76")
    assert rejected.code == "bad_position"


def test_a_closed_place_is_read_as_closed():
    record = read_one(
        etatObjet="I ",
        informationsGeneralesEGE={
            "numFinessEge": "990000017",
            "nomEgeCourt": "FERME",
            "dateFermeture": "2020-06-30",
        },
    )
    assert (record.closed, record.closed_on) == (True, date(2020, 6, 30))


def test_a_closing_day_does_not_close_an_active_place():
    record = read_one(
        informationsGeneralesEGE={
            "numFinessEge": "990000017",
            "nomEgeLong": "OUVERT",
            "dateFermeture": "2099-01-01",
        }
    )
    assert (record.closed, record.closed_on) == (False, date(2099, 1, 1))


def test_an_address_in_parts_is_put_together():
    record = read_one(
        adresse={
            "numeroVoie": "16",
            "typeVoie": "R",
            "libelleVoie": "DU 1ER MAI",
            "ligneSix": "01160 PONT D AIN",
        }
    )
    assert (record.street, record.postcode, record.city) == ("16 rue du 1er Mai", "01160", "Pont d'Ain")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"informationsGeneralesEGE": {"nomEgeLong": "SANS NUMERO"}}, "no_identifier"),
        ({"informationsGeneralesEGE": {"numFinessEge": "990000017"}}, "no_name"),
        ({"informationsGeneralesEGE": None}, "no_identifier"),
        ({"categorieentiteGeographiqueExercice": None}, "no_category"),
    ],
)
def test_a_place_that_lacks_what_matters_is_rejected(changes, code):
    rejected = read_one(**changes)
    assert (rejected.row, rejected.code) == (1, code)
    assert rejected.raw.startswith("{")


def test_a_number_seen_twice_is_rejected_with_its_rank():
    _, second = read(make_file(make_ege(), make_ege()))
    assert isinstance(second, RejectedRow)
    assert (second.row, second.code) == (2, "duplicate")


def test_a_gzipped_file_is_read_as_it_is():
    assert len(read(gzip.compress(json.dumps(make_file(make_ege())).encode()))) == 1


def test_other_parts_of_the_file_are_passed_over():
    assert len(read(make_file(make_ege(), note={"pmej": [{"ege": [make_ege("990000025")]}]}))) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"features": []}',
        b'{"pmej": [',
        b"\x1f\x8b\x08broken",
        b'{"pmej": [{"ege"',
    ],
)
def test_another_file_is_refused_in_one_line(content):
    with pytest.raises(SourceFormatError) as raised:
        read(content)
    assert "\n" not in str(raised.value)


def test_a_file_that_breaks_off_gives_its_places_first_and_then_says_so():
    content = json.dumps(make_file(make_ege())).encode()
    reading = finess_plus.read(io.BytesIO(content[: content.index(b'"gcc"')]))
    assert isinstance(next(reading), FacilityRecord)
    with pytest.raises(SourceFormatError, match=r"after 1 places \(the file ends there\)\.$"):
        list(reading)


def test_a_large_file_is_read_a_piece_at_a_time():
    class Counted(io.BytesIO):
        def read(self, size=-1):
            assert size >= 0, "the whole file was asked for"
            return super().read(size)

    document = make_file()
    document["pmej"] = [{"ege": [make_ege(f"99{number:07}")]} for number in range(500)]
    stream = Counted(json.dumps(document).encode())
    next(finess_plus.read(stream))
    assert stream.tell() < len(stream.getvalue()) / 2


def test_a_small_file_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(finess_plus, "UNPACKED_MAX_BYTES", 100_000)
    bomb = gzip.compress(b'{"pmej": [' + b" " * 1_000_000 + b"]}")
    with pytest.raises(SourceFormatError, match="unpacks to more"):
        list(finess_plus.read(io.BytesIO(bomb)))


@pytest.mark.parametrize("number", ["9" * 9_999, "-" + "9" * 9_999, "1e999999999", "1e" + "9" * 40, "0." + "9" * 9_999])
def test_a_number_that_nothing_can_hold_ends_nothing_but_the_reading(number):
    content = json.dumps(make_file(make_ege(note="NUMBER"))).replace('"NUMBER"', number)
    with suppress(SourceFormatError):
        assert len(read(content.encode())) == 1


def test_numbers_written_as_numbers_are_read_like_texts():
    general = {"numFinessEge": 990000017, "nomEgeLong": "CENTRE DE SANTE SYNTHETIQUE", "siret": 12345678900011}
    record = read_one(informationsGeneralesEGE=general, categorieentiteGeographiqueExercice=124)
    assert (record.key, record.identifiers[-1], record.category_codes) == (
        "990000017",
        ("siret", "12345678900011"),
        (("finess", "124"),),
    )
    placed = with_position(directionLatitude=46.257688, directionLongitude=6.111815)
    assert (placed.lat, placed.lon) == (46.257688, 6.111815)


def test_a_file_that_nests_without_end_is_refused():
    nested = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(SourceFormatError, match="deeper"):
        read(b'{"pmej": [{"ege": [{"note": ' + nested + b"}]}]}")
