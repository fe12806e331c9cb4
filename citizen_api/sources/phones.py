"""French telephone numbers, made E.164."""

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

_WITHOUT_ZERO: Final = 9


@lru_cache(maxsize=1_024)
def normalise_phone(text: str | None, *, postcode: str | None = None) -> str | None:
    """Give the first valid number of the text in E.164, read as one dials it at that postcode, or None.

    A spreadsheet's lost leading zero is put back. Short numbers (15, 3237) have no E.164 form and give None.
    """
    written = clean(text)
    if lost_its_zero(written):
        written = f"0{written}"
    code = clean(postcode)
    region = next((OVERSEAS_REGIONS[code[:n]] for n in (5, 3) if code[:n] in OVERSEAS_REGIONS), "FR")
    for found in phonenumbers.PhoneNumberMatcher(written, region):
        number: str = phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
        return number
    return None


def lost_its_zero(text: str | None) -> bool:
    """Whether a spreadsheet took the leading zero of a French number: nine figures, the first not 0."""
    written = clean(text)
    return len(written) == _WITHOUT_ZERO and written.isdecimal() and written[0] != "0"
