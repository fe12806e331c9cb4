import io
import random
from dataclasses import replace

import pytest

from citizen_api.sources import sirene
from citizen_api.sources.records import FacilityRecord, SourceFormatError
from tests.shared_data import shared_file

HEADER = ",".join(sirene.COLUMNS)
CHALIGNY = "47.73Z,rue,CHALIGNY,PARIS 12,75112,75,POINT (2.3837905 48.8460949),2.3837905,48.8460949"
ORVES = "47.73Z,rue,D ESTIENNE D ORVES,VINCENNES,94080,94,POINT (2.45 48.85),2.45,48.85"
REAL = "pharmacies/pharmacies_idf_sirene_4773Z.csv"


def read(*lines, header=HEADER):
    return list(sirene.read(io.BytesIO("\n".join([header, *lines]).encode())))


def keys(*lines):
    return [record.key for record in read(*lines)]


def test_a_row_is_a_pharmacy_without_a_name_somewhere_in_its_street():
    (record,) = read(CHALIGNY)
    assert record == FacilityRecord(
        key=record.key,
        category_codes=(("alentours", "pharmacy"),),
        name="Pharmacie",
        name_verbatim="",
        street="Rue Chaligny",
        city="Paris",
        commune_code="75112",
        lat=48.8460949,
        lon=2.3837905,
        position_approximate=True,
    )


def test_equal_rows_are_counted_and_none_is_lost():
    first, second, third = keys(CHALIGNY, CHALIGNY, CHALIGNY)
    digest = first.removesuffix("#1")
    assert (second, third) == (f"{digest}#2", f"{digest}#3")


def test_a_key_depends_neither_on_other_rows_nor_on_the_order_of_columns():
    columns, cells = HEADER.split(","), CHALIGNY.split(",")
    turned = read(",".join(cells[::-1]), header=",".join(columns[::-1]))
    assert keys(ORVES, CHALIGNY)[1:] == keys(CHALIGNY, ORVES)[:1] == [record.key for record in turned]


def test_a_column_more_changes_no_key():
    (record,) = read(f"{CHALIGNY},x", header=f"{HEADER},denomination")
    assert [record.key] == keys(CHALIGNY)


@pytest.mark.parametrize("activity", ["4773Z", "47.73z", " 47.73Z "])
def test_the_activity_may_be_written_in_several_ways(activity):
    (record,) = read(CHALIGNY.replace("47.73Z", activity))
    assert record.name == "Pharmacie"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("47.73Z", "47.74Z", "other_activity"),
        ("47.73Z", "", "other_activity"),
        ("rue,CHALIGNY", ",", "no_place"),
        ("75112,75,POINT (2.3837905 48.8460949),2.3837905,48.8460949", ",75,,,", "no_place"),
        (",2.3837905,48.8460949", ",x,48.8460949", "bad_position"),
        (",75,", ",", "columns"),
    ],
)
def test_a_row_that_tells_no_pharmacy_or_no_place_is_rejected_with_its_line(old, new, code):
    line = CHALIGNY.replace(old, new, 1)
    rejected, record = read(line, ORVES)
    assert (rejected.row, rejected.code, rejected.raw) == (2, code, line)
    assert record.commune_code == "94080"


def test_a_row_without_a_position_is_kept_by_its_commune():
    (record,) = read(CHALIGNY.replace(",2.3837905,48.8460949", ",,"))
    assert (record.commune_code, record.lat, record.position_approximate) == ("75112", None, None)


def test_another_file_is_refused_before_any_row_is_read():
    with pytest.raises(SourceFormatError, match="missing columns"):
        sirene.read(io.BytesIO(b"nofinesset;rs\n"))


def test_the_real_file_gives_every_row_a_key_of_its_own():
    with shared_file(REAL).open("rb") as stream:
        records = list(sirene.read(stream))
    assert all(isinstance(record, FacilityRecord) for record in records)
    assert len({record.key for record in records}) == len(records) == 3985
    assert len({record.key.partition("#")[0] for record in records}) == 2685


def test_the_real_file_says_the_same_in_any_order():
    header, *lines = shared_file(REAL).read_text("utf-8-sig").splitlines()
    shuffled = random.Random(47).sample(lines, len(lines))
    one, other = ({replace(record, origin=None) for record in read(*rows, header=header)} for rows in (lines, shuffled))
    assert one == other
