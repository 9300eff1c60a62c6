"""dispatch

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-25 12:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('dispatch_rules',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=15), nullable=False),
    sa.Column('category_code', sa.String(length=20), nullable=True),
    sa.Column('area_code', sa.String(length=15), nullable=True),
    sa.Column('department_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['area_code'], ['areas.code'], name=op.f('fk_dispatch_rules_area_code')),
    sa.ForeignKeyConstraint(['category_code'], ['categories.code'], name=op.f('fk_dispatch_rules_category_code')),
    sa.ForeignKeyConstraint(['department_id'], ['departments.id'], name=op.f('fk_dispatch_rules_department_id')),
    sa.ForeignKeyConstraint(['town_code'], ['areas.code'], name=op.f('fk_dispatch_rules_town_code')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_dispatch_rules_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispatch_rules'))
    )
    op.create_index(op.f('ix_dispatch_rules_town_code'), 'dispatch_rules', ['town_code'], unique=False)
    in_hand = sa.text('returned_at IS NULL AND answered_at IS NULL')
    op.create_index(
        'ix_assignments_in_hand', 'assignments', ['case_id', 'user_id', 'department_id'],
        sqlite_where=in_hand, postgresql_where=in_hand,
    )
    op.add_column('users', sa.Column('seat', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade():
    op.drop_column('users', 'seat')
    op.drop_index('ix_assignments_in_hand', 'assignments')
    op.drop_table('dispatch_rules')
