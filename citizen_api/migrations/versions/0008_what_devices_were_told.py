"""What devices were told: the last word about each day, and what counts towards their caps.

Revision: 0008, after 0007. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications_disturbance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_notifications_disturbance_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_disturbance")),
    )
    op.create_index(
        "ix_notifications_disturbance_device", "notifications_disturbance", ["device_id", "told_at"], unique=False
    )
    op.create_table(
        "notifications_told_day",
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("air", sa.Integer(), nullable=True),
        sa.Column("pollen", sa.Integer(), nullable=True),
        sa.Column("heat", sa.Integer(), nullable=True),
        sa.Column("uv", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_notifications_told_day_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", "day", name=op.f("pk_notifications_told_day")),
    )


def downgrade() -> None:
    op.drop_table("notifications_told_day")
    op.drop_table("notifications_disturbance")
