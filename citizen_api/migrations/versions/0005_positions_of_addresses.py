"""Positions of addresses: what the outside geocoder answered, so that it is asked once.

Revision: 0005, after 0004. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_address_position",
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind IS NULL) = (lat IS NULL)", name=op.f("ck_care_address_position_kind_with_position")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_care_address_position")),
    )


def downgrade() -> None:
    op.drop_table("care_address_position")
