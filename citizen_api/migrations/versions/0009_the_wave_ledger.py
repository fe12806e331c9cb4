"""The wave ledger: waves, their slices and chunks, messages and attempts; the pace of sending.

What devices were told is read from their messages from now on: the two tables of 0008 go. Nobody wrote to them.

A trigger counts the messages of devices that erase themselves on their wave, in the erasing transaction: whichever way
a device goes, no code can forget it. What goes after a wave was counted (`counts`) is only kept no longer.

Revision: 0009, after 0008. May run while the previous release still serves: only its `alerts preview` would miss them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COVERING = {
    "ix_people_registration_device_state": ("people_registration", ["device_id", "state"]),
    "ix_people_watch_of_device": ("people_watch", ["device_id", "hazard", "commune_code", "level", "told_when"]),
    "ix_people_preferences_of_device": ("people_preferences", ["device_id", "profile_key"]),
}
"""They hold all that the planning of a wave asks of a device."""
_COUNT_ERASED = "UPDATE notifications_wave SET erased = erased + 1 WHERE id = OLD.wave_id AND counts IS NULL"
_ON_SQLITE = (
    f"CREATE TRIGGER notifications_message_erased AFTER DELETE ON notifications_message BEGIN {_COUNT_ERASED}; END",
)
_ON_POSTGRESQL = (
    f"""CREATE FUNCTION notifications_message_erased() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {_COUNT_ERASED}; RETURN NULL; END $$""",
    """CREATE TRIGGER notifications_message_erased AFTER DELETE ON notifications_message
    FOR EACH ROW EXECUTE FUNCTION notifications_message_erased()""",
)


def upgrade() -> None:
    op.create_table(
        "notifications_mark",
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("beyond", sa.JSON(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_notifications_mark")),
    )
    op.create_table(
        "notifications_pace",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rate_per_s", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaigns_free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_pace")),
    )
    op.create_table(
        "notifications_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("commune_code", sa.String(length=5), nullable=False),
        sa.Column("hazard", sa.String(length=10), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("tier", sa.String(length=12), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_part")),
        sa.UniqueConstraint(
            "commune_code",
            "hazard",
            "level",
            "cause",
            "tier",
            "is_demo",
            name="uq_notifications_part_said",
        ),
    )
    op.create_table(
        "notifications_platform",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("stopped_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notifications_platform")),
    )
    op.create_table(
        "notifications_wave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planning_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.String(length=100), nullable=True),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ailing", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_wave")),
        sa.UniqueConstraint("code", name=op.f("uq_notifications_wave_code")),
        sa.UniqueConstraint("key", name=op.f("uq_notifications_wave_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notifications_wave_day"), "notifications_wave", ["day"], unique=False)
    op.create_index(op.f("ix_notifications_wave_opened_at"), "notifications_wave", ["opened_at"], unique=False)
    op.create_table(
        "notifications_chunk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("first_device", sa.String(length=22), nullable=False),
        sa.Column("last_device", sa.String(length=22), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("unsettled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["wave_id"],
            ["notifications_wave.id"],
            name=op.f("fk_notifications_chunk_wave_id_notifications_wave"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_chunk")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_chunk_due", "notifications_chunk", ["lane", "next_at"], unique=False)
    op.create_index(op.f("ix_notifications_chunk_wave_id"), "notifications_chunk", ["wave_id"], unique=False)
    op.create_table(
        "notifications_message",
        sa.Column("wave_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("state", sa.String(length=15), nullable=False),
        sa.Column("outcome_id", sa.Integer(), nullable=False),
        sa.Column("air", sa.Integer(), nullable=True),
        sa.Column("pollen", sa.Integer(), nullable=True),
        sa.Column("heat", sa.Integer(), nullable=True),
        sa.Column("uv", sa.Integer(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("maybe_delivered", sa.Boolean(), nullable=False),
        sa.Column("receipts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["people_device.id"],
            name=op.f("fk_notifications_message_device_id_people_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("wave_id", "device_id", name=op.f("pk_notifications_message")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_notifications_message_device", "notifications_message", ["device_id", "wave_id"], unique=False)
    op.create_index(
        "ix_notifications_message_held",
        "notifications_message",
        ["again_at"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "notifications_outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["wave_id"],
            ["notifications_wave.id"],
            name=op.f("fk_notifications_outcome_wave_id_notifications_wave"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_outcome")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notifications_outcome_wave_id"), "notifications_outcome", ["wave_id"], unique=False)
    op.create_table(
        "notifications_slice",
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("after", sa.String(length=22), nullable=False),
        sa.Column("until", sa.String(length=22), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.Column("no_consent", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["wave_id"],
            ["notifications_wave.id"],
            name=op.f("fk_notifications_slice_wave_id_notifications_wave"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("wave_id", "number", name=op.f("pk_notifications_slice")),
    )
    op.create_table(
        "notifications_attempt",
        sa.Column("wave_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.String(length=22), nullable=False),
        sa.Column("registration_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("platform", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=15), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["wave_id", "device_id"],
            ["notifications_message.wave_id", "notifications_message.device_id"],
            name="fk_notifications_attempt_message",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("wave_id", "device_id", "registration_id", name=op.f("pk_notifications_attempt")),
        sqlite_with_rowid=False,
    )
    op.drop_table("notifications_told_day")
    op.drop_index(op.f("ix_notifications_disturbance_device"), table_name="notifications_disturbance")
    op.drop_table("notifications_disturbance")
    op.drop_index("ix_people_registration_device_id", table_name="people_registration")
    for name, (table, columns) in _COVERING.items():
        op.create_index(name, table, columns)
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if on_sqlite:
        with op.batch_alter_table(
            "people_consent", recreate="always", table_kwargs={"sqlite_with_rowid": False}
        ) as batch:
            batch.alter_column("version", existing_type=sa.String(length=20))
        # The ids of facts are never given twice, so that the mark of how far was looked stays right.
        with op.batch_alter_table("air_fact", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
            batch.alter_column("hazard", existing_type=sa.String(length=10))
    for statement in _ON_SQLITE if on_sqlite else _ON_POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    for name, (table, _) in _COVERING.items():
        op.drop_index(name, table_name=table)
    op.create_index("ix_people_registration_device_id", "people_registration", ["device_id"])
    for name in ("attempt", "message", "slice", "chunk", "outcome", "part", "platform", "pace", "mark", "wave"):
        op.drop_table(f"notifications_{name}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION notifications_message_erased()")
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
