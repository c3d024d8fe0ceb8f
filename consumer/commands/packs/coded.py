"""
A policy whose headings name its labels, as the teen-safety packs and the model's guide have it.

`## Allowed content (DC0 - …)`, or `## VIOLATES (1)`: points below it with rule ids, then what the
answer should be, and somewhere a section about the format of answers, with examples. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace

from consumer.commands.packs.answers import FORMAT_TITLE, Reason, kept_of, reason_against
from consumer.commands.packs.cut import Cut, PackPolicy, in_order
from consumer.commands.packs.labels import (
    LabelledExample,
    example_in,
    heading_of,
    label_in,
    label_meant,
    outcome_of,
    rule_in,
)
from consumer.commands.packs.passages import Chapter, Passage, chapters_of
from consumer.domain.policy import Example, Outcome, Policy
from consumer.errors import Flaw

EXAMPLES_MAX = 40
"""Of one policy, as its front matter allows; whatever is more makes good cases."""
EXAMPLE_CHARS_MAX = 2_000
"""Of one example."""
EVERYTHING_ELSE = "OK"
"""The label that is added where a pack names none for what is allowed."""
REST = f"## {EVERYTHING_ELSE}: Everything else\n\n- Whatever no other section names."
_FRONT = re.compile(r"---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_CONTENT = re.compile(r"\*{0,2}Content\*{0,2}:\*{0,2}[ \t]*(?P<text>.+)", re.DOTALL)
_LABEL_WORD = re.compile(r"\(\s*label\s*:?\s*([^()]{1,40})\)", re.IGNORECASE)


def read_coded(file: str, name: str, text: str) -> PackPolicy | list[Flaw]:
    """The policy in a document; `file` is its name in messages, `name` what it is called here."""
    reading = _Reading(file)
    front = _FRONT.match(text)
    if front:
        reading.cut(
            Passage(1, front[0]), Reason("front matter of another kind: it is not read", True)
        )
        text = "\n" * front[0].count("\n") + text[front.end() :]
    sections = chapters_of(text)
    title = _title(sections) or name.replace("-", " ").replace("_", " ").capitalize()
    outcomes: dict[str, Outcome] = {}
    for section in sections:
        label = label_in(section.title)
        if label is not None and label not in outcomes:
            said = " ".join(each.text for each in section.passages if _is_output(each))
            outcomes[label] = outcome_of(label, section.title, said)
    if not outcomes:
        problem = "no heading names a label, as in `## VIOLATES (1)` or `## Praise (DC1 - praise)`"
        return [Flaw(file, 1, problem)]
    if Outcome.ALLOW not in outcomes.values():
        outcomes[EVERYTHING_ELSE] = Outcome.ALLOW
        # A document of its own, so that it stands below nothing that is left out.
        sections += chapters_of(REST)
        words = f"{EVERYTHING_ELSE} was added: there was no label for what is allowed"
        reading.lost.append(Cut(file, 1, words, "an answer needs a label"))
    outcomes = dict(sorted(outcomes.items(), key=lambda each: each[1].severity))
    body = reading.body(sections, outcomes)
    policy = Policy(
        name, title, body, outcomes, reading.rules, tuple(reading.examples(outcomes).values())
    )
    return PackPolicy(file, policy, in_order(reading.taken_out), in_order(reading.lost))


def _title(sections: list[Chapter]) -> str | None:
    """The name of the document; its heading goes, for the prompt says it by itself."""
    for at, section in enumerate(sections[:2]):
        is_bold = section.level == 2 and "(#" in section.title
        if (section.level == 1 or is_bold) and label_in(section.title) is None:
            sections[at] = replace(section, level=0, title="")
            return re.sub(r"[ \t]*\(#[\w-]{1,16}\)", "", section.title).strip() or None
    return None


def _is_output(passage: Passage) -> bool:
    return re.match(r"[ \t>*_-]*output[ \t*_]*:", passage.text, re.IGNORECASE) is not None


class _Reading:
    """What is found in one document while its sections are gone through."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.taken_out: list[Cut] = []
        self.lost: list[Cut] = []
        self.rules: dict[str, str] = {}
        self._found: list[tuple[Passage, LabelledExample]] = []

    def cut(self, passage: Passage, reason: Reason) -> None:
        where = self.lost if reason.is_lost else self.taken_out
        where.append(Cut(self._file, passage.line, passage.text.strip(), reason.why))

    def body(self, sections: list[Chapter], outcomes: dict[str, Outcome]) -> str:
        kept: list[str] = []
        format_level = 0
        for section in sections:
            if not format_level or section.level <= format_level:
                format_level = section.level if FORMAT_TITLE.search(section.title) else 0
            if format_level:
                self._leave_out(section, outcomes)
                continue
            stub = None if section.passages else reason_against(f"{section.title}:", outcomes)
            if stub is not None:
                self.cut(Passage(section.line, section.title), stub)
                continue
            passages = self._passages(section, outcomes)
            is_emptied = bool(section.passages) and not passages
            if is_emptied and label_in(section.title) is None:
                continue
            title = heading_of(section.title) if label_in(section.title) else section.title
            kept.append(replace(section, title=title, passages=passages).text)
        return "\n\n".join(part for part in kept if part) + "\n"

    def _leave_out(self, section: Chapter, outcomes: dict[str, Outcome]) -> None:
        """A section that says how to answer; the examples in it are wanted all the same."""
        reason = Reason("says how to answer", False)
        self.cut(Passage(section.line, section.title), reason)
        for passage in section.passages:
            if not self._take_example(passage, outcomes):
                found = reason_against(passage.text, outcomes)
                self.cut(passage, found if found and found.is_lost else reason)

    def _passages(self, section: Chapter, outcomes: dict[str, Outcome]) -> list[Passage]:
        is_examples = section.title.lower().startswith("example")
        due = _LABEL_WORD.search(section.title) if is_examples else None
        kept: list[Passage] = []
        for passage in section.passages:
            rule = rule_in(passage.text, outcomes)
            if rule is not None:
                self.rules.setdefault(*rule)
                kept.append(passage)
                continue
            content = _CONTENT.fullmatch(passage.text) if due else None
            if due and content:
                example = LabelledExample(content["text"].strip(' "“”'), due[1])
                self._found.append((passage, example))
                continue
            if is_examples and self._take_example(passage, outcomes):
                continue
            stays, gone = kept_of(passage, outcomes)
            for each, reason in gone:
                self.cut(each, reason)
            kept += [] if stays is None else [stays]
        return kept

    def _take_example(self, passage: Passage, outcomes: dict[str, Outcome]) -> bool:
        example = example_in(passage.text)
        if example is None:
            return False
        is_head = passage.text.lstrip().startswith("|") and not (
            label_meant(example.label, outcomes) or re.search(r"\d", example.label)
        )
        if is_head:
            return False
        self._found.append((passage, example))
        return True

    def examples(self, outcomes: dict[str, Outcome]) -> dict[str, Example]:
        """By their texts, each once; what is none for these labels is said to be lost."""
        found: dict[str, Example] = {}
        for passage, example in self._found:
            label = label_meant(example.label, outcomes)
            if label is None and re.search(r"[,;/+]", example.label):
                self.cut(passage, Reason("an answer has one label: make two policies of it", True))
            elif label is None:
                self.cut(passage, Reason(f"the policy has no label {example.label}", True))
            elif len(found) >= EXAMPLES_MAX or len(example.text) > EXAMPLE_CHARS_MAX:
                self.cut(passage, Reason("is more than the prompt has room for", True))
            else:
                found.setdefault(example.text, Example(example.text, label))
        return found
