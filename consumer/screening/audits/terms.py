"""Audit terms: how much is looked at again, and how sure what is said of it has to be."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.errors import InvalidSettings

SHARE_MIN = 0.001
"""A smaller floor makes one miss weigh a thousand messages and nothing is ever shown."""
RECALL_MIN, RECALL_MAX = 0.5, 0.999
"""Below, a filter is none; above, no topic has the evidence (3,000 positives, none missed)."""


@dataclass(frozen=True, slots=True)
class AuditTerms:
    """
    The demanded recall and how it is watched.

    Raises:
        InvalidSettings: a number is out of its range; the message names it.
    """

    recall: float = 0.99
    """Share of the positives that must reach the model."""
    alpha: float = 0.05
    """The chance that a filter is certified although its recall is lower."""
    floor: float = 0.02
    """Share audited of what is settled, everywhere."""
    near: float = 0.3
    """Share audited of what is settled near the threshold, where most misses lie."""
    near_share: float = 0.05
    """So much of what is settled counts as near: the part with the highest scores."""
    run_length: float = 20_000.0
    """
    Mean number of messages between false alarms, counted in positives (settled and audited, or
    judged anyway): at 5 % positives 20,000 of them are 400,000 messages judged.
    """

    seen_min: float = 1.0
    """Least share of what this stage does not settle that a later stage's audits look at."""

    def __post_init__(self) -> None:
        self._check("recall", self.recall, RECALL_MIN, RECALL_MAX)
        self._check("alpha", self.alpha, 0.0001, 0.5)
        self._check("floor", self.floor, SHARE_MIN, 1.0)
        self._check("near", self.near, self.floor, 1.0)
        self._check("near_share", self.near_share, 0.0, 1.0)
        self._check("seen_min", self.seen_min, SHARE_MIN, 1.0)
        self._check("run_length", self.run_length, 100.0, 1e9)

    def _check(self, name: str, value: float, least: float, most: float) -> None:
        if not least <= value <= most:
            raise InvalidSettings(f"{name} = {value}: it must lie between {least:g} and {most:g}")


def weaker(recall: float, alpha: float, terms: AuditTerms, what: str, command: str) -> str | None:
    """
    Why evidence for `recall` at `alpha` is not what is demanded; None where it is.

    `what` is the file and what was done, as in `f was made`; `command` does it again.
    """
    if recall < terms.recall:
        return (
            f"{what} for recall {recall:g} and {terms.recall:g} is demanded: {command} "
            f"--recall {terms.recall:g}, or demand less"
        )
    if alpha > terms.alpha:
        return (
            f"{what} with a chance of {alpha:g} that its recall is lower, and alpha = "
            f"{terms.alpha:g} is demanded: {command} --alpha {terms.alpha:g}, or demand less"
        )
    return None
