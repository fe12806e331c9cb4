"""Wire format of residents' reports on places."""

import marshmallow as ma

from citizen_api.web.blueprint import Args, Body

REPORT_KINDS = (
    "wrong_phone",
    "wrong_address",
    "wrong_hours",
    "moved",
    "closed_for_good",
    "not_accessible",
    "other",
)
SETTLEMENTS = ("accepted", "rejected")


class ReportBody(Body):
    """What a resident found to be wrong. Please write nothing about anybody's health."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(REPORT_KINDS))
    comment = ma.fields.String(validate=ma.validate.Length(1, 500), metadata={"description": "At most 500 characters."})


class ReportReceivedView(ma.Schema):
    """The report waits for a moderator."""

    status = ma.fields.String(required=True, metadata={"example": "queued"})


class ReportsArgs(Args):
    """Which reports."""

    settled = ma.fields.Boolean(load_default=False, truthy={"true", "1", "yes"}, falsy={"false", "0", "no"})
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, 200))
    cursor = ma.fields.Integer(load_default=0, validate=ma.validate.Range(0, 2**31 - 1))


class ReportView(ma.Schema):
    """A report in the moderator's queue: one of each kind on a place, however often it was sent."""

    id = ma.fields.Integer(required=True)
    facility_id = ma.fields.String(required=True)
    facility_name = ma.fields.String(required=True)
    commune = ma.fields.String(required=True, allow_none=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(REPORT_KINDS))
    times = ma.fields.Integer(
        required=True, metadata={"description": "How often it was reported before it was settled.", "example": 3}
    )
    comments = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "The ten newest different ones, newest first."}
    )
    created_at = ma.fields.AwareDateTime(required=True, format="iso")
    settled_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    settlement = ma.fields.String(required=True, allow_none=True)
    settlement_note = ma.fields.String(required=True, allow_none=True)


class ReportsView(ma.Schema):
    """A page of reports, oldest first."""

    items = ma.fields.List(ma.fields.Nested(ReportView), required=True)
    next = ma.fields.Integer(required=True, allow_none=True)


class SettlementBody(Body):
    """What the moderator decided."""

    settlement = ma.fields.String(required=True, validate=ma.validate.OneOf(SETTLEMENTS))
    note = ma.fields.String(validate=ma.validate.Length(1, 500))
