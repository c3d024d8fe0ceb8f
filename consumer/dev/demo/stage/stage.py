"""Stage: what the demo plays on: a broker, a copy of the policies, what its workers are told."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from consumer.dev.broker import EmbeddedBroker
from consumer.domain.binding import Binding, Catalogue
from consumer.errors import InvalidSettings
from consumer.interfaces import Partition
from consumer.registry.load import load_catalogue
from consumer.registry.shipped import shipped_policies

INPUTS = ("chat.messages", "comments.posted")
OUTPUTS = ("allow", "flag", "block", "dead-letter")
PARTITIONS = 3
JOIN_MS = 2_500
"""How long the group waits for its second member before partitions are given out."""

SESSION_S = 4.6
"""As short as a publishing lease lets it be, so that a takeover can be watched."""

LINK_S = 86_400
"""Whoever comes back to the demo after a night finds the sign-in as it was."""


class Stage(NamedTuple):
    """Where everything is."""

    bootstrap_servers: str
    folder: Path
    """Of this run alone, and gone after it."""

    @property
    def policies(self) -> Path:
        return self.folder / "policies"

    def catalogue(self) -> Catalogue:
        return load_catalogue(self.policies)

    def settings(self, endpoint: str, model: str) -> dict[str, str]:
        """What each worker is told, as `--set` takes it."""
        return {
            **self._shared(),
            "inference.endpoint": endpoint,
            "inference.model": model,
            "pipeline.commit_every_s": "0.8",
            "telemetry.health_port": "0",
        }

    def review_settings(self) -> dict[str, str]:
        """What the reviewers' processes are told: their store goes with this folder."""
        return {
            **self._shared(),
            "review.store": f"sqlite:///{self.folder / 'review.sqlite'}",
            "review.console.links": "true",
            "review.console.link_s": str(LINK_S),
        }

    def _shared(self) -> dict[str, str]:
        return {
            "kafka.bootstrap_servers": self.bootstrap_servers,
            "kafka.group": "safeguard-demo",
            "kafka.session_timeout_s": str(SESSION_S),
            "kafka.message_timeout_s": "1",
            "kafka.request_timeout_s": "1.5",
            "kafka.lease_margin_s": "0.2",
            "kafka.clock_skew_s": "0.1",
            "kafka.client.heartbeat.interval.ms": "100",
            # The embedded broker knows no topic ids.
            "kafka.topic_ids": "false",
            "policies.folder": str(self.policies),
            "policies.watch_every_s": "0.3",
            "telemetry.log_format": "json",
        }


@contextmanager
def set_up(policies: Path, *, is_reviewed: bool = False) -> Iterator[Stage]:
    """
    A stage with the policies of a folder, which are copied, since the story edits them.

    Where people review, the copies of both inputs say so, and the topics for it are there.

    Raises:
        InvalidPolicy: the policies have faults.
        InvalidSettings: they do not bind both inputs.
    """
    catalogue = load_catalogue(policies)
    missing = [topic for topic in INPUTS if catalogue.binding_for(topic) is None]
    if missing:
        raise InvalidSettings(f"--policies {policies}: no set there binds {' or '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="safeguard-demo-") as folder:
        copy = Stage("", Path(folder))
        shutil.copytree(policies, copy.policies)
        more = _have_reviewed(copy) if is_reviewed else []
        with EmbeddedBroker(topics() | dict.fromkeys(more, PARTITIONS), join_ms=JOIN_MS) as broker:
            yield copy._replace(bootstrap_servers=broker.bootstrap_servers)


def _have_reviewed(stage: Stage) -> list[str]:
    """Give both inputs `[review]` where they have none; the topics that reviewers need."""
    for name in {binding.set_name for binding in _bound(stage) if binding.review is None}:
        file = stage.policies / name / "topic.toml"
        file.write_text(f"{file.read_text()}\n[review]\n")
    return [
        name
        for source, binding in zip(INPUTS, _bound(stage), strict=True)
        if binding.review is not None
        for name in binding.review.all_topics(source)
    ]


def _bound(stage: Stage) -> list[Binding]:
    found = (stage.catalogue().binding_for(topic) for topic in INPUTS)
    return [binding for binding in found if binding is not None]


def topics() -> dict[str, int]:
    """The demo's topics, inputs and outputs, and their partitions."""
    outputs = [f"{topic}.{kind}" for topic in INPUTS for kind in OUTPUTS]
    return dict.fromkeys((*INPUTS, *outputs), PARTITIONS)


def input_partitions() -> list[Partition]:
    """Those that the workers share."""
    return [Partition(topic, number) for topic in INPUTS for number in range(PARTITIONS)]


def policies_folder() -> Path:
    """`policies` here where both inputs have a set there, or those that come with the service."""
    here = Path("policies")
    is_whole = all((here / topic).is_dir() for topic in INPUTS)
    return here if is_whole else shipped_policies()
