"""Wire format of feeds, for staff. An address is never shown: it may hold a key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import marshmallow as ma

from citizen_api.people.wish_schemas import ListView, OnOneLine, TrueOrFalse, WholeNumber
from citizen_api.teleconsult.feed_actions import address_fault, feed_host
from citizen_api.teleconsult.feed_rules import is_broken
from citizen_api.teleconsult.models import FEED_NAME_LENGTH, Feed
from citizen_api.teleconsult.provider_present import provider_label
from citizen_api.teleconsult.provider_rules import SLUG
from citizen_api.web.blueprint import Body
from content.catalogue import catalogue

KINDS: Final = ("smart", "fhir", "availability")
STATES: Final = ("waiting", "good", "failing", "broken", "held", "retired")
_LEAST_POLL_S: Final = 60
_MOST_POLL_S: Final = 86_400
_URL_LENGTH: Final = 2_000


def _check_address(url: str) -> None:
    if fault := address_fault(url):
        raise ma.ValidationError(fault)


class FeedBody(Body):
    """Where a provider publishes its slots, and how it is asked."""

    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(KINDS),
        metadata={"description": "SMART Scheduling Links, FHIR as the French SAS has it, or availability by JSON."},
    )
    url = ma.fields.String(
        required=True,
        validate=[ma.validate.Length(1, _URL_LENGTH), _check_address],
        metadata={"description": "https, on a public host.", "example": "https://clinic.example/$bulk-publish"},
    )
    poll_s = WholeNumber(
        load_default=_LEAST_POLL_S,
        validate=ma.validate.Range(_LEAST_POLL_S, _MOST_POLL_S),
        metadata={"description": "How often it is asked, in seconds.", "example": 60},
    )
    asks_since = TrueOrFalse(
        load_default=False, metadata={"description": "Whether it honours `_since` with changes only."}
    )


class FeedNameBody(ma.Schema):
    """The name of a feed, as its address says it."""

    name = ma.fields.String(required=True, validate=[ma.validate.Length(1, FEED_NAME_LENGTH), OnOneLine(SLUG)])


class FeedStateView(ma.Schema):
    """How a feed is."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    text = ma.fields.String(required=True)


class FeedProblemView(ma.Schema):
    """What was wrong the last time."""

    code = ma.fields.String(required=True, metadata={"example": "down"})
    text = ma.fields.String(required=True)


class FeedView(ma.Schema):
    """A feed, as its staff sees it."""

    name = ma.fields.String(required=True, metadata={"example": "clinic"})
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    host = ma.fields.String(required=True, metadata={"description": "Of its address.", "example": "clinic.example"})
    poll_s = ma.fields.Integer(required=True, metadata={"example": 60})
    asks_since = ma.fields.Boolean(required=True)
    state = ma.fields.Nested(FeedStateView, required=True)
    problem = ma.fields.Nested(FeedProblemView, required=True, allow_none=True)
    failures = ma.fields.Integer(required=True, metadata={"description": "In a row.", "example": 0})
    read_at = ma.fields.AwareDateTime(
        required=True, allow_none=True, format="iso", metadata={"description": "When its slots were last read."}
    )
    age_s = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Since it last confirmed what is known.", "example": 42},
    )
    next_try_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    slots = ma.fields.Integer(required=True, metadata={"description": "How many are known.", "example": 500})
    gone_rate = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Share of its handoffs of late that were gone on arrival; null: too few.",
            "example": 0.04,
        },
    )


class FeedsView(ListView):
    """All feeds of a provider, by name."""

    items = ma.fields.List(ma.fields.Nested(FeedView), required=True)


def feed_state(row: Feed, *, is_retired: bool) -> str:
    """How a feed is, by its code."""
    if is_retired:
        return "retired"
    if row.held_since is not None:
        return "held"
    if row.failures:
        return "broken" if is_broken(row.failures) else "failing"
    return "waiting" if row.checked_at is None else "good"


def problem_said(code: str, lang: str) -> str:
    """Say what was wrong with a feed; a code that has no words is another problem."""
    known = f"problem_{code}"
    return provider_label(known if known in catalogue().booking["providers"] else "problem_other", lang)


def feed_shown(row: Feed, *, lang: str, now: datetime) -> dict[str, Any]:
    """Give what FeedView dumps, of a provider that is offered."""
    state = feed_state(row, is_retired=False)
    return {
        "name": row.name,
        "kind": row.kind,
        "host": feed_host(row),
        "poll_s": row.poll_s,
        "asks_since": row.asks_since,
        "state": {"code": state, "text": provider_label(f"feed_{state}", lang)},
        "problem": row.problem and {"code": row.problem, "text": problem_said(row.problem, lang)},
        "failures": row.failures,
        "read_at": row.read_at,
        "age_s": None if row.checked_at is None else max(0, int((now - row.checked_at).total_seconds())),
        "next_try_at": row.next_try_at,
        "slots": row.slots,
        "gone_rate": row.gone_rate,
    }
