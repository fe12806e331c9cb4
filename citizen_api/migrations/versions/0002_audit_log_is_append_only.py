"""The audit log is append-only: the database refuses to change, replace or remove a row.

Revision: 0002, after 0001. May run while the previous release still serves.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSAL = "the audit log is append-only"
# INSERT OR REPLACE removes a row without calling the trigger on DELETE.
SQLITE = {
    "update": "BEFORE UPDATE ON people_audit_entry",
    "delete": "BEFORE DELETE ON people_audit_entry",
    "replace": "BEFORE INSERT ON people_audit_entry WHEN EXISTS (SELECT 1 FROM people_audit_entry WHERE id = NEW.id)",
}
POSTGRESQL = {
    "append_only": "BEFORE UPDATE OR DELETE ON people_audit_entry FOR EACH ROW",
    "no_truncate": "BEFORE TRUNCATE ON people_audit_entry FOR EACH STATEMENT",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION people_audit_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        for name, when in POSTGRESQL.items():
            op.execute(
                f"CREATE TRIGGER people_audit_entry_{name} {when} EXECUTE FUNCTION people_audit_entry_is_append_only()"
            )
        return
    for name, when in SQLITE.items():
        op.execute(f"CREATE TRIGGER people_audit_entry_no_{name} {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in POSTGRESQL:
            op.execute(f"DROP TRIGGER people_audit_entry_{name} ON people_audit_entry")
        op.execute("DROP FUNCTION people_audit_entry_is_append_only()")
        return
    for name in SQLITE:
        op.execute(f"DROP TRIGGER people_audit_entry_no_{name}")
