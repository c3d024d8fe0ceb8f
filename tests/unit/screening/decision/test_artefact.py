"""Thresholds in a file: refused by name where they are broken, another's or without evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.domain.binding import Catalogue
from consumer.errors import InvalidPolicy, InvalidSettings
from consumer.screening.decision.artefact import Survival, read_decision
from consumer.screening.prefilter.artefact import write_artefact
from tests.unit.screening.decision.stage import SHOWN, HandDecider, by_hand, named, ready
from tests.unit.screening.prefilter.filters import by_hand as learned_by_hand


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    named(tmp_path)
    assert read_decision(tmp_path / "d") == by_hand()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shown": SHOWN.model_copy(update={"low": 0.9})}, "has no evidence for recall 0.95"),
        (
            {"survival": Survival(texts=100, flips={"order": 3, "wording": 11})},
            "of 100 texts flipped by order 3, wording 11, and 10% may",
        ),
        ({"survival": Survival(texts=0, flips={})}, "do not survive"),
        ({"recall": 0.8}, "was fitted for recall 0.8 and 0.95 is demanded"),
        ({"alpha": 0.2}, "alpha = 0.05 is demanded: fit it with --alpha 0.05"),
        ({"thresholds": {"other": 0.4}}, "not one threshold for each policy"),
    ],
)
def test_what_rests_on_too_little_refuses_the_policies(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidPolicy, match=rf"topic.toml:1: \[screening.decision\] .*{said}"):
        ready(HandDecider(), named(tmp_path, by_hand(**changes)))


def test_what_is_no_such_file_refuses_the_policies(tmp_path: Path) -> None:
    binding, file = named(tmp_path), tmp_path / "d"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"x")
    with pytest.raises(InvalidPolicy, match="is broken: its checksum differs"):
        ready(HandDecider(), binding)
    write_artefact(file, learned_by_hand())
    with pytest.raises(InvalidSettings, match="is no filter"):
        read_decision(file)
    file.write_bytes(content)
    (tmp_path / "salt").unlink()
    with pytest.raises(InvalidPolicy, match=r"salt of the audits in .* cannot be read"):
        ready(HandDecider(), binding)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version_digest": "d9"}, "were fitted for policy version 'd9'"),
        ({"statements": dict.fromkeys(by_hand().head.statements, "Is it spam?")}, "in other words"),
    ],
)
def test_what_was_fitted_for_another_version_is_left_out_and_said(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    binding = named(tmp_path, by_hand(**changes))
    filters = ready(HandDecider(), binding)
    assert filters.deciding_of(binding) is None
    (off,) = filters.standing().values()
    assert off is not None
    assert said in off


def test_without_an_endpoint_it_is_off_and_says_what_to_set(tmp_path: Path) -> None:
    (off,) = ready(None, named(tmp_path)).standing().values()
    assert off == "there is no decision endpoint: set inference.decision.address"


def test_a_reload_keeps_the_stage_and_what_is_known_of_it(tmp_path: Path) -> None:
    binding = named(tmp_path)
    filters = ready(HandDecider(), binding)
    before = filters.deciding_of(binding)
    later = replace(binding, deadline_s=9.0)
    filters.prepare(Catalogue((later,)))
    assert filters.deciding_of(later) is before
    assert list(filters.standing()) == [f"{binding.set_name} decision"]
