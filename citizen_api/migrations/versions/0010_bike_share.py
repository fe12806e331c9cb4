"""Bike share: systems as they were last read, and their stations as they last reported themselves.

Revision: 0010, after 0009. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mobility_bike_system",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("producer", sa.String(length=200), nullable=True),
        sa.Column("licence", sa.String(length=200), nullable=True),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mobility_bike_system")),
    )
    op.create_table(
        "mobility_bike_station",
        sa.Column("system_id", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("bikes", sa.Integer(), nullable=False),
        sa.Column("ebikes", sa.Integer(), nullable=True),
        sa.Column("docks", sa.Integer(), nullable=True),
        sa.Column("is_installed", sa.Boolean(), nullable=False),
        sa.Column("is_renting", sa.Boolean(), nullable=False),
        sa.Column("is_returning", sa.Boolean(), nullable=False),
        sa.Column("last_reported", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["mobility_bike_system.id"],
            name=op.f("fk_mobility_bike_station_system_id_mobility_bike_system"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("system_id", "code", name=op.f("pk_mobility_bike_station")),
    )
    op.create_index("ix_mobility_bike_station_lat", "mobility_bike_station", ["lat"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_mobility_bike_station_lat", table_name="mobility_bike_station")
    op.drop_table("mobility_bike_station")
    op.drop_table("mobility_bike_system")
