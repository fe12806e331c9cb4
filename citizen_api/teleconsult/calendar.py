"""An appointment as a calendar file (RFC 5545). Pure.

Calendars are shared with a family, an office, a phone's maker: the file says that there is an appointment, when, and at
which address, which is what its owner needs to be there in time. It names neither who is consulted nor for what: a name
such as "Centre de dermatologie" says both. Nor does it hold the short link, with which anybody could cancel it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import CLASS, STATUS, Alarm, Calendar, Event

from citizen_api.teleconsult.handoff_rules import BOOKED, CANCELLED, MADE, OPENED, REMINDED_BEFORE

STATUSES: Final = {
    MADE: STATUS.TENTATIVE,
    OPENED: STATUS.TENTATIVE,
    BOOKED: STATUS.CONFIRMED,
    CANCELLED: STATUS.CANCELLED,
}
"""Status of an event, by the state of its handoff; with any other there is none."""
LOCATION_LENGTH: Final = 300
_PRODUCT: Final = "-//Alentours//Appointments//{lang}"
_UNSAID_S: Final = 1
"""An appointment that is no longer: its publisher does not say when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """What a calendar is told.

    `uid`: random, the same for ever. `state`: of STATUSES. `sequence`: how often the appointment changed. `starts_s`,
    `ends_s`: seconds since 1970; None: not known (any more). `lang`, `summary`: the language of who asks, and a title
    in it. `address`: where one has to be; None: nowhere, or not known.
    """

    uid: str
    state: str
    sequence: int
    starts_s: int | None
    ends_s: int | None
    lang: str
    summary: str
    address: str | None


def has_file(state: str, starts_s: int | None) -> bool:
    """Whether there is something to tell a calendar. A cancelled appointment has forgotten when it was."""
    return state in STATUSES and (state == CANCELLED or starts_s is not None)


def calendar_file(appointment: Appointment, *, now: datetime) -> bytes:
    """The file: one event, with alarms 24 h and 1 h before it, if to come; of a cancelled one, what takes it out.

    There is no ORGANIZER, though RFC 5546 asks for one: with it, phones would make of it a meeting to be answered.
    """
    is_cancelled = appointment.state == CANCELLED
    event = Event.new(
        uid=appointment.uid,
        stamp=now.astimezone(UTC),
        # A calendar heeds a cancellation only with a higher number than that of what it knows.
        sequence=appointment.sequence + is_cancelled,
        status=STATUSES[appointment.state],
        summary=one_line(appointment.summary),
        classification=CLASS.PRIVATE,
        start=_moment(appointment.starts_s),
        end=_moment(_known_end(appointment)),
        location=one_line(appointment.address or "")[:LOCATION_LENGTH] or None,
        subcomponents=[] if is_cancelled else _alarms(appointment, now),
    )
    calendar = Calendar.new(
        prodid=_PRODUCT.format(lang=appointment.lang.upper()),
        # PUBLISH needs a start, which a cancelled one has no more.
        method="CANCEL" if is_cancelled else "PUBLISH",
        subcomponents=[event],
    )
    del calendar["UID"]  # of the file: it would be another one each time
    written: bytes = calendar.to_ical()
    return written


def one_line(text: str) -> str:
    """Give a text without what could begin a new line or hide something: control and format characters, separators."""
    return " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text).split())


def _alarms(appointment: Appointment, now: datetime) -> list[Alarm]:
    """Alarms to come: a past one would ring at once."""
    start = _moment(appointment.starts_s)
    ahead = [before for before in REMINDED_BEFORE.values() if start is not None and start - now > before]
    return [_alarm(before, appointment) for before in ahead]


def _alarm(before: timedelta, appointment: Appointment) -> Alarm:
    alarm = Alarm.new(description=one_line(appointment.summary))
    alarm.add("action", "DISPLAY")
    alarm.TRIGGER = -before
    return alarm


def _known_end(appointment: Appointment) -> int | None:
    """The end, where it is said. Without one no length is made up: the event stands at its start."""
    starts_s, ends_s = appointment.starts_s, appointment.ends_s
    return ends_s if starts_s is not None and ends_s is not None and ends_s - starts_s > _UNSAID_S else None


def _moment(at_s: int | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
