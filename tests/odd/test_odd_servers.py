"""A few rows of the table, played to the real worker in the test run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.brokers.runtime import RuntimeUnavailable
from tests.odd.odd_servers import ROWS, SETTINGS, Program, run
from tests.odd.play import Right
from tests.odd.rows.features import FEATURES
from tests.odd.verdicts import Found

NAMES = (
    "403-waf",
    "400-content-filter",
    "422-echoed-input",
    "400-vllm-context",
    "401-key",
    "404-ingress",
    "200-sign-in",
    "429-openai",
    "404-by-turns",
)
LASTS_S = 1.0


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_each_message_ends_once_as_the_table_says(tmp_path: Path) -> None:
    """Odd answers to single messages and to everything end no process and drain no topic."""
    rows = [replace(row, lasts_s=LASTS_S, is_at_start=False) for row in ROWS if row.name in NAMES]
    features = [each for each in FEATURES if each.name == "422-serde"]
    settings = [each for each in SETTINGS if each.name in ("one", "pair")]
    assert len(rows) == len(NAMES)
    program = Program(rows, features, settings, crowd=20)
    try:
        found = run(program, tmp_path / "odd")
    except RuntimeUnavailable as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no real Kafka here: {reason}")

    assert not [each for each in found if each.wrong]
    assert len(found) > 100


def test_the_names_of_rows_are_their_own() -> None:
    """A report names each row, and the run makes a topic for each."""
    names = [row.name for row in ROWS] + [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("right", "found", "is_right"),
    [
        (Right("block"), [Found("block", "model")], True),
        (Right("block"), [Found("allow", "model")], False),
        (Right("block"), [], False),
        (Right("block"), [Found("block", "model")] * 2, False),
        (Right("block"), [Found("allow", "unjudged", "outage")], False),
        (Right("block", False, frozenset({"refused"})), [Found("block", "model")], False),
        (
            Right("block", False, frozenset({"refused"})),
            [Found("flag", "unjudged", "refused")],
            True,
        ),
        (
            Right("block", False, frozenset({"refused"})),
            [Found("allow", "unjudged", "refused")],
            False,
        ),
        (
            Right("block", True, frozenset({"too_long"})),
            [Found("allow", "unjudged", "too_long")],
            True,
        ),
        (
            Right("block", True, frozenset({"too_long"})),
            [Found("allow", "unjudged", "stuck")],
            False,
        ),
        (Right("block"), [Found("dead-letter")], False),
    ],
)
def test_the_oracle(right: Right, found: list[Found], is_right: bool) -> None:
    """One verdict, the model's own or unjudged for a reason of the row; a refusal is no allow."""
    assert (right.fault_of(found) is None) == is_right
