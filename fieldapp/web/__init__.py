"""The web: one module per audience. Routes load, call one verb, commit once, and render one partial."""

from flask import Flask

from fieldapp.web import (
    accounts_admin,
    admin,
    analyst,
    api,
    auth,
    contacts,
    desk,
    drills,
    feeds,
    gateways,
    handovers,
    holidays,
    imports,
    invitations,
    language,
    links,
    measures,
    nearby,
    operations,
    patrol,
    plain,
    policies,
    problems,
    proofs,
    push,
    pwa,
    roster,
    rotations,
    security,
    shifts,
    steps,
    swaps,
    tasks,
    uploads,
)

PAGES = (
    accounts_admin, admin, analyst, api, auth, contacts, desk, drills, feeds, gateways, handovers, holidays,
    imports, invitations, language, links, measures, nearby, operations, patrol, plain, policies, proofs, push, pwa,
    roster, rotations, shifts, steps, swaps, tasks, uploads,
)  # fmt: skip


def register(app: Flask) -> None:
    """Hook every audience, the guards and the error pages into the app."""
    language.init_app(app)
    security.init_app(app)
    problems.init_app(app)
    for page in PAGES:
        app.register_blueprint(page.bp)
