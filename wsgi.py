"""Entry point of the web server and of `flask --app wsgi`."""

import logging

from fieldapp import create_app

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
app = create_app()
