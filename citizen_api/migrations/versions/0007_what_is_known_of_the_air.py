"""What is known of the air: sources, facts revision by revision, stations and their readings, forecasts.

Revision: 0007, after 0006. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "air_source",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("producer", sa.String(length=200), nullable=False),
        sa.Column("licence", sa.String(length=100), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_air_source")),
    )
    op.create_table(
        "air_fact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("hazard", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("zone_kind", sa.String(length=12), nullable=False),
        sa.Column("zone_code", sa.String(length=9), nullable=False),
        sa.Column("subject", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("tier", sa.String(length=12), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('index', 'episode', 'vigilance')", name=op.f("ck_air_fact_kind")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["air_source.id"], name=op.f("fk_air_fact_source_id_air_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_air_fact")),
        sa.UniqueConstraint(
            "source_id",
            "hazard",
            "kind",
            "zone_kind",
            "zone_code",
            "subject",
            "day",
            "known_at",
            name="uq_air_fact_revision",
        ),
    )
    op.create_index("ix_air_fact_day", "air_fact", ["day", "hazard"], unique=False)
    op.create_index("ix_air_fact_zone", "air_fact", ["zone_kind", "zone_code", "day"], unique=False)
    op.create_table(
        "air_hourly_forecast",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("commune_code", sa.String(length=5), nullable=False),
        sa.Column("pollutant", sa.String(length=5), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_ug_m3", sa.Double(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["air_source.id"],
            name=op.f("fk_air_hourly_forecast_source_id_air_source"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "source_id", "commune_code", "pollutant", "ends_at", name=op.f("pk_air_hourly_forecast")
        ),
    )
    op.create_table(
        "air_reading",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("station_code", sa.String(length=30), nullable=False),
        sa.Column("pollutant", sa.String(length=5), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_ug_m3", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["air_source.id"], name=op.f("fk_air_reading_source_id_air_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", "station_code", "pollutant", "ends_at", name=op.f("pk_air_reading")),
    )
    op.create_table(
        "air_station",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("influence", sa.String(length=12), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("commune_code", sa.String(length=5), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["air_source.id"], name=op.f("fk_air_station_source_id_air_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", "code", name=op.f("pk_air_station")),
    )
    op.create_index(op.f("ix_air_station_commune_code"), "air_station", ["commune_code"], unique=False)


def downgrade() -> None:
    op.drop_table("air_station")
    op.drop_table("air_reading")
    op.drop_table("air_hourly_forecast")
    op.drop_table("air_fact")
    op.drop_table("air_source")
