"""deadlines

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25 12:20:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


COLUMNS = (
    ("due_minutes", "INTEGER"),
    ("due_kind", "VARCHAR(8)"),
    ("extended_minutes", "INTEGER DEFAULT 0 NOT NULL"),
    ("asked_minutes", "INTEGER"),
    ("paused_at", "TIME"),
    ("paused_until", "TIME"),
    ("paused_why", "VARCHAR(200)"),
    ("nudged", "INTEGER DEFAULT 0 NOT NULL"),
    ("next_nudge_at", "TIME"),
    ("nudged_at", "TIME"),
    ("supervised_at", "TIME"),
)


def upgrade():
    time = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for name, kind in COLUMNS:  # in place, without touching a row
        op.execute(f"ALTER TABLE cases ADD COLUMN {name} {time if kind == 'TIME' else kind}")
    comes_up = sa.text("next_nudge_at IS NOT NULL")
    op.create_index('ix_cases_nudge', 'cases', ['next_nudge_at'], sqlite_where=comes_up, postgresql_where=comes_up)
    _limits_anew()


def _limits_anew():
    """A handful of rows under a longer key."""
    rows = op.get_bind().execute(sa.text("SELECT severity, step, minutes FROM limits")).all()
    op.drop_table('limits')
    limits = op.create_table('limits',
    sa.Column('severity', sa.SmallInteger(), nullable=False),
    sa.Column('step', sa.String(length=20), nullable=False),
    sa.Column('category_code', sa.String(length=20), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.PrimaryKeyConstraint('severity', 'step', 'category_code', name=op.f('pk_limits'))
    )
    kept = [{"severity": row[0], "step": row[1], "category_code": "", "minutes": row[2], "kind": "natural"} for row in rows]
    op.bulk_insert(limits, kept)


def downgrade():
    raise NotImplementedError("limits of categories and cases put aside have no place in the older tables")
