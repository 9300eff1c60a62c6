"""queue

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-25 12:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

MOSTLY_NONE = (
    ('ix_attachments_case_id', 'attachments', 'case_id'),
    ('ix_attachments_step_id', 'attachments', 'step_id'),
    ('ix_alerts_drill_id', 'alerts', 'drill_id'),
)


def upgrade():
    op.execute("ALTER TABLE cases ADD COLUMN source VARCHAR(10) DEFAULT 'patrol' NOT NULL")
    done = sa.text("status IN ('closed', 'declined', 'merged')")
    op.create_index(
        'ix_cases_done', 'cases',
        ['town_code', 'opened_at', 'id', 'area_code', 'category_code', 'severity', 'source', 'status'],
        sqlite_where=done, postgresql_where=done,
    )
    op.create_index('ix_alerts_raised', 'alerts', ['town_code', 'raised_at'])
    for name, table, column in MOSTLY_NONE:
        there = sa.text(f'{column} IS NOT NULL')
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)
    op.create_table('saved_views',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=30), nullable=False),
    sa.Column('query', sa.String(length=500), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_saved_views_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_views')),
    sa.UniqueConstraint('user_id', 'name', name=op.f('uq_saved_views_user_id'))
    )


def downgrade():
    op.drop_table('saved_views')
    op.drop_index('ix_alerts_raised', table_name='alerts')
    for name, table, column in MOSTLY_NONE:
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column])
    op.drop_index('ix_cases_done', table_name='cases')
    op.drop_column('cases', 'source')
