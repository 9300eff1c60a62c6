"""Words by which cases are found

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25 12:20:00

"""
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade():
    """The index begins empty, whatever there is already: the worker fills it in (see search.py), newest first."""
    for statement in TABLES[op.get_bind().dialect.name]:
        op.execute(statement)
    op.execute("""INSERT INTO facts (name, value)
        SELECT 'search_left', CAST(coalesce(max(id), 0) AS VARCHAR(20)) FROM cases""")


def downgrade():
    op.execute("DROP TABLE case_words")
    op.execute("DELETE FROM facts WHERE name = 'search_left'")


TABLES = {
    # without positions and lengths: tokens are looked for one by one, and rank is our own; one character is the
    # beginning of thousands of words, so those are indexed by it too
    "sqlite": ["""CREATE VIRTUAL TABLE case_words USING fts5
        (words, tokenize = "ascii tokenchars '~#@'", detail = none, columnsize = 0, prefix = '1')""",
        # tidy up half as often: one report in a hundred waited 30 ms for it
        "INSERT INTO case_words (case_words, rank) VALUES ('automerge', 8)"],
    "postgresql": [
        "CREATE TABLE case_words (case_id integer PRIMARY KEY, town_code varchar(9) NOT NULL, words tsvector NOT NULL)",
        "CREATE INDEX ix_case_words_newest ON case_words (town_code, case_id)",
        # what came last waits in a short list, or each report would be sixty changes of a tree
        "CREATE INDEX ix_case_words_words ON case_words USING gin (words) WITH (gin_pending_list_limit = 256)",
    ],
}
