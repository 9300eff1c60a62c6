"""Entry point of the web server and of `flask --app wsgi`."""

import logging

from fieldapp import create_app

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("fieldapp").setLevel(logging.INFO)  # who logged in and what was refused; libraries only warn
app = create_app()
