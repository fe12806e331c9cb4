"""The moment that `open` asks about: `now`, or RFC 3339 and nothing else."""

from datetime import UTC, datetime, timedelta

import marshmallow as ma
import pytest

from citizen_api.web.fields import Moment

MOMENT = datetime(2026, 11, 29, 21, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T22:40:00+01:00",
        "2026-11-29T22:40:00 01:00",
        "2026-11-29t22:40:00+01:00",
        "2026-11-29T21:40:00Z",
        "2026-11-29t21:40:00z",
        "2026-11-29T21:40:00.000Z",
        "2026-11-29T21:40:00-00:00",
        "2026-11-29T16:40:00-05:00",
    ],
)
def test_a_moment_of_rfc_3339_is_read_even_where_its_plus_became_a_space(text):
    assert Moment().deserialize(text) == MOMENT


def test_fractions_of_a_second_are_read():
    assert Moment().deserialize("2026-11-29T21:40:00.5Z") == MOMENT + timedelta(seconds=0.5)


def test_now_stays_now():
    assert Moment().deserialize("now") == "now"


@pytest.mark.parametrize(
    "text",
    [
        "", "NOW", "2026-W48-7T22:40:00+01:00", "20261129T224000+0100", "2026-333T22:40:00+01:00", "2026-11-29",
        "2026-11-29T22:40+01:00", "2026-11-29T22:40:00", "2026-11-29T22:40:00+01", "2026-11-29T22:40:00+0100",
        "2026-11-29 22:40:00+01:00", "2026-11-29T22:40:00,5+01:00", "2026-11-29T22:40:00+24:00",
        "2026-11-29T22:40:00+01:60", "2026-11-29T22:40:00+01:00:30", "2026-11-31T22:40:00+01:00",
        "2026-11-29T25:00:00+01:00", "٢٠٢٦-11-29T22:40:00+01:00", "1066-11-29T22:40:00+01:00",
        "2026-11-29T22:40:00+01:00\n", " 2026-11-29T22:40:00+01:00",
    ],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_refused(text):
    with pytest.raises(ma.ValidationError):
        Moment().deserialize(text)
