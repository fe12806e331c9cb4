"""One facility of many sources: who says what, what differs, ids merged away, what residents ask of a practice.

Revision: 0003, after 0002. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FACILITY = (
    ("services", sa.JSON()),
    ("accepts_new_patients", sa.Boolean()),
    ("payment_sector", sa.String(length=10)),
    ("third_party_payment", sa.String(length=10)),
    ("home_visits", sa.Boolean()),
    ("languages", sa.JSON()),
    ("call_15_first", sa.Boolean()),
    ("field_sources", sa.JSON()),
    ("conflicts", sa.JSON()),
)


def upgrade() -> None:
    # All may be empty: the previous release, which knows none of these columns, may still insert.
    for name, kind in FACILITY:
        op.add_column("care_facility", sa.Column(name, kind, nullable=True))
    op.add_column("care_facility_record", sa.Column("confidence", sa.Double(), nullable=False, server_default="1"))
    op.drop_index("ix_care_facility_record_facility_id", "care_facility_record")
    op.create_index(
        "ix_care_facility_record_said", "care_facility_record", ["facility_id", "source_id", "dated", "closed_at"]
    )
    op.create_table(
        "care_facility_alias",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("facility_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["care_facility.id"],
            name=op.f("fk_care_facility_alias_facility_id_care_facility"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_facility_alias")),
    )
    op.create_index(op.f("ix_care_facility_alias_facility_id"), "care_facility_alias", ["facility_id"])


def downgrade() -> None:
    op.drop_table("care_facility_alias")
    op.drop_index("ix_care_facility_record_said", "care_facility_record")
    op.create_index("ix_care_facility_record_facility_id", "care_facility_record", ["facility_id"])
    op.drop_column("care_facility_record", "confidence")
    for name, _ in reversed(FACILITY):
        op.drop_column("care_facility", name)
