"""The command `prefilter explain`: what a filter makes of a text, and why."""

from __future__ import annotations

from pathlib import Path

from consumer.commands.terminal import tell
from consumer.screening.prefilter.artefact import read_artefact
from consumer.screening.prefilter.prefilter import FilterLook, Prefilter
from consumer.screening.texts.normalise import normalised


def explain_text(file: Path, text: str, *, as_json: bool) -> int:
    """
    Print whether the text is settled, and the words that say so; 0.

    Raises:
        InvalidSettings: the file is no sound filter.
    """
    prefilter = Prefilter(read_artefact(file))
    head = prefilter.head
    look = prefilter.look(text)
    parts = prefilter.explain(text)
    fields = {
        "settled": look.is_settled,
        "asked_for": look.asked_for,
        "score": look.score,
        "threshold": head.threshold,
        "familiar": look.familiar,
        "familiar_min": head.familiar_min,
        "normalised": normalised(text),
        "parts": [part._asdict() for part in parts],
    }
    lines = [
        _said(look),
        f"score {look.score:.4f}, settled below {head.threshold:.4f}",
        f"{look.familiar:.0%} of its words are familiar, at least {head.familiar_min:.0%} must be",
        f"read as: {normalised(text)}",
        *(f"{part.adds:+8.3f}  {part.words}" for part in parts),
    ]
    tell(fields, lines, as_json=as_json)
    return 0


def _said(look: FilterLook) -> str:
    if look.asked_for is None:
        return "settled: allowed without the model, but for the audits"
    if look.asked_for in ("score", "unfamiliar words", "no words"):
        return f"the model is asked, for its {look.asked_for}"
    return f"the model is asked: the text looks disguised ({look.asked_for})"
