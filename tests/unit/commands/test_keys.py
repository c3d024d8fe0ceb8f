"""Every key of `topic.toml` is told of, with what it may be and what it means."""

from __future__ import annotations

import tomllib
from pathlib import Path

from consumer.commands.keys import describe_keys
from consumer.registry.load import TOPIC_FILE

SHIPPED = Path(__file__).parents[3] / "policies" / "chat.messages" / TOPIC_FILE


def test_every_key_has_a_meaning_and_every_number_its_limits() -> None:
    """Whoever adds a key says what it is for."""
    for head, keys in describe_keys():
        for key in keys:
            assert key.meaning, f"{head} {key.name}"
            if key.name.endswith(("_s", "_max", "_per_hour")):
                assert key.limits, f"{head} {key.name}"


def test_the_shipped_file_uses_keys_that_are_told_of() -> None:
    """Its tables and keys are among the described ones."""
    known = {head: {key.name for key in keys} for head, keys in describe_keys()}
    for name, value in tomllib.loads(SHIPPED.read_text()).items():
        if isinstance(value, dict):
            assert value.keys() <= known[f"[{name}]"]
        elif f"[[{name}]]" not in known:
            assert name in known[""]


def test_tables_within_tables_are_told_of_under_their_whole_name() -> None:
    """As somebody would head them; those above all tables are plain keys alone."""
    known = {head: [key.name for key in keys] for head, keys in describe_keys()}
    assert {"[message.event]", "[message.event.edit]", "[review.statements]"} <= known.keys()
    assert "event" in known["[message]"]
    assert "message" not in known[""]
