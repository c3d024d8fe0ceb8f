"""`[dead_letters]`: what dead letters look like."""

from __future__ import annotations

from consumer.settings.section import Section


class DeadLetterSettings(Section):
    """Dead letters."""

    spring_names: bool = False
    """Also write the `kafka_dlt-*` headers that Spring's tools read."""
