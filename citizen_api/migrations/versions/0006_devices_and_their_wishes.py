"""Devices of residents and their wishes: registrations, watches, preferences, consents, moves to a new phone.

Revision: 0006, after 0005. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _device(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return (
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f(f"fk_{table}_device_id_people_device"),
            ondelete="CASCADE",
        ),
    )


def upgrade() -> None:
    op.create_table(
        "people_device",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_device")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_people_device_token_hash")),
    )
    op.create_index(op.f("ix_people_device_seen_on"), "people_device", ["seen_on"])
    op.create_table(
        "people_registration",
        sa.Column("id", sa.Integer(), nullable=False),
        *_device("people_registration"),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.String(length=87), nullable=True),
        sa.Column("auth", sa.String(length=22), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'webpush') = (p256dh IS NOT NULL) AND (p256dh IS NULL) = (auth IS NULL)",
            name=op.f("ck_people_registration_keys_of_webpush"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_registration")),
        sa.UniqueConstraint("digest", name=op.f("uq_people_registration_digest")),
    )
    op.create_index(op.f("ix_people_registration_device_id"), "people_registration", ["device_id"])
    op.create_table(
        "people_watch",
        sa.Column("id", sa.String(length=22), nullable=False),
        *_device("people_watch"),
        sa.Column("commune_code", sa.String(length=5), nullable=False),
        sa.Column("hazard", sa.String(length=10), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("told_when", sa.String(length=15), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_watch")),
        sa.UniqueConstraint(
            "device_id",
            "commune_code",
            "hazard",
            "told_when",
            name=op.f("uq_people_watch_device_id_commune_code_hazard_told_when"),
        ),
    )
    op.create_index("ix_people_watch_place", "people_watch", ["commune_code", "hazard", "level"])
    op.create_table(
        "people_preferences",
        *_device("people_preferences"),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("profile_key", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_people_preferences")),
    )
    op.create_index(op.f("ix_people_preferences_profile_key"), "people_preferences", ["profile_key"])
    op.create_table(
        "people_consent",
        *_device("people_consent"),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "purpose", name=op.f("pk_people_consent")),
    )
    op.create_table(
        "people_transfer",
        *_device("people_transfer"),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_people_transfer")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_people_transfer_code_hash")),
    )


def downgrade() -> None:
    for table in (
        "people_transfer",
        "people_consent",
        "people_preferences",
        "people_watch",
        "people_registration",
        "people_device",
    ):
        op.drop_table(table)
