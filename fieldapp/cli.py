"""Commands for the operator: make the first admin, index anew what the desk searches."""

import os

import click
from flask import Flask, current_app

from fieldapp.evaluation import evaluate_duplicates


def register(app: Flask) -> None:
    """Add the commands to `flask --app wsgi`."""
    app.cli.add_command(create_admin)
    app.cli.add_command(reindex_search)
    app.cli.add_command(evaluate_duplicates)
    app.cli.add_command(learn_duplicates)
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # `flask db`; a server never asks
        from fieldapp.migrating import add_migrations

        add_migrations(app)


@click.command("create-admin")
@click.option("--name", required=True, help="The admin's name.")
@click.option("--area", default="441521", show_default=True, help="Division code the admin works in.")
def create_admin(name: str, area: str) -> None:
    """Print a one-time link that makes an admin; valid for seven days."""
    from fieldapp import accounts, clock
    from fieldapp.db import writing
    from fieldapp.rules.roles import Role

    with writing():
        _invitation, token = accounts.make_invitation(name, Role.ADMIN, area, clock.now())
    click.echo(f"{current_app.config['SETTINGS'].base_url}/invite/{token}")


@click.command("reindex-search")
@click.option("--again", is_flag=True, help="All of them, as after places were renamed; else what is left.")
def reindex_search(again: bool) -> None:
    """Index cases for the desk's search while the product runs. Can be broken off, and goes on where it was."""
    from fieldapp import search

    def say(done: int, of: int) -> None:
        click.echo(f"\r{done}/{of} ({done * 100 // max(of, 1)} %)", nl=False)

    search.reindex(say, again)
    click.echo("\nevery case is indexed")


@click.command("learn-duplicates")
def learn_duplicates() -> None:
    """Learn now how repeats of each kind look, which the photo worker does once a day."""
    from fieldapp import clock, duplicates

    click.echo(f"scales learned: {duplicates.learn(clock.now())}")
