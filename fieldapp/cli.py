"""Commands for the operator: make the first admin."""

import click
from flask import Flask, current_app


def register(app: Flask) -> None:
    """Add the commands to `flask --app wsgi`."""
    app.cli.add_command(create_admin)


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
