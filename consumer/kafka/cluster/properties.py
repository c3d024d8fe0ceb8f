"""Properties that an operator gives, tried on the library before anything is connected."""

from __future__ import annotations

import re
from collections.abc import Mapping

from confluent_kafka import KafkaException, Producer

from consumer.errors import InvalidSettings
from consumer.kafka.client_errors import ignore

_UNKNOWN = re.compile(r'No such configuration property: "(?P<name>[^"]+)"')


def check_known(client: Mapping[str, str]) -> None:
    """
    Refuse what librdkafka does not know or take.

    Raises:
        InvalidSettings: in librdkafka's words, with the setting that holds it.
    """
    for name, value in client.items():
        # One at a time: together only the first would be named, and some need others beside them.
        try:
            Producer({"log_level": 0, "error_cb": ignore, name: value}).close()
        except KafkaException as error:
            said = error.args[0].str()
            if _UNKNOWN.search(said):
                raise InvalidSettings(
                    f"kafka.client.{name} is no property of librdkafka: see its CONFIGURATION.md, "
                    "or take it out"
                ) from None
            if "Invalid value" in said:
                # Its words quote the value, which may be a secret.
                raise InvalidSettings(
                    f"kafka.client.{name} does not take this value: see librdkafka's "
                    "CONFIGURATION.md"
                ) from None
