"""Makes synthetic places and directories of them, without any table."""

from datetime import UTC, date, datetime

from citizen_api.care.directory import Directory
from citizen_api.care.nearest import Question
from citizen_api.care.place import Place, SourceMention

AT = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)


def make_place(place_id, *, lat, lon, categories=("pharmacy",), **facts):
    given = {
        "name": f"Synthetic {place_id}",
        "street": None,
        "postcode": None,
        "city": None,
        "commune_code": "75104",
        "phone": None,
        "website": None,
        "position_approximate": False,
        "wheelchair": None,
        "opening_hours": None,
        "opening_hours_verbatim": None,
        "opening_hours_source": None,
        "identifiers": (),
        "sources": (SourceMention("synthetic", "Synthetic list", date(2026, 11, 1)),),
    } | facts
    return Place(id=place_id, lat=lat, lon=lon, categories=categories, **given)


def make_directory(places, *, built_at=AT):
    return Directory.of(places, built_at=built_at)


def make_question(**wishes):
    return Question(**{"lat": 48.8573751, "lon": 2.3524425, "categories": ("pharmacy",), "at": AT} | wishes)


def ids(directory, items):
    """Ids of the items of an answer."""
    return [directory.id_of(item.found.number) for item in items]
