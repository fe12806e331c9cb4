"""The audit log is append-only: the database refuses to change or remove a row.

Revision: 0002, after 0001. May run while the previous release still serves.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION people_audit_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER people_audit_entry_append_only BEFORE UPDATE OR DELETE ON people_audit_entry "
            "FOR EACH ROW EXECUTE FUNCTION people_audit_entry_is_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER people_audit_entry_no_{change.lower()} BEFORE {change} ON people_audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER people_audit_entry_append_only ON people_audit_entry")
        op.execute("DROP FUNCTION people_audit_entry_is_append_only()")
        return
    for change in ("update", "delete"):
        op.execute(f"DROP TRIGGER people_audit_entry_no_{change}")
