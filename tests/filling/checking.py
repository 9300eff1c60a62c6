"""What must hold of any database that the product wrote, asked in bare SQL so that a million rows take a minute."""

from flask import Flask
from sqlalchemy import Connection, bindparam, text

from fieldapp import clock
from fieldapp.db import UTCDateTime, db
from fieldapp.rules.deadlines import WAITS_FOR
from fieldapp.rules.workflow import OPEN

IS_OPEN = "c.status IN (" + ", ".join(f"'{status.value}'" for status in sorted(OPEN)) + ")"
STEP_OF = (
    "CASE c.status " + " ".join(f"WHEN '{at.value}' THEN '{step.value}'" for at, step in WAITS_FOR.items()) + " END"
)

# a sentence, and the query that counts what breaks it
RULES = (
    ("reports without a case", "SELECT count(*) FROM reports WHERE case_id IS NULL"),
    (
        "cases whose signals are not their reports",
        """SELECT count(*) FROM cases c LEFT JOIN (SELECT case_id, count(*) AS many FROM reports GROUP BY case_id) r
        ON r.case_id = c.id WHERE coalesce(r.many, 0) <> CASE c.status WHEN 'merged' THEN 0 ELSE c.signals END""",
    ),
    (
        "cases whose last step is not where they stand",
        """SELECT count(*) FROM cases c LEFT JOIN (SELECT case_id, max(id) AS id FROM case_events
        WHERE result IS NOT NULL GROUP BY case_id) l ON l.case_id = c.id
        LEFT JOIN case_events e ON e.id = l.id WHERE e.result IS NULL OR e.result <> c.status""",
    ),
    (
        "histories that do not begin with the report, at the opening",
        """SELECT count(*) FROM cases c LEFT JOIN (SELECT case_id, min(id) AS id FROM case_events GROUP BY case_id) f
        ON f.case_id = c.id LEFT JOIN case_events e ON e.id = f.id
        WHERE e.id IS NULL OR e.action <> 'report' OR e.at <> c.opened_at""",
    ),
    (
        "steps that do not begin where the one before ended",
        """SELECT count(*) FROM (SELECT source, action, lag(result) OVER (PARTITION BY case_id ORDER BY id) AS before
        FROM case_events WHERE result IS NOT NULL) s WHERE coalesce(source, '') <> coalesce(before, '')""",
    ),
    (
        "histories that go back in time",
        """SELECT count(*) FROM (SELECT at, lag(at) OVER (PARTITION BY case_id ORDER BY id) AS before
        FROM case_events) s WHERE at < before""",
    ),
    (
        "cases changed at another time than their last line says",
        """SELECT count(*) FROM cases c JOIN (SELECT case_id, max(at) AS at FROM case_events GROUP BY case_id) e
        ON e.case_id = c.id WHERE c.changed_at <> e.at""",
    ),
    (
        "open cases whose clock does not run, or runs for another step",
        f"""SELECT count(*) FROM cases c WHERE {IS_OPEN} AND (c.due_step IS NULL OR c.due_since IS NULL
        OR c.due_at IS NULL OR c.due_minutes IS NULL OR c.closed_at IS NOT NULL OR c.due_step <> {STEP_OF})""",
    ),
    (
        "open cases that neither have a next word nor had the last",
        f"SELECT count(*) FROM cases c WHERE {IS_OPEN} AND (c.next_nudge_at IS NULL) <> (c.nudged >= 4)",
    ),
    (
        "cases that are over, with a clock or without an end",
        f"""SELECT count(*) FROM cases c WHERE NOT ({IS_OPEN}) AND (c.closed_at IS NULL OR c.due_step IS NOT NULL
        OR c.due_at IS NOT NULL OR c.next_nudge_at IS NOT NULL OR c.closed_at < c.opened_at)""",
    ),
    (
        "merged cases that point at none, or at one that was merged itself",
        """SELECT count(*) FROM cases c LEFT JOIN cases o ON o.id = c.merged_into_id
        WHERE (c.status = 'merged') <> (c.merged_into_id IS NOT NULL) OR o.status = 'merged'""",
    ),
    (
        "days whose counter is not the number of their cases",
        """SELECT count(*) FROM (SELECT town_code, substr(number, 4, 8) AS day, count(*) AS many FROM cases
        GROUP BY 1, 2) c FULL JOIN case_counters k ON k.town_code = c.town_code AND k.day = c.day
        WHERE k.last IS NULL OR c.many IS NULL OR k.last <> c.many""",
    ),
    (
        "cases in hand or answered that nobody was sent to",
        """SELECT count(*) FROM cases c WHERE c.status IN ('dispatched', 'acknowledged', 'en_route', 'on_scene',
        'answered', 'verified') AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.case_id = c.id AND a.lead)""",
    ),
    (
        "assignments whose times do not follow each other",
        """SELECT count(*) FROM assignments WHERE sent_at > acknowledged_at OR acknowledged_at > departed_at
        OR departed_at > arrived_at OR arrived_at > answered_at""",
    ),
    (
        "calls that go on about cases that are over or signed",
        """SELECT count(*) FROM alerts a JOIN cases c ON c.id = a.case_id WHERE a.state IN ('open', 'exhausted')
        AND c.status NOT IN ('new', 'accepted', 'dispatched')""",
    ),
    (
        "answered calls without who and when, or unanswered ones with",
        """SELECT count(*) FROM alerts WHERE (state = 'acknowledged') <> (acknowledged_at IS NOT NULL)
        OR (acknowledged_at IS NULL) <> (acknowledged_by_id IS NULL)""",
    ),
    (
        "calls that were sent to nobody",
        "SELECT count(*) FROM alerts a WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.alert_id = a.id)",
    ),
    (
        "files that are ready and were never received, or complete reports whose files are not here",
        """SELECT count(*) FROM attachments f JOIN reports r ON r.id = f.report_id
        WHERE (f.state = 'ready' AND f.ready_at IS NULL) OR (f.state = 'expected' AND r.completed_at IS NOT NULL)""",
    ),
    (
        "cases that no word finds",
        "SELECT count(*) FROM cases c WHERE NOT EXISTS (SELECT 1 FROM case_words w WHERE w.{key} = c.id)",
    ),
    (
        "old cases that still wait for the index",
        "SELECT count(*) FROM facts WHERE name = 'search_left' AND value <> '0'",
    ),
    (
        "reports from the future",
        "SELECT count(*) FROM reports WHERE received_at > :now",
    ),
)  # fmt: skip


def check(app: Flask) -> list[str]:
    """Broken invariants in words; empty when all hold."""
    with app.app_context():
        try:
            return broken(db.session.connection())
        finally:
            db.session.rollback()


def broken(connection: Connection) -> list[str]:
    """The same, inside a transaction."""
    sqlite = connection.dialect.name == "sqlite"
    found = []
    for sentence, query in RULES:
        asked = text(query.replace("{key}", "rowid" if sqlite else "case_id"))
        if ":now" in query:
            asked = asked.bindparams(bindparam("now", clock.now(), UTCDateTime()))
        found.append((sentence, int(connection.scalar(asked) or 0)))
    if sqlite:  # PostgreSQL looked at each row, unless its loader was let off
        loose = connection.execute(text("PRAGMA foreign_key_check")).all()
        found.append(("rows that point at what is not there", len(loose)))
    return [f"{count} {sentence}" for sentence, count in found if count]
