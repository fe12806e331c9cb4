"""Wire format of handoffs."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma

from citizen_api.care.schemas import EmergencyView
from citizen_api.teleconsult.handoff_rules import BOOKED, FAILED, STATES, TOO_LATE
from citizen_api.teleconsult.models import PROVIDER_ID_LENGTH
from citizen_api.web.blueprint import Body
from citizen_api.web.fields import Moment
from citizen_api.web.notices import NoticeView

OUTCOMES: Final = {"booked": BOOKED, "too_late": TOO_LATE, "did_not_work": FAILED}
"""What a resident says, and the state that it leads to."""
ONE_OF_BOTH: Final = "Give one of slot and provider."
START_OF_BOOKED: Final = "Only of what is booked, within the coming year."
NOT_RANDOM: Final = "Must be random: at least 8 different characters."
_LEAST_DIFFERENT: Final = 8
_EXAMPLE_TOKEN: Final = "bXktc3ludGhldGljLXRva2VuLTAwMDE_"  # noqa: S105 - an example


def _is_random(key: str) -> None:
    """Refuse a key that somebody else may come upon: it gives the link of who used it first."""
    if len(set(key)) < _LEAST_DIFFERENT:
        raise ma.ValidationError(NOT_RANDOM)


class IdempotencyHeaders(ma.Schema):
    """The header under which a question may be sent again without being asked twice."""

    class Meta:
        unknown = ma.EXCLUDE

    key = ma.fields.String(
        required=True,
        data_key="Idempotency-Key",
        validate=[ma.validate.Length(min=16, max=200), ma.validate.Regexp(r"^[!-~]*$"), _is_random],
        metadata={
            "description": "Random text of the client's (a UUID), the same when it sends the same question again: 16 "
            "to 200 visible ASCII characters, 8 different ones at least.",
            "example": "6f0e3b8a-52c1-4a07-9c3a-0f8d2f1f9a11",
        },
    )


class HandoffBody(Body):
    """For what a handoff is asked."""

    slot = ma.fields.String(
        validate=ma.validate.Length(min=1, max=40),
        metadata={"description": "Id of a slot; or else `provider`.", "example": "sl_AAAAAQAAAAAAAAAB"},
    )
    provider = ma.fields.String(
        validate=ma.validate.Length(min=1, max=PROVIDER_ID_LENGTH),
        metadata={"description": "Id of a provider; or else `slot`."},
    )
    card_shown = ma.fields.String(
        required=True,
        validate=ma.validate.Length(min=1, max=40),
        metadata={"description": "Version of the card (`GET /v1/teleconsultations/card`) that the resident was shown."},
    )
    remind = ma.fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Remind 24 h and 1 h before: with a device's token and its consent `reminders`."},
    )

    @ma.validates_schema
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        """Either a slot or a provider."""
        if ("slot" in data) == ("provider" in data):
            raise ma.ValidationError(ONE_OF_BOTH, "slot")


class FeedbackBody(Body):
    """What came of it, by the resident's word. Nothing else is asked."""

    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(list(OUTCOMES)))
    start = Moment(
        metadata={
            "description": "When it is, if the resident wishes to be reminded: only of what is booked.",
            "example": "2026-11-23T09:40:00+01:00",
            "type": "string",
        },
    )


class HandoffWordsView(ma.Schema):
    """A code and its words."""

    code = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class HandoffStateView(HandoffWordsView):
    """A state and its words."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))


class HandoffGranularityView(HandoffWordsView):
    """How precise a link is, and its words."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(["slot", "practice", "home"]))


class HandoffProviderView(ma.Schema):
    """To whom one is handed over."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True, metadata={"example": "Cabinet d'essai"})
    kind = ma.fields.String(required=True, metadata={"example": "practice"})


class HandoffMoveView(ma.Schema):
    """One move of a handoff."""

    at = ma.fields.AwareDateTime(required=True, format="iso")
    became = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    by = ma.fields.String(required=True, validate=ma.validate.OneOf(["resident", "provider", "system"]))


class HandoffView(ma.Schema):
    """A handoff. What an ended one was about is forgotten: no slot, no times, no device. So is a slot that is gone."""

    id = ma.fields.String(required=True)
    link = ma.fields.Url(
        required=True,
        relative=False,
        require_tld=False,
        metadata={
            "description": "Short link to be opened in the browser: it checks again, then leads on, in the language "
            "of this answer.",
            "example": f"https://alentours.example/h/{_EXAMPLE_TOKEN}?lang=en",
        },
    )
    calendar = ma.fields.Url(
        required=True,
        allow_none=True,
        require_tld=False,
        metadata={"description": "The appointment as a calendar file; null while its time is not known."},
    )
    state = ma.fields.Nested(HandoffStateView, required=True)
    history = ma.fields.List(ma.fields.Nested(HandoffMoveView), required=True)
    expires_at = ma.fields.AwareDateTime(
        required=True, allow_none=True, format="iso", metadata={"description": "null: it has ended."}
    )
    referral = ma.fields.String(
        required=True,
        metadata={"description": "Random name of this handoff, which the booking service is told.", "format": "uuid"},
    )
    provider = ma.fields.Nested(HandoffProviderView, required=True)
    granularity = ma.fields.Nested(
        HandoffGranularityView,
        required=True,
        allow_none=True,
        metadata={"description": "What the booking service opens; null: there is no link (any more)."},
    )
    has_link = ma.fields.Boolean(
        required=True, metadata={"description": "false: one books by phone; the short link says so."}
    )
    phone = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Only where it is published for that."}
    )
    start = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "By the clock of the place; null: not known, or forgotten."},
    )
    end = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    remind = ma.fields.Boolean(required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)
