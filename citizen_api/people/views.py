"""Routes of staff: who am I, and the audit log."""

from __future__ import annotations

from typing import Any

from citizen_api.people import queries
from citizen_api.people.schemas import AuditArgs, AuditView, StaffView
from citizen_api.web.auth import Staff, current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.services import session

blp = Blueprint("staff", __name__, url_prefix="/v1/staff", description="For staff with a key.")


@blp.get("/me")
@blp.response(200, StaffView)
@blp.staff("administrator", "moderator", "communication", "organiser", "pharmacy", "provider", "reader")
def me() -> Staff:
    """Tell whose key this is, and where it may act."""
    return current_staff()


@blp.get("/audit")
@blp.arguments(AuditArgs, location="query")
@blp.response(200, AuditView)
@blp.staff("administrator")
def audit(args: dict[str, Any]) -> dict[str, Any]:
    """List who changed what, newest first: everything for the whole country, else one's own organisation."""
    limit, staff = args["limit"], current_staff()
    entries = queries.audit_entries(
        session(),
        organisation=None if staff.territory_kind == "country" else staff.organisation,
        before_id=args["cursor"],
        limit=limit + 1,
    )
    return {"items": entries[:limit], "next": entries[limit - 1].id if len(entries) > limit else None}
