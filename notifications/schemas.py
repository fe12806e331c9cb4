"""Wire format of waves, for staff, and of a device's own messages."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from citizen_api.people.wish_schemas import ListView
from citizen_api.web.blueprint import Args, Body
from citizen_api.web.notices import NoticeView
from content.push import KINDS, PLAIN_KINDS
from notifications.ledger import CATEGORIES, LANES, STATES
from notifications.queries import WAVE_STATES
from notifications.wave_actions import REASON_LENGTH, RECEIPTS

_CODE = {"example": "Zk3v0QyXw1rT9s5b"}
_MOST = 200
_ONE_LINE = r"^(?![\s\S]*[\x00-\x1f\x7f-\x9f\u2028\u2029])[\s\S]+$"
"""As Python and JavaScript read it alike: no control letter and no line's end, the last letter included."""


def _moment(*, allow_none: bool = False, **metadata: Any) -> ma.fields.AwareDateTime:
    return ma.fields.AwareDateTime(required=True, allow_none=allow_none, format="iso", metadata=metadata)


def _count(description: str, example: int = 0) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata={"description": description, "example": example})


class _PageArgs(Args):
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, _MOST))
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, _MOST),
        metadata={"description": "`next` of the page before."},
    )


class WavesArgs(_PageArgs):
    """Which waves."""

    lane = ma.fields.String(load_default=None, validate=ma.validate.OneOf(LANES))
    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(WAVE_STATES))


class ReceiptsCountView(ma.Schema):
    """What phones reported, each message once."""

    shown = ma.fields.Integer(required=True, metadata={"example": 9120})
    opened = ma.fields.Integer(required=True, metadata={"example": 2210})


class WaveView(ma.Schema):
    """One thing that was told, and to how many devices. It names none."""

    code = ma.fields.String(required=True, metadata=_CODE)
    number = ma.fields.Integer(required=True, metadata={"description": "For `alentours waves show`.", "example": 12})
    lane = ma.fields.String(required=True, validate=ma.validate.OneOf(LANES))
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(WAVE_STATES))
    day = ma.fields.Date(required=True, allow_none=True, metadata={"description": "The day that it is about."})
    tag = ma.fields.String(
        required=True,
        metadata={
            "description": "Its place on a screen: a later wave replaces it there.",
            "example": "alert-2026-11-26",
        },
    )
    opened_at = _moment()
    planned_at = _moment(allow_none=True, description="Since then every device that it concerns is known.")
    settled_at = _moment(allow_none=True, description="Since then no message of it is held or pending.")
    stopped_at = _moment(allow_none=True)
    stop_reason = ma.fields.String(required=True, allow_none=True)
    eligible = _count("Devices that it concerns, so far as it is planned.", 9412)
    erased = _count("Devices among them that have erased themselves since.")
    receipts = ma.fields.Nested(ReceiptsCountView, required=True)
    ailing = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the last audit found it out of balance; null: it balances."},
    )


class WavesView(ListView):
    """A page of waves, newest first."""

    items = ma.fields.List(ma.fields.Nested(WaveView), required=True)


BalanceView = ma.Schema.from_dict(
    {
        "eligible": _count("Devices that the wave concerns: each is in exactly one of the categories that follow."),
        **{category: ma.fields.Integer(required=True, metadata={"example": 0}) for category in CATEGORIES},
        "missing": _count("Eligible devices that are in no category: 0 unless something is wrong."),
        "balanced": ma.fields.Boolean(required=True, metadata={"example": True}),
    },
    name="BalanceView",
)


class AttemptCountView(ma.Schema):
    """How many registrations of a platform got this as their last answer."""

    platform = ma.fields.String(required=True, metadata={"example": "fcm"})
    verdict = ma.fields.String(required=True, metadata={"example": "accepted"})
    code = ma.fields.String(required=True, metadata={"example": "ok"})
    count = ma.fields.Integer(required=True)


class WavePageView(WaveView):
    """A wave with its balance, at one instant."""

    balance = ma.fields.Nested(
        BalanceView,
        required=True,
        metadata={"description": f"eligible = {' + '.join(CATEGORIES)}; a settled wave has no held and no pending."},
    )
    open_chunks = _count("Parts of it in which something is still to be sent.")
    accepted_per_s = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Messages accepted a second, from its opening to its end or now.", "example": 7831.5},
    )
    attempts = ma.fields.List(ma.fields.Nested(AttemptCountView), required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True, metadata={"example": []})


class StopBody(Body):
    """Why nothing more of the wave is to be sent."""

    reason = ma.fields.String(
        # One line: it stands in reports, which nobody may continue.
        validate=[ma.validate.Length(1, REASON_LENGTH), ma.validate.Regexp(_ONE_LINE)],
        metadata={"example": "The index was withdrawn."},
    )


class MyMessagesArgs(_PageArgs):
    """Which page of the device's messages."""


class SaidCodeView(ma.Schema):
    """A code, and what it means in words."""

    code = ma.fields.String(required=True, metadata={"example": "above_wish"})
    text = ma.fields.String(
        required=True, metadata={"example": "It is at least the level from which you wanted to be told."}
    )


class OutcomeView(SaidCodeView):
    """What became of the message."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES), metadata={"example": "accepted"})
    text = ma.fields.String(
        required=True,
        metadata={"example": "The message was handed to the service that brings it to your device."},
    )


class MyMessageView(ma.Schema):
    """One message of the device, also one that did not go out, with why and what became of it."""

    id = ma.fields.String(required=True, metadata=_CODE)
    opened_at = _moment(description="When it was decided that there is something to say.")
    day = ma.fields.Date(required=True, allow_none=True, metadata={"description": "The day that it is about."})
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf((*KINDS, *PLAIN_KINDS)))
    title = ma.fields.String(required=True, metadata={"example": "Bad air tomorrow"})
    body = ma.fields.String(required=True, metadata={"example": "Paris 4e: bad air tomorrow (4 of 6)."})
    reason = ma.fields.Nested(SaidCodeView, required=True)
    outcome = ma.fields.Nested(OutcomeView, required=True)
    expires_at = _moment(description="After it, it is neither sent nor shown.")


class MyMessagesView(ListView):
    """A page of the device's messages, newest first."""

    items = ma.fields.List(ma.fields.Nested(MyMessageView), required=True)


class ReceiptBody(Body):
    """What happened to the message on the phone: only a count is kept, no moment."""

    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(RECEIPTS),
        metadata={"description": "`opened` says `shown` too.", "example": "shown"},
    )


class WaysView(ma.Schema):
    """How a device may be reached by this installation."""

    kinds = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Registrations that are sent to; others are kept, and wait.", "example": ["log"]},
    )
    webpush_public_key = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`applicationServerKey` of `pushManager.subscribe`; null where no browser is reached."
        },
    )
