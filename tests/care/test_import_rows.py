"""Row by row: what is rejected, left out, kept word for word, and what the address tells."""

import csv

import pytest

from citizen_api.care import stocks, sync
from citizen_api.sources.generic_csv import parse_mapping
from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.territory import queries as territory_queries
from tests.care.makers import NOW, import_records, make_record
from tests.care.test_imports import counts_of, everything, facility_of, places


def test_rejected_rows_are_reported_with_row_reason_and_raw_line(database, tmp_path):
    rejected = RejectedRow(7, "no_name: The row has no name.", "a;;b")
    report = import_records(database, tmp_path, [make_record("a"), rejected])

    assert report.rejected == {"no_name": 1}
    with report.rejected_file.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "reason", "raw"],
            ["7", "no_name: The row has no name.", "a;;b"],
        ]


def make_mapped_stock(folder, text, *, source="city-list", category="pharmacy"):
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    mapping = f"""
source: {{id: {source}, title: A list, producer: The tests, licence: none, date: 2026-11-01}}
complete: true
columns: {{code: key, nom: name, lat: lat, lon: lon, cp: postcode, ville: city, horaires: opening_hours}}
category: {category}
"""
    return stocks.mapped_stock(path, parse_mapping(mapping))


def run(database, stock, folder, **options):
    return sync.run_import(database, stock, now=NOW, reports_dir=folder / "imports", **options)


HEADER = "code;nom;lat;lon;cp;ville;horaires\n"


def test_a_category_that_nobody_knows_is_rejected_with_its_line(database, tmp_path):
    stock = make_mapped_stock(tmp_path, HEADER + "a;Un lieu;48.85;2.35;;;\n", category="finess:999")
    report = run(database, stock, tmp_path)
    assert report.rejected == {"unknown_category": 1}
    _, (row, reason, raw) = csv.reader(report.rejected_file.read_text("utf-8").splitlines())
    assert (row, raw) == ("2", "a;Un lieu;48.85;2.35;;;")
    assert reason.startswith("unknown_category: finess:999 ")


def test_a_category_left_out_on_purpose_is_counted_apart(database, tmp_path):
    report = import_records(database, tmp_path, [make_record("a", category_codes=(("finess", "698"),))])
    assert (report.left_out, report.rejected) == ({"698": 1}, {})
    assert not places(database)


def test_a_known_place_whose_row_is_rejected_this_time_is_not_closed(database, tmp_path):
    lines = [f"k{rank};Lieu {rank};48.85;2.35;;;\n" for rank in range(10)]
    run(database, make_mapped_stock(tmp_path, HEADER + "".join(lines)), tmp_path)

    lines[3] = lines[3].replace("48.85", "north")
    report = run(database, make_mapped_stock(tmp_path, HEADER + "".join(lines)), tmp_path)

    assert counts_of(report) == {"created": 0, "updated": 0, "unchanged": 9, "closed": 0}
    assert report.rejected == {"bad_position": 1}
    assert len(places(database)) == 10


def test_a_file_of_rejected_rows_only_creates_nothing(database, tmp_path):
    report = run(database, make_mapped_stock(tmp_path, HEADER + "a;;1;2;;;\nb;;1;2;;;\n"), tmp_path)
    assert report.rejected == {"no_name": 2}
    assert not places(database)


def test_an_empty_file_is_no_list(database, tmp_path):
    before = everything(database)
    with pytest.raises(SourceFormatError, match="the file is empty"):
        run(database, make_mapped_stock(tmp_path, ""), tmp_path)
    assert everything(database) == before


def test_a_list_without_rows_closes_nothing_unless_forced(database, tmp_path):
    run(database, make_mapped_stock(tmp_path, HEADER + "a;Un lieu;48.85;2.35;;;\n"), tmp_path)
    with pytest.raises(sync.TooManyVanishingError):
        run(database, make_mapped_stock(tmp_path, HEADER), tmp_path)
    assert len(places(database)) == 1


@pytest.mark.parametrize(
    ("column", "text"), [("nom", "n" * 301), ("cp", "7" * 11), ("ville", "v" * 121), ("code", "c" * 301)]
)
def test_what_no_column_can_hold_is_rejected(database, tmp_path, column, text):
    cells = {"code": "a", "nom": "Un lieu", "lat": "48.85", "lon": "2.35", "cp": "", "ville": "", "horaires": ""}
    line = ";".join((cells | {column: text}).values())
    assert run(database, make_mapped_stock(tmp_path, f"{HEADER}{line}\n"), tmp_path).rejected == {"too_long": 1}


def test_halves_of_characters_are_rejected(database, tmp_path):
    report = import_records(database, tmp_path, [make_record("a", city="\ud800")], dry_run=True)
    assert report.rejected == {"bad_characters": 1}


def test_a_source_whose_title_no_column_can_hold_is_refused(tmp_path):
    with pytest.raises(SourceFormatError, match=r"source\.id"):
        make_mapped_stock(tmp_path, HEADER, source="s" * 61)


def test_hours_that_cannot_be_read_are_kept_word_for_word_and_unknown(database, tmp_path):
    stock = make_mapped_stock(tmp_path, HEADER + "a;Un lieu;48.85;2.35;;;quand la lumière est allumée\n")
    report = run(database, stock, tmp_path)
    assert report.hours_not_understood == 1
    place = facility_of(database, "a")
    assert (place.opening_hours, place.opening_hours_verbatim) == (None, "quand la lumière est allumée")


def test_hours_that_follow_the_sun_are_read_where_the_place_is_known(database, tmp_path):
    stock = make_mapped_stock(tmp_path, HEADER + "a;Un lieu;48.85;2.35;75004;Paris;sunrise-sunset\n")
    assert run(database, stock, tmp_path).hours_not_understood == 0
    assert facility_of(database, "a").opening_hours == "sunrise-sunset"


def test_the_address_tells_the_commune_where_no_code_is_given(database, tmp_path):
    lines = "a;Un lieu;;;97400;Saint-Denis;\nb;Un autre;;;93200;Saint Denis;\nc;Perdu;;;00000;Nulle Part;\n"
    run(database, make_mapped_stock(tmp_path, HEADER + lines), tmp_path)
    assert [facility_of(database, key).commune_code for key in "abc"] == ["97411", "93066", None]
    assert places(database)["Un autre"].position_approximate


def test_a_place_without_coordinates_stands_in_the_middle_of_its_commune_and_says_so(database, tmp_path):
    import_records(database, tmp_path, [make_record("a", lat=None, lon=None, commune_code="93066")])
    with database.session(write=False) as session:
        centre = territory_queries.position_of_commune(session, "93066")
    place = facility_of(database, "a")
    assert (place.lat, place.lon, place.position_approximate) == (centre.lat, centre.lon, True)


def test_a_place_that_nothing_locates_is_found_by_its_id_and_by_no_distance(client, database, tmp_path):
    record = make_record("a", lat=None, lon=None, commune_code=None, postcode=None, city=None)
    import_records(database, tmp_path, [record])
    place = facility_of(database, "a")

    page = client.get(f"/v1/care/{place.id}").json
    near = client.get("/v1/care/nearest?lat=48.85&lon=2.35&category=pharmacy").json

    assert (page["lat"], page["lon"], page["position_approximate"]) == (None, None, False)
    assert near["items"] == []


def test_a_position_that_looks_swapped_is_rejected_and_says_so(database, tmp_path):
    lines = "a;Un lieu;2.35;48.85;;;\nb;Un autre;48.85;2.35;;;\nc;À Bruxelles;50.85;4.35;;;\n"
    report = run(database, make_mapped_stock(tmp_path, HEADER + lines), tmp_path)
    assert report.rejected == {"bad_position": 1}
    _, (row, reason, raw) = csv.reader(report.rejected_file.read_text("utf-8").splitlines())
    assert (row, raw) == ("2", "a;Un lieu;2.35;48.85;;;")
    assert reason == "bad_position: 2.35, 48.85 looks swapped: 48.85, 2.35 would be in France."
    assert set(places(database)) == {"Un autre", "À Bruxelles"}


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 2.35), (48.85, 181.0), (float("nan"), 2.35)])
def test_a_position_off_the_globe_is_rejected_whatever_its_reader_let_through(database, tmp_path, lat, lon):
    report = import_records(database, tmp_path, [make_record("a", lat=lat, lon=lon)])
    assert report.rejected == {"bad_position": 1}


def test_a_known_place_whose_position_is_swapped_this_time_stays_where_it_was(database, tmp_path):
    import_records(database, tmp_path, [make_record("a")])
    report = import_records(database, tmp_path, [make_record("a", lat=2.3524425, lon=48.8573751)])
    assert report.rejected == {"bad_position": 1}
    place = facility_of(database, "a")
    assert (place.lat, place.lon, place.closed_at) == (48.8573751, 2.3524425, None)
