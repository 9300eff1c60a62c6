"""Policies, rosters, channels and drills; an alert need not belong to a case

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-25 01:00:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade():
    _new_tables()
    if op.get_bind().dialect.name == "sqlite":  # in place: a copy of the tables would take long on a large database
        _alter_sqlite()
    else:
        _alter_postgresql()
    op.create_index(op.f('ix_alerts_drill_id'), 'alerts', ['drill_id'])
    is_proof = sa.text("purpose = 'proof'")
    op.create_index('ix_alerts_proof', 'alerts', ['raised_at'], sqlite_where=is_proof, postgresql_where=is_proof)
    op.create_index('uq_alerts_once', 'alerts', ['once'], unique=True)
    op.create_index(op.f('ix_deliveries_contact_id'), 'deliveries', ['contact_id'])
    op.create_index(op.f('ix_deliveries_subscription_id'), 'deliveries', ['subscription_id'])
    op.create_index('uq_deliveries_link', 'deliveries', ['link_hash'], unique=True)
    op.create_index('uq_deliveries_contact', 'deliveries', ['alert_id', 'user_id', 'rung', 'contact_id'], unique=True)


def downgrade():
    raise NotImplementedError("drills and channels have no place in the older tables: restore the backup made before")


def _alter_sqlite():
    for column in (
        "alerts ADD COLUMN drill_id INTEGER REFERENCES drills (id)",
        "alerts ADD COLUMN once VARCHAR(80)",
        "alerts ADD COLUMN policy JSON",
        "alerts DROP COLUMN minutes",
        "deliveries ADD COLUMN contact_id INTEGER REFERENCES contacts (id)",
        "deliveries ADD COLUMN turn INTEGER DEFAULT 0 NOT NULL",
        "deliveries ADD COLUMN copied BOOLEAN DEFAULT 0 NOT NULL",
        "deliveries ADD COLUMN opened_at DATETIME",
        "deliveries ADD COLUMN link_hash VARCHAR(64)",
        "deliveries ADD COLUMN why VARCHAR(24) DEFAULT '' NOT NULL",
        "push_subscriptions ADD COLUMN proved_at DATETIME",
    ):
        op.execute(f"ALTER TABLE {column}")
    # a NOT NULL is taken away as https://www.sqlite.org/lang_altertable.html says, without touching a row
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar()
    op.execute("PRAGMA writable_schema=ON")
    op.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'case_id INTEGER NOT NULL', 'case_id INTEGER')"
        " WHERE type = 'table' AND name = 'alerts'"
    )
    op.execute(f"PRAGMA schema_version={version + 1}")
    op.execute("PRAGMA writable_schema=RESET")


def _alter_postgresql():
    op.add_column('alerts', sa.Column('drill_id', sa.Integer(), nullable=True))
    op.add_column('alerts', sa.Column('once', sa.String(length=80), nullable=True))
    op.add_column('alerts', sa.Column('policy', sa.JSON(), nullable=True))
    op.drop_column('alerts', 'minutes')
    op.alter_column('alerts', 'case_id', existing_type=sa.Integer(), nullable=True)
    op.create_foreign_key(op.f('fk_alerts_drill_id'), 'alerts', 'drills', ['drill_id'], ['id'])
    op.add_column('deliveries', sa.Column('contact_id', sa.Integer(), nullable=True))
    op.add_column('deliveries', sa.Column('turn', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('deliveries', sa.Column('copied', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('deliveries', sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('deliveries', sa.Column('link_hash', sa.String(length=64), nullable=True))
    op.add_column('deliveries', sa.Column('why', sa.String(length=24), nullable=False, server_default=''))
    op.alter_column('deliveries', 'channel', existing_type=sa.String(length=10), type_=sa.String(length=16))
    op.create_foreign_key(op.f('fk_deliveries_contact_id'), 'deliveries', 'contacts', ['contact_id'], ['id'])
    op.add_column('push_subscriptions', sa.Column('proved_at', sa.DateTime(timezone=True), nullable=True))


def _new_tables():
    op.create_table('calendar_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=4), nullable=False),
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_calendar_days'))
    )
    op.create_table('calendar_years',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_calendar_years'))
    )
    op.create_table('tallies',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('label', sa.String(length=40), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('name', 'label', name=op.f('pk_tallies'))
    )
    op.create_table('gateways',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('sealed', sa.Text(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_owner', sa.String(length=60), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_gateways_town_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gateways'))
    )
    with op.batch_alter_table('gateways', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_gateways_town_code'), ['town_code'], unique=False)

    op.create_table('rotations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('rung', sa.String(length=10), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('members', sa.JSON(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('cuts', sa.JSON(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('days', sa.String(length=10), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_rotations_town_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rotations'))
    )
    with op.batch_alter_table('rotations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rotations_town_code'), ['town_code'], unique=False)

    op.create_table('contacts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.Text(), nullable=False),
    sa.Column('hint', sa.String(length=60), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_why', sa.String(length=120), nullable=True),
    sa.ForeignKeyConstraint(['gateway_id'], ['gateways.id'], name=op.f('fk_contacts_gateway_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_contacts_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts'))
    )
    with op.batch_alter_table('contacts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contacts_gateway_id'), ['gateway_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contacts_user_id'), ['user_id'], unique=False)

    op.create_table('drills',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('note', sa.String(length=80), nullable=False),
    sa.Column('started_by_id', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['started_by_id'], ['users.id'], name=op.f('fk_drills_started_by_id')),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_drills_town_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drills'))
    )
    with op.batch_alter_table('drills', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drills_town_code'), ['town_code'], unique=False)

    op.create_table('feeds',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('whole_town', sa.Boolean(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_feeds_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feeds')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_feeds_token_hash'))
    )
    with op.batch_alter_table('feeds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_feeds_user_id'), ['user_id'], unique=False)

    op.create_table('handovers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('lines', sa.JSON(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('giver_id', sa.Integer(), nullable=False),
    sa.Column('taker_id', sa.Integer(), nullable=True),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['giver_id'], ['users.id'], name=op.f('fk_handovers_giver_id')),
    sa.ForeignKeyConstraint(['taker_id'], ['users.id'], name=op.f('fk_handovers_taker_id')),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_handovers_town_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handovers'))
    )
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handovers_town_code'), ['town_code'], unique=False)
        batch_op.create_index('uq_handovers_waiting', ['town_code'], unique=True, sqlite_where=sa.text("state = 'given'"), postgresql_where=sa.text("state = 'given'"))

    op.create_table('overrides',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rotation_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=80), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_overrides_made_by_id')),
    sa.ForeignKeyConstraint(['rotation_id'], ['rotations.id'], name=op.f('fk_overrides_rotation_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_overrides_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_overrides'))
    )
    with op.batch_alter_table('overrides', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_overrides_rotation_id'), ['rotation_id'], unique=False)

    op.create_table('policies',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('purpose', sa.String(length=10), nullable=False),
    sa.Column('severity', sa.SmallInteger(), nullable=False),
    sa.Column('category_code', sa.String(length=20), nullable=False),
    sa.Column('ladder', sa.JSON(), nullable=False),
    sa.Column('changed_by_id', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['changed_by_id'], ['users.id'], name=op.f('fk_policies_changed_by_id')),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_policies_town_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policies')),
    sa.UniqueConstraint('town_code', 'purpose', 'severity', 'category_code', name=op.f('uq_policies_town_code'))
    )
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_policies_town_code'), ['town_code'], unique=False)

    op.create_table('preferences',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('channels', sa.JSON(), nullable=False),
    sa.Column('quiet_from', sa.Integer(), nullable=True),
    sa.Column('quiet_to', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_preferences_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_preferences'))
    )
    op.create_table('swaps',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rotation_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('back_rotation_id', sa.Integer(), nullable=True),
    sa.Column('back_starts_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('back_ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asker_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('note', sa.String(length=80), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asker_id'], ['users.id'], name=op.f('fk_swaps_asker_id')),
    sa.ForeignKeyConstraint(['back_rotation_id'], ['rotations.id'], name=op.f('fk_swaps_back_rotation_id')),
    sa.ForeignKeyConstraint(['other_id'], ['users.id'], name=op.f('fk_swaps_other_id')),
    sa.ForeignKeyConstraint(['rotation_id'], ['rotations.id'], name=op.f('fk_swaps_rotation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_swaps'))
    )
    with op.batch_alter_table('swaps', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_swaps_asker_id'), ['asker_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_swaps_other_id'), ['other_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_swaps_rotation_id'), ['rotation_id'], unique=False)

    op.create_table('group_posts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=False),
    sa.Column('line', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('error', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.id'], name=op.f('fk_group_posts_alert_id')),
    sa.ForeignKeyConstraint(['gateway_id'], ['gateways.id'], name=op.f('fk_group_posts_gateway_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_posts'))
    )
    with op.batch_alter_table('group_posts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_group_posts_alert_id'), ['alert_id'], unique=False)
        batch_op.create_index('ix_group_posts_waiting', ['gateway_id'], unique=False, sqlite_where=sa.text("state IN ('queued', 'failed-temporary')"), postgresql_where=sa.text("state IN ('queued', 'failed-temporary')"))
