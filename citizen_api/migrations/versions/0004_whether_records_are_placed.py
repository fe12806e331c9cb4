"""Whether the records are placed as they stand: what an import that was cut short left to do.

Revision: 0004, after 0003. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    linking = op.create_table(
        "care_linking",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("linked", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_linking")),
    )
    # Nothing is placed yet by rules of this release: the next import does it.
    op.bulk_insert(linking, [{"id": 1, "changed": 0, "linked": 0, "records": 0, "rules": 0}])


def downgrade() -> None:
    op.drop_table("care_linking")
