"""Artefact: thresholds for one policy version and one decision model, with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.head import Counts, FrozenFields, RecallShown, Share
from consumer.screening.sealed import digest_of, read_sealed, seal, unseal, write_sealed

MAGIC = b"safeguard decision 1\n"
AGAIN = "fit it anew with `safeguard decision fit`"


class Survival(FrozenFields):
    """What became of answers that were asked for in other ways."""

    texts: int = Field(ge=0)
    flips: dict[str, int]
    """By way: texts that were settled in one way and not in the other."""

    @property
    def share(self) -> float:
        """Of the way with the most flips."""
        return max(self.flips.values(), default=0) / self.texts if self.texts else 1.0


class DecisionHead(FrozenFields):
    """All that is known of how surely a decision model settles one version's messages."""

    form: Literal[1] = 1
    made_at: str
    """RFC 3339."""
    version: str
    """`topic@v2`, for people."""
    version_digest: str
    model: str
    """As it was asked for."""
    answered_by: str
    """As it named itself; empty where it did not."""
    wire: str
    statements: dict[str, str]
    """By policy: what was asked."""
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]]
    """By policy: a text is settled where every probability lies below its own."""
    near_from: float = Share
    """Of the threshold: settled texts from here on are audited more often."""
    fitted: Counts
    certified: Counts
    recall: float = Share
    """Demanded."""
    alpha: float = Field(gt=0, lt=1)
    shown: RecallShown
    survival: Survival
    flips_max: float = Share
    """Share of texts that may flip, for each way of asking."""

    @property
    def problem(self) -> str | None:
        """Why it may settle nothing; None where it shows what it must."""
        shown, survival = self.shown, self.survival
        if shown.low < self.recall or not shown.positives:
            return (
                f"has no evidence for recall {self.recall:g}: {shown.low:.3f} was shown with "
                f"{shown.positives} golden cases that are not allowed, {shown.missed} of them "
                "missed. Add cases to cases.jsonl, or demand less"
            )
        if survival.share > self.flips_max:
            figures = ", ".join(f"{name} {count}" for name, count in survival.flips.items())
            return (
                f"rests on answers that do not survive: of {survival.texts} texts flipped by "
                f"{figures}, and {self.flips_max:.0%} may. Ask more plainly, or another model"
            )
        return None


class DecisionArtefact(NamedTuple):
    """The thresholds as they were read or made."""

    head: DecisionHead
    digest: str


def made(head: DecisionHead) -> DecisionArtefact:
    return DecisionArtefact(head, digest_of(seal(MAGIC, head)))


def read_decision(file: Path) -> DecisionArtefact:
    """
    Read thresholds.

    Raises:
        InvalidSettings: the file cannot be read, or is none; the message names it.
    """
    content = read_sealed(file)
    head, rest = unseal(MAGIC, content, str(file), DecisionHead, AGAIN)
    if rest or head.thresholds.keys() != head.statements.keys() or not head.thresholds:
        raise InvalidSettings(f"{file} has not one threshold for each policy: {AGAIN}")
    return DecisionArtefact(head, digest_of(content))


def write_decision(file: Path, artefact: DecisionArtefact) -> None:
    """Whole or not at all."""
    write_sealed(file, seal(MAGIC, artefact.head))


def mismatch(head: DecisionHead, version_digest: str, statements: Mapping[str, str]) -> str | None:
    """Why it is not for a version; None where it is."""
    if head.version_digest != version_digest:
        return (
            f"the thresholds for {head.version} were fitted for policy version "
            f"{head.version_digest!r} and {version_digest!r} is in force: {AGAIN}"
        )
    # The title's wording belongs to the release, and the topic says what its texts are.
    if head.statements != statements:
        return f"the policies of {head.version} are asked about in other words by now: {AGAIN}"
    return None


def unlike(head: DecisionHead, model: str, wire: str | None) -> str | None:
    """Why it is not for what is asked; None where it is."""
    for what, asked, fitted in (("model", model, head.model), ("wire", wire, head.wire)):
        if asked != fitted:
            return (
                f"the thresholds for {head.version} were fitted for the decision {what} "
                f"{fitted!r} and {asked!r} is asked: {AGAIN}"
            )
    return None
