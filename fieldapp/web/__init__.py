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

BLUEPRINTS = (
    accounts_admin.bp, admin.bp, analyst.bp, api.bp, auth.bp, desk.bp, drills.bp, imports.bp, invitations.bp, language.bp, links.bp,
    nearby.bp, operations.bp, patrol.bp, plain.bp, proofs.bp, push.bp, pwa.bp, roster.bp, steps.bp, tasks.bp, uploads.bp,
    feeds.bp, handovers.bp, holidays.bp, rotations.bp, shifts.bp, swaps.bp, policies.bp,
    contacts.bp, gateways.bp,
    measures.bp,
)  # fmt: skip


def register(app: Flask) -> None:
    """Hook every audience, the guards and the error pages into the app."""
    language.init_app(app)
    security.init_app(app)
    problems.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
