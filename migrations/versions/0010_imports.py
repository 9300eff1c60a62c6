"""imports

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-25 12:50:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade():
    running = sa.text("state = 'running'")
    op.create_table('ledgers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=10), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('settings', sa.JSON(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('faulty', sa.LargeBinary(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('opened', sa.Integer(), nullable=False),
    sa.Column('known', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_ledgers_town_code')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_ledgers_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledgers'))
    )
    op.create_index('ix_ledgers_running', 'ledgers', ['id'], sqlite_where=running, postgresql_where=running)
    op.create_index('ix_ledgers_town', 'ledgers', ['town_code', 'id'])
    op.create_index(op.f('ix_ledgers_created_at'), 'ledgers', ['created_at'])
    op.create_table('exports',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('query', sa.String(length=500), nullable=False),
    sa.Column('total', sa.Integer(), nullable=True),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_exports_town_code')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_exports_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exports'))
    )
    op.create_index('ix_exports_user', 'exports', ['user_id', 'id'])


def downgrade():
    op.drop_table('exports')
    op.drop_table('ledgers')
