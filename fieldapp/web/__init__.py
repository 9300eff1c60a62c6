"""The web: one module per audience. Routes load, call one verb, commit once, and render one partial."""

from flask import Flask

from fieldapp.web import (
    accounts_admin,
    admin,
    analyst,
    answers,
    api,
    auditing,
    audits,
    auth,
    bulk,
    compiled,
    contacts,
    desk,
    dispatch_rules,
    drills,
    exports,
    feeds,
    gateways,
    handbook,
    handovers,
    hands,
    holidays,
    imports,
    invitations,
    language,
    ledgers,
    limits,
    links,
    map_admin,
    maps,
    measures,
    nearby,
    operations,
    patrol,
    phrases,
    plain,
    policies,
    problems,
    proofs,
    public,
    push,
    pwa,
    roster,
    rotations,
    saved_views,
    seats,
    security,
    shifts,
    steps,
    swaps,
    tasks,
    uploads,
)

PAGES = (
    accounts_admin, admin, analyst, answers, api, audits, auth, bulk, contacts, desk, dispatch_rules, drills,
    exports, feeds, gateways, handbook, handovers, hands, holidays, imports, invitations, language, ledgers, limits,
    links, map_admin, maps, measures, nearby, operations, patrol, phrases, plain, policies, proofs, public, push, pwa,
    roster, rotations, saved_views, seats, shifts, steps, swaps, tasks, uploads,
)  # fmt: skip


def register(app: Flask) -> None:
    """Hook every audience, the guards and the error pages into the app."""
    compiled.init_app(app)
    language.init_app(app)
    security.init_app(app)
    auditing.init_app(app)
    problems.init_app(app)
    for page in PAGES:
        app.register_blueprint(page.bp)
