"""hands

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-25 12:50:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('phrases',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('town_code', sa.String(length=9), nullable=False),
    sa.Column('verb', sa.String(length=20), nullable=False),
    sa.Column('text', sa.String(length=120), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phrases')),
    sa.UniqueConstraint('town_code', 'verb', 'text', name=op.f('uq_phrases_town_code'))
    )


def downgrade():
    op.drop_table('phrases')
