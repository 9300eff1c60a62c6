"""Entry point of the web server and of `flask --app wsgi`."""

import gc
import logging

from fieldapp import create_app

gc.disable()  # nothing of what is loaded here is garbage, and looking for some takes a tenth of the start

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("fieldapp").setLevel(logging.INFO)  # who logged in and what was refused; libraries only warn
app = create_app()
gc.freeze()  # nor will it be: requests are not held up by looking through it again
gc.enable()
