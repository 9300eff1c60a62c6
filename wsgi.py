"""Entry point of the web server and of `flask --app wsgi`."""

from fieldapp import create_app

app = create_app()
