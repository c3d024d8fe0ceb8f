"""What of a message is its answer, and what is only thought: content as text or as parts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from consumer.domain.value import Value
from consumer.domain.verdicts.verdict import Tokens
from consumer.inference.blame.fault import Fault

CHOICES_MAX = 8
"""One is asked for; what comes with more than these is no answer."""
ANSWERS = ("text", "output_text")
"""Types of parts that are the answer; a part of any other type, or of none, never is."""
THOUGHTS = ("reasoning", "reasoning_text", "summary_text", "thinking")
PARTS_MAX = 64
"""Parts of one answer. Protocol: servers write one to three; more are not read."""
DEPTH_MAX = 4
"""How deep a part may lie in others. Protocol: two levels are known (summaries of reasoning)."""


class Said(Value, frozen=True):
    """What a model said."""

    answer: str = ""
    """Several parts are joined by line breaks and not chosen from: where they disagree nothing is
    read, and no label comes about by the joining."""
    reasoning: str = ""
    is_refusal: bool = False


Content = tuple[Sequence[Said | Fault], Tokens]
"""
What the body of a 200 holds: at least one choice, where one was asked for and a fault is of that
choice alone, and what they cost.
"""


def said_in(content: object, reasoning: str | None = None) -> Said:
    """
    Read the content of a message; what is neither text nor parts, nor one part, says nothing.

    `reasoning` is what came beside it; without any it is that of the parts.
    """
    if isinstance(content, str):
        return Said(content, reasoning or "")
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return Said("", reasoning or "")
    answers: list[str] = []
    thoughts: list[str] = []
    is_refusal = False
    for part in content[:PARTS_MAX]:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ANSWERS and isinstance(part.get("text"), str):
            answers.append(part["text"])
        elif kind in THOUGHTS:
            thoughts += texts_in(part)
        is_refusal |= kind == "refusal"
    if len(content) > PARTS_MAX:
        answers.append("…")
    thought = "\n".join(thoughts) if reasoning is None else reasoning
    return Said("\n".join(answers), thought, is_refusal)


def texts_in(part: object, depth: int = DEPTH_MAX) -> list[str]:
    """Every text of a thought, which hosts nest in several ways."""
    if isinstance(part, str):
        return [part]
    if not depth:
        return []
    inner: list[object] = []
    if isinstance(part, dict):
        inner = [part.get(name) for name in ("text", "summary", "content", "thinking")]
    elif isinstance(part, list):
        inner = part[:PARTS_MAX]
    return [text for each in inner for text in texts_in(each, depth - 1)]
