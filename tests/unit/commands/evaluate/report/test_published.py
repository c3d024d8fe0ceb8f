"""Published figures stand beside ours where the texts are the same, and nowhere else."""

from __future__ import annotations

from consumer.commands.evaluate.report.published import published_for


def test_a_known_set_is_known_by_its_texts() -> None:
    """With the source, and what differs."""
    found = published_for("17e85b3f5f6ced784cb2c47abe9050f1")
    figures = {each.model: each.value for each in found}
    assert figures["gpt-oss-safeguard-20b"] == figures["gpt-oss-safeguard-120b"] == 0.829
    assert all("technical report" in each.source for each in found)
    assert published_for("0" * 32) == ()
