"""French telephone numbers, made E.164."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import phonenumbers

from citizen_api.sources.records import clean

OVERSEAS_REGIONS: Final = {
    "97133": "BL",
    "97150": "MF",
    "971": "GP",
    "972": "MQ",
    "973": "GF",
    "974": "RE",
    "975": "PM",
    "976": "YT",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}
"""Region of the numbering plan by the start of the postcode; the longest start decides."""

_FRENCH_REGIONS: Final = frozenset({"FR", *OVERSEAS_REGIONS.values()})
_COSTLY: Final = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})
_WITHOUT_ZERO: Final = 9


@lru_cache(maxsize=1_024)
def normalise_phone(text: str | None, *, postcode: str | None = None) -> str | None:
    """Give the first valid number of the text in E.164, read as one dials it at that postcode, or None.

    A spreadsheet's lost leading zero is put back. Short numbers (15, 3237) have no E.164 form and give None.
    """
    return next(map(_e164, _numbers(text, postcode)), None)


@lru_cache(maxsize=1_024)
def booking_phone(text: str | None, *, postcode: str | None = None) -> str | None:
    """Give the first number of the text that one may be told to call to book, in E.164, or None.

    As `normalise_phone`, but a number of France or of its overseas territories, at no more than the price of a call: no
    premium rate (0899) and no shared cost (0825), which a stranger's feed could earn by.
    """
    return next((_e164(number) for number in _numbers(text, postcode) if _may_be_called(number)), None)


def _numbers(text: str | None, postcode: str | None) -> Iterator[phonenumbers.PhoneNumber]:
    written = clean(text)
    if lost_its_zero(written):
        written = f"0{written}"
    code = clean(postcode)
    region = next((OVERSEAS_REGIONS[code[:n]] for n in (5, 3) if code[:n] in OVERSEAS_REGIONS), "FR")
    for found in phonenumbers.PhoneNumberMatcher(written, region):
        yield found.number


def _e164(number: phonenumbers.PhoneNumber) -> str:
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written


def _may_be_called(number: phonenumbers.PhoneNumber) -> bool:
    region = phonenumbers.region_code_for_number(number)
    return region in _FRENCH_REGIONS and phonenumbers.number_type(number) not in _COSTLY


def lost_its_zero(text: str | None) -> bool:
    """Whether a spreadsheet took the leading zero of a French number: nine figures, the first not 0."""
    written = clean(text)
    return len(written) == _WITHOUT_ZERO and written.isdecimal() and written[0] != "0"
