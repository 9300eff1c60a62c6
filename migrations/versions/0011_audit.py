"""audit

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-25 12:50:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

# as for case_events in 0001: only ever added to, whoever holds the connection
APPEND_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events
        BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ]
    + [  # REPLACE deletes without asking the triggers above
        """CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
        WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END""",
        # the same again this hour is passed over, whoever inserts it and however
        """CREATE TRIGGER audit_events_once BEFORE INSERT ON audit_events
        WHEN EXISTS (SELECT 1 FROM audit_events WHERE once = NEW.once)
        BEGIN SELECT RAISE(IGNORE); END""",
    ],
    "postgresql": [
        """CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit_events is append-only'; END $$""",
        """CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
        """CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()""",
    ],
}


def upgrade():
    op.create_table('audit_events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('via', sa.String(length=7), nullable=False),
    sa.Column('role', sa.String(length=10), nullable=True),
    sa.Column('town_code', sa.String(length=9), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('object', sa.String(length=60), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('request', sa.String(length=12), nullable=False),
    sa.Column('once', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_audit_events_actor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_events')),
    sa.UniqueConstraint('once', name=op.f('uq_audit_events_once'))
    )
    op.create_index('ix_audit_events_town', 'audit_events', ['town_code', 'at', 'id'])
    op.create_index('ix_audit_events_actor', 'audit_events', ['actor_id', 'at', 'id'])
    op.create_index('ix_audit_events_object', 'audit_events', ['object', 'at', 'id'])
    # the audit reads the cases' own histories along with it
    op.create_index('ix_case_events_at', 'case_events', ['at', 'id'])
    op.create_index('ix_case_events_actor', 'case_events', ['actor_id', 'at', 'id'])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade():
    raise NotImplementedError("the audit would be lost")
