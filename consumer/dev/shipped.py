"""The policies that come with the service: in the wheel beside this file, else in the checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGED = Path(__file__).parent / "policies"
"""The wheel puts them there; an editable install and a checkout have none."""


def shipped_policies() -> Path:
    """The folder of the policy sets for chat.messages and comments.posted."""
    return PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[2] / "policies"
