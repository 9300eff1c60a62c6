"""Steps in the field, and the photos that belong to them

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-24 22:00:00

"""
from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('field_steps',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('content_hash', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('result', sa.String(length=5), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_field_steps_actor_id')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_field_steps_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_field_steps'))
    )
    with op.batch_alter_table('field_steps', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_field_steps_actor_id'), ['actor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_field_steps_case_id'), ['case_id'], unique=False)

    if op.get_bind().dialect.name == "sqlite":  # in place: a copy of the table would take long on a large database
        op.execute("ALTER TABLE attachments ADD COLUMN step_id CHAR(32) REFERENCES field_steps (id)")
    else:
        op.add_column('attachments', sa.Column('step_id', sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f('fk_attachments_step_id'), 'attachments', 'field_steps', ['step_id'], ['id'])
    op.create_index(op.f('ix_attachments_step_id'), 'attachments', ['step_id'])


def downgrade():
    with op.batch_alter_table('attachments', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_attachments_step_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_attachments_step_id'))
        batch_op.drop_column('step_id')
    op.drop_table('field_steps')
