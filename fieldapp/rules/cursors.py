"""Where a page of a list ended, as a word for an address: JSON in base64 without padding. What stands in one that
came back may be anybody's; whoever reads it checks it.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any


def written(place: Sequence[Any]) -> str:
    """The word for a place: numbers, texts, truths or None."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read(cursor: str) -> Any:
    """What stands in it. Raises ValueError or RecursionError for what is none."""
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
