"""The policies that come with the service: in the wheel, else in the checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGED = Path(__file__).parents[1] / "policies"
"""The wheel puts them there; an editable install and a checkout have none."""


def shipped_policies() -> Path:
    """The sets for chat.messages and comments.posted, and below `evaluation/` those of presets."""
    return PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[2] / "policies"
