"""Who keeps which cell, and an index for a map of what is over

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-25 12:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('cell_keepers',
    sa.Column('area_code', sa.String(length=15), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['area_code'], ['areas.code'], name=op.f('fk_cell_keepers_area_code')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_cell_keepers_user_id')),
    sa.PrimaryKeyConstraint('area_code', 'user_id', name=op.f('pk_cell_keepers'))
    )
    op.create_index(op.f('ix_cell_keepers_user_id'), 'cell_keepers', ['user_id'])
    is_over = sa.text('closed_at IS NOT NULL')
    op.create_index(
        'ix_cases_over', 'cases', ['town_code', 'closed_at', 'lat', 'lon', 'severity', 'status'],
        sqlite_where=is_over, postgresql_where=is_over,
    )


def downgrade():
    op.drop_index('ix_cases_over', 'cases')
    op.drop_table('cell_keepers')
