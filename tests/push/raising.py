"""Red reports, filed one after another through the real API in a process of its own; every fifth is signed at once.

`python -m tests.push.raising REPORTS PER_SECOND`: settings come from the environment, as they do for the product.
"""

import sys
import time
from typing import Any
from uuid import uuid4

from fieldapp import config, create_app
from tests.world import World

SIGNED = 5  # one in so many


def main(reports: int, per_second: float) -> None:
    world = World(create_app(config.from_environment()))
    vik, ada = world.vik, world.ada
    body: dict[str, Any] = vik.report("井盖破损", severity="red")
    began = time.monotonic()
    for number in range(reports):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        path = f"/api/reports/{uuid4()}"
        answer = vik.put(path, json=body)
        assert answer.status_code == 201, answer.text
        if number % SIGNED == 0:
            ada.must("acknowledge", vik.get(path).json["case_number"])
    print(time.monotonic() - began)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
