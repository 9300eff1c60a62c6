"""Run migrations on the app's own database, online only; `flask --app wsgi db upgrade`."""

from alembic import context
from flask import current_app

extension = current_app.extensions["migrate"]
engine = extension.db.engine

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=extension.db.metadata,
        render_as_batch=engine.dialect.name == "sqlite",
        **{key: value for key, value in extension.configure_args.items() if key != "render_as_batch"},
    )
    with context.begin_transaction():
        context.run_migrations()
