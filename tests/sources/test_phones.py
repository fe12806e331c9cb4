"""Which number one may be told to call to book."""

import pytest

from citizen_api.sources.phones import booking_phone, normalise_phone

FOREIGN = ["+32 2 555 12 12", "+41 22 379 11 11", "+1 202 456 1111", "+377 93 15 22 22", "+269 773 12 34"]
COSTLY = ["0899 12 34 56", "0890 12 34 56", "+33 8 99 12 34 56", "0810 12 34 56", "0820 12 34 56", "0826 12 34 56"]


@pytest.mark.parametrize(
    ("written", "postcode", "number"),
    [
        ("01 42 72 60 71", None, "+33142726071"),
        ("142726071", "75004", "+33142726071"),
        ("06 12 34 56 78", None, "+33612345678"),
        ("09 70 12 34 56", None, "+33970123456"),
        ("0805 12 34 56", None, "+33805123456"),
        ("0809 12 34 56", None, "+33809123456"),
        ("0596 55 20 00", "97200", "+596596552000"),
        ("0262 90 50 50", "97400", "+262262905050"),
        ("0269 61 15 15", "97600", "+262269611515"),
        ("+508 41 14 00", None, "+508411400"),
        ("0594 39 50 50", "97300", "+594594395050"),
        ("+590 590 29 57 58", None, "+590590295758"),
        ("+687 25 12 34", None, "+687251234"),
        ("+689 40 48 62 62", None, "+68940486262"),
        ("+681 72 12 34", None, "+681721234"),
    ],
)
def test_a_number_of_france_or_overseas_is_one_to_book_by(written, postcode, number):
    assert booking_phone(written, postcode=postcode) == number


@pytest.mark.parametrize("written", [*FOREIGN, *COSTLY])
def test_a_number_abroad_or_at_a_price_is_valid_but_not_one_to_book_by(written):
    assert normalise_phone(written) is not None
    assert booking_phone(written) is None


def test_the_number_beside_a_costly_one_is_given():
    assert booking_phone("0899 12 34 56 ou 01 42 72 60 71") == "+33142726071"


@pytest.mark.parametrize("written", ["", None, "néant", "3237", "01 42 72"])
def test_what_is_no_number_is_not_one_to_book_by(written):
    assert booking_phone(written) is None
