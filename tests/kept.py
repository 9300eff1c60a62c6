"""What the apps of one test process share: each test has an app of its own, and would pay for all of this again."""

from types import MethodType

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.routing import Rule

from fieldapp.db import db

_engines: dict[str, Engine] = {}


def share(app: Flask) -> Flask:
    """Statements as SQLAlchemy has compiled them, which it keeps by dialect. Templates the product keeps itself."""
    with app.app_context():
        first = _engines.setdefault(db.engine.dialect.name, db.engine)
        db.engine.dialect = db.engine.pool._dialect = first.dialect
        db.engine._compiled_cache = first._compiled_cache
    return app


def share_rules(patch: pytest.MonkeyPatch) -> None:
    """What werkzeug compiles of each rule of each app, to match addresses and to build them."""
    compiled: dict[tuple[str, str], Rule] = {}
    compile_rule = Rule.compile

    def once(rule: Rule) -> None:
        first = compiled.get(key := (rule.rule, str(rule.defaults)))
        if first is None:
            compile_rule(rule)
            compiled[key] = rule
            return
        rule._parts, rule._trace, rule._converters = first._parts, first._trace, first._converters
        rule.arguments = set(first.arguments)
        for name in ("_build", "_build_unknown"):
            setattr(rule, name, MethodType(getattr(first, name).__func__, rule))

    patch.setattr(Rule, "compile", once)
