"""Providers of appointments, what they publish, and handoffs to them.

Revision: 0011, after 0010. May run while the previous release still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "teleconsult_count",
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("feed_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("territory_code", sa.String(length=5), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("too_late", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "feed_id", "territory_code", "week", name=op.f("pk_teleconsult_count")),
    )
    op.create_table(
        "teleconsult_provider",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("modalities", sa.JSON(), nullable=False),
        sa.Column("specialties", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("sector", sa.String(length=10), nullable=True),
        sa.Column("third_party", sa.Boolean(), nullable=True),
        sa.Column("audience", sa.String(length=15), nullable=False),
        sa.Column("link_template", sa.String(length=1000), nullable=True),
        sa.Column("allowed_domains", sa.JSON(), nullable=False),
        sa.Column("granularity", sa.String(length=10), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("have_ready", sa.JSON(), nullable=False),
        sa.Column("territory_kind", sa.String(length=12), nullable=False),
        sa.Column("territory_code", sa.String(length=9), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("commune_code", sa.String(length=5), nullable=True),
        sa.Column("facility_id", sa.String(length=40), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("webhook_secrets", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "granularity IN ('slot', 'practice', 'home')", name=op.f("ck_teleconsult_provider_granularity")
        ),
        sa.CheckConstraint(
            "kind IN ('platform', 'practice', 'booth', 'public_service')", name=op.f("ck_teleconsult_provider_kind")
        ),
        sa.CheckConstraint("(lat IS NULL) = (lon IS NULL)", name=op.f("ck_teleconsult_provider_position")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["people_organisation.id"],
            name=op.f("fk_teleconsult_provider_organisation_id_people_organisation"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_provider")),
    )
    op.create_index(
        op.f("ix_teleconsult_provider_organisation_id"), "teleconsult_provider", ["organisation_id"], unique=False
    )
    op.create_table(
        "teleconsult_slot_watch",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("specialty", sa.String(length=30), nullable=False),
        sa.Column("modality", sa.String(length=10), nullable=True),
        sa.Column("commune_code", sa.String(length=5), nullable=False),
        sa.Column("within_km", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_teleconsult_slot_watch_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_slot_watch")),
    )
    op.create_index(op.f("ix_teleconsult_slot_watch_device_id"), "teleconsult_slot_watch", ["device_id"], unique=False)
    op.create_index(op.f("ix_teleconsult_slot_watch_specialty"), "teleconsult_slot_watch", ["specialty"], unique=False)
    op.create_index(op.f("ix_teleconsult_slot_watch_until"), "teleconsult_slot_watch", ["until"], unique=False)
    op.create_table(
        "teleconsult_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=15), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("asks_since", sa.Boolean(), nullable=False),
        sa.Column("poll_s", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("read_s", sa.Double(), nullable=True),
        sa.Column("read_bytes", sa.BigInteger(), nullable=True),
        sa.Column("gone_rate", sa.Double(), nullable=True),
        sa.CheckConstraint("kind IN ('smart', 'fhir', 'availability')", name=op.f("ck_teleconsult_feed_kind")),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["teleconsult_provider.id"],
            name=op.f("fk_teleconsult_feed_provider_id_teleconsult_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_feed")),
        sa.UniqueConstraint("name", name=op.f("uq_teleconsult_feed_name")),
    )
    op.create_index(op.f("ix_teleconsult_feed_next_try_at"), "teleconsult_feed", ["next_try_at"], unique=False)
    op.create_index(op.f("ix_teleconsult_feed_provider_id"), "teleconsult_feed", ["provider_id"], unique=False)
    op.create_table(
        "teleconsult_handoff",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("key_salt", sa.String(length=44), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=True),
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("referral", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=True),
        sa.Column("slot_key", sa.BigInteger(), nullable=True),
        sa.Column("specialty", sa.String(length=30), nullable=True),
        sa.Column("modality", sa.String(length=10), nullable=True),
        sa.Column("granularity", sa.String(length=10), nullable=False),
        sa.Column("link", sa.String(length=1000), nullable=True),
        sa.Column("starts_s", sa.BigInteger(), nullable=True),
        sa.Column("ends_s", sa.BigInteger(), nullable=True),
        sa.Column("territory_code", sa.String(length=5), nullable=False),
        sa.Column("remind", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(feed_id IS NULL) = (slot_key IS NULL)", name=op.f("ck_teleconsult_handoff_slot")),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_teleconsult_handoff_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["teleconsult_provider.id"],
            name=op.f("fk_teleconsult_handoff_provider_id_teleconsult_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_handoff")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_teleconsult_handoff_key_hash")),
        sa.UniqueConstraint("referral", name=op.f("uq_teleconsult_handoff_referral")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_teleconsult_handoff_token_hash")),
    )
    op.create_index(op.f("ix_teleconsult_handoff_device_id"), "teleconsult_handoff", ["device_id"], unique=False)
    op.create_index("ix_teleconsult_handoff_expires", "teleconsult_handoff", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_teleconsult_handoff_provider_id"), "teleconsult_handoff", ["provider_id"], unique=False)
    op.create_table(
        "teleconsult_webhook_seen",
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["teleconsult_provider.id"],
            name=op.f("fk_teleconsult_webhook_seen_provider_id_teleconsult_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider_id", "digest", name=op.f("pk_teleconsult_webhook_seen")),
    )
    op.create_index(
        op.f("ix_teleconsult_webhook_seen_received_at"), "teleconsult_webhook_seen", ["received_at"], unique=False
    )
    op.create_table(
        "teleconsult_handoff_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handoff_id", sa.String(length=22), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was", sa.String(length=12), nullable=True),
        sa.Column("became", sa.String(length=12), nullable=False),
        sa.Column("by", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["handoff_id"],
            ["teleconsult_handoff.id"],
            name=op.f("fk_teleconsult_handoff_event_handoff_id_teleconsult_handoff"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_handoff_event")),
    )
    op.create_index(
        op.f("ix_teleconsult_handoff_event_handoff_id"), "teleconsult_handoff_event", ["handoff_id"], unique=False
    )
    op.create_table(
        "teleconsult_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("commune_code", sa.String(length=5), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("facility_id", sa.String(length=40), nullable=True),
        sa.Column("is_virtual", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"],
            ["teleconsult_feed.id"],
            name=op.f("fk_teleconsult_place_feed_id_teleconsult_feed"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_place")),
        sa.UniqueConstraint("feed_id", "source_id", name=op.f("uq_teleconsult_place_feed_id_source_id")),
    )
    op.create_table(
        "teleconsult_reminder",
        sa.Column("handoff_id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_s", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('day', 'hour')", name=op.f("ck_teleconsult_reminder_kind")),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_teleconsult_reminder_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["handoff_id"],
            ["teleconsult_handoff.id"],
            name=op.f("fk_teleconsult_reminder_handoff_id_teleconsult_handoff"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("handoff_id", "kind", name=op.f("pk_teleconsult_reminder")),
    )
    op.create_index(op.f("ix_teleconsult_reminder_device_id"), "teleconsult_reminder", ["device_id"], unique=False)
    op.create_index(op.f("ix_teleconsult_reminder_due_at"), "teleconsult_reminder", ["due_at"], unique=False)
    op.create_table(
        "teleconsult_schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("modality", sa.String(length=10), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("sector", sa.String(length=10), nullable=True),
        sa.Column("third_party", sa.Boolean(), nullable=True),
        sa.Column("audience", sa.String(length=15), nullable=True),
        sa.Column("link", sa.String(length=1000), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("availability", sa.String(length=10), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_new_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["feed_id"],
            ["teleconsult_feed.id"],
            name=op.f("fk_teleconsult_schedule_feed_id_teleconsult_feed"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["teleconsult_place.id"],
            name=op.f("fk_teleconsult_schedule_place_id_teleconsult_place"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teleconsult_schedule")),
        sa.UniqueConstraint("feed_id", "source_id", name=op.f("uq_teleconsult_schedule_feed_id_source_id")),
    )
    op.create_index(op.f("ix_teleconsult_schedule_last_new_at"), "teleconsult_schedule", ["last_new_at"], unique=False)
    op.create_index(op.f("ix_teleconsult_schedule_place_id"), "teleconsult_schedule", ["place_id"], unique=False)
    op.create_table(
        "teleconsult_service",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("specialty", sa.String(length=30), nullable=False),
        sa.Column("modality", sa.String(length=10), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("languages", sa.String(length=100), nullable=False),
        sa.Column("sector", sa.String(length=10), nullable=True),
        sa.Column("third_party", sa.Boolean(), nullable=True),
        sa.Column("audience", sa.String(length=15), nullable=False),
        sa.Column("first_start_s", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["feed_id"],
            ["teleconsult_feed.id"],
            name=op.f("fk_teleconsult_service_feed_id_teleconsult_feed"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["teleconsult_provider.id"],
            name=op.f("fk_teleconsult_service_provider_id_teleconsult_provider"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["teleconsult_schedule.id"],
            name=op.f("fk_teleconsult_service_schedule_id_teleconsult_schedule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "specialty", name=op.f("pk_teleconsult_service")),
    )
    op.create_index(op.f("ix_teleconsult_service_feed_id"), "teleconsult_service", ["feed_id"], unique=False)
    op.create_index(op.f("ix_teleconsult_service_provider_id"), "teleconsult_service", ["provider_id"], unique=False)
    op.create_index(
        "ix_teleconsult_service_first",
        "teleconsult_service",
        ["modality", "first_start_s", "schedule_id"],
        unique=False,
    )
    op.create_index(
        "ix_teleconsult_service_sought",
        "teleconsult_service",
        ["specialty", "modality", "lat", "lon", "first_start_s", "schedule_id", "feed_id"],
        unique=False,
    )
    op.create_index(
        "ix_teleconsult_service_sought_first",
        "teleconsult_service",
        ["specialty", "modality", "first_start_s", "schedule_id"],
        unique=False,
    )
    op.create_table(
        "teleconsult_slot",
        sa.Column("feed_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("link", sa.String(length=1000), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("file", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"],
            ["teleconsult_feed.id"],
            name=op.f("fk_teleconsult_slot_feed_id_teleconsult_feed"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["teleconsult_schedule.id"],
            name=op.f("fk_teleconsult_slot_schedule_id_teleconsult_schedule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("feed_id", "key", name=op.f("pk_teleconsult_slot")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_teleconsult_slot_schedule", "teleconsult_slot", ["schedule_id", "start_s"], unique=False)
    op.create_index("ix_teleconsult_slot_start", "teleconsult_slot", ["start_s", "schedule_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_teleconsult_slot_start", table_name="teleconsult_slot")
    op.drop_index("ix_teleconsult_slot_schedule", table_name="teleconsult_slot")
    op.drop_table("teleconsult_slot")
    op.drop_index("ix_teleconsult_service_sought_first", table_name="teleconsult_service")
    op.drop_index("ix_teleconsult_service_sought", table_name="teleconsult_service")
    op.drop_index("ix_teleconsult_service_first", table_name="teleconsult_service")
    op.drop_index(op.f("ix_teleconsult_service_provider_id"), table_name="teleconsult_service")
    op.drop_index(op.f("ix_teleconsult_service_feed_id"), table_name="teleconsult_service")
    op.drop_table("teleconsult_service")
    op.drop_index(op.f("ix_teleconsult_schedule_place_id"), table_name="teleconsult_schedule")
    op.drop_index(op.f("ix_teleconsult_schedule_last_new_at"), table_name="teleconsult_schedule")
    op.drop_table("teleconsult_schedule")
    op.drop_index(op.f("ix_teleconsult_reminder_due_at"), table_name="teleconsult_reminder")
    op.drop_index(op.f("ix_teleconsult_reminder_device_id"), table_name="teleconsult_reminder")
    op.drop_table("teleconsult_reminder")
    op.drop_table("teleconsult_place")
    op.drop_index(op.f("ix_teleconsult_handoff_event_handoff_id"), table_name="teleconsult_handoff_event")
    op.drop_table("teleconsult_handoff_event")
    op.drop_index(op.f("ix_teleconsult_webhook_seen_received_at"), table_name="teleconsult_webhook_seen")
    op.drop_table("teleconsult_webhook_seen")
    op.drop_index(op.f("ix_teleconsult_handoff_provider_id"), table_name="teleconsult_handoff")
    op.drop_index("ix_teleconsult_handoff_expires", table_name="teleconsult_handoff")
    op.drop_index(op.f("ix_teleconsult_handoff_device_id"), table_name="teleconsult_handoff")
    op.drop_table("teleconsult_handoff")
    op.drop_index(op.f("ix_teleconsult_feed_provider_id"), table_name="teleconsult_feed")
    op.drop_index(op.f("ix_teleconsult_feed_next_try_at"), table_name="teleconsult_feed")
    op.drop_table("teleconsult_feed")
    op.drop_index(op.f("ix_teleconsult_slot_watch_until"), table_name="teleconsult_slot_watch")
    op.drop_index(op.f("ix_teleconsult_slot_watch_specialty"), table_name="teleconsult_slot_watch")
    op.drop_index(op.f("ix_teleconsult_slot_watch_device_id"), table_name="teleconsult_slot_watch")
    op.drop_table("teleconsult_slot_watch")
    op.drop_index(op.f("ix_teleconsult_provider_organisation_id"), table_name="teleconsult_provider")
    op.drop_table("teleconsult_provider")
    op.drop_table("teleconsult_count")
