"""audit, what is seldom

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-25 19:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

SELDOM = sa.text("action NOT IN ('audit_seen', 'case_printed', 'case_seen', 'photo_seen', 'voice_seen')")


def upgrade():
    columns = ['town_code', 'at', 'id', 'action', 'actor_id']
    op.create_index('ix_audit_events_seldom', 'audit_events', columns, sqlite_where=SELDOM, postgresql_where=SELDOM)


def downgrade():
    op.drop_index('ix_audit_events_seldom', 'audit_events')
