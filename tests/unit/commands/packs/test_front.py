"""A policy that is written as a file is read from it as it was."""

from __future__ import annotations

from pathlib import Path

from consumer.commands.packs.front import document_of
from consumer.domain.policy import Effort, Example, Outcome, Policy
from consumer.registry.document import read_policy

POLICY = Policy(
    "p",
    "Größe: yes & 'no'",
    "## 0: Fine\n\n## 1: Bad\n",
    {"1": Outcome.BLOCK, "0": Outcome.ALLOW},
    {"1.b": "no", "1.a": "a: # word" * 8},
    (Example('it\'s\n"so"', "1", ("1.a",)), Example("yes", "0")),
    "critical",
    Effort.HIGH,
)


def test_there_and_back() -> None:
    """Words that YAML would read otherwise, and the order of labels."""
    written = document_of(POLICY)
    assert "Größe" in written
    read = read_policy(Path("p.md"), "p.md", written.encode())
    assert isinstance(read, Policy)
    for name in ("name", "title", "text", "outcomes", "rules", "examples", "severity", "effort"):
        assert getattr(read, name) == getattr(POLICY, name)
    assert list(read.outcomes) == ["1", "0"]
    assert list(read.rules) == ["1.b", "1.a"]


def test_what_is_not_there_is_not_written() -> None:
    """Neither rules nor examples."""
    plain = Policy("p", "P", "## 0\n\n## 1\n", {"0": Outcome.ALLOW, "1": Outcome.FLAG})
    assert document_of(plain) == (
        "---\ntitle: P\nseverity: medium\neffort: low\nlabels:\n  '0': allow\n  '1': flag\n---\n"
        "## 0\n\n## 1\n"
    )
