"""Repeats: scales learned for each kind, what the desk decided, and what a picture looks like

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25 12:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('similarity_scales',
    sa.Column('category_code', sa.String(length=20), nullable=False),
    sa.Column('learned', sa.JSON(), nullable=False),
    sa.Column('learned_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('category_code', name=op.f('pk_similarity_scales'))
    )
    op.create_table('pair_decisions',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('category_code', sa.String(length=20), nullable=True),
    sa.Column('same', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_pair_decisions_case_id')),
    sa.ForeignKeyConstraint(['category_code'], ['categories.code'], name=op.f('fk_pair_decisions_category_code')),
    sa.ForeignKeyConstraint(['other_id'], ['cases.id'], name=op.f('fk_pair_decisions_other_id')),
    sa.PrimaryKeyConstraint('case_id', 'other_id', name=op.f('pk_pair_decisions'))
    )
    op.add_column('attachments', sa.Column('looks', sa.String(length=16), nullable=True))


def downgrade():
    op.drop_column('attachments', 'looks')
    op.drop_table('pair_decisions')
    op.drop_table('similarity_scales')
