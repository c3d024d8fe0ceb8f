"""What a worker's health port says of its readiness, be it ready or not."""

from __future__ import annotations

import json
import urllib.error
import urllib.request


def readiness(address: str) -> dict[str, object]:
    """`/readyz` of the health port at `http://host:port`."""
    try:
        with urllib.request.urlopen(f"{address}/readyz") as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as refused:
        found = json.load(refused)
    assert isinstance(found, dict)
    return found
