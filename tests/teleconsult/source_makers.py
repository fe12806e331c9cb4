"""Makes what publishers say, and publishers whose answers a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select

from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import FileState, Publication, SlotSourceError
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult.feed_sync import FeedKeeper
from citizen_api.teleconsult.models import Feed, Slot
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

NOW = SUNDAY_NIGHT
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOW_S = int(NOW.timestamp())
DOWN = SlotSourceError("https://synthetic-clinic.example cannot be reached (synthetic)")
SLOTS_URL = "https://synthetic-clinic.example/slots.ndjson"


def make_place_record(source_id="p1", **facts):
    """Make a place in the middle of Paris."""
    plain = {"name": "Lieu d'essai", "lat": 48.8566, "lon": 2.3522, "commune_code": "75104"}
    return PlaceRecord(source_id=source_id, **plain | facts)


def make_schedule_record(source_id="s1", **facts):
    """Make a calendar of general practice by video."""
    plain = {"modality": "video", "specialties": ("general-practice",)}
    return ScheduleRecord(source_id=source_id, **plain | facts)


def make_slot_record(number=0, *, schedule_id="s1", is_free=True, in_h=11.0, **facts):
    """Make a slot of 15 minutes, on Monday morning."""
    start_s = NOW_S + int(in_h * 3600) + 60 * number
    plain = {"source_id": f"slot-{number}", "start_s": start_s, "end_s": start_s + 900}
    rest = {"capacity": None, "link": "https://synthetic-clinic.example/book", "phone": None}
    return SlotRecord(**plain | rest | {"schedule_id": schedule_id, "is_free": is_free} | facts)


def make_slot_records(*numbers, **facts):
    """Make some slots."""
    return [make_slot_record(number, **facts) for number in numbers]


@dataclass
class SyntheticFile:
    """A file with these records; `breaks`: what is raised after them. It has not changed where its etag is known."""

    items: list = field(default_factory=list)
    url: str = SLOTS_URL
    holds_slots: bool = True
    etag: str | None = None
    breaks: BaseException | None = None
    on_read: object = None
    size: int = 1_000
    asked: list = field(default_factory=list)

    def read(self, known):
        self.asked.append(known)
        if self.on_read is not None:
            self.on_read()
        return None if known is not None and self.etag is not None and known.etag == self.etag else self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        yield from self.items
        if self.breaks is not None:
            raise self.breaks

    @property
    def state(self):
        return FileState(etag=self.etag)


def make_publication(*files, etag=None, is_whole=True, published_at=NOW):
    """Make what a publisher has now."""
    return Publication(state=FileState(etag=etag), published_at=published_at, is_whole=is_whole, files=files)


def saying(*items, **facts):
    """Make a whole publication of one file."""
    return make_publication(SyntheticFile(list(items), **facts))


def saying_slots(*numbers, **facts):
    """Make a whole publication of one file with one calendar and some slots."""
    return saying(make_schedule_record(), *make_slot_records(*numbers), **facts)


class SyntheticPublisher:
    """A publisher whose next answers a test says: publications, None (unchanged) or errors; the last again and again.

    One whose publication has an etag that is known says that nothing changed.
    """

    def __init__(self, *answers):
        self.answers = list(answers) or [saying_slots(1, 2, 3)]
        self.asked = []

    def look(self, known, *, since):
        self.asked.append((known, since))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None and known is not None and known.etag is not None and known == answer.state:
            return None
        return answer


def make_unread_feed(database):
    """Make a feed that was never read, beside one (noise) that is not due and has a slot."""
    with database.session() as session:
        provider = make_provider(session)
        noise = make_feed(session, provider, "noise", next_try_at=NOW + timedelta(days=9))
        make_slot(session, make_schedule(session, noise), source_id="slot-1")
        return make_feed(session, provider, read_at=None, checked_at=None)


def make_keeper(database, publisher, *, clock, reports_dir, draw=0.0, within_s=300.0):
    """Make the keeper of synthetic publishers (by the name of the feed, or one for all), with no jitter."""

    def source_of(feed):
        return publisher[feed.name] if isinstance(publisher, dict) else publisher

    return FeedKeeper(database, source_of, clock=clock, reports_dir=reports_dir, within_s=within_s, draw=lambda: draw)


def row_of(database, name="synthetic-clinic"):
    """The row of a feed as it stands now."""
    with database.session(write=False) as session:
        return queries.feed_named(session, name)


def slots(database, name="synthetic-clinic"):
    """The publisher's ids of the slots that are known of a feed."""
    with database.session(write=False) as session:
        chosen = select(Slot.source_id).join(Feed, Feed.id == Slot.feed_id).where(Feed.name == name)
        return set(session.scalars(chosen))


def change(database, **values):
    """Set what stands in the row of the feed."""
    with database.session() as session:
        feed = queries.feed_named(session, "synthetic-clinic")
        for name, value in values.items():
            setattr(feed, name, value)


def named(*numbers):
    """The publisher's ids of some slots."""
    return {f"slot-{number}" for number in numbers}
