"""Secrets: which values are some, shown as none, and warned of where they are given inline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from consumer.settings.settings import Settings

HIDDEN = "(hidden)"
_SECRET = re.compile(
    r"password|passphrase|secret|token|credential|api\.?key|\bjaas\b|\.pem$|oauthbearer\.config",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(location|url|endpoint|name)$", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a librdkafka property holds a secret, by its name."""
    return _SECRET.search(name) is not None and _NO_SECRET.search(name) is None


def without_credentials(address: str) -> str:
    """An address that may be shown: what stands before its @ is left out."""
    return re.sub(r"(?<=//)[^/@]*@", f"{HIDDEN}@", address)


def shown_values(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """Every value by table and name, as it may be printed."""
    values = settings.model_dump(mode="json")
    values["kafka"]["client"] = {
        name: HIDDEN if is_secret(name) else value
        for name, value in values["kafka"]["client"].items()
    }
    values["review"]["store"] = without_credentials(values["review"]["store"])
    inference = values["inference"]
    inference["endpoint"] = without_credentials(inference["endpoint"])
    for each in inference["endpoints"].values():
        each["address"] = without_credentials(each["address"])
    return values


def inline_secrets(settings: Settings) -> Iterator[str]:
    """What should stand in a file of its own, and how: a line for each."""
    for name in settings.kafka.client:
        if is_secret(name):
            yield (
                f"kafka.client.{name} is given inline, where logs and process lists may show it: "
                f"name a file that holds it, under [kafka.client_files]"
            )
    addresses = {"inference.endpoint": settings.inference.endpoint}
    for name, endpoint in settings.inference.endpoints.items():
        addresses[f"inference.endpoints.{name}.address"] = endpoint.address
    if urlsplit(settings.review.store).password:
        yield "review.store holds a password: name a file that holds it, as store_password_file"
    for name, address in addresses.items():
        if "@" in urlsplit(address).netloc:
            yield f"{name} holds credentials: name a file that holds the key, as api_key_file"
