"""The table of words on either database: SQLite's FTS5, PostgreSQL's tsvector under GIN. Which words a case has is
rules/tokens.py's matter, what somebody looks for rules/finding.py's; docs/adr/0022 says why it is made like this.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from fieldapp.db import db
from fieldapp.models import IS_OPEN
from fieldapp.rules.finding import Need, Term

OPEN = "@open"
TOP = 2**31 - 1  # above every id
RECENT = 4000  # cases of a town that PostgreSQL looks through one by one to see whether a word is common
FARTHEST = 50_000  # cases looked through for a common one: it takes as long as 10,000 finds by the index
GIN = "CREATE INDEX ix_case_words_words ON case_words USING gin (words) WITH (gin_pending_list_limit = 256)"

ADD = {
    "sqlite": text("INSERT INTO case_words (rowid, words) VALUES (:case_id, :words)"),
    "postgresql": text(
        "INSERT INTO case_words (case_id, town_code, words) VALUES (:case_id, :town, array_to_tsvector(:words))"
    ),
}
PUT = {
    "sqlite": text("INSERT OR REPLACE INTO case_words (rowid, words) VALUES (:case_id, :words)"),
    "postgresql": text(
        ADD["postgresql"].text
        + " ON CONFLICT (case_id) DO UPDATE SET town_code = excluded.town_code, words = excluded.words"
    ),
}
FTS = text(
    "SELECT rowid FROM case_words WHERE case_words MATCH :query AND rowid < :below ORDER BY rowid DESC LIMIT :most"
)
# a common word is soon found among the newest, where the index would first gather all that ever had it
AMONG_NEWEST = text("""
SELECT case_id FROM (
  SELECT case_id, words FROM case_words WHERE town_code = :town AND case_id < :below ORDER BY case_id DESC LIMIT :recent
) AS newest WHERE words @@ CAST(:query AS tsquery) ORDER BY case_id DESC LIMIT :most""")
# "+ 0": or the planner, who cannot know how rare words go together, walks down the newest through a million rows
BY_INDEX = text("""
SELECT case_id FROM case_words WHERE words @@ CAST(:query AS tsquery) AND town_code = :town AND case_id < :below
ORDER BY case_id + 0 DESC LIMIT :most""")

# what begins with one character has thousands of words in the tree; the few that are open are looked through instead
AMONG_OPEN = text(f"""
SELECT case_id FROM (
  SELECT case_words.case_id, case_words.words FROM cases JOIN case_words ON case_words.case_id = cases.id
  WHERE cases.town_code = :town AND {IS_OPEN} AND cases.id < :below OFFSET 0
) AS open_ones WHERE words @@ CAST(:query AS tsquery) ORDER BY case_id DESC LIMIT :most""")  # noqa: S608  our own text


class Row(NamedTuple):
    """A case's words; `town` is its town's code."""

    case_id: int
    town: str
    words: list[str]


def add(connection: Connection, rows: Sequence[Row]) -> None:
    """Index cases that are not in the index."""
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        _copy(connection, rows)
    else:
        _write(connection, ADD[connection.dialect.name], rows)


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """Index cases, whether they are in the index or not."""
    _write(connection, PUT[connection.dialect.name], rows)


def own_words(town: str, is_open: bool) -> list[str]:
    """What the index adds to a case's words, so that one look finds only one town's open cases."""
    return [f"@{town}", *([OPEN] if is_open else [])]


@contextmanager
def bulk(connection: Connection) -> Iterator[None]:
    """Around a load of very many cases: on PostgreSQL the tree is put aside and built again at the end."""
    rebuilt = connection.dialect.name == "postgresql"
    if rebuilt:
        connection.execute(text("DROP INDEX IF EXISTS ix_case_words_words"))
    yield
    if rebuilt:
        connection.execute(text(GIN))


def matching(town: str, needs: Sequence[Need], is_open: bool, below: int, most: int) -> list[int]:
    """The ids of the town's cases that have all these words, open ones or those that are over, newest first."""
    if not needs:
        return []
    connection = db.session.connection()
    asked = {"town": town, "below": below, "most": most}
    if connection.dialect.name == "sqlite":
        return _ids(connection, FTS, asked | {"query": _fts(town, needs, is_open)})
    asked["query"] = _tsquery(town, needs, is_open)
    if is_open and any(term.open_ended for need in needs for way in need.ways for term in way):
        return _ids(connection, AMONG_OPEN, asked)
    found = [] if is_open else _among_newest(connection, asked)
    return found if len(found) == most else _ids(connection, BY_INDEX, asked)


def _among_newest(connection: Connection, asked: dict[str, Any]) -> list[int]:
    """As many as wanted, or too few to go on like this; the first look tells how far the next has to go."""
    most = int(asked["most"])
    found = _ids(connection, AMONG_NEWEST, asked | {"recent": RECENT})
    far = RECENT * most * 3 // (2 * len(found)) if found else 0
    if len(found) == most or not 0 < far <= FARTHEST:
        return found
    return _ids(connection, AMONG_NEWEST, asked | {"recent": far})


def _ids(connection: Connection, query: TextClause, asked: dict[str, Any]) -> list[int]:
    return list(connection.scalars(query, asked))


def _write(connection: Connection, statement: TextClause, rows: Sequence[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(statement, [{"case_id": row.case_id, "words": " ".join(row.words)} for row in rows])
    else:
        connection.execute(statement, [row._asdict() for row in rows])


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    """For a loader of very many. Tokens are letters, digits and marks: nothing to escape."""
    with connection.connection.cursor().copy("COPY case_words (case_id, town_code, words) FROM STDIN") as copy:
        for row in rows:
            copy.write(f"{row.case_id}\t{row.town}\t{' '.join(row.words)}\n")


def _fts(town: str, needs: Sequence[Need], is_open: bool) -> str:
    def one(term: Term) -> str:
        return f'"{term.token}"' + (" *" if term.open_ended else "")

    found = _all(needs, one, " AND ", " OR ") + f' AND "@{town}"'
    return found + f' AND "{OPEN}"' if is_open else f'({found}) NOT "{OPEN}"'


def _tsquery(town: str, needs: Sequence[Need], is_open: bool) -> str:
    def one(term: Term) -> str:
        return f"'{term.token}'" + (":*" if term.open_ended else "")

    return _all(needs, one, " & ", " | ") + f" & '@{town}' & {'' if is_open else '!'}'{OPEN}'"


def _all(needs: Sequence[Need], one: Any, both: str, either: str) -> str:
    return both.join(
        "(" + either.join("(" + both.join(one(term) for term in way) + ")" for way in need.ways) + ")" for need in needs
    )
