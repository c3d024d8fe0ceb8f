"""Labels in the headings of a document, rule ids below them, and labelled examples. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from consumer.domain.policy import Outcome

CODE = r"[A-Z]{1,8}[0-9]{1,2}|[0-9]|OK"
"""What packs call their labels: DC0, SP4, 1; and what is added where they name none."""
RULE_WORDS_MAX = 80
"""Of what a rule says under `rules`; all of it stands in the text."""
EXAMPLE_LOOK_CHARS = 4_000
"""A longer passage is no example: the front matter takes half as much."""
_IN_TITLE = (
    re.compile(rf"\([ \t]*label[ \t]*:?[ \t]*(?P<label>{CODE})[ \t]*\)", re.IGNORECASE),
    re.compile(rf"\([ \t]*(?P<label>{CODE})[ \t]*(?:[-–—:](?P<words>[^()]*))?\)"),
    re.compile(rf"^(?P<label>{CODE})[ \t]*[:–—-]"),
)
_ALLOWS = re.compile(
    r"\b(?:does not|do not|doesn't|non)[- ]*(?:violat|appl)|"
    r"(?<!not )\b(?:safe|allowed|acceptable|permitted|benign|harmless|everything else)\b",
    re.IGNORECASE,
)
_ARROW = re.compile(
    r"[ \t]*(?:[-*+][ \t]+)?[\"“](?P<text>.+)[\"”][ \t]*(?:->|→|=>|is|:)[ \t]*"
    r"[`*]*(?P<label>[^`*]{1,60}?)[`*]*[ \t]*\.?$",
    re.DOTALL,
)
_ROW = re.compile(r"[ \t]*\|[ \t]*(?P<text>.+?)[ \t]*\|[ \t]*(?P<label>[^|]{1,60}?)[ \t]*\|[ \t]*$")
_QUOTES = re.compile(r"^[\"“](.*)[\"”]$", re.DOTALL)


def label_in(title: str) -> str | None:
    """The label that a heading names, as in `Allowed (DC0 - safe)` or `HH2: Attacks`."""
    if title.lower().startswith("example"):
        return None
    for shape in _IN_TITLE:
        found = shape.search(title)
        if found:
            return found["label"]
    return None


def heading_of(title: str) -> str:
    """A heading that names a label, as ours do: the label first, as in `DC0: Allowed (safe)`."""
    for shape in _IN_TITLE:
        found = shape.search(title)
        if found:
            more = (found.groupdict().get("words") or "").strip()
            rest = f"{title[: found.start()].strip()} {title[found.end() :].strip()}".strip()
            words = " ".join(filter(None, (rest, f"({more})" if more else "")))
            return f"{found['label']}: {words}" if words else found["label"]
    return title


def foreign_heading_of(title: str, label: str) -> str:
    """The same as others have it, the label in brackets behind the words."""
    words = heading_of(title).partition(":")[2].strip()
    found = re.fullmatch(r"(?P<rest>.*?)[ \t]*\((?P<more>[^()]+)\)", words)
    if found:
        return f"{found['rest']} ({label} - {found['more']})".strip()
    return f"{words} ({label})".strip()


def outcome_of(label: str, title: str, output: str) -> Outcome:
    """
    What a label leads to, as far as a pack says: to nothing, or to a person who looks.

    `output` is what the pack wants as the answer below this heading. Which labels block is for
    whoever brings the pack to decide.
    """
    if re.search(r"(?<![\w-])INVALID(?![\w-])", output):
        return Outcome.FLAG
    if re.search(r"(?<![\w-])VALID(?![\w-])", output) or _ALLOWS.search(title):
        return Outcome.ALLOW
    is_first = re.fullmatch(r"[A-Z]*0+", label) is not None
    return Outcome.ALLOW if is_first else Outcome.FLAG


def rule_in(passage: str, labels: Collection[str]) -> tuple[str, str] | None:
    """The rule id that a point begins with, and what it says in a few words."""
    found = _RULE.match(passage)
    if not found or found["label"] not in labels:
        return None
    rest = " ".join(re.sub(r"[*`]", "", found["words"]).split())
    words = re.split(r": | [–—-] | [\"“]", rest)[0].strip(' :-–—"“”')[:RULE_WORDS_MAX].strip()
    return found["id"], words or "as the text says"


_RULE = re.compile(
    rf"[ \t]*(?:[-*+][ \t]+)?[*`]*(?P<id>(?P<label>{CODE})\.[A-Za-z0-9]{{1,8}})\b[*`]*:?[ \t]*"
    r"(?P<words>.*)",
    re.DOTALL,
)


class LabelledExample(NamedTuple):
    """An example of a pack: a text, and what is said to be its label."""

    text: str
    label: str


def example_in(passage: str) -> LabelledExample | None:
    """The example in a passage: `"text" -> LABEL`, or a row `| text | LABEL |`."""
    if len(passage) > EXAMPLE_LOOK_CHARS:
        return None
    found = _ARROW.fullmatch(passage) or _ROW.fullmatch(passage)
    if not found or set(found["text"]) <= set("-: |"):
        return None
    return LabelledExample(_QUOTES.sub(r"\1", found["text"]).strip(), found["label"].strip())


def label_meant(value: str, outcomes: Mapping[str, Outcome]) -> str | None:
    """The label that a cell means: itself, or the only one with the outcome of a common word."""
    word = value.strip().strip("`*").strip()
    if word in outcomes:
        return word
    same = [label for label in outcomes if label.lower() == word.lower()]
    if same:
        return same[0]
    is_harmful = _WORDS.get(word.lower().removesuffix(".0"))
    if is_harmful is None:
        return None
    meant = [each for each, outcome in outcomes.items() if is_harmful != (outcome is Outcome.ALLOW)]
    return meant[0] if len(meant) == 1 else None


_WORDS = {
    **dict.fromkeys(("0", "false", "no", "valid", "safe", "negative", "allowed", "benign"), False),
    **dict.fromkeys(("1", "true", "yes", "invalid", "unsafe", "positive", "violating"), True),
}
"""What tables say instead of a label, and whether that is harmful."""
