"""Published figures stand beside ours where the texts are the same, and nowhere else."""

from __future__ import annotations

from consumer.commands.evaluate.report.published import (
    MODERATION_2022_DIGEST,
    TOXICCHAT_TEXTS,
    published_for,
)


def test_a_known_set_is_known_by_its_texts() -> None:
    """With the source, what differs, and whatever was found here."""
    found = published_for(MODERATION_2022_DIGEST, None, 1_680, ())
    assert found is not None
    figures = {each.model: each.value for each in found.figures}
    assert figures == {
        "gpt-oss-safeguard-120b": 0.829,
        "gpt-oss-safeguard-20b": 0.829,
        "internal-safety-reasoner": 0.828,
        "gpt-5-thinking": 0.798,
        "gpt-oss-120b": 0.804,
        "gpt-oss-20b": 0.787,
    }
    assert "technical report" in found.source
    assert (found.known_by, found.here) == ("its texts", ())
    assert published_for("0" * 32, "moderation-2022", 1_680, ()) is None


def test_toxicchat_is_known_by_its_size() -> None:
    """Only where somebody says that it is ToxicChat, and all of its test split is there."""
    found = published_for("0" * 32, "toxicchat", TOXICCHAT_TEXTS, ())
    assert found is not None
    figures = {each.model: each.value for each in found.figures}
    assert figures == {
        "gpt-oss-safeguard-120b": 0.793,
        "gpt-oss-safeguard-20b": 0.799,
        "internal-safety-reasoner": 0.813,
        "gpt-5-thinking": 0.810,
        "gpt-oss-120b": 0.767,
        "gpt-oss-20b": 0.759,
    }
    assert "5,083" in found.known_by
    assert published_for("0" * 32, "toxicchat", TOXICCHAT_TEXTS - 1, ()) is None
    assert published_for("0" * 32, None, TOXICCHAT_TEXTS, ()) is None
