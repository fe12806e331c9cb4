"""Wire format of the staff routes."""

from __future__ import annotations

import marshmallow as ma

from citizen_api.web.blueprint import Args


class AuditArgs(Args):
    """Which page of the audit log."""

    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, 200))
    cursor = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(1, 2**31 - 1),
        metadata={"description": "`next` of the page before."},
    )


class StaffView(ma.Schema):
    """Who a key belongs to."""

    key_id = ma.fields.Integer(required=True)
    role = ma.fields.String(required=True, metadata={"example": "moderator"})
    organisation = ma.fields.String(required=True, metadata={"example": "Ville de Paris (demo)"})
    territory_kind = ma.fields.String(required=True, metadata={"example": "departement"})
    territory_code = ma.fields.String(required=True, allow_none=True, metadata={"example": "75"})


class AuditEntryView(ma.Schema):
    """One change by staff or on the command line."""

    id = ma.fields.Integer(required=True)
    at = ma.fields.AwareDateTime(required=True, format="iso")
    actor = ma.fields.String(required=True, metadata={"example": "key 3 (moderator)"})
    organisation = ma.fields.String(required=True, allow_none=True)
    action = ma.fields.String(required=True, metadata={"example": "care.report.settle"})
    subject = ma.fields.String(required=True, metadata={"example": "report 12"})
    details = ma.fields.Dict(required=True)


class AuditView(ma.Schema):
    """A page of the audit log, newest first."""

    items = ma.fields.List(ma.fields.Nested(AuditEntryView), required=True)
    next = ma.fields.Integer(required=True, allow_none=True)
